// Ascending numbers in about one byte each, each found with two looks at memory: for where the frames of a segment are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <daybook/error.h>

#include "index/bits.h"

namespace daybook::index {

// A list of u32, each >= the one before, read in place from its bytes:
//
//   count:u32 last:u32 data_size:u32 zero:u32
//   block{(count + 127) / 128}    base:u32 rise:u32 start:u32 width:u32
//   data:byte{data_size}
//   pad                           8 to 15 zeros, to 8 bytes
//
// A block is 128 numbers beside a straight line; the last one may have fewer. Number j of a block is
// base + (rise * j >> 8) + distance, modulo 2^32, the distance being `width` bits of the data, at bit j * width from the
// byte `start` on. The line goes from the block's first number to its last (rise = (last - first) * 2^8 / (numbers - 1), at
// most the largest u32, and 0 for one number) less what brings the smallest distance to 0, and width is what the largest
// distance needs. Blocks begin with the byte after the one before.
//
// Frames differ little in size, and so the distances are small. The bytes must outlive the view. Thread safety: const
// members from any thread.
class MonotoneList {
 public:
  enum class Order : std::uint8_t { ascending, strictly_ascending };
  // What must hold of a list that is read.
  struct Rule {
    std::uint64_t count = 0;    // exactly so many numbers
    std::uint64_t maximum = 0;  // none is larger
    Order order = Order::ascending;
  };

  MonotoneList() noexcept = default;  // empty

  // Appends the bytes of a list to `out`, whose size must be a multiple of 8 and stays one. Fewer than 2^30 numbers.
  static void encode(std::span<const std::uint32_t> ascending, std::vector<std::byte>& out);

  // The list that the bytes are, all of them, aligned to 8. Every rule is checked, every number visited; so nothing that
  // is asked of the view later steps outside. Errc::corrupt; Error::offset counts from the start of the bytes.
  static Result<MonotoneList> parse(std::span<const std::byte> bytes, const Rule& rule) noexcept;

  [[nodiscard]] std::uint32_t size() const noexcept { return count_; }
  // Number i; i < size().
  [[nodiscard]] std::uint32_t operator[](std::uint32_t i) const noexcept {
    return blocks_[i / kBlock].at(i % kBlock, data_);
  }
  // Brings what operator[] looks at to the cache, a step at a time: the second one needs what the first has brought.
  enum class Step : std::uint8_t { first, second };
  void prefetch(std::uint32_t i, Step step) const noexcept;
  // Index of the first number >= value; size() when there is none.
  [[nodiscard]] std::uint32_t lower_bound(std::uint64_t value) const noexcept;

 private:
  static constexpr std::uint32_t kBlock = 128;

  struct Block {
    std::uint32_t base = 0;
    std::uint32_t rise = 0;   // in 1/256
    std::uint32_t start = 0;  // byte of the data
    std::uint32_t width = 0;  // at most 32

    // All but its start.
    static Block of(std::span<const std::uint32_t> numbers) noexcept;
    [[nodiscard]] std::uint32_t on_line(std::uint32_t j) const noexcept {
      return static_cast<std::uint32_t>(std::uint64_t{rise} * j >> 8);
    }
    [[nodiscard]] std::uint32_t at(std::uint32_t j, const std::byte* data) const noexcept {
      return base + on_line(j) + static_cast<std::uint32_t>(load_bits(data + start, std::uint64_t{j} * width, width));
    }
    // Bytes of the data that so many numbers take.
    [[nodiscard]] std::uint64_t data_size(std::size_t numbers) const noexcept {
      return (std::uint64_t{width} * numbers + 7) / 8;
    }
  };
  static_assert(sizeof(Block) == 16);

  class Parser;

  const Block* blocks_ = nullptr;
  const std::byte* data_ = nullptr;
  std::uint32_t count_ = 0;
};

}  // namespace daybook::index
