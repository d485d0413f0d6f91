#include "index/words.h"

#include <bit>
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
  int bits = 0;
  for (std::size_t i = 0; i < kSlabWords; ++i) bits += std::popcount(load(a, i) & load(b, i));
  return static_cast<std::uint32_t>(bits);
}

std::uint32_t count(const std::byte* bits, std::size_t words) noexcept {
  int sum = 0;
  for (std::size_t i = 0; i < words; ++i) sum += std::popcount(load(bits, i));
  return static_cast<std::uint32_t>(sum);
}

constexpr WordFunctions kFunctions{intersect, count_both, count};

}  // namespace plain

#if defined(__x86_64__)

// Functions of their own, because what is compiled for every processor may neither use these instructions nor take such
// functions in.
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
  int bits = 0;
  for (std::size_t i = 0; i < kSlabWords; ++i) {
    std::uint64_t of_a;
    std::uint64_t of_b;
    std::memcpy(&of_a, a + i * kWord, kWord);
    std::memcpy(&of_b, b + i * kWord, kWord);
    bits += __builtin_popcountll(of_a & of_b);
  }
  return static_cast<std::uint32_t>(bits);
}

__attribute__((target("popcnt"))) std::uint32_t count(const std::byte* bits, std::size_t words) noexcept {
  int sum = 0;
  for (std::size_t i = 0; i < words; ++i) {
    std::uint64_t word;
    std::memcpy(&word, bits + i * kWord, kWord);
    sum += __builtin_popcountll(word);
  }
  return static_cast<std::uint32_t>(sum);
}

constexpr WordFunctions kFunctions{intersect, count_both, count};

}  // namespace fast

#endif

}  // namespace

const WordFunctions& plain_word_functions() noexcept { return plain::kFunctions; }

const WordFunctions* fast_word_functions() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt")) return &fast::kFunctions;
#endif
  return nullptr;
}

const WordFunctions& word_functions() noexcept {
  static const WordFunctions& chosen =
      fast_word_functions() != nullptr ? *fast_word_functions() : plain_word_functions();
  return chosen;
}

}  // namespace daybook::index
