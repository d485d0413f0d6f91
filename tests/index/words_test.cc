#include "index/words.h"

#include <array>
#include <bit>
#include <cstring>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "support/rng.h"

namespace daybook::index {
namespace {

using Words = std::array<std::uint64_t, kSlabWords>;

// From empty to full.
Words random_words(test::Rng& rng) {
  Words words{};
  const std::uint64_t density = rng.below(5);
  for (std::uint64_t& word : words) {
    switch (density) {
      case 0: break;
      case 1: word = rng.below(200) == 0 ? std::uint64_t{1} << rng.below(64) : 0; break;
      case 2: word = rng.next() & rng.next() & rng.next(); break;
      case 3: word = rng.next(); break;
      default: word = ~std::uint64_t{0};
    }
  }
  return words;
}

// Bytes of the words at an address that is `shift` behind an aligned one.
std::vector<std::byte> bytes_of(const Words& words, std::size_t shift) {
  std::vector<std::byte> bytes(shift);
  const auto all = std::as_bytes(std::span(words));
  bytes.insert(bytes.end(), all.begin(), all.end());
  return bytes;
}

void expect_right(const WordFunctions& functions) {
  test::Rng rng(1);
  for (int round = 0; round < 300; ++round) {
    const Words a = random_words(rng);
    const Words b = random_words(rng);
    Words both;
    std::uint32_t count = 0;
    for (std::size_t i = 0; i < kSlabWords; ++i) {
      both[i] = a[i] & b[i];
      count += static_cast<std::uint32_t>(std::popcount(both[i]));
    }
    const std::size_t shift = rng.below(9);
    std::vector<std::byte> bytes = bytes_of(a, shift);
    const std::vector<std::byte> other = bytes_of(b, rng.below(3));
    const std::byte* const of_b = other.data() + (other.size() - kBitsetSize);

    ASSERT_EQ(functions.count_both(bytes.data() + shift, of_b), count);
    const std::size_t some = rng.below(kSlabWords + 1);
    std::uint32_t counted = 0;
    for (std::size_t i = 0; i < some; ++i) counted += static_cast<std::uint32_t>(std::popcount(a[i]));
    ASSERT_EQ(functions.count(bytes.data() + shift, some), counted);

    Words out;
    out.fill(0x55);
    ASSERT_EQ(functions.intersect(bytes.data() + shift, of_b, std::as_writable_bytes(std::span(out)).data()),
              count > 0);
    ASSERT_EQ(out, both);
    ASSERT_EQ(functions.intersect(bytes.data() + shift, of_b, bytes.data() + shift), count > 0);
    ASSERT_EQ(std::memcmp(bytes.data() + shift, both.data(), kBitsetSize), 0);
  }
}

TEST(WordsTest, OneBitAnywhereIsSeen) {
  Words full;
  full.fill(~std::uint64_t{0});
  const auto all = std::as_bytes(std::span(full)).data();
  for (std::size_t bit = 0; bit < kSlabWords * 64; bit += 61) {
    Words one{};
    one[bit / 64] = std::uint64_t{1} << (bit % 64);
    const auto bytes = std::as_bytes(std::span(one)).data();
    Words out;
    for (const WordFunctions* functions : {&plain_word_functions(), &word_functions()}) {
      ASSERT_TRUE(functions->intersect(bytes, all, std::as_writable_bytes(std::span(out)).data())) << bit;
      ASSERT_EQ(functions->count_both(bytes, all), 1u) << bit;
    }
  }
}

TEST(WordsTest, ThoseForEveryProcessor) { expect_right(plain_word_functions()); }

TEST(WordsTest, ThoseForThisProcessor) {
  expect_right(word_functions());
#if defined(__x86_64__)
  const bool has_wider = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
  EXPECT_EQ(&word_functions() != &plain_word_functions(), has_wider);
#endif
}

}  // namespace
}  // namespace daybook::index
