#include "index/packed_list.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <limits>

#include "index/bits.h"
#include "index/broken.h"
#include "index/container.h"

namespace daybook::index {

PackedList::Block PackedList::Block::of(std::uint32_t first, std::uint64_t behind, std::uint32_t numbers) noexcept {
  const std::uint64_t span = behind - first;
  Block block{.first = first, .others = numbers - 1};
  const std::uint64_t each = span / numbers;
  if (each > 1) block.low_bits = static_cast<std::uint32_t>(std::bit_width(each)) - 1;
  block.high_size = block.others + static_cast<std::uint32_t>((span - 1) >> block.low_bits);
  return block;
}

// Goes over the numbers of a block but the first. Looks at no word of `high` behind the one with the last number.
class PackedList::Cursor {
 public:
  Cursor(const Block& block, const std::byte* data) noexcept
      : low_(data),
        word_at_(data + block.low_size() / 8),
        bit_(0u - block.low_size() % 8),
        first_(block.first),
        others_(block.others),
        low_bits_(block.low_bits) {
    word_ = load_word(word_at_) & ~low_bits(block.low_size() % 8);
  }

  // How many numbers it has passed, and how many it has not.
  [[nodiscard]] std::uint32_t passed() const noexcept { return passed_; }
  [[nodiscard]] std::uint32_t left() const noexcept { return others_ - passed_; }

  // Passes the next number; there must be one.
  std::uint32_t next() noexcept {
    while (word_ == 0) step();
    const std::uint32_t high = bit_ + static_cast<std::uint32_t>(std::countr_zero(word_)) - passed_;
    word_ &= word_ - 1;
    const std::uint32_t at = passed_++ * low_bits_;
    return first_ + (high << low_bits_ | static_cast<std::uint32_t>(load_bits(low_, at, low_bits_)));
  }

  // Passes some of the numbers below `ordinal`, which is not below the block's first: by words.
  void skip_below(std::uint64_t ordinal) noexcept {
    const std::uint64_t high = (ordinal - first_) >> low_bits_;
    for (;;) {
      // The zeros before a bit are the high bits of its number.
      const std::uint32_t behind = passed_ + count_bits(word_);
      if (behind >= others_ || bit_ + kWordBits - behind >= high) return;
      passed_ = behind;
      step();
    }
  }

  // Passes so many numbers; not all that are left.
  void skip(std::uint32_t numbers) noexcept {
    for (std::uint32_t here = count_bits(word_); here <= numbers; here = count_bits(word_)) {
      numbers -= here;
      passed_ += here;
      step();
    }
    passed_ += numbers;
    for (; numbers > 0; --numbers) word_ &= word_ - 1;
  }

 private:
  void step() noexcept {
    word_at_ += sizeof(word_);
    word_ = load_word(word_at_);
    bit_ += kWordBits;
  }

  const std::byte* low_;
  const std::byte* word_at_;
  std::uint64_t word_ = 0;  // what was not passed of the word of `high` there
  std::uint32_t bit_;       // of `high` that the word begins with; modulo 2^32, for the first one may begin before
  std::uint32_t passed_ = 0;
  const std::uint32_t first_;
  const std::uint32_t others_;
  const std::uint32_t low_bits_;
};

void PackedList::encode(std::span<const std::uint32_t> ascending, std::vector<std::byte>& out) {
  assert(!ascending.empty() && std::is_sorted(ascending.begin(), ascending.end()));
  std::vector<Head> heads;
  std::vector<Block> blocks;
  std::uint64_t data_size = 0;
  for (std::size_t at = 0; at < ascending.size(); at += kBlock) {
    const std::size_t next = std::min(at + kBlock, ascending.size());
    const std::uint64_t behind = next == ascending.size() ? std::uint64_t{ascending.back()} + 1 : ascending[next];
    heads.push_back({ascending[at], static_cast<std::uint32_t>(data_size)});
    blocks.push_back(Block::of(ascending[at], behind, static_cast<std::uint32_t>(next - at)));
    data_size += blocks.back().data_size();
  }
  assert(data_size <= std::numeric_limits<std::uint32_t>::max());
  const auto bytes = std::as_bytes(std::span(heads));
  out.insert(out.end(), bytes.begin(), bytes.end());
  const std::size_t data = out.size();
  out.resize(data + padded(data_size));

  std::byte* to = out.data() + data;
  const std::uint32_t* number = ascending.data();
  for (const Block& block : blocks) {
    ++number;
    for (std::uint32_t j = 0; j < block.others; ++j, ++number) {
      const std::uint32_t distance = *number - block.first;
      const std::uint32_t low = block.low_bits * j;
      store_bits(to, low, distance & low_bits(block.low_bits));
      const std::uint32_t high = block.low_size() + (distance >> block.low_bits) + j;
      to[high / 8] |= std::byte{1} << (high % 8);
    }
    to += block.data_size();
  }
}

// Checks a list block by block: its numbers are read when it is known that they are there.
class PackedList::Parser {
 public:
  Parser(std::span<const std::byte> bytes, const Shape& shape) noexcept
      : bytes_(bytes), shape_(shape), list_(bytes, shape), data_at_(sizeof(Head) * blocks_of(shape.count)) {}

  Result<PackedList> run(std::uint64_t limit) noexcept {
    if (shape_.count == 0) return broken("packed list count", 0, 1, 0);
    if (shape_.last >= limit) return broken("packed list ordinal", 0, limit, shape_.last);
    DAYBOOK_TRY(check_size_for(0));
    if (list_.first() != shape_.first) return broken("packed list first", 0, shape_.first, list_.first());
    for (std::uint32_t block = 0; block < list_.blocks(); ++block) DAYBOOK_TRY(check_block(block));
    if (before_ != shape_.last) return broken("packed list last", 0, shape_.last, before_);
    const std::uint64_t size = data_at_ + padded(start_);
    if (bytes_.size() != size) return broken("packed list size", 0, size, bytes_.size());
    const auto pad = bytes_.subspan(data_at_ + start_);
    const auto other = std::ranges::find_if(pad, [](std::byte byte) { return byte != std::byte{0}; });
    if (other != pad.end())
      return broken("packed list padding", size - static_cast<std::uint64_t>(pad.end() - other), 0, 1);
    return list_;
  }

 private:
  // The bytes have room for so much data, and what is loaded behind it.
  Result<> check_size_for(std::uint64_t data_size) const noexcept {
    const std::uint64_t size = data_at_ + padded(data_size);
    if (bytes_.size() < size) return broken("packed list is cut", bytes_.size(), size, bytes_.size());
    return {};
  }

  Result<> check_block(std::uint32_t number) noexcept {
    const std::uint64_t offset = sizeof(Head) * std::uint64_t{number};
    const Head head = list_.head(number);
    const std::uint64_t behind = list_.behind(number);
    if (head.start != start_) return broken("packed list block start", offset + 4, start_, head.start);
    if (behind <= head.first) return broken("packed list block ascends", offset, head.first, behind);
    const Block block = Block::of(head.first, behind, list_.numbers(number));
    DAYBOOK_TRY(check_size_for(start_ + block.data_size()));
    const std::uint64_t high = 8 * start_ + block.low_size();
    const std::uint64_t set = ones(high, high + block.high_size);
    if (set != block.others) return broken("packed list block", data_at_ + high / 8, block.others, set);
    DAYBOOK_TRY(check_numbers(number, behind));
    start_ += block.data_size();
    const std::uint64_t behind_it = ones(high + block.high_size, 8 * start_);
    if (behind_it != 0) return broken("packed list padding", data_at_ + start_ - 1, 0, behind_it);
    return {};
  }

  Result<> check_numbers(std::uint32_t number, std::uint64_t behind) noexcept {
    std::array<std::uint32_t, kBlock> room;
    const auto numbers = std::span(room).first(list_.numbers(number));
    list_.read_from(kBlock * number, numbers);
    std::uint32_t descents = numbers.back() < behind ? 0 : 1;
    for (std::size_t i = 1; i < numbers.size(); ++i) descents |= numbers[i - 1] < numbers[i] ? 0 : 1;
    if (descents != 0) return broken("packed list ascends", data_at_ + start_, behind, numbers.back());

    // Those of the slab before, and then of the last one: a slab between has few.
    const auto same = std::ranges::upper_bound(numbers, before_ | (kSlabSize - 1)) - numbers.begin();
    in_slab_ += static_cast<std::size_t>(same);
    if (in_slab_ > Container::kArrayMax) {
      return broken("packed list slab", data_at_ + start_, Container::kArrayMax, in_slab_);
    }
    before_ = numbers.back();
    const auto last = numbers.end() - std::ranges::lower_bound(numbers, before_ & ~(kSlabSize - 1));
    if (static_cast<std::size_t>(same) < numbers.size()) in_slab_ = static_cast<std::size_t>(last);
    return {};
  }

  // Of the bits [begin, end) of the data, how many are set.
  [[nodiscard]] std::uint64_t ones(std::uint64_t begin, std::uint64_t end) const noexcept {
    std::uint64_t set = 0;
    for (std::uint64_t at = begin; at < end;) {
      const auto skipped = static_cast<std::uint32_t>(at % 8);
      std::uint64_t word = load_word(bytes_.data() + data_at_ + at / 8) >> skipped;
      const std::uint64_t size = kWordBits - skipped;
      if (end - at < size) word &= low_bits(static_cast<std::uint32_t>(end - at));
      set += count_bits(word);
      at += size;
    }
    return set;
  }

  const std::span<const std::byte> bytes_;
  const Shape shape_;
  const PackedList list_;
  const std::uint64_t data_at_;
  std::uint64_t start_ = 0;   // of the next block
  std::uint32_t before_ = 0;  // the number before that
  std::size_t in_slab_ = 0;   // how many numbers its slab has so far
};

Result<PackedList> PackedList::parse(std::span<const std::byte> bytes, const Shape& shape,
                                     std::uint64_t limit) noexcept {
  return Parser(bytes, shape).run(limit);
}

std::uint32_t PackedList::blocks_before(std::uint64_t ordinal) const noexcept {
  std::uint32_t low = 0;
  std::uint32_t high = blocks();
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    const bool is_before = head(middle).first < ordinal;
    (is_before ? low : high) = is_before ? middle + 1 : middle;
  }
  return low;
}

PackedList::Cursor PackedList::cursor(std::uint32_t block) const noexcept {
  const Head head = this->head(block);
  const std::byte* const data = heads_ + sizeof(Head) * std::size_t{blocks()} + head.start;
  return {Block::of(head.first, behind(block), numbers(block)), data};
}

std::uint32_t PackedList::rank(std::uint64_t ordinal) const noexcept {
  const std::uint32_t before = blocks_before(ordinal);
  if (before == 0) return 0;
  Cursor at = cursor(before - 1);
  at.skip_below(ordinal);
  std::uint32_t smaller = kBlock * (before - 1) + 1 + at.passed();
  while (at.left() > 0 && at.next() < ordinal) ++smaller;
  return smaller;
}

std::uint32_t PackedList::select(std::uint32_t k) const noexcept {
  assert(k < count_);
  std::uint32_t number = 0;
  read_from(k, {&number, 1});
  return number;
}

void PackedList::read_from(std::uint32_t k, std::span<std::uint32_t> out) const noexcept {
  for (std::size_t found = 0; found < out.size();) {
    const std::uint32_t block = (k + static_cast<std::uint32_t>(found)) / kBlock;
    Cursor at = cursor(block);
    if (const std::uint32_t passed = (k + static_cast<std::uint32_t>(found)) % kBlock; passed == 0) {
      out[found++] = head(block).first;
    } else {
      at.skip(passed - 1);
    }
    const std::size_t end = found + std::min<std::size_t>(at.left(), out.size() - found);
    while (found < end) out[found++] = at.next();
  }
}

std::size_t PackedList::read(std::uint32_t from, std::span<std::uint32_t> out) const noexcept {
  const std::uint32_t begin = rank(from);
  const std::size_t count = std::min<std::size_t>(out.size(), count_ - begin);
  read_from(begin, out.first(count));
  return count;
}

std::size_t PackedList::read_back(std::uint32_t from, std::span<std::uint32_t> out) const noexcept {
  const std::uint32_t end = rank(std::uint64_t{from} + 1);
  const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(out.size(), end));
  read_from(end - count, out.first(count));
  std::ranges::reverse(out.first(count));
  return count;
}

void PackedList::read_slab(std::uint32_t slab, std::vector<std::uint16_t>& out) const {
  const std::uint64_t base = std::uint64_t{slab} << kSlabBits;
  const std::uint32_t end = rank(base + kSlabSize);
  std::array<std::uint32_t, kBlock> numbers;
  for (std::uint32_t begin = rank(base); begin < end;) {
    const auto some = std::span(numbers).first(std::min(kBlock, end - begin));
    read_from(begin, some);
    out.insert(out.end(), some.begin(), some.end());  // as numbers of 16 bits
    begin += static_cast<std::uint32_t>(some.size());
  }
}

}  // namespace daybook::index
