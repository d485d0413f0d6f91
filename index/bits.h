// Numbers of less than 57 bits one behind the other, the lowest bit first, as packed structures have them.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace daybook::index {

// Bytes that must be there behind the last one with bits of a number: it is read as a word.
inline constexpr std::size_t kBitsPad = 8;
// So many bytes with those, to a multiple of 8.
constexpr std::uint64_t padded(std::uint64_t size) noexcept { return (size + 7) / 8 * 8 + kBitsPad; }
inline bool is_zero(std::span<const std::byte> bytes) noexcept {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

inline constexpr std::uint32_t kWordBits = 64;

inline std::uint64_t load_word(const void* at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

constexpr std::uint32_t count_bits(std::uint64_t word) noexcept {
  return static_cast<std::uint32_t>(std::popcount(word));
}

// `width` is below kWordBits.
constexpr std::uint64_t low_bits(std::uint32_t width) noexcept { return (std::uint64_t{1} << width) - 1; }

// `width` bits from bit `at` of the data on; at most 57.
inline std::uint64_t load_bits(const std::byte* data, std::uint64_t at, std::uint32_t width) noexcept {
  return load_word(data + at / 8) >> (at % 8) & low_bits(width);
}

// The same in the other direction: puts a number into bits that are zero.
inline void store_bits(std::byte* data, std::uint64_t at, std::uint64_t number) noexcept {
  const std::uint64_t word = load_word(data + at / 8) | number << (at % 8);
  std::memcpy(data + at / 8, &word, sizeof(word));
}

}  // namespace daybook::index
