#include "index/words.h"

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace daybook::index {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

std::uint64_t load(const std::byte* bits, std::size_t word) noexcept {
  std::uint64_t value;
  std::memcpy(&value, bits + word * kWord, kWord);
  return value;
}

// Taken into the functions below, and so compiled with the instructions of each.
template <typename Word>
[[gnu::always_inline]] inline std::uint32_t count_bits(std::size_t words, const Word& word) noexcept {
  int bits = 0;
  for (std::size_t i = 0; i < words; ++i) bits += __builtin_popcountll(word(i));
  return static_cast<std::uint32_t>(bits);
}

struct Bits {
  const std::byte* bits;
  [[gnu::always_inline]] std::uint64_t operator()(std::size_t i) const noexcept { return load(bits, i); }
};

struct BitsOfBoth {
  const std::byte* a;
  const std::byte* b;
  [[gnu::always_inline]] std::uint64_t operator()(std::size_t i) const noexcept { return load(a, i) & load(b, i); }
};

namespace plain {

bool intersect(const std::byte* a, const std::byte* b, std::byte* out) noexcept {
  std::uint64_t any = 0;
  for (std::size_t i = 0; i < kSlabWords; ++i) {
    const std::uint64_t both = load(a, i) & load(b, i);
    any |= both;
    std::memcpy(out + i * kWord, &both, kWord);
  }
  return any != 0;
}

std::uint32_t count_both(const std::byte* a, const std::byte* b) noexcept {
  return count_bits(kSlabWords, BitsOfBoth{a, b});
}

std::uint32_t count(const std::byte* bits, std::size_t words) noexcept { return count_bits(words, Bits{bits}); }

constexpr WordFunctions kFunctions{intersect, count_both, count};

}  // namespace plain

#if defined(__x86_64__)

// Functions of their own, because one that is compiled for every processor cannot use these instructions.
namespace fast {

__attribute__((target("avx2"))) bool intersect(const std::byte* a, const std::byte* b, std::byte* out) noexcept {
  constexpr std::size_t kStep = sizeof(__m256i);
  __m256i any = _mm256_setzero_si256();
  for (std::size_t at = 0; at < kBitsetSize; at += kStep) {
    const __m256i both = _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(a + at)),
                                          _mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(b + at)));
    any = _mm256_or_si256(any, both);
    _mm256_storeu_si256(reinterpret_cast<__m256i_u*>(out + at), both);
  }
  return _mm256_testz_si256(any, any) == 0;
}

__attribute__((target("popcnt"))) std::uint32_t count_both(const std::byte* a, const std::byte* b) noexcept {
  return count_bits(kSlabWords, BitsOfBoth{a, b});
}

__attribute__((target("popcnt"))) std::uint32_t count(const std::byte* bits, std::size_t words) noexcept {
  return count_bits(words, Bits{bits});
}

constexpr WordFunctions kFunctions{intersect, count_both, count};

}  // namespace fast

#endif

const WordFunctions& choose() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt")) return fast::kFunctions;
#endif
  return plain::kFunctions;
}

}  // namespace

const WordFunctions& plain_word_functions() noexcept { return plain::kFunctions; }

const WordFunctions& word_functions() noexcept {
  static const WordFunctions& chosen = choose();
  return chosen;
}

}  // namespace daybook::index
