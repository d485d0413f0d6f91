// A set of many ordinals in a few bits each: the distances between them, for sets that are too thin for a bitset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <daybook/error.h>

namespace daybook::index {

// A list of strictly ascending u32, read in place from its bytes:
//
//   block{(count + 127) / 128}   first:u32 start:u32
//   data:byte{...}               of each block, from its byte `start` on: low high, then zeros to a byte
//   pad                          8 to 15 zeros, to 8 bytes
//
// A block is 128 numbers; the last one may have fewer. Its first number is `first`; of each other one there is the distance
// to that, split at bit `l`: for number j of n, `low` has the low bits, at bit (j - 1) * l, and `high` the others, in unary:
// bit (distance >> l) + j - 1 is set. `l` is floor(log2(span / n)), or 0 where the span is below n; the span is what lies
// between `first` and that of the next block, or the largest number + 1. So `high` has n - 1 + ((span - 1) >> l) bits, n - 1
// of them set, and fewer than 3 n. Blocks begin with the byte after the one before.
//
// A slab has no more than Container::kArrayMax of the numbers. How many there are, and the largest, is kept by the owner.
// Numbers that are spread evenly, one in d, take log2(d) + 2 bits and a half.
//
// The bytes must outlive the view. Thread safety: const members from any thread.
class PackedList {
 public:
  // What the bytes do not say, or say again.
  struct Shape {
    std::uint32_t count = 0;  // of numbers; at least one
    std::uint32_t first = 0;
    std::uint32_t last = 0;
  };

  PackedList() noexcept = default;  // empty
  // Of bytes that parse() accepted for that shape.
  PackedList(std::span<const std::byte> valid, const Shape& shape) noexcept
      : heads_(valid.data()), count_(shape.count), last_(shape.last) {}

  // Appends the bytes of a list to `out`. Fewer than 2^30 numbers, at least one.
  static void encode(std::span<const std::uint32_t> ascending, std::vector<std::byte>& out);

  // The list that the bytes are, all of them, with every number < limit. Every rule is checked, every number visited; so
  // nothing that is asked of the view later steps outside, and to encode its numbers gives the same bytes. Errc::corrupt;
  // Error::offset counts from the start of the bytes.
  static Result<PackedList> parse(std::span<const std::byte> bytes, const Shape& shape, std::uint64_t limit) noexcept;

  [[nodiscard]] std::uint32_t size() const noexcept { return count_; }
  // The smallest and the largest; the list must not be empty.
  [[nodiscard]] std::uint32_t first() const noexcept { return head(0).first; }
  [[nodiscard]] std::uint32_t last() const noexcept { return last_; }
  // How many numbers are smaller than `ordinal`.
  [[nodiscard]] std::uint32_t rank(std::uint64_t ordinal) const noexcept;
  // The number that `k` others are smaller than; k < size().
  [[nodiscard]] std::uint32_t select(std::uint32_t k) const noexcept;

  // Fills `out` with the numbers >= from, ascending, or with those <= from, descending. Returns how many there were room
  // for.
  std::size_t read(std::uint32_t from, std::span<std::uint32_t> out) const noexcept;
  std::size_t read_back(std::uint32_t from, std::span<std::uint32_t> out) const noexcept;
  // Appends the numbers of one slab, as those in the slab.
  void read_slab(std::uint32_t slab, std::vector<std::uint16_t>& out) const;

 private:
  static constexpr std::uint32_t kBlock = 128;

  // As it is in the bytes.
  struct Head {
    std::uint32_t first;
    std::uint32_t start;  // byte of the data
  };
  static_assert(sizeof(Head) == 8);

  // What follows from a head and the one behind it.
  struct Block {
    std::uint32_t first = 0;
    std::uint32_t others = 0;     // numbers but the first
    std::uint32_t low_bits = 0;   // of a distance; at most 31
    std::uint32_t high_size = 0;  // in bits

    // With its first number in [first, behind), and so many numbers.
    static Block of(std::uint32_t first, std::uint64_t behind, std::uint32_t numbers) noexcept;
    [[nodiscard]] std::uint32_t low_size() const noexcept { return low_bits * others; }
    [[nodiscard]] std::uint32_t data_size() const noexcept { return (low_size() + high_size + 7) / 8; }
  };

  class Cursor;
  class Parser;

  static constexpr std::uint64_t blocks_of(std::uint64_t numbers) noexcept { return (numbers + kBlock - 1) / kBlock; }
  [[nodiscard]] std::uint32_t blocks() const noexcept { return static_cast<std::uint32_t>(blocks_of(count_)); }
  [[nodiscard]] Head head(std::uint32_t block) const noexcept {
    Head head;
    std::memcpy(&head, heads_ + sizeof(head) * std::size_t{block}, sizeof(head));
    return head;
  }
  // All numbers of a block are smaller.
  [[nodiscard]] std::uint64_t behind(std::uint32_t block) const noexcept {
    return block + 1 == blocks() ? std::uint64_t{last_} + 1 : head(block + 1).first;
  }
  [[nodiscard]] std::uint32_t numbers(std::uint32_t block) const noexcept {
    return block + 1 == blocks() ? count_ - kBlock * block : kBlock;
  }
  // How many blocks begin with a smaller number.
  [[nodiscard]] std::uint32_t blocks_before(std::uint64_t ordinal) const noexcept;
  [[nodiscard]] Cursor cursor(std::uint32_t block) const noexcept;
  // Fills `out` with the numbers from number `k` on; there are so many.
  void read_from(std::uint32_t k, std::span<std::uint32_t> out) const noexcept;

  const std::byte* heads_ = nullptr;
  std::uint32_t count_ = 0;
  std::uint32_t last_ = 0;
};

}  // namespace daybook::index
