#include "index/algebra.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "support/rng.h"

namespace daybook::index {
namespace {

using Model = std::set<std::uint32_t>;

Postings postings_of(const Model& model) {
  const std::vector<std::uint32_t> list(model.begin(), model.end());
  return Postings(Ordinals::of(list));
}

Model model_of(const Postings& postings) {
  std::vector<std::uint32_t> all(postings->size());
  postings->read(0, all);
  return {all.begin(), all.end()};
}

TEST(AlgebraTest, IsThatOfStdSets) {
  test::Rng rng(1);
  for (int round = 0; round < 300; ++round) {
    std::vector<Postings> sets;
    Model all;
    Model any;
    const std::uint64_t count = 1 + rng.below(5);
    for (std::uint64_t i = 0; i < count; ++i) {
      Model model;
      const std::uint64_t size = rng.coin() ? rng.below(80) : rng.below(2'000);
      for (std::uint64_t n = 0; n < size; ++n) model.insert(static_cast<std::uint32_t>(rng.below(3'000)));
      Model both;
      std::set_intersection(all.begin(), all.end(), model.begin(), model.end(), std::inserter(both, both.end()));
      all = i == 0 ? model : both;
      any.insert(model.begin(), model.end());
      sets.push_back(postings_of(model));
    }
    ASSERT_EQ(model_of(intersect_all(sets)), all);
    ASSERT_EQ(intersection_size_all(sets), all.size());
    ASSERT_EQ(model_of(unite_all(sets)), any);
  }
}

TEST(AlgebraTest, NothingOfNothing) {
  EXPECT_FALSE(intersect_all({}));
  EXPECT_FALSE(unite_all({}));
  EXPECT_EQ(intersection_size_all({}), 0u);
  EXPECT_FALSE(unite_all({Postings(), Postings()}));
}

TEST(AlgebraTest, AViewComesBackAsItIs) {
  const Ordinals set = Ordinals::range(0, 1'000);
  EXPECT_EQ(&*intersect_all({Postings::view(set)}), &set);
  EXPECT_EQ(&*unite_all({Postings(), Postings::view(set)}), &set);
}

}  // namespace
}  // namespace daybook::index
