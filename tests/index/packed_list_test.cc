#include "index/packed_list.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "index/container.h"
#include "support/rng.h"

namespace daybook::index {
namespace {

using Numbers = std::vector<std::uint32_t>;
using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 32;

Bytes encoded(const Numbers& numbers) {
  Bytes bytes;
  PackedList::encode(numbers, bytes);
  return bytes;
}

PackedList::Shape shape_of(const Numbers& numbers) {
  return {static_cast<std::uint32_t>(numbers.size()), numbers.front(), numbers.back()};
}

// Every answer about one ordinal.
void expect_answers(const PackedList& list, const Numbers& numbers, std::uint32_t at) {
  const auto lower = std::ranges::lower_bound(numbers, at);
  const auto upper = std::ranges::upper_bound(numbers, at);
  ASSERT_EQ(list.rank(at), lower - numbers.begin()) << at;
  for (const std::size_t room : {0u, 1u, 2u, 127u, 128u, 129u, 300u}) {
    Numbers ahead(room);
    ahead.resize(list.read(at, ahead));
    const auto some = std::min<std::ptrdiff_t>(numbers.end() - lower, static_cast<std::ptrdiff_t>(room));
    ASSERT_EQ(ahead, Numbers(lower, lower + some)) << at;
    Numbers behind(room);
    behind.resize(list.read_back(at, behind));
    const auto others = std::min<std::ptrdiff_t>(upper - numbers.begin(), static_cast<std::ptrdiff_t>(room));
    ASSERT_EQ(behind, Numbers(std::reverse_iterator(upper), std::reverse_iterator(upper - others))) << at;
  }
}

void expect_slab(const PackedList& list, const Numbers& numbers, std::uint32_t slab) {
  std::vector<std::uint16_t> expected;
  for (const std::uint32_t number : numbers) {
    if (slab_of(number) == slab) expected.push_back(static_cast<std::uint16_t>(number_in_slab(number)));
  }
  std::vector<std::uint16_t> found;
  list.read_slab(slab, found);
  ASSERT_EQ(found, expected) << slab;
}

void expect_same(const Numbers& numbers) {
  const Bytes bytes = encoded(numbers);
  ASSERT_EQ(bytes.size() % 8, 0u);
  const auto list = PackedList::parse(bytes, shape_of(numbers), std::uint64_t{numbers.back()} + 1);
  ASSERT_TRUE(list) << list.error().what;
  ASSERT_FALSE(PackedList::parse(bytes, shape_of(numbers), numbers.back()));
  ASSERT_EQ(list->size(), numbers.size());
  ASSERT_EQ(list->first(), numbers.front());
  ASSERT_EQ(list->last(), numbers.back());
  Numbers all(numbers.size() + 1);
  all.resize(list->read(0, all));
  ASSERT_EQ(all, numbers);
  all.resize(numbers.size() + 1);
  all.resize(list->read_back(UINT32_MAX, all));
  std::ranges::reverse(all);
  ASSERT_EQ(all, numbers);
  expect_answers(*list, numbers, 0);
  expect_answers(*list, numbers, UINT32_MAX);
  ASSERT_EQ(list->rank(kNoLimit), numbers.size());
  for (std::uint32_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(list->select(i), numbers[i]);
  for (std::uint32_t i = 0; i < numbers.size() && !testing::Test::HasFatalFailure(); i += i < 300 ? 1 : 37) {
    expect_answers(*list, numbers, numbers[i]);
    if (numbers[i] > 0) expect_answers(*list, numbers, numbers[i] - 1);
    if (numbers[i] < UINT32_MAX) expect_answers(*list, numbers, numbers[i] + 1);
  }
  std::set<std::uint32_t> slabs{0, slab_of(UINT32_MAX)};
  for (const std::uint32_t number : numbers) slabs.insert(slab_of(number));
  for (const std::uint32_t slab : std::set<std::uint32_t>(slabs)) {
    if (slab > 0) slabs.insert(slab - 1);
    if (slab < slab_of(UINT32_MAX)) slabs.insert(slab + 1);
  }
  auto checked = slabs.begin();
  for (int i = 0; i < 100 && checked != slabs.end(); ++i) expect_slab(*list, numbers, *checked++);
  expect_slab(*list, numbers, *slabs.rbegin());
}

Numbers with_gaps(std::size_t size, std::uint32_t at, const std::function<std::uint32_t()>& gap) {
  Numbers numbers;
  while (numbers.size() < size) {
    numbers.push_back(at);
    at += gap();
  }
  return numbers;
}

// The other end: as many numbers, the last of them `last`.
Numbers moved_to(Numbers numbers, std::uint32_t last) {
  const std::uint32_t distance = last - numbers.back();
  for (std::uint32_t& number : numbers) number += distance;
  return numbers;
}

std::uint32_t below(test::Rng& rng, std::uint64_t limit) { return static_cast<std::uint32_t>(rng.below(limit)); }

constexpr std::size_t kSizes[] = {1, 2, 3, 63, 64, 65, 127, 128, 129, 130, 255, 256, 257, 3'000};

TEST(PackedListTest, EveryShortListOfSmallNumbers) {
  for (std::uint32_t set = 1; set < 1u << 10; ++set) {
    Numbers numbers;
    for (std::uint32_t bit = 0; bit < 10; ++bit) {
      if ((set >> bit & 1) != 0) numbers.push_back(bit);
    }
    expect_same(numbers);
    if (HasFatalFailure()) return;
  }
}

TEST(PackedListTest, EverySizeOfNumbersInARow) {
  for (const std::size_t size : kSizes) {
    const Numbers numbers = with_gaps(size, 0, [] { return 1; });
    expect_same(numbers);
    expect_same(moved_to(numbers, kSlabSize + 10));
    expect_same(moved_to(numbers, (1u << 28) - 1));
    expect_same(moved_to(numbers, UINT32_MAX));
    ASSERT_FALSE(HasFatalFailure()) << size;
  }
}

TEST(PackedListTest, EvenSpreads) {
  test::Rng rng(1);
  for (const std::size_t size : kSizes) {
    for (const std::uint32_t every : {2u, 3u, 7u, 20u, 200u, 1'126u, 65'536u, 1'000'000u}) {
      const Numbers numbers = with_gaps(size, below(rng, every), [&] { return 1 + below(rng, 2 * every - 1); });
      if (!std::ranges::is_sorted(numbers)) continue;  // wrapped around
      expect_same(numbers);
      ASSERT_FALSE(HasFatalFailure()) << size << " " << every;
    }
  }
}

// Bursts far apart: most distances of a block are in one place of it.
TEST(PackedListTest, Clusters) {
  test::Rng rng(2);
  for (const std::size_t size : kSizes) {
    for (const std::uint32_t burst : {2u, 10u, 127u, 129u, 500u}) {
      for (const std::uint32_t far : {100u, 70'000u, 3'000'000u}) {
        const Numbers numbers =
            with_gaps(size, below(rng, far), [&] { return rng.below(burst) == 0 ? 1 + below(rng, far) : 1u; });
        expect_same(numbers);
        ASSERT_FALSE(HasFatalFailure()) << size << " " << burst << " " << far;
      }
    }
  }
}

TEST(PackedListTest, TheWidestBlocks) {
  constexpr std::uint32_t kLargest = (1u << 28) - 1;
  for (const std::uint32_t largest : {kLargest, UINT32_MAX}) {
    expect_same({0});
    expect_same({largest});
    expect_same({0, largest});
    expect_same({largest - 1, largest});
    expect_same({0, 1, largest});
    expect_same({0, largest - 1, largest});
    for (const std::size_t before : {126u, 127u, 128u}) {
      Numbers numbers = with_gaps(before, 0, [] { return 1; });
      numbers.push_back(largest - 1);
      numbers.push_back(largest);
      expect_same(numbers);
    }
  }
}

// log2(1/density) and 2 bits for the quotient and its mark, half a bit more as the split is at a power of two, and half a bit
// for the heads: the price that the format promises.
TEST(PackedListTest, EvenSpreadsTakeWhatTheirDensitySays) {
  test::Rng rng(3);
  struct Price {
    std::uint32_t every;
    double bits;
  };
  for (const auto& [every, bits] : {Price{20, 6.9}, {200, 10.2}, {1'126, 12.7}, {4'096, 14.6}}) {
    const Numbers numbers = with_gaps(3'000, 0, [&, every = every] { return 1 + below(rng, 2 * every - 1); });
    EXPECT_LT(8.0 * static_cast<double>(encoded(numbers).size()), bits * static_cast<double>(numbers.size())) << every;
  }
}

TEST(PackedListTest, OtherShapesAreRefused) {
  const Numbers numbers = with_gaps(300, 5, [] { return 70; });
  const Bytes bytes = encoded(numbers);
  const PackedList::Shape shape = shape_of(numbers);
  const auto refused = [&](const PackedList::Shape& other) { return !PackedList::parse(bytes, other, kNoLimit); };
  EXPECT_FALSE(refused(shape));
  for (const std::uint32_t count : {0u, 1u, 128u, 256u, 299u, 301u, 384u, 385u, 100'000u, UINT32_MAX}) {
    EXPECT_TRUE(refused({count, shape.first, shape.last})) << count;
  }
  EXPECT_TRUE(refused({shape.count, shape.first - 1, shape.last}));
  EXPECT_TRUE(refused({shape.count, shape.first + 1, shape.last}));
  for (const std::uint32_t last : {0u, shape.first, shape.last - 1, shape.last + 1, UINT32_MAX}) {
    EXPECT_TRUE(refused({shape.count, shape.first, last})) << last;
  }
}

TEST(PackedListTest, ASlabHasNoMoreThanAnArrayOfItMay) {
  constexpr std::uint32_t kMax = Container::kArrayMax;
  const auto accepted = [](const Numbers& numbers) {
    return PackedList::parse(encoded(numbers), shape_of(numbers), kNoLimit).has_value();
  };
  for (const std::uint32_t first : {0u, 3u, kSlabSize}) {
    EXPECT_TRUE(accepted(with_gaps(kMax, first, [] { return 10; })));
    EXPECT_FALSE(accepted(with_gaps(kMax + 1, first, [] { return 10; })));
  }
  EXPECT_TRUE(accepted(with_gaps(2 * kMax, kSlabSize - kMax, [] { return 1; })));
  EXPECT_FALSE(accepted(with_gaps(2 * kMax, kSlabSize - kMax - 1, [] { return 1; })));
  expect_same(with_gaps(3 * kMax, 7, [] { return 16; }));
}

// What is accepted is written the same way again: nothing hides in a list.
void expect_canonical(std::span<const std::byte> bytes, const PackedList::Shape& shape, int& accepted) {
  const auto list = PackedList::parse(bytes, shape, kNoLimit);
  if (!list) return;
  ++accepted;
  Numbers read(shape.count + 1);
  read.resize(list->read(0, read));
  ASSERT_EQ(read.size(), shape.count);
  ASSERT_TRUE(std::ranges::adjacent_find(read, std::greater_equal<>()) == read.end());
  ASSERT_EQ(read.front(), shape.first);
  ASSERT_EQ(read.back(), shape.last);
  ASSERT_TRUE(std::ranges::equal(encoded(read), bytes));
}

TEST(PackedListTest, WhatIsDamagedIsRefusedOrAnotherList) {
  test::Rng rng(4);
  int accepted = 0;
  for (const std::size_t size : {1u, 2u, 3u, 64u, 129u, 300u}) {
    for (const std::uint32_t every : {1u, 2u, 50u, 5'000u, 4'000'000u}) {
      const Numbers numbers = with_gaps(size, below(rng, 9), [&] { return 1 + below(rng, every); });
      const PackedList::Shape shape = shape_of(numbers);
      const Bytes bytes = encoded(numbers);
      const auto expect_harmless = [&](Bytes damaged) {
        damaged.shrink_to_fit();  // for the sanitizer to see its end
        expect_canonical(damaged, shape, accepted);
      };
      for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        Bytes damaged = bytes;
        damaged[bit / 8] ^= std::byte{1} << (bit % 8);
        expect_harmless(damaged);
        // And a second one near it, which may make up for the first.
        const std::size_t other = std::min(bit + 1 + rng.below(40), bytes.size() * 8 - 1);
        damaged[other / 8] ^= std::byte{1} << (other % 8);
        expect_harmless(damaged);
      }
      for (std::size_t cut = 0; cut < bytes.size() + 17; ++cut) {
        Bytes damaged = bytes;
        damaged.resize(cut);
        damaged.shrink_to_fit();
        ASSERT_EQ(PackedList::parse(damaged, shape, kNoLimit).has_value(), cut == bytes.size()) << cut;
      }
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(accepted, 0);
}

TEST(PackedListTest, RandomBytesAreRefusedOrAList) {
  test::Rng rng(5);
  int accepted = 0;
  for (int round = 0; round < 100'000 && !HasFatalFailure(); ++round) {
    const std::uint32_t count = 1 + below(rng, 8);
    const PackedList::Shape shape{count, 0, count - 1 + below(rng, 40)};
    Bytes bytes(8 + 8 + 8 * rng.below(4));
    for (std::size_t at = 8; at < 8 + 4; ++at) bytes[at] = static_cast<std::byte>(rng.next());
    expect_canonical(bytes, shape, accepted);
  }
  EXPECT_GT(accepted, 0);
}

}  // namespace
}  // namespace daybook::index
