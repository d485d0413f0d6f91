#include "index/ordinals.h"

#include <algorithm>
#include <cassert>
#include <new>
#include <utility>

#include <roaring/roaring.h>

#include "index/roaring_validator.h"

namespace daybook::index {

struct Ordinals::Roaring {
  static roaring_bitmap_t* of(const BitmapPtr& bitmap) noexcept {
    return reinterpret_cast<roaring_bitmap_t*>(bitmap.get());
  }
  static BitmapPtr own(roaring_bitmap_t* bitmap) {
    if (bitmap == nullptr) throw std::bad_alloc();
    return BitmapPtr(reinterpret_cast<Bitmap*>(bitmap));
  }
  static std::uint64_t size(const BitmapPtr& bitmap) noexcept { return roaring_bitmap_get_cardinality(of(bitmap)); }
  // The elements of `values`, whose order is kept, that are in the bitmap, or that are not.
  static void keep(std::vector<std::uint32_t>& values, const BitmapPtr& bitmap, bool wanted) {
    std::erase_if(values, [&](std::uint32_t value) { return roaring_bitmap_contains(of(bitmap), value) != wanted; });
  }
};

void Ordinals::FreeBitmap::operator()(Bitmap* bitmap) const noexcept {
  roaring_bitmap_free(reinterpret_cast<roaring_bitmap_t*>(bitmap));
}

Ordinals::Ordinals(const Ordinals& other)
    : few_(other.few_), many_size_(other.many_size_), many_last_(other.many_last_) {
  if (other.many_ != nullptr) many_ = Roaring::own(roaring_bitmap_copy(Roaring::of(other.many_)));
}

Ordinals::Ordinals(Ordinals&& other) noexcept
    : few_(std::move(other.few_)),
      many_(std::move(other.many_)),
      many_size_(std::exchange(other.many_size_, 0)),
      many_last_(std::exchange(other.many_last_, 0)) {
  other.few_.clear();
}

Ordinals& Ordinals::operator=(const Ordinals& other) {
  if (this != &other) *this = Ordinals(other);
  return *this;
}

Ordinals& Ordinals::operator=(Ordinals&& other) noexcept {
  if (this == &other) return *this;
  few_ = std::move(other.few_);
  other.few_.clear();
  many_ = std::move(other.many_);
  many_size_ = std::exchange(other.many_size_, 0);
  many_last_ = std::exchange(other.many_last_, 0);
  return *this;
}

Ordinals Ordinals::range(std::uint32_t begin, std::uint32_t end) {
  Ordinals made;
  if (end <= begin) return made;
  if (end - begin > kFewMax) {
    made.adopt(Roaring::own(roaring_bitmap_from_range(begin, end, 1)));
    return made;
  }
  for (std::uint32_t ordinal = begin; ordinal != end; ++ordinal) made.few_.push_back(ordinal);
  return made;
}

Ordinals Ordinals::of(std::span<const std::uint32_t> ascending) {
  assert(std::is_sorted(ascending.begin(), ascending.end()));
  Ordinals made;
  if (ascending.size() > kFewMax) {
    made.adopt(Roaring::own(roaring_bitmap_of_ptr(ascending.size(), ascending.data())));
  } else {
    made.few_.assign(ascending.begin(), ascending.end());
  }
  return made;
}

// Takes a bitmap as the set, in whichever form its size asks for.
void Ordinals::adopt(BitmapPtr bitmap) {
  const std::uint64_t size = Roaring::size(bitmap);
  if (size > kFewMax) {
    many_size_ = size;
    many_last_ = roaring_bitmap_maximum(Roaring::of(bitmap));
    many_ = std::move(bitmap);
    few_ = {};
    return;
  }
  std::vector<std::uint32_t> few(size);
  if (size > 0) roaring_bitmap_to_uint32_array(Roaring::of(bitmap), few.data());
  few_ = std::move(few);
  many_ = nullptr;
  many_size_ = 0;
}

void Ordinals::to_bitmap() {
  if (many_ != nullptr) return;
  BitmapPtr bitmap = Roaring::own(roaring_bitmap_of_ptr(few_.size(), few_.data()));
  many_size_ = few_.size();
  many_last_ = few_.empty() ? 0 : few_.back();
  many_ = std::move(bitmap);
  few_ = {};
}

void Ordinals::append(std::uint32_t ordinal) {
  assert(empty() || ordinal > last());
  if (many_ == nullptr) {
    if (few_.size() < kFewMax) return few_.push_back(ordinal);
    to_bitmap();
  }
  roaring_bitmap_add(Roaring::of(many_), ordinal);
  ++many_size_;
  many_last_ = ordinal;
}

bool Ordinals::contains(std::uint32_t ordinal) const noexcept {
  if (many_ != nullptr) return roaring_bitmap_contains(Roaring::of(many_), ordinal);
  return std::binary_search(few_.begin(), few_.end(), ordinal);
}

std::uint32_t Ordinals::first() const noexcept {
  assert(!empty());
  return many_ != nullptr ? roaring_bitmap_minimum(Roaring::of(many_)) : few_.front();
}

std::uint32_t Ordinals::last() const noexcept {
  assert(!empty());
  return many_ != nullptr ? many_last_ : few_.back();
}

std::uint64_t Ordinals::rank(std::uint32_t ordinal) const noexcept {
  if (many_ != nullptr) return ordinal == 0 ? 0 : roaring_bitmap_rank(Roaring::of(many_), ordinal - 1);
  return static_cast<std::uint64_t>(std::lower_bound(few_.begin(), few_.end(), ordinal) - few_.begin());
}

std::uint32_t Ordinals::select(std::uint64_t k) const noexcept {
  assert(k < size());
  if (many_ == nullptr) return few_[k];
  std::uint32_t element = 0;
  roaring_bitmap_select(Roaring::of(many_), static_cast<std::uint32_t>(k), &element);
  return element;
}

std::optional<std::uint32_t> Ordinals::next(std::uint32_t ordinal) const noexcept {
  std::uint32_t element = 0;
  if (read(ordinal, {&element, 1}) == 0) return std::nullopt;
  return element;
}

std::optional<std::uint32_t> Ordinals::previous(std::uint32_t ordinal) const noexcept {
  if (many_ != nullptr) {
    const std::uint64_t below = roaring_bitmap_rank(Roaring::of(many_), ordinal);
    return below == 0 ? std::nullopt : std::optional(select(below - 1));
  }
  const auto behind = std::upper_bound(few_.begin(), few_.end(), ordinal);
  return behind == few_.begin() ? std::nullopt : std::optional(*(behind - 1));
}

std::size_t Ordinals::read(std::uint32_t from, std::span<std::uint32_t> out) const noexcept {
  if (many_ == nullptr) {
    const auto begin = std::lower_bound(few_.begin(), few_.end(), from);
    const auto count = std::min(out.size(), static_cast<std::size_t>(few_.end() - begin));
    std::copy_n(begin, count, out.begin());
    return count;
  }
  roaring_uint32_iterator_t at;
  roaring_init_iterator(Roaring::of(many_), &at);
  if (out.empty() || !roaring_move_uint32_iterator_equalorlarger(&at, from)) return 0;
  const auto room = static_cast<std::uint32_t>(std::min<std::size_t>(out.size(), UINT32_MAX));
  return roaring_read_uint32_iterator(&at, out.data(), room);
}

std::size_t Ordinals::read_back(std::uint32_t from, std::span<std::uint32_t> out) const noexcept {
  const std::uint64_t there = rank(from) + (contains(from) ? 1 : 0);
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(there, out.size()));
  if (count == 0) return 0;
  // Forward and turned around: a bitmap is read forward in blocks, and backward one by one.
  read(select(there - count), out.first(count));
  std::reverse(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count));
  return count;
}

// The elements of both, one of which is a list.
std::vector<std::uint32_t> Ordinals::in_both(const Ordinals& other) const {
  if (many_ != nullptr) return other.in_both(*this);
  std::vector<std::uint32_t> both;
  if (other.many_ != nullptr) {
    both = few_;
    Roaring::keep(both, other.many_, true);
  } else {
    std::set_intersection(few_.begin(), few_.end(), other.few_.begin(), other.few_.end(), std::back_inserter(both));
  }
  return both;
}

Ordinals operator&(const Ordinals& a, const Ordinals& b) {
  using Roaring = Ordinals::Roaring;
  Ordinals made;
  if (a.many_ != nullptr && b.many_ != nullptr) {
    made.adopt(Roaring::own(roaring_bitmap_and(Roaring::of(a.many_), Roaring::of(b.many_))));
  } else {
    made.few_ = a.in_both(b);
  }
  return made;
}

Ordinals& Ordinals::operator&=(const Ordinals& other) {
  if (this != &other) *this = *this & other;
  return *this;
}

Ordinals& Ordinals::operator|=(const Ordinals& other) {
  if (other.empty() || this == &other) return *this;
  if (many_ == nullptr && other.many_ != nullptr) {
    const std::vector<std::uint32_t> own = std::exchange(few_, {});
    *this = other;
    roaring_bitmap_add_many(Roaring::of(many_), own.size(), own.data());
  } else if (many_ != nullptr && other.many_ != nullptr) {
    roaring_bitmap_or_inplace(Roaring::of(many_), Roaring::of(other.many_));
  } else if (many_ != nullptr) {
    roaring_bitmap_add_many(Roaring::of(many_), other.few_.size(), other.few_.data());
  } else {
    std::vector<std::uint32_t> either;
    std::set_union(few_.begin(), few_.end(), other.few_.begin(), other.few_.end(), std::back_inserter(either));
    *this = of(either);
    return *this;
  }
  adopt(std::move(many_));
  return *this;
}

Ordinals& Ordinals::operator-=(const Ordinals& other) {
  if (this == &other) return *this = Ordinals();
  if (many_ == nullptr) {
    if (other.many_ != nullptr) {
      Roaring::keep(few_, other.many_, false);
    } else {
      std::erase_if(few_, [&](std::uint32_t ordinal) { return other.contains(ordinal); });
    }
    return *this;
  }
  if (other.many_ != nullptr) {
    roaring_bitmap_andnot_inplace(Roaring::of(many_), Roaring::of(other.many_));
  } else {
    for (const std::uint32_t ordinal : other.few_) roaring_bitmap_remove(Roaring::of(many_), ordinal);
  }
  adopt(std::move(many_));
  return *this;
}

std::uint64_t Ordinals::intersection_size(const Ordinals& a, const Ordinals& b) {
  if (a.many_ != nullptr && b.many_ != nullptr) {
    return roaring_bitmap_and_cardinality(Roaring::of(a.many_), Roaring::of(b.many_));
  }
  const Ordinals& list = a.many_ == nullptr ? a : b;
  const Ordinals& other = a.many_ == nullptr ? b : a;
  return static_cast<std::uint64_t>(std::count_if(list.few_.begin(), list.few_.end(),
                                                  [&](std::uint32_t ordinal) { return other.contains(ordinal); }));
}

void Ordinals::crop(std::uint32_t begin, std::uint32_t end) {
  if (empty() || (begin <= first() && last() < end)) return;
  if (end <= begin) {
    *this = Ordinals();
  } else if (many_ == nullptr) {
    std::erase_if(few_, [=](std::uint32_t ordinal) { return ordinal < begin || ordinal >= end; });
  } else {
    if (begin > 0) roaring_bitmap_remove_range_closed(Roaring::of(many_), 0, begin - 1);
    roaring_bitmap_remove_range_closed(Roaring::of(many_), end, UINT32_MAX);
    adopt(std::move(many_));
  }
}

std::size_t Ordinals::heap_bytes() const noexcept {
  constexpr std::size_t kBitmapOverhead = 64;  // of the structs around the containers
  if (many_ == nullptr) return few_.capacity() * sizeof(std::uint32_t);
  return kBitmapOverhead + roaring_bitmap_portable_size_in_bytes(Roaring::of(many_));
}

std::vector<std::byte> Ordinals::to_roaring() const {
  const BitmapPtr copy = Roaring::own(many_ != nullptr ? roaring_bitmap_copy(Roaring::of(many_))
                                                       : roaring_bitmap_of_ptr(few_.size(), few_.data()));
  roaring_bitmap_run_optimize(Roaring::of(copy));
  roaring_bitmap_shrink_to_fit(Roaring::of(copy));
  std::vector<std::byte> bytes(roaring_bitmap_portable_size_in_bytes(Roaring::of(copy)));
  roaring_bitmap_portable_serialize(Roaring::of(copy), reinterpret_cast<char*>(bytes.data()));
  return bytes;
}

Result<Ordinals> Ordinals::from_roaring(std::span<const std::byte> bytes, std::uint64_t limit) {
  DAYBOOK_TRY(validate_roaring(bytes, limit));
  return from_valid_roaring(bytes);
}

Ordinals Ordinals::from_valid_roaring(std::span<const std::byte> bytes) {
  Ordinals made;
  made.adopt(Roaring::own(
      roaring_bitmap_portable_deserialize_safe(reinterpret_cast<const char*>(bytes.data()), bytes.size())));
  return made;
}

bool operator==(const Ordinals& a, const Ordinals& b) noexcept {
  using Roaring = Ordinals::Roaring;
  if (a.size() != b.size()) return false;
  if (a.many_ == nullptr) return a.few_ == b.few_;
  return roaring_bitmap_equals(Roaring::of(a.many_), Roaring::of(b.many_));
}

}  // namespace daybook::index
