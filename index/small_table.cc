#include "index/small_table.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

#include "index/broken.h"
#include "index/prefetch.h"
#include "index/sidecar_layout.h"

namespace daybook::index {
namespace {

struct TableHeader {
  std::uint32_t buckets;
  std::uint32_t keys;
  std::uint32_t entries;
  std::array<std::uint32_t, 13> zero;
};
static_assert(sizeof(TableHeader) == SmallTable::kAlignment);

constexpr std::uint32_t kBucketEntries = 4;  // on average
constexpr std::uint64_t kMarksMin = 32;
constexpr std::uint64_t kSlotKeysMax = 8;  // so that somebody who chooses keys of one hash makes little work

// Four sums of 16 bits: of the bytes at even and at odd places.
constexpr std::uint64_t paired_bytes(std::uint64_t word) noexcept {
  constexpr std::uint64_t kEven = 0x00ff'00ff'00ff'00ff;
  return (word & kEven) + (word >> 8 & kEven);
}

// Reads whole words.
std::uint32_t sum_of_bytes(const std::uint8_t* bytes, std::uint32_t count) noexcept {
  std::uint64_t sums = 0;
  std::uint32_t at = 0;
  for (; at + 8 <= count; at += 8) sums += paired_bytes(load_word(bytes + at));
  sums += paired_bytes(load_word(bytes + at) & low_bits(8 * (count - at)));
  return static_cast<std::uint32_t>(sums * 0x0001'0001'0001'0001 >> 48);
}

}  // namespace

SmallTable::SmallTable(std::uint32_t buckets, std::uint32_t events) noexcept
    : buckets_(buckets),
      events_(events),
      entry_bits_(static_cast<std::uint32_t>(std::bit_width(events * kMarksMin - 1))),
      marks_(static_cast<std::uint32_t>((std::uint64_t{1} << entry_bits_) / events)) {}

std::uint64_t SmallTable::size_with(std::uint64_t entries) const noexcept {
  const std::uint64_t size = data_offset() + (entries * entry_bits_ + 7) / 8 + kBitsPad;
  return (size + kAlignment - 1) / kAlignment * kAlignment;
}

// Collects the groups of a table, slot by slot.
class SmallTable::Encoder {
 public:
  Encoder(const MemoryIndex& index, KeyKind kind, std::uint32_t buckets, std::span<const HashedKey> others)
      : index_(index), kind_(kind), table_(buckets, index.events()), lines_(lines_of(buckets)) {
    for (const HashedKey& key : others) others_.push_back(placed(key));
    std::ranges::sort(others_, {}, &Placed::slot);
  }

  void add(std::span<const HashedKey> keys) {
    std::vector<Placed> all;
    all.reserve(keys.size());
    for (const HashedKey& key : keys) all.push_back(placed(key));
    std::ranges::sort(
        all, [](const Placed& a, const Placed& b) { return a.slot != b.slot ? a.slot < b.slot : a.first > b.first; });
    for (auto at = all.begin(); at != all.end();) {
      const auto end = std::find_if(at, all.end(), [&](const Placed& key) { return key.slot != at->slot; });
      const std::span<const Placed> slot(at, end);
      const bool mixed = is_mixed(slot);
      for (const Placed& key : slot) {
        if (mixed || !add(key)) rest_.push_back(key.key);
      }
      at = end;
    }
  }

  std::vector<HashedKey> finish(std::vector<std::byte>& out) && {
    if (values_.empty()) return std::move(rest_);
    std::uint32_t start = 0;
    for (Line& line : lines_) {
      line.start = start;
      for (const std::uint8_t size : line.sizes) start += size;
    }
    const TableHeader header{table_.buckets_, keys_, static_cast<std::uint32_t>(values_.size()), {}};
    const std::size_t begin = out.size();
    const auto put = [&](std::span<const std::byte> bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); };
    put(std::as_bytes(std::span(&header, 1)));
    put(std::as_bytes(std::span(lines_)));
    out.resize(begin + table_.size_with(values_.size()));
    std::byte* const data = out.data() + begin + table_.data_offset();
    for (std::size_t i = 0; i < values_.size(); ++i) store_bits(data, i * table_.entry_bits_, values_[i]);
    return std::move(rest_);
  }

 private:
  struct Placed {
    std::uint64_t slot = 0;
    std::uint32_t first = 0;  // ordinal
    HashedKey key;
  };

  [[nodiscard]] Placed placed(const HashedKey& key) const {
    Placed made{.slot = table_.slot_of(key.hash), .key = key};
    index_.copy_ordinals(kind_, key.number, {&made.first, 1});
    return made;
  }

  // Whether the first event of one of those keys carries another key of the slot; or they are too many to know.
  [[nodiscard]] bool is_mixed(std::span<const Placed> slot) const {
    const auto others = std::ranges::equal_range(others_, slot.front().slot, {}, &Placed::slot);
    if (slot.size() + others.size() > kSlotKeysMax) return true;
    const auto carried = [&](const Placed& first_of, const Placed& key) {
      return &first_of != &key && index_.key_postings(kind_, key.key.number)->contains(first_of.first);
    };
    return std::ranges::any_of(slot, [&](const Placed& group) {
      const auto carries = [&](const Placed& key) { return carried(group, key); };
      return std::ranges::any_of(slot, carries) || std::ranges::any_of(others, carries);
    });
  }

  // False: there is no room in its bucket.
  bool add(const Placed& key) {
    const std::uint64_t bucket = key.slot / table_.marks_;
    const std::uint64_t mark = key.slot % table_.marks_;
    std::array<std::uint32_t, kLargeFrom> ordinals;
    const std::size_t count = index_.copy_ordinals(kind_, key.key.number, ordinals);
    std::uint8_t& size = lines_[bucket / kLineBuckets].sizes[bucket % kLineBuckets];
    if (size + count > kBucketMax) return false;
    size = static_cast<std::uint8_t>(size + count);
    for (std::size_t i = 0; i < count; ++i) values_.push_back(mark * table_.events_ + ordinals[i]);
    ++keys_;
    return true;
  }

  const MemoryIndex& index_;
  const KeyKind kind_;
  const SmallTable table_;
  std::vector<Placed> others_;  // by slot
  std::vector<Line> lines_;
  std::vector<std::uint64_t> values_;
  std::uint32_t keys_ = 0;
  std::vector<HashedKey> rest_;
};

std::vector<HashedKey> SmallTable::encode(const MemoryIndex& index, KeyKind kind, std::span<const HashedKey> keys,
                                          std::span<const HashedKey> others, std::vector<std::byte>& out) {
  assert(out.size() % kAlignment == 0);
  if (keys.empty()) return {};
  std::uint64_t entries = 0;
  for (const HashedKey& key : keys) entries += index.key_count(kind, key.number);
  const std::uint64_t buckets = (entries + kBucketEntries - 1) / kBucketEntries;
  Encoder encoder(index, kind, static_cast<std::uint32_t>(buckets), others);
  encoder.add(keys);
  return std::move(encoder).finish(out);
}

Result<SmallTable> SmallTable::parse(std::span<const std::byte> bytes, std::uint32_t events) noexcept {
  if (bytes.empty()) return SmallTable();
  TableHeader header;
  if (bytes.size() < sizeof(header)) return broken("small table header is cut", 0, sizeof(header), bytes.size());
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.buckets == 0 || header.entries == 0 || events == 0) return broken("small table of nothing", 0, 1, 0);
  if (header.zero != decltype(header.zero){}) return broken("small table header", offsetof(TableHeader, zero), 0, 1);

  SmallTable table(header.buckets, events);
  const std::uint64_t size = table.size_with(header.entries);
  if (bytes.size() != size) return broken("small table size", 0, size, bytes.size());
  table.lines_ = reinterpret_cast<const Line*>(bytes.data() + sizeof(header));
  table.data_ = bytes.data() + table.data_offset();
  DAYBOOK_TRY(table.check_lines(header.entries));
  DAYBOOK_TRY(table.check_entries(header.keys));
  const std::uint64_t end = std::uint64_t{header.entries} * table.entry_bits_;
  const std::uint64_t cut = end % 8 == 0 ? 0 : load_bits(table.data_, end, static_cast<std::uint32_t>(8 - end % 8));
  const auto pad = bytes.subspan(table.data_offset() + (end + 7) / 8);
  if (cut != 0 || !is_zero(pad)) {
    return broken("small table padding", table.data_offset() + end / 8, 0, 1);
  }
  return table;
}

Result<> SmallTable::check_lines(std::uint32_t entries) const noexcept {
  std::uint64_t start = 0;
  for (std::uint64_t number = 0; number < lines_of(buckets_); ++number) {
    const Line& line = lines_[number];
    const std::uint64_t at = kAlignment + sizeof(Line) * number;
    if (line.start != start) return broken("small table start", at + offsetof(Line, start), start, line.start);
    for (std::uint32_t i = 0; i < kLineBuckets; ++i) {
      start += line.sizes[i];
      if (line.sizes[i] != 0 && number * kLineBuckets + i >= buckets_) {
        return broken("small table has no such bucket", at + i, 0, line.sizes[i]);
      }
    }
  }
  if (start != entries) return broken("small table entries", offsetof(TableHeader, entries), start, entries);
  return {};
}

// Marks ascend in a bucket; the ordinals of a group ascend, the first ones of the groups of a slot descend.
Result<> SmallTable::check_entries(std::uint32_t keys) const noexcept {
  std::uint64_t groups = 0;
  std::uint32_t at = 0;
  for (std::uint32_t number = 0; number < buckets_; ++number) {
    const std::uint32_t begin = at;
    const std::uint32_t end = at + size_of(number);
    std::uint64_t slot = 0;   // the smallest value of the mark
    std::uint64_t first = 0;  // ordinal of the group
    std::uint64_t before = 0;
    std::uint32_t count = 0;  // of the group so far
    for (; at != end; ++at) {
      const std::uint64_t value = this->value(at);
      const auto wrong = [&](const char* what, std::uint64_t expected) {
        return broken(what, data_offset() + std::uint64_t{at} * entry_bits_ / 8, expected, value);
      };
      if (at == begin || value - slot >= events_) {
        if (value < slot) return wrong("small table ascends", slot);
        slot = value / events_ * events_;
        first = value - slot;
        count = 0;
        ++groups;
      } else if (value - slot <= before) {
        if (value - slot >= first) return wrong("small table slot descends", slot + first);
        first = value - slot;
        count = 0;
        ++groups;
      }
      if (++count >= kLargeFrom) return wrong("small table key is large", kLargeFrom - 1);
      before = value - slot;
    }
    if (slot >= std::uint64_t{marks_} * events_) {
      return broken("small table mark", data_offset() + std::uint64_t{at - 1} * entry_bits_ / 8, marks_,
                    slot / events_);
    }
  }
  if (groups != keys) return broken("small table keys", offsetof(TableHeader, keys), groups, keys);
  return {};
}

SmallTable::Bucket SmallTable::bucket_at(std::uint64_t number) const noexcept {
  const Line& line = lines_[number / kLineBuckets];
  const auto i = static_cast<std::uint32_t>(number % kLineBuckets);
  const std::uint32_t begin = line.start + sum_of_bytes(line.sizes.data(), i);
  return {begin, begin + line.sizes[i]};
}

void SmallTable::prefetch(std::uint64_t hash) const noexcept {
  if (buckets_ != 0) prefetch_line(&lines_[bucket_of(hash) / kLineBuckets]);
}

void SmallTable::prefetch(Bucket bucket) const noexcept {
  if (bucket.begin == bucket.end) return;
  prefetch_line(data_ + std::uint64_t{bucket.begin} * entry_bits_ / 8);
  prefetch_line(data_ + std::uint64_t{bucket.end} * entry_bits_ / 8);
}

// A bucket has some four entries besides those of the key. Each is looked at, without a branch, which takes less than the
// branches of a search.
std::span<const std::uint32_t> SmallTable::slot(std::uint64_t hash, Bucket bucket, Room& room) const noexcept {
  const std::uint64_t first = mark_of(hash) * events_;
  const std::uint64_t events = events_;
  const std::uint32_t width = entry_bits_;
  const std::uint64_t end = std::uint64_t{bucket.end} * width;
  std::uint32_t count = 0;
  for (std::uint64_t bit = std::uint64_t{bucket.begin} * width; bit != end; bit += width) {
    const std::uint64_t ordinal = load_bits(data_, bit, width) - first;
    room[count] = static_cast<std::uint32_t>(ordinal);
    count += ordinal < events ? 1 : 0;
  }
  return {room.data(), count};
}

SmallTable::Group SmallTable::first_group(std::span<const std::uint32_t> groups) noexcept {
  std::size_t count = 1;
  while (count < groups.size() && groups[count] > groups[count - 1]) ++count;
  return groups.first(count);
}

}  // namespace daybook::index
