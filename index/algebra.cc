#include "index/algebra.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace daybook::index {
namespace {

void sort_by_size(std::vector<Postings>& sets) {
  std::sort(sets.begin(), sets.end(), [](const Postings& a, const Postings& b) { return a->size() < b->size(); });
}

// Of sets that are sorted by size.
Postings intersect(std::span<const Postings> sets) {
  if (sets.empty()) return {};
  if (sets.size() == 1 || !sets.front()) return sets.front();
  Ordinals both = *sets[0] & *sets[1];
  for (std::size_t i = 2; i < sets.size() && !both.empty(); ++i) both &= *sets[i];
  return Postings(std::move(both));
}

// All elements of the lists among the sets. Sorted at once: adding list after list would move the early ones each time.
Ordinals unite_lists(const std::vector<Postings>& sets) {
  std::vector<std::uint32_t> all;
  for (const Postings& set : sets) {
    std::array<std::uint32_t, Ordinals::kFewMax> list;
    if (set->size() > list.size()) continue;
    all.insert(all.end(), list.begin(), list.begin() + static_cast<std::ptrdiff_t>(set->read(0, list)));
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return Ordinals::of(all);
}

}  // namespace

Postings intersect_all(std::vector<Postings> sets) {
  sort_by_size(sets);
  return intersect(sets);
}

Postings unite_all(const std::vector<Postings>& sets) {
  std::vector<Postings> some;
  std::copy_if(sets.begin(), sets.end(), std::back_inserter(some), [](const Postings& set) { return bool(set); });
  if (some.empty()) return {};
  if (some.size() == 1) return some.front();
  sort_by_size(some);
  if (some.back()->size() <= Ordinals::kFewMax) return Postings(unite_lists(some));
  Ordinals either = *some.back();
  either |= unite_lists(some);
  for (std::size_t i = 0; i + 1 < some.size(); ++i) {
    if (some[i]->size() > Ordinals::kFewMax) either |= *some[i];
  }
  return Postings(std::move(either));
}

std::uint64_t intersection_size_all(std::vector<Postings> sets) {
  if (sets.empty()) return 0;
  sort_by_size(sets);
  if (sets.size() == 1) return sets.front()->size();
  const Postings others = intersect(std::span(sets).first(sets.size() - 1));
  return Ordinals::intersection_size(*others, *sets.back());
}

}  // namespace daybook::index
