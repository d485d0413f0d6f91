// Room for what several sets come to in one slab.
#pragma once

#include <array>
#include <cstdint>

#include "index/container.h"

namespace daybook::index {

// The numbers of one slab, as an array or as a bitset: what a container is loaded into, and others are applied to. Takes
// 8 KiB, and is not made ready before it is loaded.
//
// Thread safety: none.
class Slab {
 public:
  Slab() noexcept {}  // NOLINT(modernize-use-equals-default): the numbers are not to be zeroed

  void clear() noexcept;
  void load(const Container& container) noexcept;
  // Becomes what is in both; as load(a) and keep(b), but for two bitsets read once. Cheapest where `a` is the smaller one.
  void load_both(const Container& a, const Container& b) noexcept;
  // Keeps, adds, or takes away the numbers of the container.
  void keep(const Container& container) noexcept;
  void add(const Container& container) noexcept;
  void remove(const Container& container) noexcept;

  // False: there are none. True: there may be some.
  [[nodiscard]] bool any() const noexcept { return any_; }
  // A view of it, until it changes.
  [[nodiscard]] Container container() const noexcept;
  // The same for those who do not ask how many numbers there are: with `count` too large for a bitset, which it takes a
  // walk over the words to know.
  [[nodiscard]] Container uncounted() const noexcept;

 private:
  [[nodiscard]] std::byte* bytes() noexcept { return std::as_writable_bytes(std::span(words_)).data(); }
  void put(std::uint32_t i, std::uint32_t number) noexcept;
  template <typename Keep>
  void filter(Container array, Keep keep) noexcept;
  void to_bitset() noexcept;
  void set_range(std::uint32_t begin, std::uint32_t end) noexcept;
  void clear_range(std::uint32_t begin, std::uint32_t end) noexcept;

  alignas(64) std::array<std::uint64_t, kSlabWords> words_;  // of a bitset; or the numbers of an array
  Container::Form form_ = Container::Form::array;            // array or bitset
  std::uint32_t count_ = 0;                                  // of an array
  bool any_ = false;
};

// How many numbers are in both. Cheapest where `a` is the smaller one.
std::uint32_t count_both(const Container& a, const Container& b) noexcept;

}  // namespace daybook::index
