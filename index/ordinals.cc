#include "index/ordinals.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <memory>
#include <new>

#include <roaring/roaring.h>

namespace daybook::index {
namespace {

constexpr std::uint32_t base_of(std::uint32_t slab) noexcept { return slab << kSlabBits; }

}  // namespace

Ordinals Ordinals::range(std::uint32_t begin, std::uint32_t end) {
  Ordinals made;
  if (end <= begin) return made;
  if (end - begin <= kFewMax) {
    for (std::uint32_t ordinal = begin; ordinal != end; ++ordinal) made.few_.push_back(ordinal);
    return made;
  }
  made.many_size_ = end - begin;
  for (std::uint32_t slab = slab_of(begin); slab <= slab_of(end - 1); ++slab) {
    const std::uint32_t first = std::max(begin, base_of(slab));
    const std::uint32_t others = std::min(end - 1, base_of(slab) + (kSlabSize - 1)) - first;
    made.held_.push_back({.slab = slab,
                          .count = others + 1,
                          .form = Container::Form::runs,
                          .data = {static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(others)}});
  }
  return made;
}

Ordinals Ordinals::of(std::span<const std::uint32_t> ascending) {
  assert(std::is_sorted(ascending.begin(), ascending.end()));
  Ordinals made;
  if (ascending.size() > kFewMax) {
    for (const std::uint32_t ordinal : ascending) made.hold(ordinal);
  } else {
    made.few_.assign(ascending.begin(), ascending.end());
  }
  return made;
}

Ordinals Ordinals::view(std::span<const std::byte> valid_roaring) {
  Ordinals made;
  made.view_ = RoaringView(valid_roaring);
  for (std::uint32_t i = 0; i < made.view_.containers(); ++i) made.many_size_ += made.view_.count(i);
  return made;
}

Ordinals Ordinals::view(PackedList list) {
  Ordinals made;
  made.packed_ = list;
  made.is_packed_ = true;
  return made;
}

void Ordinals::append(std::uint32_t ordinal) {
  assert(view_.containers() == 0 && !is_packed_ && (empty() || ordinal > last()));
  if (held_.empty()) {
    if (few_.size() < kFewMax) return few_.push_back(ordinal);
    for (const std::uint32_t early : few_) hold(early);
    few_ = {};
  }
  hold(ordinal);
}

void Ordinals::hold(std::uint32_t ordinal) {
  if (held_.empty() || held_.back().slab != slab_of(ordinal)) held_.push_back({.slab = slab_of(ordinal), .data = {}});
  held_.back().append(number_in_slab(ordinal));
  ++many_size_;
}

void Ordinals::Held::append(std::uint32_t number) {
  if (form == Container::Form::array && count == Container::kArrayMax) {
    // The same bytes again as a bitset: an array is as large when it is full.
    constexpr std::uint32_t kBits = 16;
    std::vector<std::uint16_t> bits(kBitsetSize / sizeof(std::uint16_t));
    for (const std::uint16_t early : data) bits[early / kBits] |= static_cast<std::uint16_t>(1u << (early % kBits));
    data = std::move(bits);
    form = Container::Form::bitset;
  }
  switch (form) {
    case Container::Form::array: data.push_back(static_cast<std::uint16_t>(number)); break;
    case Container::Form::bitset: data[number / 16] |= static_cast<std::uint16_t>(1u << (number % 16)); break;
    case Container::Form::runs:
      if (container().last() + 1 == number) {
        ++data.back();
      } else {
        data.insert(data.end(), {static_cast<std::uint16_t>(number), 0});
      }
  }
  ++count;
}

Container Ordinals::Held::container() const noexcept {
  Container made{.data = std::as_bytes(std::span(data)).data(), .count = count, .form = form};
  if (form == Container::Form::runs) made.runs = static_cast<std::uint32_t>(data.size() / 2);
  return made;
}

// In a set without gaps between its slabs, as large ones are, it is where it is looked for first.
std::uint32_t Ordinals::container_from(std::uint32_t slab) const noexcept {
  std::uint32_t low = 0;
  std::uint32_t high = std::min(slab, containers());
  if (high < containers() && this->slab(high) == slab) return high;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    (this->slab(middle) < slab ? low : high) = this->slab(middle) < slab ? middle + 1 : middle;
  }
  return low;
}

bool Ordinals::contains(std::uint32_t ordinal) const noexcept {
  if (is_list()) return std::binary_search(few_.begin(), few_.end(), ordinal);
  if (is_packed_) return next(ordinal) == ordinal;
  const std::uint32_t i = container_from(slab_of(ordinal));
  return i < containers() && slab(i) == slab_of(ordinal) && container(i).contains(number_in_slab(ordinal));
}

std::uint32_t Ordinals::first() const noexcept {
  assert(!empty());
  if (is_packed_) return packed_.first();
  return is_list() ? few_.front() : base_of(slab(0)) + container(0).first();
}

std::uint32_t Ordinals::last() const noexcept {
  assert(!empty());
  if (is_packed_) return packed_.last();
  return is_list() ? few_.back() : base_of(slab(containers() - 1)) + container(containers() - 1).last();
}

std::uint64_t Ordinals::rank(std::uint32_t ordinal) const noexcept {
  if (is_list()) {
    return static_cast<std::uint64_t>(std::lower_bound(few_.begin(), few_.end(), ordinal) - few_.begin());
  }
  if (is_packed_) return packed_.rank(ordinal);
  const std::uint32_t here = container_from(slab_of(ordinal));
  std::uint64_t smaller = 0;
  for (std::uint32_t i = 0; i < here; ++i) smaller += count(i);
  const bool cut = here < containers() && slab(here) == slab_of(ordinal);
  return cut ? smaller + container(here).rank(number_in_slab(ordinal)) : smaller;
}

std::uint32_t Ordinals::select(std::uint64_t k) const noexcept {
  assert(k < size());
  if (is_list()) return few_[k];
  if (is_packed_) return packed_.select(static_cast<std::uint32_t>(k));
  std::uint32_t i = 0;
  for (; k >= count(i); ++i) k -= count(i);
  return base_of(slab(i)) + container(i).select(static_cast<std::uint32_t>(k));
}

std::optional<std::uint32_t> Ordinals::next(std::uint32_t ordinal) const noexcept {
  std::uint32_t element = 0;
  if (read(ordinal, {&element, 1}) == 0) return std::nullopt;
  return element;
}

std::optional<std::uint32_t> Ordinals::previous(std::uint32_t ordinal) const noexcept {
  std::uint32_t element = 0;
  if (read_back(ordinal, {&element, 1}) == 0) return std::nullopt;
  return element;
}

std::size_t Ordinals::read(std::uint32_t from, std::span<std::uint32_t> out) const noexcept {
  if (is_list()) {
    const auto begin = std::lower_bound(few_.begin(), few_.end(), from);
    const auto count = std::min(out.size(), static_cast<std::size_t>(few_.end() - begin));
    std::copy_n(begin, count, out.begin());
    return count;
  }
  if (is_packed_) return packed_.read(from, out);
  std::size_t found = 0;
  for (std::uint32_t i = container_from(slab_of(from)); i < containers() && found < out.size(); ++i) {
    const std::uint32_t begin = slab(i) == slab_of(from) ? number_in_slab(from) : 0;
    found += container(i).read(begin, kSlabSize, base_of(slab(i)), out.subspan(found));
  }
  return found;
}

std::size_t Ordinals::read_back(std::uint32_t from, std::span<std::uint32_t> out) const noexcept {
  if (is_list()) {
    const auto behind = std::upper_bound(few_.begin(), few_.end(), from);
    const auto count = std::min(out.size(), static_cast<std::size_t>(behind - few_.begin()));
    std::reverse_copy(behind - static_cast<std::ptrdiff_t>(count), behind, out.begin());
    return count;
  }
  if (is_packed_) return packed_.read_back(from, out);
  std::size_t found = 0;
  const std::uint32_t here = container_from(slab_of(from));
  const bool cut = here < containers() && slab(here) == slab_of(from);
  for (std::uint32_t i = cut ? here + 1 : here; i > 0 && found < out.size(); --i) {
    const std::uint32_t end = cut && i == here + 1 ? number_in_slab(from) + 1 : kSlabSize;
    found += container(i - 1).read_back(0, end, base_of(slab(i - 1)), out.subspan(found));
  }
  return found;
}

Container Ordinals::in_slab(std::uint32_t slab, std::vector<std::uint16_t>& room) const {
  if (containers() > 0) {
    const std::uint32_t i = container_from(slab);
    return i < containers() && this->slab(i) == slab ? container(i) : Container();
  }
  room.clear();
  if (is_packed_) {
    packed_.read_slab(slab, room);
  } else {
    for (auto at = std::lower_bound(few_.begin(), few_.end(), base_of(slab)); at != few_.end() && slab_of(*at) == slab;
         ++at) {
      room.push_back(static_cast<std::uint16_t>(*at));
    }
  }
  return {.data = std::as_bytes(std::span(room)).data(), .count = static_cast<std::uint32_t>(room.size())};
}

std::uint32_t Ordinals::next_slab(std::uint32_t slab) const noexcept {
  if (slab == kNoSlab) return kNoSlab;
  if (containers() == 0) {
    const auto element = next(base_of(slab));
    return element ? slab_of(*element) : kNoSlab;
  }
  const std::uint32_t i = container_from(slab);
  return i == containers() ? kNoSlab : this->slab(i);
}

std::uint32_t Ordinals::previous_slab(std::uint32_t slab) const noexcept {
  if (slab == kNoSlab) return kNoSlab;
  if (containers() == 0) {
    const auto element = previous(base_of(slab) + (kSlabSize - 1));
    return element ? slab_of(*element) : kNoSlab;
  }
  const std::uint32_t i = container_from(slab);
  if (i < containers() && this->slab(i) == slab) return slab;
  return i == 0 ? kNoSlab : this->slab(i - 1);
}

std::size_t Ordinals::heap_bytes() const noexcept {
  std::size_t bytes = few_.capacity() * sizeof(std::uint32_t) + held_.capacity() * sizeof(Held);
  for (const Held& held : held_) bytes += held.data.capacity() * sizeof(std::uint16_t);
  return bytes;
}

std::vector<std::byte> Ordinals::to_roaring() const {
  struct Free {
    void operator()(roaring_bitmap_t* bitmap) const noexcept { roaring_bitmap_free(bitmap); }
  };
  const std::unique_ptr<roaring_bitmap_t, Free> bitmap(roaring_bitmap_create());
  if (bitmap == nullptr) throw std::bad_alloc();
  std::array<std::uint32_t, 1024> block;
  for (std::size_t count = read(0, block); count > 0;) {
    roaring_bitmap_add_many(bitmap.get(), count, block.data());
    const std::uint32_t last = block[count - 1];
    count = last == UINT32_MAX ? 0 : read(last + 1, block);
  }
  roaring_bitmap_run_optimize(bitmap.get());
  roaring_bitmap_shrink_to_fit(bitmap.get());
  std::vector<std::byte> bytes(roaring_bitmap_portable_size_in_bytes(bitmap.get()));
  roaring_bitmap_portable_serialize(bitmap.get(), reinterpret_cast<char*>(bytes.data()));
  return bytes;
}

bool operator==(const Ordinals& a, const Ordinals& b) noexcept {
  if (a.size() != b.size()) return false;
  std::array<std::uint32_t, 64> of_a;
  std::array<std::uint32_t, 64> of_b;
  std::uint32_t from = 0;
  for (std::uint64_t left = a.size(); left > 0;) {
    const std::size_t count = a.read(from, of_a);
    if (b.read(from, of_b) != count ||
        !std::equal(of_a.begin(), of_a.begin() + static_cast<std::ptrdiff_t>(count), of_b.begin()))
      return false;
    left -= count;
    from = of_a[count - 1] + 1;
  }
  return true;
}

}  // namespace daybook::index
