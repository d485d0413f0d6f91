// Ascending numbers in about one byte each: Elias-Fano. For where the frames of a segment are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <daybook/error.h>

namespace daybook::index {

// A list of u32, each >= the one before, read in place from its bytes:
//
//   count:u32 last:u32 low_bits:u32 zero:u32
//   low:u64{...}     the low_bits low bits of each number, one behind the other
//   high:u64{...}    bit (number >> low_bits) + i is one for number i, all others are zero
//   sample:u32{...}  which bit of `high` belongs to number 0, 128, 256 ...
//   pad              to 8 bytes
//
// Every number takes its low bits and about two more; a number is found from the sample before it. The bytes must outlive
// the view. Thread safety: const members from any thread.
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

  // Appends the bytes of a list to `out`, whose size must be a multiple of 8 and stays one.
  static void encode(std::span<const std::uint32_t> ascending, std::vector<std::byte>& out);

  // The list that the bytes are, all of them, aligned to 8. Every rule is checked, every number visited; so nothing that
  // is asked of the view later steps outside. Errc::corrupt; Error::offset counts from the start of the bytes.
  static Result<MonotoneList> parse(std::span<const std::byte> bytes, const Rule& rule) noexcept;

  [[nodiscard]] std::uint32_t size() const noexcept { return count_; }
  // Number i; i < size(). Takes a look at a sample and at a handful of words.
  [[nodiscard]] std::uint32_t operator[](std::uint32_t i) const noexcept { return at(i, has_fast_bits()); }
  // The same in one of two ways, for tests: with instructions that not every processor has, or without.
  [[nodiscard]] std::uint32_t at(std::uint32_t i, bool fast) const noexcept;
  static bool has_fast_bits() noexcept;
  // Brings what operator[] looks at to the cache, a step at a time: the second one needs what the first has brought.
  enum class Step : std::uint8_t { first, second };
  void prefetch(std::uint32_t i, Step step) const noexcept;
  // Index of the first number >= value; size() when there is none.
  [[nodiscard]] std::uint32_t lower_bound(std::uint64_t value) const noexcept;

 private:
  [[nodiscard]] std::uint32_t low(std::uint32_t i) const noexcept;
  // The one of `high` that belongs to number i: the word it is in, what of that is looked at, and how many ones to skip there.
  struct One {
    std::uint64_t word = 0;
    std::uint64_t bits = 0;
    std::uint32_t left = 0;
  };
  [[nodiscard]] One find_one(std::uint32_t i) const noexcept;
  // Which bit of `high` that is.
  [[nodiscard]] std::uint64_t high_bit(std::uint32_t i) const noexcept;
  [[nodiscard]] std::uint64_t high_bit_fast(std::uint32_t i) const noexcept;

  const std::uint64_t* low_ = nullptr;
  const std::uint64_t* high_ = nullptr;
  const std::uint32_t* samples_ = nullptr;
  std::uint32_t count_ = 0;
  std::uint32_t low_bits_ = 0;
};

}  // namespace daybook::index
