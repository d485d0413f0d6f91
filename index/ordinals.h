// Sets of ordinals. An ordinal is the number of a published event inside its segment: 0, 1, 2 ...
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "index/container.h"
#include "index/packed_list.h"
#include "index/roaring_view.h"

namespace daybook::index {

// A set of ordinals: a sorted list below kFewMax + 1 elements; above, containers of 65,536 ordinals each, its own or those of
// a bitmap that lies in a sidecar, or a packed list that lies there. Most keys have a handful of events in a segment, and a
// bitmap for each would cost more than the events themselves. What becomes of several sets together is for Selection to say.
//
// Allocates; throws std::bad_alloc when there is no memory.
//
// Thread safety: const members from any number of threads; anything else from one thread alone.
class Ordinals {
 public:
  static constexpr std::size_t kFewMax = 63;

  Ordinals() noexcept : view_() {}

  // begin, begin + 1 ... end - 1; nothing when end <= begin.
  static Ordinals range(std::uint32_t begin, std::uint32_t end);
  // Strictly ascending elements.
  static Ordinals of(std::span<const std::uint32_t> ascending);
  // What is in a bitmap in the portable Roaring format that validate_roaring() accepted. The bytes are not copied, and must
  // outlive the set and its copies. Nothing can be appended.
  static Ordinals view(std::span<const std::byte> valid_roaring);
  // The same of a packed list.
  static Ordinals view(PackedList list);

  // Adds an ordinal larger than all so far.
  void append(std::uint32_t ordinal);

  [[nodiscard]] std::uint64_t size() const noexcept {
    if (is_packed_) return packed_.size();
    return is_list() ? few_.size() : many_size_;
  }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] bool contains(std::uint32_t ordinal) const noexcept;
  // The smallest and the largest; the set must not be empty.
  [[nodiscard]] std::uint32_t first() const noexcept;
  [[nodiscard]] std::uint32_t last() const noexcept;

  // How many elements are smaller than `ordinal`.
  [[nodiscard]] std::uint64_t rank(std::uint32_t ordinal) const noexcept;
  // The element that `k` others are smaller than; k < size().
  [[nodiscard]] std::uint32_t select(std::uint64_t k) const noexcept;
  // The smallest element >= ordinal, and the largest <= ordinal.
  [[nodiscard]] std::optional<std::uint32_t> next(std::uint32_t ordinal) const noexcept;
  [[nodiscard]] std::optional<std::uint32_t> previous(std::uint32_t ordinal) const noexcept;

  // Fills `out` with the elements >= from, ascending, or with those <= from, descending. Returns how many there were
  // room for.
  std::size_t read(std::uint32_t from, std::span<std::uint32_t> out) const noexcept;
  std::size_t read_back(std::uint32_t from, std::span<std::uint32_t> out) const noexcept;

  // Whether the set is a list of its own, of few elements, and those then.
  [[nodiscard]] bool is_list() const noexcept { return containers() == 0 && !is_packed_; }
  [[nodiscard]] std::span<const std::uint32_t> list() const noexcept { return few_; }

  // What is in a slab, nothing maybe. Where it is in no container, it is put into `room`.
  [[nodiscard]] Container in_slab(std::uint32_t slab, std::vector<std::uint16_t>& room) const;
  // The first slab with elements at that one or behind it, or kNoSlab.
  static constexpr std::uint32_t kNoSlab = 1u << (32 - kSlabBits);
  [[nodiscard]] std::uint32_t next_slab(std::uint32_t slab) const noexcept;
  // The last one up to it.
  [[nodiscard]] std::uint32_t previous_slab(std::uint32_t slab) const noexcept;

  // Bytes on the heap, about.
  [[nodiscard]] std::size_t heap_bytes() const noexcept;

  // The set in the portable Roaring format, the smallest container for each part; of any size, but meant for large ones.
  [[nodiscard]] std::vector<std::byte> to_roaring() const;

  friend bool operator==(const Ordinals& a, const Ordinals& b) noexcept;

 private:
  // A container that grows.
  struct Held {
    std::uint32_t slab = 0;
    std::uint32_t count = 0;
    Container::Form form = Container::Form::array;
    std::vector<std::uint16_t> data;

    void append(std::uint32_t number);
    [[nodiscard]] Container container() const noexcept;
  };

  [[nodiscard]] std::uint32_t containers() const noexcept {
    return is_packed_ ? 0 : view_.containers() + static_cast<std::uint32_t>(held_.size());
  }
  [[nodiscard]] std::uint32_t slab(std::uint32_t i) const noexcept {
    return held_.empty() ? view_.slab(i) : held_[i].slab;
  }
  [[nodiscard]] std::uint32_t count(std::uint32_t i) const noexcept {
    return held_.empty() ? view_.count(i) : held_[i].count;
  }
  [[nodiscard]] Container container(std::uint32_t i) const noexcept {
    return held_.empty() ? view_.container(i) : held_[i].container();
  }
  // The first container of that slab or of one behind it.
  [[nodiscard]] std::uint32_t container_from(std::uint32_t slab) const noexcept;
  void hold(std::uint32_t ordinal);

  std::vector<std::uint32_t> few_;  // the elements, when they are nowhere else
  std::vector<Held> held_;          // its own containers ...
  union {
    RoaringView view_;   // ... or those of a bitmap ...
    PackedList packed_;  // ... or a packed list
  };
  std::uint32_t many_size_ = 0;  // elements in containers
  bool is_packed_ = false;
};
// A set is made for every answer. GCC zeroes larger ones by an instruction that lets no cache misses overlap: to find a rare
// key in memory took twice as long.
static_assert(sizeof(Ordinals) <= 72);

}  // namespace daybook::index
