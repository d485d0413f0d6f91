// The words of a bitset: 1,024 of 64 bits, for the ordinals of one slab. With the instructions that the processor has.
#pragma once

#include <cstddef>
#include <cstdint>

namespace daybook::index {

inline constexpr std::size_t kSlabWords = 1024;
inline constexpr std::size_t kBitsetSize = kSlabWords * sizeof(std::uint64_t);

// Bitsets are bytes wherever they lie, little endian and not aligned to anything: those of a sidecar are read in place.
struct WordFunctions {
  // The words that are in both, into `out`, which may be `a`. Whether there are any bits in them.
  bool (*intersect)(const std::byte* a, const std::byte* b, std::byte* out) noexcept;
  // How many bits are in both.
  std::uint32_t (*count_both)(const std::byte* a, const std::byte* b) noexcept;
  // How many bits are in the first `words` words.
  std::uint32_t (*count)(const std::byte* bits, std::size_t words) noexcept;
};

// Those that suit this processor: with AVX2 and POPCNT where it has them. Thread safety: any thread.
const WordFunctions& word_functions() noexcept;

// Those for every processor, for tests.
const WordFunctions& plain_word_functions() noexcept;

}  // namespace daybook::index
