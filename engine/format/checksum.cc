#include "format/checksum.h"

#include <array>
#include <cstring>

#if DAYBOOK_HAVE_ISAL
#include <isa-l/crc.h>
#endif
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "format/crc32c.h"

namespace daybook::format {
namespace {

// One table look-up per byte: for machines without a CRC32C instruction when ISA-L is not there either.
constexpr std::array<std::uint32_t, 256> kTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
    table[byte] = crc;
  }
  return table;
}();

[[maybe_unused]] std::uint32_t crc32c_table(std::uint32_t crc, const std::uint8_t* at, std::size_t size) noexcept {
  for (; size > 0; --size, ++at) crc = (crc >> 8) ^ kTable[(crc ^ *at) & 0xff];
  return crc;
}

std::uint32_t crc32c_folded(std::uint32_t crc, const std::uint8_t* at, std::size_t size) noexcept {
#if DAYBOOK_HAVE_ISAL
  // ISA-L takes an int and a pointer to non-const, and writes nothing through it.
  for (constexpr std::size_t kStep = std::size_t{1} << 30; size > kStep; size -= kStep, at += kStep) {
    crc = crc32_iscsi(const_cast<std::uint8_t*>(at), static_cast<int>(kStep), crc);
  }
  return crc32_iscsi(const_cast<std::uint8_t*>(at), static_cast<int>(size), crc);
#else
  return crc32c_table(crc, at, size);
#endif
}

#if defined(__x86_64__)

DAYBOOK_CRC_TARGET std::uint32_t crc32c_plain(std::uint32_t crc, const std::uint8_t* at, std::size_t size) noexcept {
  return crc_run(crc, at, size);
}

DAYBOOK_CRC_TARGET std::uint32_t crc32c_framed_plain(std::uint64_t first, std::uint64_t second, const std::uint8_t* at,
                                                     std::size_t size) noexcept {
  return crc_run(crc_step(crc_step(kCrcInit, first), second), at, size);
}

#endif

}  // namespace

std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t size) noexcept {
  const auto* at = static_cast<const std::uint8_t*>(data);
#if defined(__x86_64__)
  if (size <= kCrcPlainMax && kCrcInstruction) return crc32c_plain(crc, at, size);
#endif
  return crc32c_folded(crc, at, size);
}

std::uint32_t crc32c_u64(std::uint32_t crc, std::uint64_t value) noexcept { return crc32c(crc, &value, sizeof(value)); }

std::uint32_t crc32c_framed(std::uint64_t first, std::uint64_t second, const void* data, std::size_t size) noexcept {
#if defined(__x86_64__)
  if (size <= kCrcPlainMax && kCrcInstruction) [[likely]] {
    return crc32c_framed_plain(first, second, static_cast<const std::uint8_t*>(data), size);
  }
#endif
  return crc32c(crc32c_u64(crc32c_u64(kCrcInit, first), second), data, size);
}

Hash128 xxh3_128(std::span<const std::byte> bytes) noexcept { return xxh3_128(bytes, 0); }

Hash128 xxh3_128(std::span<const std::byte> bytes, std::uint64_t seed) noexcept {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {hash.low64, hash.high64};
}

}  // namespace daybook::format
