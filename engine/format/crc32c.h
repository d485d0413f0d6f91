// The CRC32C instruction, for functions whose time is mostly that chain of instructions: they inline it. Everybody else
// calls format/checksum.h, which finds out by itself what the processor has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
// A function with this attribute may be run only where has_crc_instruction().
#define DAYBOOK_CRC_TARGET __attribute__((target("sse4.2")))
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
inline const bool kCrcInstruction = __builtin_cpu_supports("sse4.2") != 0;

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

}  // namespace daybook::format
