#include "index/monotone_list.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace daybook::index {
namespace {

constexpr std::uint32_t kSampleEvery = 128;  // numbers; half of that is walked on average, in words of 64 bits

struct ListHeader {
  std::uint32_t count;
  std::uint32_t last;
  std::uint32_t low_bits;
  std::uint32_t zero;
};
static_assert(sizeof(ListHeader) == 16);

// Where the parts of a list are, from its header alone. In words of 8 bytes from the start.
struct Shape {
  std::uint64_t low = 2;
  std::uint64_t high = 0;
  std::uint64_t samples = 0;
  std::uint64_t end = 0;
};

std::uint64_t sample_count(std::uint32_t count) noexcept {
  return (std::uint64_t{count} + kSampleEvery - 1) / kSampleEvery;
}

// The one that makes the list smallest, about: one number to each step of the high part, on average.
std::uint32_t low_bits_of(std::uint32_t count, std::uint32_t last) noexcept {
  constexpr std::uint32_t kMost = 31;  // shifting a number by 32 is not defined
  const std::uint64_t spread = count == 0 ? 0 : (std::uint64_t{last} + 1) / count;
  return spread == 0 ? 0 : std::min(static_cast<std::uint32_t>(std::bit_width(spread)) - 1, kMost);
}

Shape shape_of(const ListHeader& header) noexcept {
  const std::uint64_t count = header.count;
  const std::uint64_t high_bits = count == 0 ? 0 : count + (header.last >> header.low_bits);
  Shape shape;
  shape.high = shape.low + (count * header.low_bits + 63) / 64;
  shape.samples = shape.high + (high_bits + 63) / 64;
  shape.end = shape.samples + (sample_count(header.count) + 1) / 2;
  return shape;
}

std::uint32_t low_mask(std::uint32_t low_bits) noexcept { return (1u << low_bits) - 1; }

void put_low(std::uint64_t* low, std::uint64_t bit, std::uint64_t value) noexcept {
  low[bit / 64] |= value << (bit % 64);
  const std::uint64_t over = value >> 1 >> (63 - bit % 64);  // what did not fit; shifting by 64 is not defined
  if (over != 0) low[bit / 64 + 1] |= over;
}

std::uint32_t select_in_word(std::uint64_t word, std::uint32_t k) noexcept {
  for (; k > 0; --k) word &= word - 1;
  return static_cast<std::uint32_t>(std::countr_zero(word));
}

std::unexpected<Error> broken(const char* what, std::uint64_t offset, std::uint64_t expected, std::uint64_t actual) {
  return fail({.code = Errc::corrupt, .what = what, .offset = offset, .expected = expected, .actual = actual});
}

}  // namespace

void MonotoneList::encode(std::span<const std::uint32_t> ascending, std::vector<std::byte>& out) {
  assert(out.size() % 8 == 0 && std::is_sorted(ascending.begin(), ascending.end()));
  ListHeader header{};
  header.count = static_cast<std::uint32_t>(ascending.size());
  header.last = ascending.empty() ? 0 : ascending.back();
  header.low_bits = low_bits_of(header.count, header.last);
  const Shape shape = shape_of(header);
  std::vector<std::uint64_t> words(shape.end);
  std::memcpy(words.data(), &header, sizeof(header));
  for (std::uint32_t i = 0; i < header.count; ++i) {
    const std::uint64_t bit = std::uint64_t{ascending[i] >> header.low_bits} + i;
    words[shape.high + bit / 64] |= std::uint64_t{1} << (bit % 64);
    if (header.low_bits > 0) {
      put_low(words.data() + shape.low, std::uint64_t{i} * header.low_bits, ascending[i] & low_mask(header.low_bits));
    }
    if (i % kSampleEvery != 0) continue;
    const std::uint64_t sample = i / kSampleEvery;
    words[shape.samples + sample / 2] |= bit << (sample % 2 * 32);
  }
  const auto bytes = std::as_bytes(std::span(words));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

Result<MonotoneList> MonotoneList::parse(std::span<const std::byte> bytes, const Rule& rule) noexcept {
  ListHeader header;
  if (bytes.size() < sizeof(header)) return broken("list header is cut", 0, sizeof(header), bytes.size());
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.count != rule.count) return broken("list count", 0, rule.count, header.count);
  if (header.last > rule.maximum) return broken("list maximum", 4, rule.maximum, header.last);
  if (header.count == 0 && header.last != 0) return broken("list maximum", 4, 0, header.last);
  const std::uint32_t low_bits = low_bits_of(header.count, header.last);
  if (header.low_bits != low_bits || header.zero != 0) return broken("list low bits", 8, low_bits, header.low_bits);
  const Shape shape = shape_of(header);
  // A sample holds 32 bits.
  if (std::uint64_t{header.count} + (header.last >> low_bits) > UINT32_MAX) return broken("list size", 0, 0, 0);
  if (bytes.size() != shape.end * 8) return broken("list size", 0, shape.end * 8, bytes.size());

  const auto* const words = reinterpret_cast<const std::uint64_t*>(bytes.data());
  MonotoneList list;
  list.low_ = words + shape.low;
  list.high_ = words + shape.high;
  list.samples_ = reinterpret_cast<const std::uint32_t*>(words + shape.samples);
  list.count_ = header.count;
  list.low_bits_ = header.low_bits;

  std::uint64_t ones = 0;
  std::uint64_t before = 0;
  for (std::uint64_t word = shape.high; word < shape.samples; ++word) {
    for (std::uint64_t bits = words[word]; bits != 0; bits &= bits - 1, ++ones) {
      if (ones == header.count) return broken("list has more numbers", word * 8, header.count, ones + 1);
      const auto i = static_cast<std::uint32_t>(ones);
      const std::uint64_t bit = (word - shape.high) * 64 + static_cast<std::uint64_t>(std::countr_zero(bits));
      const std::uint64_t value = (bit - i) << low_bits | list.low(i);
      if (i > 0 && value < before + (rule.order == Order::strictly_ascending ? 1 : 0)) {
        return broken("list ascends", word * 8, before, value);
      }
      before = value;
      if (i % kSampleEvery == 0 && list.samples_[i / kSampleEvery] != bit) {
        return broken("list sample", shape.samples * 8, bit, list.samples_[i / kSampleEvery]);
      }
    }
  }
  if (ones != header.count) return broken("list has fewer numbers", shape.high * 8, header.count, ones);
  if (before != header.last) return broken("list maximum", 4, header.last, before);

  const std::uint64_t used = std::uint64_t{header.count} * low_bits % 64;
  if (used != 0 && words[shape.high - 1] >> used != 0) return broken("list padding", shape.high * 8 - 8, 0, 1);
  if (sample_count(header.count) % 2 != 0 && words[shape.end - 1] >> 32 != 0) {
    return broken("list padding", shape.end * 8 - 4, 0, 1);
  }
  return list;
}

std::uint32_t MonotoneList::low(std::uint32_t i) const noexcept {
  if (low_bits_ == 0) return 0;
  const std::uint64_t bit = std::uint64_t{i} * low_bits_;
  std::uint64_t value = low_[bit / 64] >> (bit % 64);
  // The next word only where the number goes on in it: it may be that of another part, or of nothing.
  if (bit % 64 + low_bits_ > 64) value |= low_[bit / 64 + 1] << (64 - bit % 64);
  return static_cast<std::uint32_t>(value) & low_mask(low_bits_);
}

// Taken into the two below, and so compiled with the instructions of each.
[[gnu::always_inline]] inline MonotoneList::One MonotoneList::find_one(std::uint32_t i) const noexcept {
  const std::uint64_t start = samples_[i / kSampleEvery];
  One one{.word = start / 64, .bits = 0, .left = i % kSampleEvery};  // to skip, beginning with that of the sample
  one.bits = high_[one.word] & (~std::uint64_t{0} << (start % 64));
  for (;;) {
    const auto ones = static_cast<std::uint32_t>(__builtin_popcountll(one.bits));
    if (ones > one.left) return one;
    one.left -= ones;
    one.bits = high_[++one.word];
  }
}

std::uint64_t MonotoneList::high_bit(std::uint32_t i) const noexcept {
  const One one = find_one(i);
  return one.word * 64 + select_in_word(one.bits, one.left);
}

#if defined(__x86_64__)

// The same with an instruction for each of counting and finding ones, which not every processor has.
__attribute__((target("popcnt,bmi2"))) std::uint64_t MonotoneList::high_bit_fast(std::uint32_t i) const noexcept {
  const One one = find_one(i);
  const std::uint64_t found = _pdep_u64(std::uint64_t{1} << one.left, one.bits);
  return one.word * 64 + static_cast<std::uint64_t>(__builtin_ctzll(found));
}

#else

std::uint64_t MonotoneList::high_bit_fast(std::uint32_t i) const noexcept { return high_bit(i); }

#endif

bool MonotoneList::has_fast_bits() noexcept {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi2");
  return has;
#else
  return false;
#endif
}

std::uint32_t MonotoneList::at(std::uint32_t i, bool fast) const noexcept {
  assert(i < count_);
  const std::uint64_t bit = fast ? high_bit_fast(i) : high_bit(i);
  return static_cast<std::uint32_t>((bit - i) << low_bits_) | low(i);
}

void MonotoneList::prefetch(std::uint32_t i, Step step) const noexcept {
  assert(i < count_);
  if (step == Step::first) {
    __builtin_prefetch(samples_ + i / kSampleEvery);
    __builtin_prefetch(low_ + std::uint64_t{i} * low_bits_ / 64);
    return;
  }
  // A number has two bits, about; what is between takes a line or two.
  const std::uint64_t start = samples_[i / kSampleEvery];
  __builtin_prefetch(high_ + start / 64);
  __builtin_prefetch(high_ + (start + std::uint64_t{2} * (i % kSampleEvery)) / 64);
}

std::uint32_t MonotoneList::lower_bound(std::uint64_t value) const noexcept {
  std::uint32_t begin = 0;
  std::uint32_t end = count_;
  while (begin < end) {
    const std::uint32_t middle = begin + (end - begin) / 2;
    if ((*this)[middle] < value) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

}  // namespace daybook::index
