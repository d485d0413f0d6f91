#include "index/container.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "index/bits.h"

namespace daybook::index {
namespace {

// The bits of a word below `bit`, which may be 64.
constexpr std::uint64_t below(std::uint32_t bit) noexcept {
  return bit >= kWordBits ? ~std::uint64_t{0} : low_bits(bit);
}

// The first of [low, high) that before() is not true of; it is true of all up to some, and of none from there on.
template <typename Before>
std::uint32_t first_not(std::uint32_t low, std::uint32_t high, const Before& before) noexcept {
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    const bool is_before = before(middle);
    (is_before ? low : high) = is_before ? middle + 1 : middle;
  }
  return low;
}

}  // namespace

std::uint32_t Container::lower_bound(std::uint32_t number, std::uint32_t from) const noexcept {
  std::uint32_t step = 1;
  std::uint32_t low = from;
  std::uint32_t high = from;
  while (high < count && u16(high) < number) {
    low = high + 1;
    high += step;
    step *= 2;
  }
  return first_not(low, std::min(high, count), [=, this](std::uint32_t i) { return u16(i) < number; });
}

std::uint32_t Container::run_at(std::uint32_t number) const noexcept {
  return first_not(0, runs, [=, this](std::uint32_t run) { return run_end(run) <= number; });
}

bool Container::contains(std::uint32_t number) const noexcept {
  switch (form) {
    case Form::bitset: return (std::to_integer<unsigned>(data[number / 8]) >> (number % 8) & 1) != 0;
    case Form::array: {
      // From the middle: nothing is known of where it is, as it is where lower_bound() goes on from the number before.
      const std::uint32_t at = first_not(0, count, [=, this](std::uint32_t i) { return u16(i) < number; });
      return at < count && u16(at) == number;
    }
    case Form::runs: {
      const std::uint32_t run = run_at(number);
      return run < runs && run_begin(run) <= number;
    }
  }
  return false;
}

std::uint32_t Container::last() const noexcept {
  switch (form) {
    case Form::array: return u16(count - 1);
    case Form::runs: return run_end(runs - 1) - 1;
    case Form::bitset: break;
  }
  std::uint32_t at = kSlabWords - 1;
  while (at > 0 && word(at) == 0) --at;
  return kWordBits * at + kWordBits - 1 - static_cast<std::uint32_t>(std::countl_zero(word(at)));
}

std::uint32_t Container::rank(std::uint32_t number) const noexcept {
  if (number >= kSlabSize) return count;
  switch (form) {
    case Form::array: return lower_bound(number);
    case Form::bitset: {
      const std::uint32_t words = number / kWordBits;
      return word_functions().count(data, words) + count_bits(word(words) & below(number % kWordBits));
    }
    case Form::runs: break;
  }
  std::uint32_t smaller = 0;
  for (std::uint32_t run = 0; run < runs && run_begin(run) < number; ++run) {
    smaller += std::min(run_end(run), number) - run_begin(run);
  }
  return smaller;
}

std::uint32_t Container::select(std::uint32_t k) const noexcept {
  assert(k < count);
  if (form == Form::array) return u16(k);
  if (form == Form::runs) {
    std::uint32_t run = 0;
    for (; k >= run_end(run) - run_begin(run); ++run) k -= run_end(run) - run_begin(run);
    return run_begin(run) + k;
  }
  constexpr std::uint32_t kStride = 32;  // words that are counted at once
  std::uint32_t at = 0;
  for (; at + kStride < kSlabWords; at += kStride) {
    const std::uint32_t bits = word_functions().count(data + std::size_t{at} * sizeof(std::uint64_t), kStride);
    if (k < bits) break;
    k -= bits;
  }
  std::uint64_t bits = word(at);
  for (std::uint32_t found = count_bits(bits); found <= k; found = count_bits(bits)) {
    k -= found;
    bits = word(++at);
  }
  for (; k > 0; --k) bits &= bits - 1;
  return kWordBits * at + static_cast<std::uint32_t>(std::countr_zero(bits));
}

std::size_t Container::read(std::uint32_t begin, std::uint32_t end, std::uint32_t base,
                            std::span<std::uint32_t> out) const noexcept {
  std::size_t found = 0;
  if (begin >= end) return 0;
  switch (form) {
    case Form::array:
      for (std::uint32_t i = lower_bound(begin); i < count && found < out.size() && u16(i) < end; ++i) {
        out[found++] = base + u16(i);
      }
      break;
    case Form::runs:
      for (std::uint32_t run = run_at(begin); run < runs && found < out.size(); ++run) {
        const std::uint32_t behind = std::min(run_end(run), end);
        for (std::uint32_t i = std::max(run_begin(run), begin); i < behind && found < out.size(); ++i) {
          out[found++] = base + i;
        }
        if (behind == end) break;
      }
      break;
    case Form::bitset: {
      std::uint32_t at = begin / kWordBits;
      const std::uint32_t last = (end - 1) / kWordBits;
      std::uint64_t skipped = below(begin % kWordBits);
      for (; at <= last; ++at, skipped = 0) {
        std::uint64_t bits = word(at) & ~skipped;
        if (at == last) bits &= below(end - kWordBits * at);
        for (; bits != 0; bits &= bits - 1) {
          if (found == out.size()) return found;
          out[found++] = base + kWordBits * at + static_cast<std::uint32_t>(std::countr_zero(bits));
        }
      }
    }
  }
  return found;
}

std::size_t Container::read_back(std::uint32_t begin, std::uint32_t end, std::uint32_t base,
                                 std::span<std::uint32_t> out) const noexcept {
  std::size_t found = 0;
  if (begin >= end) return 0;
  switch (form) {
    case Form::array:
      for (std::uint32_t i = lower_bound(end); i > 0 && found < out.size() && u16(i - 1) >= begin; --i) {
        out[found++] = base + u16(i - 1);
      }
      break;
    case Form::runs:
      // The last run that may begin before the end is the one that `end - 1` is in, or would be before.
      for (std::uint32_t run = std::min(run_at(end - 1) + 1, runs); run > 0 && found < out.size(); --run) {
        const std::uint32_t first = std::max(run_begin(run - 1), begin);
        for (std::uint32_t i = std::min(run_end(run - 1), end); i > first && found < out.size(); --i) {
          out[found++] = base + i - 1;
        }
        if (run_begin(run - 1) <= begin) break;
      }
      break;
    case Form::bitset: {
      const std::uint32_t first = begin / kWordBits;
      std::uint32_t at = (end - 1) / kWordBits;
      std::uint64_t kept = below(end - kWordBits * at);
      for (;; --at, kept = ~std::uint64_t{0}) {
        std::uint64_t bits = word(at) & kept;
        if (at == first) bits &= ~below(begin % kWordBits);
        while (bits != 0) {
          if (found == out.size()) return found;
          const std::uint32_t bit = kWordBits - 1 - static_cast<std::uint32_t>(std::countl_zero(bits));
          out[found++] = base + kWordBits * at + bit;
          bits ^= std::uint64_t{1} << bit;
        }
        if (at == first) break;
      }
    }
  }
  return found;
}

}  // namespace daybook::index
