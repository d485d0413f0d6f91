#include "index/slab.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "index/ordinals.h"
#include "index/roaring_validator.h"
#include "support/rng.h"

namespace daybook::index {
namespace {

using Model = std::set<std::uint32_t>;
using Form = Container::Form;

// A container of a given form, as it lies in a bitmap.
struct Sample {
  Model model;
  std::vector<std::byte> bytes;
  Container container;

  Sample(Model numbers, Form form) : model(std::move(numbers)) {
    const std::vector<std::uint32_t> list(model.begin(), model.end());
    bytes = Ordinals::of(list).to_roaring();
    if (model.empty()) return;
    container = RoaringView(bytes).container(0);
    EXPECT_EQ(container.form, form);
    EXPECT_EQ(container.count, model.size());
  }
};

Model random_numbers(test::Rng& rng, std::uint64_t size) {
  Model model;
  while (model.size() < size) model.insert(static_cast<std::uint32_t>(rng.below(kSlabSize)));
  return model;
}

Model random_runs(test::Rng& rng, std::uint32_t runs, std::uint32_t longest) {
  Model model;
  for (std::uint32_t run = 0; run < runs; ++run) {
    auto at = static_cast<std::uint32_t>(rng.below(kSlabSize));
    for (std::uint64_t left = 20 + rng.below(longest); left > 0 && at < kSlabSize; --left) model.insert(at++);
  }
  return model;
}

// Few and many numbers of every form; runs also of fewer numbers than an array may have, and a full slab.
std::vector<Sample> samples(test::Rng& rng) {
  std::vector<Sample> made;
  made.emplace_back(Model(), Form::array);
  made.emplace_back(Model{0}, Form::array);
  made.emplace_back(Model{kSlabSize - 1}, Form::array);
  for (const std::uint64_t size : {5u, 100u, 3'000u}) made.emplace_back(random_numbers(rng, size), Form::array);
  for (const std::uint64_t size : {4'500u, 9'000u, 30'000u}) made.emplace_back(random_numbers(rng, size), Form::bitset);
  made.emplace_back(random_runs(rng, 3, 50), Form::runs);
  made.emplace_back(random_runs(rng, 10, 5'000), Form::runs);
  made.emplace_back(random_runs(rng, 200, 200), Form::runs);
  Model all;
  for (std::uint32_t number = 0; number < kSlabSize; ++number) all.insert(all.end(), number);
  made.emplace_back(all, Form::runs);
  return made;
}

Model numbers_of(const Container& container) {
  std::vector<std::uint32_t> numbers(kSlabSize);
  numbers.resize(container.read(0, kSlabSize, 0, numbers));
  return {numbers.begin(), numbers.end()};
}

void expect_same(const Slab& slab, const Model& model) {
  ASSERT_EQ(slab.container().count, model.size());
  if (!model.empty()) {
    ASSERT_TRUE(slab.any());
    ASSERT_EQ(numbers_of(slab.uncounted()), model);
  }
  ASSERT_EQ(numbers_of(slab.container()), model);
}

Model both_of(const Model& a, const Model& b) {
  Model both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(both, both.end()));
  return both;
}

// Every form with every other one, in either order.
TEST(SlabTest, AlgebraIsThatOfStdSets) {
  test::Rng rng(1);
  const std::vector<Sample> all = samples(rng);
  Slab slab;
  for (const Sample& a : all) {
    slab.load(a.container);
    expect_same(slab, a.model);
    for (const Sample& b : all) {
      SCOPED_TRACE(testing::Message() << a.model.size() << " and " << b.model.size());
      const Model both = both_of(a.model, b.model);
      slab.load_both(a.container, b.container);
      expect_same(slab, both);
      ASSERT_EQ(count_both(a.container, b.container), both.size());
      slab.load(a.container);
      slab.keep(b.container);
      expect_same(slab, both);

      Model either = a.model;
      either.insert(b.model.begin(), b.model.end());
      slab.load(a.container);
      slab.add(b.container);
      expect_same(slab, either);

      Model without;
      std::set_difference(a.model.begin(), a.model.end(), b.model.begin(), b.model.end(),
                          std::inserter(without, without.end()));
      slab.load(a.container);
      slab.remove(b.container);
      expect_same(slab, without);
      if (HasFatalFailure()) return;
    }
  }
}

// What three of them come to: a slab in each of its forms goes on.
TEST(SlabTest, GoesOnFromEveryForm) {
  test::Rng rng(2);
  const std::vector<Sample> all = samples(rng);
  Slab slab;
  for (int round = 0; round < 100; ++round) {
    const Sample& a = all[rng.below(all.size())];
    const Sample& b = all[rng.below(all.size())];
    const Sample& c = all[rng.below(all.size())];
    Model model = a.model;
    slab.clear();
    slab.add(a.container);
    model.insert(b.model.begin(), b.model.end());
    slab.add(b.container);
    if (rng.coin()) {
      slab.keep(c.container);
      model = both_of(model, c.model);
    } else {
      slab.remove(c.container);
      for (const std::uint32_t number : c.model) model.erase(number);
    }
    slab.add(a.container);
    model.insert(a.model.begin(), a.model.end());
    expect_same(slab, model);
    slab.keep(b.container);
    expect_same(slab, both_of(model, b.model));
    if (HasFatalFailure()) return;
  }
}

TEST(SlabTest, ContainersAnswerAsAStdSetDoes) {
  test::Rng rng(3);
  for (const Sample& sample : samples(rng)) {
    const Container& container = sample.container;
    if (sample.model.empty()) continue;
    SCOPED_TRACE(sample.model.size());
    ASSERT_EQ(container.first(), *sample.model.begin());
    ASSERT_EQ(container.last(), *sample.model.rbegin());
    const std::vector<std::uint32_t> list(sample.model.begin(), sample.model.end());
    for (int round = 0; round < 200; ++round) {
      auto begin = static_cast<std::uint32_t>(rng.below(kSlabSize + 1));
      auto end = static_cast<std::uint32_t>(rng.below(kSlabSize + 1));
      if (round % 4 == 1) begin = list[rng.below(list.size())];
      if (round % 4 == 2) end = list[rng.below(list.size())];
      if (round % 4 == 3) begin &= ~63u;
      if (round % 8 == 0) end = std::min(end | 63u, kSlabSize - 1) + 1;
      const auto lower = std::lower_bound(list.begin(), list.end(), begin);
      ASSERT_EQ(container.rank(begin), lower - list.begin());
      if (begin < kSlabSize) {
        ASSERT_EQ(container.contains(begin), sample.model.contains(begin));
      }
      const std::uint64_t k = rng.below(list.size());
      ASSERT_EQ(container.select(static_cast<std::uint32_t>(k)), list[k]);

      const auto upper = std::max(lower, std::lower_bound(list.begin(), list.end(), end));
      const std::size_t room = rng.below(4) == 0 ? kSlabSize : rng.below(100);
      const auto count = std::min(room, static_cast<std::size_t>(upper - lower));
      std::vector<std::uint32_t> expected(lower, lower + static_cast<std::ptrdiff_t>(count));
      std::vector<std::uint32_t> found(room);
      found.resize(container.read(begin, end, 0, found));
      ASSERT_EQ(found, expected) << begin << " " << end;
      expected.assign(std::reverse_iterator(upper), std::reverse_iterator(upper) + static_cast<std::ptrdiff_t>(count));
      found.assign(room, 0);
      found.resize(container.read_back(begin, end, 0, found));
      ASSERT_EQ(found, expected) << begin << " " << end;
    }
  }
}

}  // namespace
}  // namespace daybook::index
