// What a set has in one slab of 65,536 ordinals, in one of the forms of the Roaring format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "index/words.h"

namespace daybook::index {

// Ordinal o is number o % kSlabSize of slab o / kSlabSize.
inline constexpr std::uint32_t kSlabBits = 16;
inline constexpr std::uint32_t kSlabSize = 1u << kSlabBits;
constexpr std::uint32_t slab_of(std::uint32_t ordinal) noexcept { return ordinal >> kSlabBits; }
constexpr std::uint32_t number_in_slab(std::uint32_t ordinal) noexcept { return ordinal & (kSlabSize - 1); }

// A view of bytes that hold to their form and lie anywhere. Numbers are those in the slab.
//
// Thread safety: any number of threads, while the bytes do not change.
struct Container {
  enum class Form : std::uint8_t {
    array,   // number:u16{count}, ascending
    bitset,  // u64{kSlabWords}
    runs,    // (first:u16 others:u16){runs}, ascending, with a gap between any two
  };
  // An array with more numbers would be larger than a bitset.
  static constexpr std::uint32_t kArrayMax = 4096;

  const std::byte* data = nullptr;
  std::uint32_t count = 0;  // of numbers
  std::uint32_t runs = 0;
  Form form = Form::array;

  [[nodiscard]] bool contains(std::uint32_t number) const noexcept;
  // The smallest and the largest; there must be some.
  [[nodiscard]] std::uint32_t first() const noexcept { return select(0); }
  [[nodiscard]] std::uint32_t last() const noexcept;
  // How many numbers are smaller than `number`, which may be kSlabSize.
  [[nodiscard]] std::uint32_t rank(std::uint32_t number) const noexcept;
  // The number that `k` others are smaller than; k < count.
  [[nodiscard]] std::uint32_t select(std::uint32_t k) const noexcept;

  // Fills `out` with `base` + each number in [begin, end), ascending or, back, descending. Returns how many there were
  // room for.
  std::size_t read(std::uint32_t begin, std::uint32_t end, std::uint32_t base,
                   std::span<std::uint32_t> out) const noexcept;
  std::size_t read_back(std::uint32_t begin, std::uint32_t end, std::uint32_t base,
                        std::span<std::uint32_t> out) const noexcept;

  // Of an array or of runs: its u16 number i.
  [[nodiscard]] std::uint32_t u16(std::uint32_t i) const noexcept {
    std::uint16_t value;
    std::memcpy(&value, data + sizeof(value) * std::size_t{i}, sizeof(value));
    return value;
  }
  // Of a bitset.
  [[nodiscard]] std::uint64_t word(std::uint32_t i) const noexcept {
    std::uint64_t value;
    std::memcpy(&value, data + sizeof(value) * std::size_t{i}, sizeof(value));
    return value;
  }
  // Of runs.
  [[nodiscard]] std::uint32_t run_begin(std::uint32_t run) const noexcept { return u16(2 * run); }
  [[nodiscard]] std::uint32_t run_end(std::uint32_t run) const noexcept {
    return run_begin(run) + u16(2 * run + 1) + 1;
  }

  // Of an array: the index of the first number >= `number`, at `from` or behind it. Takes the longer, the further it is.
  [[nodiscard]] std::uint32_t lower_bound(std::uint32_t number, std::uint32_t from = 0) const noexcept;
  // Of runs: the first one that ends behind `number`.
  [[nodiscard]] std::uint32_t run_at(std::uint32_t number) const noexcept;
};

}  // namespace daybook::index
