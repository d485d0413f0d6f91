#include "index/monotone_list.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <limits>

#include "index/broken.h"
#include "index/prefetch.h"

namespace daybook::index {
namespace {

struct ListHeader {
  std::uint32_t count;
  std::uint32_t last;
  std::uint32_t data_size;
  std::uint32_t zero;
};
static_assert(sizeof(ListHeader) == 16);

constexpr std::uint64_t blocks_of(std::uint64_t count, std::uint64_t block) noexcept {
  return (count + block - 1) / block;
}

}  // namespace

// Distances are of 64 bits here: the line may begin below 0.
MonotoneList::Block MonotoneList::Block::of(std::span<const std::uint32_t> numbers) noexcept {
  Block block;
  if (numbers.size() > 1) {
    const std::uint64_t rise = (std::uint64_t{numbers.back() - numbers.front()} << 8) / (numbers.size() - 1);
    block.rise = static_cast<std::uint32_t>(std::min<std::uint64_t>(rise, std::numeric_limits<std::uint32_t>::max()));
  }
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  std::int64_t most = std::numeric_limits<std::int64_t>::min();
  for (std::uint32_t j = 0; j < numbers.size(); ++j) {
    const std::int64_t distance = std::int64_t{numbers[j]} - std::int64_t{block.on_line(j)};
    least = std::min(least, distance);
    most = std::max(most, distance);
  }
  block.base = static_cast<std::uint32_t>(least);
  block.width = static_cast<std::uint32_t>(std::bit_width(static_cast<std::uint64_t>(most - least)));
  return block;
}

void MonotoneList::encode(std::span<const std::uint32_t> ascending, std::vector<std::byte>& out) {
  assert(out.size() % 8 == 0 && std::is_sorted(ascending.begin(), ascending.end()));
  std::vector<Block> blocks;
  std::uint64_t data_size = 0;
  for (std::size_t at = 0; at < ascending.size(); at += kBlock) {
    const auto numbers = ascending.subspan(at, std::min<std::size_t>(kBlock, ascending.size() - at));
    Block block = Block::of(numbers);
    block.start = static_cast<std::uint32_t>(data_size);
    data_size += block.data_size(numbers.size());
    blocks.push_back(block);
  }
  assert(data_size <= std::numeric_limits<std::uint32_t>::max());
  const ListHeader header{.count = static_cast<std::uint32_t>(ascending.size()),
                          .last = ascending.empty() ? 0 : ascending.back(),
                          .data_size = static_cast<std::uint32_t>(data_size),
                          .zero = 0};
  const auto put = [&](std::span<const std::byte> bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); };
  put(std::as_bytes(std::span(&header, 1)));
  put(std::as_bytes(std::span(blocks)));
  const std::size_t data = out.size();
  out.resize(data + padded(data_size));
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    const Block& block = blocks[i / kBlock];
    const auto j = static_cast<std::uint32_t>(i % kBlock);
    const std::uint32_t distance = ascending[i] - block.base - block.on_line(j);
    store_bits(out.data() + data + block.start, std::uint64_t{j} * block.width, distance);
  }
}

// Checks a list block by block: its numbers are read, and must be what it was made of.
class MonotoneList::Parser {
 public:
  Parser(std::span<const std::byte> bytes, const Rule& rule) noexcept : bytes_(bytes), rule_(rule) {}

  Result<MonotoneList> run() noexcept {
    DAYBOOK_TRY(read_header());
    for (std::uint64_t number = 0; number < blocks_of(list_.count_, kBlock); ++number) DAYBOOK_TRY(check_block(number));
    if (start_ != header_.data_size) return broken("list data size", 8, start_, header_.data_size);
    if (before_ != header_.last) return broken("list maximum", 4, before_, header_.last);
    for (std::uint64_t at = data_at_ + header_.data_size; at < bytes_.size(); ++at) {
      if (bytes_[at] != std::byte{0}) return broken("list padding", at, 0, std::to_integer<std::uint64_t>(bytes_[at]));
    }
    return list_;
  }

 private:
  Result<> read_header() noexcept {
    if (bytes_.size() < sizeof(header_)) return broken("list header is cut", 0, sizeof(header_), bytes_.size());
    std::memcpy(&header_, bytes_.data(), sizeof(header_));
    if (header_.count != rule_.count) return broken("list count", 0, rule_.count, header_.count);
    if (header_.last > rule_.maximum) return broken("list maximum", 4, rule_.maximum, header_.last);
    if (header_.zero != 0) return broken("list header", 12, 0, header_.zero);
    data_at_ = sizeof(header_) + sizeof(Block) * blocks_of(header_.count, kBlock);
    const std::uint64_t size = data_at_ + padded(header_.data_size);
    if (bytes_.size() != size) return broken("list size", 0, size, bytes_.size());
    list_.blocks_ = reinterpret_cast<const Block*>(bytes_.data() + sizeof(header_));
    list_.data_ = bytes_.data() + data_at_;
    list_.count_ = header_.count;
    return {};
  }

  Result<> check_block(std::uint64_t number) noexcept {
    const Block& block = list_.blocks_[number];
    const std::uint64_t offset = sizeof(header_) + sizeof(Block) * number;
    const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(kBlock, header_.count - number * kBlock));
    constexpr std::uint32_t kWidthMax = 32;
    if (block.width > kWidthMax) return broken("list block width", offset + 12, kWidthMax, block.width);
    if (block.start != start_) return broken("list block start", offset + 8, start_, block.start);
    start_ += block.data_size(count);
    if (start_ > header_.data_size) return broken("list data size", 8, start_, header_.data_size);

    std::array<std::uint32_t, kBlock> room;
    const auto numbers = std::span(room).first(count);
    for (std::uint32_t j = 0; j < count; ++j) {
      numbers[j] = block.at(j, list_.data_);
      const bool first = number == 0 && j == 0;
      const std::uint64_t least = before_ + (rule_.order == Order::strictly_ascending && !first ? 1 : 0);
      if (numbers[j] < least) return broken("list ascends", offset, least, numbers[j]);
      before_ = numbers[j];
    }
    const Block expected = Block::of(numbers);
    if (block.base != expected.base) return broken("list block base", offset, expected.base, block.base);
    if (block.rise != expected.rise) return broken("list block rise", offset + 4, expected.rise, block.rise);
    if (block.width != expected.width) return broken("list block width", offset + 12, expected.width, block.width);
    // The bits of the last byte that are of no number.
    const std::uint32_t used = block.width * count % 8;
    const std::byte last = used == 0 ? std::byte{0} : list_.data_[start_ - 1] >> used;
    if (last != std::byte{0})
      return broken("list padding", data_at_ + start_ - 1, 0, std::to_integer<std::uint64_t>(last));
    return {};
  }

  const std::span<const std::byte> bytes_;
  const Rule rule_;
  ListHeader header_{};
  std::uint64_t data_at_ = 0;
  std::uint64_t start_ = 0;   // of the next block
  std::uint64_t before_ = 0;  // the number before the next one
  MonotoneList list_;
};

Result<MonotoneList> MonotoneList::parse(std::span<const std::byte> bytes, const Rule& rule) noexcept {
  return Parser(bytes, rule).run();
}

void MonotoneList::prefetch(std::uint32_t i, Step step) const noexcept {
  assert(i < count_);
  const Block& block = blocks_[i / kBlock];
  if (step == Step::first) return prefetch_line(&block);
  // It may go on in the next line.
  const std::byte* const at = data_ + block.start + i % kBlock * block.width / 8;
  prefetch_line(at);
  prefetch_line(at + 7);
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
