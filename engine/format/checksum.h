// The two checksums of the format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <daybook/types.h>

namespace daybook::format {

// CRC32C (Castagnoli): guards each frame and each small structure. Set in stone, because it is on disk.
//
// Works on the raw register: start with kCrcInit, extend as often as needed, store the register as it is. The empty
// input and all-zero input therefore never give zero.
inline constexpr std::uint32_t kCrcInit = 0xffffffffu;

std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t size) noexcept;
std::uint32_t crc32c_u64(std::uint32_t crc, std::uint64_t value) noexcept;

// From kCrcInit over two words and then the bytes, in one call: the way of every frame.
std::uint32_t crc32c_framed(std::uint64_t first, std::uint64_t second, const void* data, std::size_t size) noexcept;

// XXH3-128: guards a sealed segment as a whole.
struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};
Hash128 xxh3_128(std::span<const std::byte> bytes) noexcept;
Hash128 xxh3_128(std::span<const std::byte> bytes, std::uint64_t seed) noexcept;

}  // namespace daybook::format
