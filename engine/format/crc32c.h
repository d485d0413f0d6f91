// The CRC32C instruction, for functions whose time is mostly that chain of instructions: they inline it. Everybody else
// calls format/checksum.h, which finds out by itself what the processor has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <wmmintrin.h>

#include <array>
// A function with this attribute may be run only where kCrcInstruction.
#define DAYBOOK_CRC_TARGET __attribute__((target("sse4.2,pclmul")))
#else
#include "format/checksum.h"
#define DAYBOOK_CRC_TARGET
#endif

namespace daybook::format {

// Up to here the plain instruction loop is faster than ISA-L's folding, which begins at 256 bytes (measured: 17 against
// 33 ns at 232 bytes, 26 against 12 ns at 256).
#if DAYBOOK_HAVE_ISAL
inline constexpr std::size_t kCrcPlainMax = 255;
#else
inline constexpr std::size_t kCrcPlainMax = ~std::size_t{0};
#endif

#if defined(__x86_64__)
// And the carry-less multiplication that joins two checksums; no processor since 2010 has one without the other.
inline const bool kCrcInstruction = __builtin_cpu_supports("sse4.2") != 0 && __builtin_cpu_supports("pclmul") != 0;

DAYBOOK_CRC_TARGET inline std::uint64_t crc_step(std::uint64_t crc, std::uint64_t value) noexcept {
  return _mm_crc32_u64(crc, value);
}
DAYBOOK_CRC_TARGET inline std::uint32_t crc_step_byte(std::uint32_t crc, std::uint8_t value) noexcept {
  return _mm_crc32_u8(crc, value);
}
#else
inline constexpr bool kCrcInstruction = true;

inline std::uint64_t crc_step(std::uint64_t crc, std::uint64_t value) noexcept {
  return crc32c_u64(static_cast<std::uint32_t>(crc), value);
}
inline std::uint32_t crc_step_byte(std::uint32_t crc, std::uint8_t value) noexcept { return crc32c(crc, &value, 1); }
#endif

DAYBOOK_CRC_TARGET inline std::uint64_t crc_step(std::uint64_t crc, const std::uint8_t* at) noexcept {
  std::uint64_t value;
  std::memcpy(&value, at, sizeof(value));
  return crc_step(crc, value);
}

// The chain of instructions takes 3 cycles for each 8 bytes. Unrolled, so that little else stands in the processor's
// window and the work around a frame's checksum runs in its shadow.
DAYBOOK_CRC_TARGET inline std::uint32_t crc_run(std::uint64_t crc, const std::uint8_t* at, std::size_t size) noexcept {
  for (; size >= 32; size -= 32, at += 32) {
    crc = crc_step(crc_step(crc_step(crc_step(crc, at), at + 8), at + 16), at + 24);
  }
  for (; size >= 8; size -= 8, at += 8) crc = crc_step(crc, at);
  auto narrow = static_cast<std::uint32_t>(crc);
  for (; size > 0; --size, ++at) narrow = crc_step_byte(narrow, *at);
  return narrow;
}

// Most bytes that crc_halves() and crc_carry() go over.
inline constexpr std::size_t kCrcHalvesMax = 256;

#if defined(__x86_64__)

// kCrcOver[n]: what a checksum is multiplied by to carry it over n words, when the product then goes through one more
// step of the instruction: x^(64 n - 33) modulo the polynomial of CRC32C, in the bit order of the instruction.
inline constexpr std::array<std::uint64_t, kCrcHalvesMax / 8 + 1> kCrcOver = [] {
  std::array<std::uint64_t, kCrcHalvesMax / 8 + 1> over{};
  std::uint32_t power = 0x80000000;  // x^0
  std::size_t exponent = 0;
  for (std::size_t n = 1; n < over.size(); ++n) {
    for (; exponent < 64 * n - 33; ++exponent) power = (power >> 1) ^ ((power & 1) != 0 ? 0x82f63b78 : 0);
    over[n] = power;
  }
  return over;
}();

DAYBOOK_CRC_TARGET inline std::uint64_t crc_product(std::uint64_t crc, std::size_t words) noexcept {
  const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<long long>(crc)),
                                               _mm_cvtsi64_si128(static_cast<long long>(kCrcOver[words])), 0);
  return static_cast<std::uint64_t>(_mm_cvtsi128_si64(product));
}

// A checksum as it is when 1 to kCrcHalvesMax / 8 more words have gone by, but for what those words are: that is their
// own checksum, begun with 0, and the two are joined by XOR. So the bytes before and those behind have a chain each.
DAYBOOK_CRC_TARGET inline std::uint64_t crc_carry(std::uint64_t crc, std::size_t words) noexcept {
  return crc_step(0, crc_product(crc, words));
}

// crc_run() for 16 to kCrcHalvesMax bytes, a multiple of 8. The instruction takes 3 cycles and may begin in each of them; here
// each half has a chain of its own, and a carry-less multiplication joins them. For where much else is to be done: between
// checksums alone, single chains overlap as well.
DAYBOOK_CRC_TARGET inline std::uint32_t crc_halves(std::uint64_t crc, const std::uint8_t* at,
                                                   std::size_t size) noexcept {
  const std::size_t half = size / 16;
  const std::uint8_t* const middle = at + 8 * half;
  const std::uint8_t* const end = middle + 8 * half;
  std::uint64_t second = 0;
  for (std::size_t n = half; n > 1; --n) {
    crc = crc_step(crc, middle - 8 * n);
    second = crc_step(second, end - 8 * n);
  }
  crc = crc_step(crc, middle - 8);
  std::uint64_t last;
  std::memcpy(&last, end - 8, sizeof(last));
  second = crc_step(second, last ^ crc_product(crc, half));
  return static_cast<std::uint32_t>(size % 16 != 0 ? crc_step(second, end) : second);
}

#else

inline std::uint64_t crc_carry(std::uint64_t crc, std::size_t words) noexcept {
  for (; words > 0; --words) crc = crc_step(crc, std::uint64_t{0});
  return crc;
}

inline std::uint32_t crc_halves(std::uint64_t crc, const std::uint8_t* at, std::size_t size) noexcept {
  return crc_run(crc, at, size);
}

#endif

}  // namespace daybook::format
