#include "index/selection.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "index/slab.h"

namespace daybook::index {
namespace {

constexpr std::uint32_t kNoSlab = Ordinals::kNoSlab;

constexpr std::uint32_t base_of(std::uint32_t slab) noexcept { return slab << kSlabBits; }

// Of [begin, end), which is not empty, what is in a slab.
struct Numbers {
  Numbers(std::uint32_t slab, std::uint32_t begin_ordinal, std::uint32_t end_ordinal) noexcept
      : begin(slab_of(begin_ordinal) == slab ? number_in_slab(begin_ordinal) : 0),
        end(slab_of(end_ordinal - 1) == slab ? number_in_slab(end_ordinal - 1) + 1 : kSlabSize) {}
  [[nodiscard]] bool whole() const noexcept { return begin == 0 && end == kSlabSize; }

  std::uint32_t begin;
  std::uint32_t end;
};

// A list of the elements that are wanted.
template <typename Wanted>
Selection filtered(const Ordinals& list, const Wanted& wanted) {
  std::vector<std::uint32_t> kept;
  std::ranges::copy_if(list.list(), std::back_inserter(kept), wanted);
  return Selection(Postings(Ordinals::of(kept)));
}

bool is_list(const Selection& part) noexcept { return part.set() != nullptr && (*part.set())->is_list(); }

}  // namespace

// Parts, and room for what they come to in the slab that was looked at last.
struct Selection::Several {
  Several(Kind of_kind, std::vector<Selection> of_parts)
      : kind(of_kind), parts(std::move(of_parts)), numbers_(parts.size()) {}

  void load(std::uint32_t slab);
  std::uint32_t count(std::uint32_t slab);

  const Kind kind;
  std::vector<Selection> parts;  // without: the second one from the first
  Slab room;

 private:
  // What a part has in a slab.
  Container of_part(std::size_t i, std::uint32_t slab) { return parts[i].in_slab(slab, numbers_[i]); }
  std::span<const Container> sorted(std::uint32_t slab);

  std::vector<std::vector<std::uint16_t>> numbers_;  // of each part that has no containers, in a slab
  std::vector<Container> containers_;
  std::uint32_t loaded_ = kNoSlab;  // what of is in `room`
};

Selection::Selection() noexcept = default;
Selection::Selection(Postings set) noexcept : set_(std::move(set)) {}
Selection::Selection(Kind kind, std::vector<Selection> parts)
    : several_(std::make_unique<Several>(kind, std::move(parts))) {}
Selection::Selection(Selection&&) noexcept = default;
Selection& Selection::operator=(Selection&&) noexcept = default;
Selection::~Selection() = default;

Selection Selection::all_of(std::vector<Selection> parts) {
  if (parts.empty() || std::ranges::any_of(parts, &Selection::nothing)) return {};
  if (parts.size() == 1) return std::move(parts.front());
  const auto size = [](const Selection& part) { return is_list(part) ? (*part.set())->size() : UINT64_MAX; };
  const auto rarest = std::ranges::min_element(parts, {}, size);
  if (!is_list(*rarest)) return {Kind::all, std::move(parts)};
  return filtered(**rarest->set(), [&](std::uint32_t ordinal) {
    return std::ranges::all_of(parts, [=](const Selection& part) { return part.contains(ordinal); });
  });
}

Selection Selection::any_of(std::vector<Selection> parts) {
  std::erase_if(parts, [](const Selection& part) { return part.nothing(); });
  if (parts.empty()) return {};
  if (parts.size() == 1) return std::move(parts.front());
  // Lists become one set at once: slab by slab, each would be looked through again.
  const auto lists = std::partition(parts.begin(), parts.end(), [](const Selection& part) { return !is_list(part); });
  std::vector<std::uint32_t> few;
  for (auto at = lists; at != parts.end(); ++at) {
    const std::span<const std::uint32_t> list = (*at->set())->list();
    few.insert(few.end(), list.begin(), list.end());
  }
  if (!few.empty()) {
    std::ranges::sort(few);
    few.erase(std::unique(few.begin(), few.end()), few.end());
    parts.erase(lists, parts.end());
    parts.emplace_back(Postings(Ordinals::of(few)));
  }
  if (parts.size() == 1) return std::move(parts.front());
  return {Kind::any, std::move(parts)};
}

Selection Selection::without(Selection from, Selection taken) {
  if (from.nothing() || taken.nothing()) return from;
  if (is_list(from)) {
    return filtered(**from.set(), [&](std::uint32_t ordinal) { return !taken.contains(ordinal); });
  }
  std::vector<Selection> parts;
  parts.push_back(std::move(from));
  parts.push_back(std::move(taken));
  return {Kind::without, std::move(parts)};
}

bool Selection::contains(std::uint32_t ordinal) const noexcept {
  if (several_ == nullptr) return set_->contains(ordinal);
  const std::vector<Selection>& parts = several_->parts;
  const auto has = [=](const Selection& part) { return part.contains(ordinal); };
  switch (several_->kind) {
    case Kind::all: return std::ranges::all_of(parts, has);
    case Kind::any: return std::ranges::any_of(parts, has);
    case Kind::without: break;
  }
  return has(parts[0]) && !has(parts[1]);
}

std::uint32_t Selection::agreed_slab(const std::vector<Selection>& parts, std::uint32_t slab, Step step) noexcept {
  for (std::size_t agreed = 0; agreed < parts.size() && slab != kNoSlab;) {
    agreed = 0;
    for (const Selection& part : parts) {
      const std::uint32_t said = (part.*step)(slab);
      agreed = said == slab ? agreed + 1 : 0;
      slab = said;
    }
  }
  return slab;
}

std::uint32_t Selection::next_slab(std::uint32_t slab) const noexcept {
  if (several_ == nullptr) return set_->next_slab(slab);
  const std::vector<Selection>& parts = several_->parts;
  switch (several_->kind) {
    case Kind::without: return parts.front().next_slab(slab);
    case Kind::any: {
      std::uint32_t next = kNoSlab;
      for (const Selection& part : parts) next = std::min(next, part.next_slab(slab));
      return next;
    }
    case Kind::all: break;
  }
  return agreed_slab(parts, slab, &Selection::next_slab);
}

std::uint32_t Selection::previous_slab(std::uint32_t slab) const noexcept {
  if (several_ == nullptr) return set_->previous_slab(slab);
  const std::vector<Selection>& parts = several_->parts;
  switch (several_->kind) {
    case Kind::without: return parts.front().previous_slab(slab);
    case Kind::any: {
      std::uint32_t previous = kNoSlab;
      for (const Selection& part : parts) {
        const std::uint32_t other = part.previous_slab(slab);
        if (other != kNoSlab && (previous == kNoSlab || other > previous)) previous = other;
      }
      return previous;
    }
    case Kind::all: break;
  }
  return agreed_slab(parts, slab, &Selection::previous_slab);
}

// Of the parts of an intersection, the smallest one first.
std::span<const Container> Selection::Several::sorted(std::uint32_t slab) {
  containers_.clear();
  for (std::size_t i = 0; i < parts.size(); ++i) containers_.push_back(of_part(i, slab));
  std::ranges::sort(containers_, {}, &Container::count);
  return containers_;
}

void Selection::Several::load(std::uint32_t slab) {
  if (loaded_ == slab) return;
  loaded_ = slab;
  switch (kind) {
    case Kind::all: {
      const std::span<const Container> all = sorted(slab);
      room.load_both(all[0], all[1]);
      for (std::size_t i = 2; i < all.size() && room.any(); ++i) room.keep(all[i]);
      break;
    }
    case Kind::any:
      room.clear();
      for (std::size_t i = 0; i < parts.size(); ++i) room.add(of_part(i, slab));
      break;
    case Kind::without: room.load(of_part(0, slab)); room.remove(of_part(1, slab));
  }
}

// Without making the last intersection.
std::uint32_t Selection::Several::count(std::uint32_t slab) {
  if (kind != Kind::all || loaded_ == slab) {
    load(slab);
    return room.container().count;
  }
  const std::span<const Container> all = sorted(slab);
  if (all.size() == 2) return count_both(all[0], all[1]);
  loaded_ = kNoSlab;
  room.load_both(all[0], all[1]);
  for (std::size_t i = 2; i + 1 < all.size() && room.any(); ++i) room.keep(all[i]);
  return room.any() ? count_both(room.uncounted(), all.back()) : 0;
}

Container Selection::in_slab(std::uint32_t slab, std::vector<std::uint16_t>& room) {
  if (several_ == nullptr) return set_->in_slab(slab, room);
  several_->load(slab);
  return several_->room.container();
}

std::uint64_t Selection::count(std::uint32_t begin, std::uint32_t end) {
  if (begin >= end) return 0;
  if (several_ == nullptr) return set_->rank(end) - set_->rank(begin);
  std::uint64_t counted = 0;
  for (std::uint32_t slab = next_slab(slab_of(begin)); slab <= slab_of(end - 1); slab = next_slab(slab + 1)) {
    const Numbers numbers(slab, begin, end);
    if (numbers.whole()) {
      counted += several_->count(slab);
    } else {
      several_->load(slab);
      const Container found = several_->room.container();
      counted += found.rank(numbers.end) - found.rank(numbers.begin);
    }
  }
  return counted;
}

std::optional<std::uint32_t> Selection::first(std::uint32_t begin, std::uint32_t end) {
  std::uint32_t found = 0;
  return read(begin, end, {&found, 1}) == 0 ? std::nullopt : std::optional(found);
}

std::optional<std::uint32_t> Selection::last(std::uint32_t begin, std::uint32_t end) {
  std::uint32_t found = 0;
  return read_back(begin, end, {&found, 1}) == 0 ? std::nullopt : std::optional(found);
}

std::size_t Selection::read(std::uint32_t begin, std::uint32_t end, std::span<std::uint32_t> out) {
  if (begin >= end) return 0;
  std::size_t found = 0;
  if (several_ == nullptr) {
    found = set_->read(begin, out);
    while (found > 0 && out[found - 1] >= end) --found;
    return found;
  }
  for (std::uint32_t slab = next_slab(slab_of(begin)); slab <= slab_of(end - 1); slab = next_slab(slab + 1)) {
    several_->load(slab);
    const Numbers numbers(slab, begin, end);
    if (several_->room.any()) {
      found += several_->room.uncounted().read(numbers.begin, numbers.end, base_of(slab), out.subspan(found));
    }
    if (found == out.size()) break;
  }
  return found;
}

std::size_t Selection::read_back(std::uint32_t begin, std::uint32_t end, std::span<std::uint32_t> out) {
  if (begin >= end) return 0;
  std::size_t found = 0;
  if (several_ == nullptr) {
    found = set_->read_back(end - 1, out);
    while (found > 0 && out[found - 1] < begin) --found;
    return found;
  }
  for (std::uint32_t slab = previous_slab(slab_of(end - 1)); slab != kNoSlab && slab >= slab_of(begin);
       slab = slab == 0 ? kNoSlab : previous_slab(slab - 1)) {
    several_->load(slab);
    const Numbers numbers(slab, begin, end);
    if (several_->room.any()) {
      found += several_->room.uncounted().read_back(numbers.begin, numbers.end, base_of(slab), out.subspan(found));
    }
    if (found == out.size()) break;
  }
  return found;
}

}  // namespace daybook::index
