// What several sets come to, worked out where it is looked at.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "index/postings.h"

namespace daybook::index {

// Set algebra over the answers of indexes, slab by slab (65,536 ordinals) in the order of reading: a page at the beginning
// of two dense sets costs what it takes to find the page. Counting makes no sets.
//
// A selection of a set is that set. Where one of the sets that are intersected is a list, the result is made at once: it is
// a list, too. The sets must live as long; they may grow, by ordinals behind all that is looked at.
//
// Thread safety: none. Allocates.
class Selection {
 public:
  Selection() noexcept;  // nothing
  explicit Selection(Postings set) noexcept;
  Selection(Selection&&) noexcept;
  Selection& operator=(Selection&&) noexcept;
  ~Selection();

  // The events in all of them, in any of them; none when there are none.
  static Selection all_of(std::vector<Selection> parts);
  static Selection any_of(std::vector<Selection> parts);
  // Those of `from` that are not in `taken`.
  static Selection without(Selection from, Selection taken);

  // True: there are no events. False: there may be some.
  [[nodiscard]] bool nothing() const noexcept { return several_ == nullptr && !set_; }
  // The set that it is, or null: it is several.
  [[nodiscard]] const Postings* set() const noexcept { return several_ == nullptr ? &set_ : nullptr; }

  [[nodiscard]] bool contains(std::uint32_t ordinal) const noexcept;
  // How many are in [begin, end).
  [[nodiscard]] std::uint64_t count(std::uint32_t begin, std::uint32_t end);
  // The first and the last in [begin, end).
  [[nodiscard]] std::optional<std::uint32_t> first(std::uint32_t begin, std::uint32_t end);
  [[nodiscard]] std::optional<std::uint32_t> last(std::uint32_t begin, std::uint32_t end);
  // Fills `out` with those in [begin, end), ascending or, back, descending. Returns how many there were room for.
  std::size_t read(std::uint32_t begin, std::uint32_t end, std::span<std::uint32_t> out);
  std::size_t read_back(std::uint32_t begin, std::uint32_t end, std::span<std::uint32_t> out);

 private:
  enum class Kind : std::uint8_t { all, any, without };
  struct Several;

  // Of several parts.
  Selection(Kind kind, std::vector<Selection> parts);

  // The first slab with events at that one or behind it, or the last one up to it; Ordinals::kNoSlab: none.
  [[nodiscard]] std::uint32_t next_slab(std::uint32_t slab) const noexcept;
  [[nodiscard]] std::uint32_t previous_slab(std::uint32_t slab) const noexcept;
  // The one that all parts agree on, each asked to step on from what the one before said.
  using Step = std::uint32_t (Selection::*)(std::uint32_t slab) const noexcept;
  [[nodiscard]] static std::uint32_t agreed_slab(const std::vector<Selection>& parts, std::uint32_t slab,
                                                 Step step) noexcept;
  // What is in a slab. What is in no container is put into `room`; several parts have their own.
  [[nodiscard]] Container in_slab(std::uint32_t slab, std::vector<std::uint16_t>& room);

  Postings set_;
  std::unique_ptr<Several> several_;  // null: it is set_
};

}  // namespace daybook::index
