#include "index/selection.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "index/packed_list.h"
#include "support/rng.h"

namespace daybook::index {
namespace {

using Model = std::set<std::uint32_t>;

#if defined(__SANITIZE_ADDRESS__)
constexpr int kRounds = 50;  // the model is what takes the time
#else
constexpr int kRounds = 250;
#endif

// A selection and what it must be.
struct Case {
  Selection selection;
  Model model;
};

// Sets in every form, kept for their views.
class Sets {
 public:
  explicit Sets(test::Rng& rng, std::uint32_t limit) : rng_(rng), limit_(limit) {}

  Case next() {
    const Model model = random_model();
    const std::vector<std::uint32_t> list(model.begin(), model.end());
    switch (rng_.below(4)) {
      case 0: return {Selection(Postings(Ordinals::of(list))), model};
      case 1: sets_.push_back(Ordinals::of(list)); return {Selection(Postings::view(sets_.back())), model};
      case 2: bytes_.push_back(Ordinals::of(list).to_roaring()); break;
      default:
        if (!can_be_packed(list)) return next();
        PackedList::encode(list, bytes_.emplace_back());
        return {Selection(Postings(Ordinals::view(packed(list)))), model};
    }
    return {Selection(Postings(Ordinals::view(bytes_.back()))), model};
  }

 private:
  static bool can_be_packed(const std::vector<std::uint32_t>& list) {
    for (std::size_t i = Container::kArrayMax; i < list.size(); ++i) {
      if (slab_of(list[i]) == slab_of(list[i - Container::kArrayMax])) return false;
    }
    return !list.empty();
  }

  [[nodiscard]] PackedList packed(const std::vector<std::uint32_t>& list) const {
    return {bytes_.back(), {static_cast<std::uint32_t>(list.size()), list.front(), list.back()}};
  }

  Model random_model() {
    Model model;
    const auto number = [this] { return static_cast<std::uint32_t>(rng_.below(limit_)); };
    switch (rng_.below(6)) {
      case 0: break;
      case 1:
        for (std::uint64_t left = rng_.below(70); left > 0; --left) model.insert(number());
        break;
      case 2:
        for (std::uint64_t left = rng_.below(3'000); left > 0; --left) model.insert(number());
        break;
      case 3:  // runs
        for (std::uint64_t left = rng_.below(6); left > 0; --left) {
          std::uint32_t at = number();
          for (std::uint64_t others = rng_.below(limit_ / 4); others > 0 && at < limit_; --others) model.insert(at++);
        }
        break;
      default: {
        const std::uint64_t every = 2 + rng_.below(6);
        for (std::uint32_t at = 0; at < limit_; at += 1 + static_cast<std::uint32_t>(rng_.below(2 * every))) {
          model.insert(model.end(), at);
        }
      }
    }
    return model;
  }

  test::Rng& rng_;
  const std::uint32_t limit_;
  std::deque<Ordinals> sets_;
  std::deque<std::vector<std::byte>> bytes_;
};

// Random algebra over the sets.
Case combined(Sets& sets, test::Rng& rng, int depth) {
  if (depth == 0 || rng.below(4) == 0) return sets.next();
  const std::uint64_t count = 1 + rng.below(4);
  std::vector<Selection> parts;
  Model model;
  const bool all = rng.coin();
  for (std::uint64_t i = 0; i < count; ++i) {
    Case part = combined(sets, rng, depth - 1);
    if (all && i > 0) {
      std::erase_if(model, [&](std::uint32_t ordinal) { return !part.model.contains(ordinal); });
    } else {
      model.insert(part.model.begin(), part.model.end());
    }
    parts.push_back(std::move(part.selection));
  }
  Selection made = all ? Selection::all_of(std::move(parts)) : Selection::any_of(std::move(parts));
  if (rng.below(3) != 0) return {std::move(made), std::move(model)};
  Case taken = combined(sets, rng, depth - 1);
  for (const std::uint32_t ordinal : taken.model) model.erase(ordinal);
  return {Selection::without(std::move(made), std::move(taken.selection)), std::move(model)};
}

void expect_window(Selection& selection, const Model& model, std::uint32_t begin, std::uint32_t end, test::Rng& rng) {
  std::vector<std::uint32_t> inside;
  for (auto at = model.lower_bound(begin); at != model.end() && *at < end; ++at) inside.push_back(*at);
  if (rng.coin()) {
    ASSERT_EQ(selection.count(begin, end), inside.size());
  }
  ASSERT_EQ(selection.first(begin, end), inside.empty() ? std::nullopt : std::optional(inside.front()));
  ASSERT_EQ(selection.last(begin, end), inside.empty() ? std::nullopt : std::optional(inside.back()));
  // In blocks, as a cursor does.
  std::vector<std::uint32_t> found;
  std::vector<std::uint32_t> block(1 + rng.below(5'000));
  for (std::uint32_t from = begin;;) {
    const std::size_t count = selection.read(from, end, block);
    if (count == 0) break;
    found.insert(found.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(count));
    from = found.back() + 1;
  }
  ASSERT_EQ(found, inside);
  found.clear();
  for (std::uint32_t to = end;;) {
    const std::size_t count = selection.read_back(begin, to, block);
    if (count == 0) break;
    found.insert(found.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(count));
    to = found.back();
  }
  std::ranges::reverse(found);
  ASSERT_EQ(found, inside);
  ASSERT_EQ(selection.count(begin, end), inside.size());
}

TEST(SelectionTest, IsThatOfStdSets) {
  test::Rng rng(1);
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(round);
    static constexpr std::uint32_t kLimits[] = {100, 3'000, 65'536, 200'000, 330'000};
    const std::uint32_t limit = kLimits[rng.below(std::size(kLimits))];
    Sets sets(rng, limit);
    Case it = combined(sets, rng, 3);
    if (it.selection.nothing()) {
      ASSERT_TRUE(it.model.empty());
    }
    expect_window(it.selection, it.model, 0, limit, rng);
    for (int window = 0; window < 4 && !HasFatalFailure(); ++window) {
      auto begin = static_cast<std::uint32_t>(rng.below(limit));
      auto end = static_cast<std::uint32_t>(rng.below(limit + 1));
      if (window == 1) begin = begin / kSlabSize * kSlabSize;
      if (window == 2) end = end / kSlabSize * kSlabSize;
      expect_window(it.selection, it.model, begin, end, rng);
      ASSERT_EQ(it.selection.contains(begin), it.model.contains(begin));
    }
    if (HasFatalFailure()) return;
  }
}

TEST(SelectionTest, NothingOfNothing) {
  EXPECT_TRUE(Selection().nothing());
  EXPECT_TRUE(Selection::all_of({}).nothing());
  EXPECT_TRUE(Selection::any_of({}).nothing());
  EXPECT_EQ(Selection().count(0, 100), 0u);
  EXPECT_EQ(Selection().first(0, 100), std::nullopt);
  EXPECT_EQ(Selection().last(0, 100), std::nullopt);
  EXPECT_TRUE(Selection::without(Selection(), Selection(Postings(Ordinals::range(0, 9)))).nothing());
}

TEST(SelectionTest, ASetAloneStaysTheSetThatItIs) {
  const Ordinals set = Ordinals::range(0, 1'000);
  const auto alone = [&](bool all) {
    std::vector<Selection> parts;
    parts.emplace_back(Postings::view(set));
    if (!all) parts.emplace_back();
    return all ? Selection::all_of(std::move(parts)) : Selection::any_of(std::move(parts));
  };
  EXPECT_EQ(&**alone(true).set(), &set);
  EXPECT_EQ(&**alone(false).set(), &set);
}

// A cursor over the segment that is written keeps its selection from one block to the next, while events are added behind
// what it looks at.
TEST(SelectionTest, SetsMayGrowBehindWhatIsLookedAt) {
  constexpr std::uint32_t kEnd = 100'000;
  for (const std::uint32_t every : {1u, 3u, 3'000u}) {
    Ordinals a;
    Ordinals b;
    Ordinals c;
    const auto grow = [&](std::uint32_t begin, std::uint32_t end) {
      for (std::uint32_t ordinal = begin; ordinal < end; ++ordinal) {
        if (ordinal % every == 0) a.append(ordinal);
        if (ordinal % 2 == 0) b.append(ordinal);
        if (ordinal % 5 == 0) c.append(ordinal);
      }
    };
    grow(0, kEnd);
    std::vector<Selection> both;
    both.emplace_back(Postings::view(a));
    both.emplace_back(Postings::view(b));
    Selection selection = Selection::without(Selection::all_of(std::move(both)), Selection(Postings::view(c)));
    std::uint32_t from = 0;
    std::vector<std::uint32_t> block(7);
    for (std::uint32_t round = 0;; ++round) {
      const std::size_t count = selection.read(from, kEnd, block);
      for (std::size_t i = 0; i < count; ++i) {
        while (from % every != 0 || from % 2 != 0 || from % 5 == 0) ++from;
        ASSERT_EQ(block[i], from++);
      }
      if (count < block.size()) break;
      if (round < 2'000) grow(kEnd + 100 * round, kEnd + 100 * (round + 1));
    }
    for (; from < kEnd; ++from) ASSERT_FALSE(from % every == 0 && from % 2 == 0 && from % 5 != 0);
  }
}

}  // namespace
}  // namespace daybook::index
