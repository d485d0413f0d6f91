#include "index/ordinals.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "index/packed_list.h"
#include "index/roaring_validator.h"
#include "support/rng.h"

namespace daybook::index {
namespace {

using Model = std::set<std::uint32_t>;

std::vector<std::uint32_t> list_of(const Model& model) { return {model.begin(), model.end()}; }
Ordinals set_of(const Model& model) { return Ordinals::of(list_of(model)); }

std::vector<std::uint32_t> elements(const Ordinals& set) {
  std::vector<std::uint32_t> all(set.size());
  EXPECT_EQ(set.read(0, all), all.size());
  return all;
}

// Every answer about one ordinal.
void expect_answers(const Ordinals& set, const Model& model, std::uint32_t at) {
  ASSERT_EQ(set.contains(at), model.contains(at)) << at;
  const auto lower = model.lower_bound(at);
  const auto upper = model.upper_bound(at);
  ASSERT_EQ(set.next(at), lower == model.end() ? std::nullopt : std::optional(*lower)) << at;
  ASSERT_EQ(set.previous(at), upper == model.begin() ? std::nullopt : std::optional(*std::prev(upper))) << at;

  std::vector<std::uint32_t> ahead(70);
  ahead.resize(set.read(at, ahead));
  std::vector<std::uint32_t> expected;
  for (auto it = lower; it != model.end() && expected.size() < 70; ++it) expected.push_back(*it);
  ASSERT_EQ(ahead, expected) << at;
  std::vector<std::uint32_t> behind(70);
  behind.resize(set.read_back(at, behind));
  expected.clear();
  for (auto it = upper; it != model.begin() && expected.size() < 70;) expected.push_back(*--it);
  ASSERT_EQ(behind, expected) << at;

  // And about its slab.
  const std::uint32_t base = at & ~(kSlabSize - 1);
  expected.assign(model.lower_bound(base), model.upper_bound(base + (kSlabSize - 1)));
  std::vector<std::uint16_t> room;
  const Container container = set.in_slab(slab_of(at), room);
  ASSERT_EQ(container.count, expected.size());
  std::vector<std::uint32_t> found(container.count + 1);
  found.resize(container.read(0, kSlabSize, base, found));
  ASSERT_EQ(found, expected);
  const auto slab_or_none = [](bool none, auto it) { return none ? Ordinals::kNoSlab : slab_of(*it); };
  const auto next = model.lower_bound(base);
  ASSERT_EQ(set.next_slab(slab_of(at)), slab_or_none(next == model.end(), next));
  const auto behind_slab = model.upper_bound(base + (kSlabSize - 1));
  ASSERT_EQ(
      set.previous_slab(slab_of(at)),
      slab_or_none(behind_slab == model.begin(), behind_slab == model.begin() ? behind_slab : std::prev(behind_slab)));
}

void expect_same(const Ordinals& set, const Model& model, test::Rng& rng) {
  ASSERT_EQ(set.size(), model.size());
  ASSERT_EQ(set.empty(), model.empty());
  const std::vector<std::uint32_t> list = list_of(model);
  ASSERT_EQ(elements(set), list);
  ASSERT_EQ(set, Ordinals::of(list));
  expect_answers(set, model, 0);
  expect_answers(set, model, UINT32_MAX);
  if (model.empty()) return;
  ASSERT_EQ(set.first(), list.front());
  ASSERT_EQ(set.last(), list.back());
  for (int i = 0; i < 8; ++i) {
    const std::uint64_t k = rng.below(list.size());
    ASSERT_EQ(set.select(k), list[k]);
    ASSERT_EQ(set.rank(list[k]), k);
    ASSERT_EQ(set.rank(list[k] + 1), k + 1);
    expect_answers(set, model, list[k]);
    expect_answers(set, model, list[k] + 1);
    if (list[k] > 0) expect_answers(set, model, list[k] - 1);
  }
}

// Sizes and densities around every change of form: list and bitmap, array and bitset, container and container.
Model random_model(test::Rng& rng) {
  static constexpr std::uint32_t kSizes[] = {0, 1, 2, 62, 63, 64, 65, 200, 4095, 4096, 4097, 9000};
  static constexpr std::uint32_t kLimits[] = {70, 300, 10'000, 65'535, 65'536, 65'537, 200'000, 1'000'000};
  const std::uint64_t size = kSizes[rng.below(std::size(kSizes))];
  const std::uint64_t limit = kLimits[rng.below(std::size(kLimits))];
  Model model;
  if (rng.below(3) == 0) {  // runs
    while (model.size() < size && model.size() < limit / 2) {
      auto at = static_cast<std::uint32_t>(rng.below(limit));
      for (std::uint64_t n = 1 + rng.below(1 + size / 4); n > 0; --n) model.insert(at++);
    }
    return model;
  }
  while (model.size() < size && model.size() < limit / 2) model.insert(static_cast<std::uint32_t>(rng.below(limit)));
  return model;
}

TEST(OrdinalsTest, AnswersAsAStdSetDoes) {
  test::Rng rng(1);
  for (int round = 0; round < 150; ++round) {
    const Model model = random_model(rng);
    expect_same(set_of(model), model, rng);
    if (HasFatalFailure()) return;
  }
}

TEST(OrdinalsTest, AppendGrowsThroughEveryForm) {
  test::Rng rng(5);
  for (const std::uint32_t step : {1u, 2u, 20u, 3000u}) {
    Ordinals set;
    Model model;
    std::uint32_t at = static_cast<std::uint32_t>(rng.below(100));
    for (int i = 0; i < 70'000 && at < 60'000'000; ++i) {
      set.append(at);
      model.insert(model.end(), at);
      ASSERT_EQ(set.last(), at);
      ASSERT_EQ(set.size(), model.size());
      at += 1 + static_cast<std::uint32_t>(rng.below(step));
    }
    expect_same(set, model, rng);
  }
}

TEST(OrdinalsTest, RangeHoldsBothEnds) {
  test::Rng rng(6);
  for (const std::uint32_t begin : {0u, 1u, 65'535u, 65'536u}) {
    for (const std::uint32_t size : {0u, 1u, 63u, 64u, 65'535u, 65'536u, 65'537u}) {
      Model model;
      for (std::uint32_t i = 0; i < size; ++i) model.insert(model.end(), begin + i);
      expect_same(Ordinals::range(begin, begin + size), model, rng);
    }
  }
  EXPECT_TRUE(Ordinals::range(5, 4).empty());
}

TEST(OrdinalsTest, CopiesAreIndependentAndMovesLeaveNothing) {
  for (const std::uint32_t size : {10u, 1000u}) {
    Ordinals set = Ordinals::range(0, size);
    Ordinals copy = set;
    copy.append(5000);
    EXPECT_EQ(set.size(), size);
    EXPECT_EQ(copy.size(), size + 1);
    set = copy;
    EXPECT_EQ(set, copy);
    const Ordinals moved = std::move(set);
    EXPECT_EQ(moved, copy);
    EXPECT_TRUE(set.empty());  // NOLINT(bugprone-use-after-move): that is the promise
    EXPECT_FALSE(set.contains(1));
    copy = Ordinals(copy);
    EXPECT_EQ(moved, copy);
  }
}

TEST(OrdinalsTest, RoaringBytesGiveTheSetBack) {
  test::Rng rng(7);
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    const Model model = random_model(rng);
    const std::vector<std::byte> bytes = set_of(model).to_roaring();
    ASSERT_TRUE(validate_roaring(bytes, model.empty() ? 0 : std::uint64_t{*model.rbegin()} + 1));
    if (!model.empty()) {
      ASSERT_FALSE(validate_roaring(bytes, *model.rbegin()));
    }
    // Where a sidecar has it: behind anything, at any address.
    for (const std::size_t before : {rng.below(2), 2 + rng.below(2)}) {
      std::vector<std::byte> moved(before);
      moved.insert(moved.end(), bytes.begin(), bytes.end());
      const Ordinals view = Ordinals::view(std::span(moved).subspan(before));
      expect_same(view, model, rng);
      ASSERT_EQ(view.to_roaring(), bytes);
    }
    if (HasFatalFailure()) return;
  }
}

TEST(OrdinalsTest, PackedListsAnswerAsAStdSetDoes) {
  test::Rng rng(10);
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    const std::vector<std::uint32_t> list = list_of(random_model(rng));
    if (list.empty()) continue;
    std::vector<std::byte> bytes;
    PackedList::encode(list, bytes);
    const PackedList::Shape shape{static_cast<std::uint32_t>(list.size()), list.front(), list.back()};
    const Ordinals view = Ordinals::view(PackedList(bytes, shape));
    ASSERT_FALSE(view.is_list());
    expect_same(view, {list.begin(), list.end()}, rng);
    ASSERT_EQ(view.to_roaring(), Ordinals::of(list).to_roaring());
    if (HasFatalFailure()) return;
  }
}

// Every form that a container has, alone and beside others, with and without the table of offsets.
TEST(OrdinalsTest, ViewsOfEveryFormAnswerAsAStdSetDoes) {
  test::Rng rng(8);
  const auto put_array = [&](Model& model, std::uint32_t base) {
    for (int i = 0; i < 300; ++i) model.insert(base + static_cast<std::uint32_t>(rng.below(kSlabSize)));
  };
  const auto put_bitset = [&](Model& model, std::uint32_t base) {
    for (int i = 0; i < 9'000; ++i) model.insert(base + static_cast<std::uint32_t>(rng.below(kSlabSize)));
  };
  const auto put_runs = [&](Model& model, std::uint32_t base) {
    for (std::uint32_t at = static_cast<std::uint32_t>(rng.below(2) * 50); at < kSlabSize; at += 5'000) {
      for (std::uint32_t i = 0; i < 3'000 && at + i < kSlabSize; ++i) model.insert(base + at + i);
    }
  };
  for (std::uint32_t forms = 0; forms < 256; forms += 1 + static_cast<std::uint32_t>(rng.below(7))) {
    SCOPED_TRACE(forms);
    Model model;
    for (std::uint32_t i = 0; i < 4; ++i) {
      const std::uint32_t base = 2 * i * kSlabSize;
      switch (forms >> (2 * i) & 3) {
        case 0: break;
        case 1: put_array(model, base); break;
        case 2: put_bitset(model, base); break;
        default: put_runs(model, base);
      }
    }
    const std::vector<std::byte> bytes = set_of(model).to_roaring();
    ASSERT_TRUE(validate_roaring(bytes, std::uint64_t{1} << 32));
    expect_same(Ordinals::view(bytes), model, rng);
    if (HasFatalFailure()) return;
  }
}

TEST(OrdinalsTest, TheLastSlabIsLikeAnyOther) {
  test::Rng rng(9);
  Model model;
  for (std::uint32_t at = UINT32_MAX - 100; at != 0; ++at) model.insert(at);
  expect_same(set_of(model), model, rng);
  const std::vector<std::byte> bytes = set_of(model).to_roaring();
  expect_same(Ordinals::view(bytes), model, rng);
}

}  // namespace
}  // namespace daybook::index
