#include "index/monotone_list.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "support/rng.h"

namespace daybook::index {
namespace {

using Numbers = std::vector<std::uint32_t>;
using Bytes = std::vector<std::byte>;

Bytes encoded(const Numbers& numbers) {
  Bytes bytes;
  MonotoneList::encode(numbers, bytes);
  return bytes;
}

MonotoneList::Rule rule_of(const Numbers& numbers) { return {numbers.size(), UINT32_MAX}; }

void expect_same(const Numbers& numbers) {
  const Bytes bytes = encoded(numbers);
  ASSERT_EQ(bytes.size() % 8, 0u);
  const auto list = MonotoneList::parse(bytes, rule_of(numbers));
  ASSERT_TRUE(list) << list.error().what;
  ASSERT_EQ(list->size(), numbers.size());
  for (std::uint32_t i = 0; i < numbers.size(); ++i) {
    list->prefetch(i, MonotoneList::Step::first);
    list->prefetch(i, MonotoneList::Step::second);
    ASSERT_EQ((*list)[i], numbers[i]) << i;
  }
  const auto expect_bound = [&](std::uint64_t value) {
    const auto at = std::lower_bound(numbers.begin(), numbers.end(), value);
    ASSERT_EQ(list->lower_bound(value), static_cast<std::uint32_t>(at - numbers.begin())) << value;
  };
  expect_bound(0);
  expect_bound(std::uint64_t{1} << 32);
  for (std::size_t i = 0; i < numbers.size(); i += 1 + numbers.size() / 500) {
    expect_bound(numbers[i]);
    expect_bound(std::uint64_t{numbers[i]} + 1);
  }
}

TEST(MonotoneListTest, EveryShortListOfSmallNumbers) {
  for (std::uint32_t code = 0; code < 7 * 7 * 7 * 7; ++code) {
    Numbers numbers;
    for (std::uint32_t rest = code; rest > 0; rest /= 7) numbers.push_back(rest % 7);
    std::sort(numbers.begin(), numbers.end());
    expect_same(numbers);
    if (HasFatalFailure()) return;
  }
}

TEST(MonotoneListTest, Extremes) {
  expect_same({});
  expect_same({0});
  expect_same({UINT32_MAX});
  expect_same({UINT32_MAX, UINT32_MAX});
  expect_same({0, UINT32_MAX});
  expect_same({UINT32_MAX / 2});
  expect_same(Numbers(1000, 0));
  expect_same(Numbers(1000, UINT32_MAX));
  Numbers jump(1000, 3);
  jump.insert(jump.end(), 1000, 4'000'000'000);
  expect_same(jump);
}

TEST(MonotoneListTest, RandomLists) {
  test::Rng rng(1);
  for (const std::size_t size : {127u, 128u, 129u, 255u, 256u, 257u, 5'000u, 100'000u}) {
    for (const std::uint64_t step : {1u, 2u, 3u, 30u, 1000u, 40'000u}) {
      Numbers numbers;
      std::uint32_t at = 0;
      for (std::size_t i = 0; i < size; ++i) numbers.push_back(at += static_cast<std::uint32_t>(rng.below(step + 1)));
      std::sort(numbers.begin(), numbers.end());  // the largest steps wrap around
      expect_same(numbers);
      if (HasFatalFailure()) return;
    }
  }
}

// The frames of a full segment of 128 MiB, 224 bytes each: the price that the format promises.
TEST(MonotoneListTest, TakesLessThanAByteForAFrame) {
  test::Rng rng(2);
  Numbers numbers;
  std::uint32_t at = 512;
  for (int i = 0; i < 600'000; ++i) numbers.push_back(at += 20 + static_cast<std::uint32_t>(rng.below(15)));
  const double each = static_cast<double>(encoded(numbers).size()) / static_cast<double>(numbers.size());
  RecordProperty("bytes_per_frame_x1000", static_cast<int>(each * 1000));
  EXPECT_LT(each, 0.95);
}

TEST(MonotoneListTest, StrictOrderIsAskedFor) {
  const Numbers twice = {1, 5, 5, 9};
  EXPECT_TRUE(MonotoneList::parse(encoded(twice), {4, 9}));
  EXPECT_FALSE(MonotoneList::parse(encoded(twice), {4, 9, MonotoneList::Order::strictly_ascending}));
  EXPECT_FALSE(MonotoneList::parse(encoded(twice), {4, 8}));
  EXPECT_FALSE(MonotoneList::parse(encoded(twice), {3, 9}));
  const Numbers once = {1, 5, 6, 9};
  EXPECT_TRUE(MonotoneList::parse(encoded(once), {4, 9, MonotoneList::Order::strictly_ascending}));
}

// There is one way to write a list: whatever is accepted is written the same way again, so nothing hides in it.
TEST(MonotoneListTest, EveryFlippedBitIsRefusedOrAnotherList) {
  test::Rng rng(3);
  for (const std::size_t size : {1u, 2u, 5u, 64u, 129u, 300u}) {
    for (const std::uint64_t step : {2u, 50u, 5000u}) {
      Numbers numbers;
      std::uint32_t at = 0;
      for (std::size_t i = 0; i < size; ++i) numbers.push_back(at += static_cast<std::uint32_t>(rng.below(step)));
      Bytes bytes = encoded(numbers);
      for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        bytes[bit / 8] ^= std::byte{1} << (bit % 8);
        if (const auto list = MonotoneList::parse(bytes, rule_of(numbers))) {
          Numbers read;
          for (std::uint32_t i = 0; i < list->size(); ++i) read.push_back((*list)[i]);
          ASSERT_TRUE(std::is_sorted(read.begin(), read.end()));
          ASSERT_EQ(encoded(read), bytes);
        }
        bytes[bit / 8] ^= std::byte{1} << (bit % 8);
      }
    }
  }
}

TEST(MonotoneListTest, EveryTruncationIsRefused) {
  const Bytes bytes = encoded({1, 5, 700, 7000, 7001});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Bytes cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_FALSE(MonotoneList::parse(cut, {5, 7001})) << size;
  }
}

}  // namespace
}  // namespace daybook::index
