#include "index/large_table.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstring>

#include "index/broken.h"
#include "index/packed_list.h"
#include "index/prefetch.h"
#include "index/roaring_validator.h"
#include "index/sidecar_layout.h"

namespace daybook::index {
namespace {

struct TableHeader {
  std::uint32_t count;
  std::uint32_t text_size;
  std::uint64_t data_size;
};
static_assert(sizeof(TableHeader) == 16);

constexpr std::uint32_t kTextMax = 255;

template <typename T>
void put(std::span<const T> values, std::vector<std::byte>& out) {
  const auto bytes = std::as_bytes(values);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void pad(std::vector<std::byte>& out) { out.resize(sidecar_align(out.size())); }

PackedList::Shape shape_of(const LargeEntry& entry) noexcept {
  return {.count = entry.count, .first = entry.first, .last = entry.last};
}

// No slab has more than there is room for in an array.
bool fits_arrays(const Ordinals& set) {
  if (set.size() <= Container::kArrayMax) return true;
  std::vector<std::uint16_t> room;
  for (std::uint32_t slab = set.next_slab(0); slab != Ordinals::kNoSlab; slab = set.next_slab(slab + 1)) {
    if (set.in_slab(slab, room).count > Container::kArrayMax) return false;
  }
  return true;
}

std::size_t count_runs(std::span<const std::uint32_t> ordinals) noexcept {
  std::size_t runs = 1;
  for (std::size_t i = 1; i < ordinals.size(); ++i) runs += ordinals[i] != ordinals[i - 1] + 1 ? 1 : 0;
  return runs;
}

// Appends the events of a key, and returns the form.
std::uint32_t put_data(const Ordinals& set, std::vector<std::byte>& out) {
  if (!fits_arrays(set)) {
    put(std::span<const std::byte>(set.to_roaring()), out);
    return kRoaringForm;
  }
  std::vector<std::uint32_t> ordinals(set.size());
  set.read(0, ordinals);
  const std::size_t start = out.size();
  PackedList::encode(ordinals, out);
  const std::size_t size = out.size() - start;
  // A bitmap has 2 bytes for each run, at least: most need not be made to know that they are larger.
  if (set.size() < kLargeFrom || sizeof(std::uint16_t) * count_runs(ordinals) >= size) return kPackedForm;
  const std::vector<std::byte> bitmap = set.to_roaring();
  if (bitmap.size() > size) return kPackedForm;
  out.resize(start);
  put(std::span(bitmap), out);
  return kRoaringForm;
}

}  // namespace

void LargeTable::encode(const MemoryIndex& index, KeyKind kind, std::vector<HashedKey> keys,
                        std::vector<std::byte>& out) {
  assert(out.size() % 8 == 0);
  if (keys.empty()) return;
  std::sort(keys.begin(), keys.end(), [&](const HashedKey& a, const HashedKey& b) {
    return a.hash != b.hash ? a.hash < b.hash : index.key_text(kind, a.number) < index.key_text(kind, b.number);
  });
  std::vector<LargeEntry> entries;
  std::vector<std::byte> text;
  std::vector<std::byte> data;
  for (const HashedKey& key : keys) {
    const Postings set = index.key_postings(kind, key.number);
    const std::string_view name = index.key_text(kind, key.number);
    LargeEntry entry{.hash = key.hash,
                     .count = static_cast<std::uint32_t>(set->size()),
                     .first = set->first(),
                     .last = set->last(),
                     .text_offset = static_cast<std::uint32_t>(text.size()),
                     .text_size = static_cast<std::uint32_t>(name.size()),
                     .data_offset = static_cast<std::uint32_t>(data.size())};
    put(std::span(name), text);
    entry.form = put_data(*set, data);
    entry.data_size = static_cast<std::uint32_t>(data.size()) - entry.data_offset;
    pad(data);
    assert(data.size() <= UINT32_MAX && text.size() <= UINT32_MAX);
    entries.push_back(entry);
  }
  const TableHeader header{static_cast<std::uint32_t>(entries.size()), static_cast<std::uint32_t>(text.size()),
                           data.size()};
  put(std::span(&header, 1), out);
  put(std::span<const LargeEntry>(entries), out);
  put(std::span<const std::byte>(text), out);
  pad(out);
  put(std::span<const std::byte>(data), out);
}

Result<LargeTable> LargeTable::parse(std::span<const std::byte> bytes, const Rule& rule) {
  if (bytes.empty()) return LargeTable();
  TableHeader header;
  if (bytes.size() < sizeof(header)) return broken("large table header is cut", 0, sizeof(header), bytes.size());
  std::memcpy(&header, bytes.data(), sizeof(header));
  const std::uint64_t text_start = sizeof(header) + sizeof(LargeEntry) * std::uint64_t{header.count};
  const std::uint64_t text_end = text_start + header.text_size;
  const std::uint64_t data_start = sidecar_align(text_end);
  if (header.count == 0) return broken("large table count", 0, 1, 0);
  if (data_start > bytes.size() || header.data_size != bytes.size() - data_start) {
    return broken("large table size", 0, data_start, bytes.size());
  }
  if (!is_zero(bytes.subspan(text_end, data_start - text_end))) return broken("large table padding", text_end, 0, 1);

  LargeTable table;
  table.entries_ = {reinterpret_cast<const LargeEntry*>(bytes.data() + sizeof(header)), header.count};
  table.text_ = {reinterpret_cast<const char*>(bytes.data()) + text_start, header.text_size};
  table.data_ = bytes.subspan(data_start);
  if (const auto checked = table.check(rule); !checked) return fail(checked.error());
  return table;
}

// Where something of the table is, from the start of its bytes.
std::uint64_t LargeTable::offset_of(const void* at) const noexcept {
  return sizeof(TableHeader) + static_cast<std::uint64_t>(static_cast<const std::byte*>(at) -
                                                          reinterpret_cast<const std::byte*>(entries_.data()));
}

Result<> LargeTable::check(const Rule& rule) const noexcept {
  std::uint64_t text_end = 0;
  std::uint64_t data_end = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const LargeEntry& entry = entries_[i];
    if (entry.text_offset != text_end || entry.text_size > text_.size() - text_end) {
      return broken("large table text", offset_of(&entry), text_end, entry.text_offset);
    }
    if (entry.data_offset != data_end || sidecar_align(entry.data_size) > data_.size() - data_end) {
      return broken("large table data", offset_of(&entry), data_end, entry.data_offset);
    }
    text_end += entry.text_size;
    const std::uint64_t end = data_end + entry.data_size;
    data_end = sidecar_align(end);
    if (!is_zero(data_.subspan(end, data_end - end))) {
      return broken("large table padding", offset_of(data_.data() + end), 0, 1);
    }
    DAYBOOK_TRY(check_key(entry, rule));
    DAYBOOK_TRY(check_data(entry, rule.events));
    if (i > 0 && !ordered(entries_[i - 1], entry)) {
      return broken("large table ascends", offset_of(&entry), entries_[i - 1].hash, entry.hash);
    }
  }
  if (text_end != text_.size()) return broken("large table text", 4, text_.size(), text_end);
  if (data_end != data_.size()) return broken("large table data", 8, data_.size(), data_end);
  return {};
}

bool LargeTable::ordered(const LargeEntry& before, const LargeEntry& entry) const noexcept {
  return before.hash != entry.hash ? before.hash < entry.hash : text(before) < text(entry);
}

Result<> LargeTable::check_key(const LargeEntry& entry, const Rule& rule) const noexcept {
  const std::uint64_t at = offset_of(&entry);
  if (entry.text_size == 0 || entry.text_size > kTextMax) {
    return broken("large table text", at, kTextMax, entry.text_size);
  }
  const std::uint64_t hash = rule.hash({rule.kind, text(entry)});
  if (entry.hash != hash) return broken("large table hash", at, hash, entry.hash);
  return {};
}

Result<> LargeTable::check_data(const LargeEntry& entry, std::uint32_t events) const noexcept {
  if (entry.form == kRoaringForm && entry.count >= kLargeFrom) return check_bitmap(entry, events);
  if (entry.form != kPackedForm) {
    return broken("large table form", offset_of(&entry) + offsetof(LargeEntry, form), kPackedForm, entry.form);
  }
  const auto list = PackedList::parse(data(entry), shape_of(entry), events);
  return list ? Result<>() : moved(list.error(), offset_of(data(entry).data()));
}

Result<> LargeTable::check_bitmap(const LargeEntry& entry, std::uint32_t events) const noexcept {
  const auto content = validate_roaring(data(entry), events);
  const std::uint64_t at = offset_of(data(entry).data());
  if (!content) return moved(content.error(), at);
  if (content->count != entry.count) return broken("large table events", at, entry.count, content->count);
  if (content->first != entry.first) return broken("large table first", at, entry.first, content->first);
  if (content->last != entry.last) return broken("large table last", at, entry.last, content->last);
  return {};
}

std::size_t LargeTable::likely(std::uint64_t hash) const noexcept {
  return static_cast<std::size_t>((hash >> 32) * entries_.size() >> 32);
}

void LargeTable::prefetch(std::uint64_t hash) const noexcept {
  if (!entries_.empty()) prefetch_line(&entries_[likely(hash)]);
}

// A few entries from where it should be, mostly, in steps that double: hashes that somebody has chosen take a search.
const LargeEntry* LargeTable::find(std::uint64_t hash, std::string_view text) const noexcept {
  if (entries_.empty()) return nullptr;
  std::size_t low = likely(hash);
  std::size_t high = low;
  for (std::size_t step = 1; low > 0 && entries_[low - 1].hash >= hash; step *= 2) {
    high = low - 1;
    low -= std::min(step, low);
  }
  for (std::size_t step = 1; high < entries_.size() && entries_[high].hash < hash; step *= 2) {
    low = high + 1;
    high += step;
  }
  const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(low);
  const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(std::min(high, entries_.size()));
  auto at = std::lower_bound(begin, end, hash,
                             [](const LargeEntry& entry, std::uint64_t wanted) { return entry.hash < wanted; });
  for (; at != entries_.end() && at->hash == hash; ++at) {
    if (this->text(*at) == text) return &*at;
  }
  return nullptr;
}

Postings LargeTable::postings(const LargeEntry& entry) const {
  if (entry.form == kRoaringForm) return Postings(Ordinals::view(data(entry)));
  const PackedList list(data(entry), shape_of(entry));
  if (entry.count >= kLargeFrom) return Postings(Ordinals::view(list));
  std::array<std::uint32_t, kLargeFrom> ordinals;
  return Postings(Ordinals::of(std::span(ordinals).first(list.read(0, ordinals))));
}

}  // namespace daybook::index
