// Sets of ordinals. An ordinal is the number of a published event inside its segment: 0, 1, 2 ...
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <daybook/error.h>

namespace daybook::index {

// A set of ordinals: a sorted list below kFewMax + 1 elements, a Roaring bitmap above. Most keys have a handful of events
// in a segment, and a bitmap for each would cost more than the events themselves.
//
// Any combination of the two forms works, each in the way that is cheap for it: a list and a bitmap meet by probing the
// bitmap. Allocates; throws std::bad_alloc when there is no memory.
//
// Thread safety: const members from any number of threads; anything else from one thread alone.
class Ordinals {
 public:
  static constexpr std::size_t kFewMax = 63;

  Ordinals() noexcept = default;
  Ordinals(const Ordinals& other);
  Ordinals(Ordinals&& other) noexcept;
  Ordinals& operator=(const Ordinals& other);
  Ordinals& operator=(Ordinals&& other) noexcept;
  ~Ordinals() = default;

  // begin, begin + 1 ... end - 1; nothing when end <= begin.
  static Ordinals range(std::uint32_t begin, std::uint32_t end);
  // Strictly ascending elements.
  static Ordinals of(std::span<const std::uint32_t> ascending);

  // Adds an ordinal larger than all so far.
  void append(std::uint32_t ordinal);

  [[nodiscard]] std::uint64_t size() const noexcept { return many_ == nullptr ? few_.size() : many_size_; }
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

  Ordinals& operator&=(const Ordinals& other);
  Ordinals& operator|=(const Ordinals& other);
  Ordinals& operator-=(const Ordinals& other);
  // Without copying either first, unlike &=.
  friend Ordinals operator&(const Ordinals& a, const Ordinals& b);
  // The size of a & b, without making it.
  static std::uint64_t intersection_size(const Ordinals& a, const Ordinals& b);

  // Keeps the elements in [begin, end).
  void crop(std::uint32_t begin, std::uint32_t end);

  // Bytes on the heap, about.
  [[nodiscard]] std::size_t heap_bytes() const noexcept;

  // The set in the portable Roaring format, the smallest container for each part; of any size, but meant for large ones.
  [[nodiscard]] std::vector<std::byte> to_roaring() const;
  // The set of such bytes, which may be anything: they are validated first (roaring_validator.h, which says what `limit`
  // is). Errc::corrupt; Error::offset counts from the start of the bytes.
  static Result<Ordinals> from_roaring(std::span<const std::byte> bytes, std::uint64_t limit);
  // Without validating: for bytes that validate_roaring accepted.
  static Ordinals from_valid_roaring(std::span<const std::byte> bytes);

  friend bool operator==(const Ordinals& a, const Ordinals& b) noexcept;

 private:
  struct Bitmap;  // a roaring_bitmap_t under another name, so that CRoaring stays behind ordinals.cc
  struct FreeBitmap {
    void operator()(Bitmap* bitmap) const noexcept;
  };
  using BitmapPtr = std::unique_ptr<Bitmap, FreeBitmap>;

  struct Roaring;  // the functions that know it
  friend struct Roaring;

  [[nodiscard]] std::vector<std::uint32_t> in_both(const Ordinals& other) const;
  void adopt(BitmapPtr bitmap);
  void to_bitmap();

  std::vector<std::uint32_t> few_;  // the elements, while many_ is null
  BitmapPtr many_;                  // the elements, when they are more than kFewMax
  std::uint64_t many_size_ = 0;     // of many_: counting it takes a walk over its containers
  std::uint32_t many_last_ = 0;
};

}  // namespace daybook::index
