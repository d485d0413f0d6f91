#include "index/small_table.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "index/prefetch.h"
#include "index/sidecar_layout.h"

namespace daybook::index {
namespace {

struct TableHeader {
  std::uint32_t bucket_bits;
  std::uint32_t keys;
  std::uint32_t entries;
  std::uint32_t zero;
};
static_assert(sizeof(TableHeader) == 16);

constexpr std::uint32_t kBucketBitsMax = 28;
constexpr std::uint32_t kBucketEntries = 8;  // on average, to twice as many

std::uint32_t ordinal_bits_of(std::uint32_t events) noexcept {
  return events == 0 ? 0 : static_cast<std::uint32_t>(std::bit_width(events - 1));
}

std::uint64_t table_size(std::uint32_t bucket_bits, std::uint64_t entries) noexcept {
  return sidecar_align(sizeof(TableHeader) + sizeof(std::uint32_t) * ((std::uint64_t{1} << bucket_bits) + 1 + entries));
}

std::unexpected<Error> broken(const char* what, std::uint64_t offset, std::uint64_t expected, std::uint64_t actual) {
  return fail({.code = Errc::corrupt, .what = what, .offset = offset, .expected = expected, .actual = actual});
}

// Collects the groups of a table in their order.
class Encoder {
 public:
  Encoder(const MemoryIndex& index, KeyKind kind, std::uint32_t bucket_bits)
      : index_(index),
        kind_(kind),
        bucket_bits_(bucket_bits),
        ordinal_bits_(ordinal_bits_of(index.events())),
        starts_((std::size_t{1} << bucket_bits) + 1) {}

  [[nodiscard]] std::uint64_t prefix(const HashedKey& key) const noexcept {
    return key.hash >> (32 + ordinal_bits_ - bucket_bits_);
  }

  void add(const HashedKey& key) {
    const std::uint64_t fingerprint_bits = 32 - ordinal_bits_;
    const std::uint64_t bucket = prefix(key) >> fingerprint_bits;
    const std::uint64_t fingerprint = prefix(key) & ((std::uint64_t{1} << fingerprint_bits) - 1);
    std::array<std::uint32_t, kLargeFrom> ordinals;
    const std::size_t count = index_.copy_ordinals(kind_, key.number, ordinals);
    for (const std::uint32_t ordinal : std::span(ordinals).first(count)) {
      entries_.push_back(static_cast<std::uint32_t>(fingerprint << ordinal_bits_) | ordinal);
    }
    starts_[bucket + 1] += static_cast<std::uint32_t>(count);
    ++keys_;
  }

  void finish(std::vector<std::byte>& out) {
    if (entries_.empty()) return;
    for (std::size_t bucket = 1; bucket < starts_.size(); ++bucket) starts_[bucket] += starts_[bucket - 1];
    const TableHeader header{bucket_bits_, keys_, static_cast<std::uint32_t>(entries_.size()), 0};
    const std::size_t end = out.size() + table_size(bucket_bits_, entries_.size());
    const auto put = [&](std::span<const std::byte> bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); };
    put(std::as_bytes(std::span(&header, 1)));
    put(std::as_bytes(std::span(starts_)));
    put(std::as_bytes(std::span(entries_)));
    out.resize(end);
  }

 private:
  const MemoryIndex& index_;
  const KeyKind kind_;
  const std::uint32_t bucket_bits_;
  const std::uint32_t ordinal_bits_;
  std::vector<std::uint32_t> starts_;
  std::vector<std::uint32_t> entries_;
  std::uint32_t keys_ = 0;
};

}  // namespace

std::vector<HashedKey> SmallTable::encode(const MemoryIndex& index, KeyKind kind, std::vector<HashedKey> keys,
                                          std::vector<std::byte>& out) {
  assert(out.size() % 8 == 0);
  std::sort(keys.begin(), keys.end(), [](const HashedKey& a, const HashedKey& b) { return a.hash < b.hash; });
  std::uint64_t entries = 0;
  for (const HashedKey& key : keys) entries += index.key_count(kind, key.number);
  const auto buckets = std::max<std::uint64_t>(1, std::bit_floor(entries / kBucketEntries));
  Encoder encoder(index, kind, static_cast<std::uint32_t>(std::countr_zero(buckets)));

  std::vector<HashedKey> rest;
  for (auto at = keys.begin(); at != keys.end();) {
    auto end = at + 1;
    while (end != keys.end() && encoder.prefix(*end) == encoder.prefix(*at)) ++end;
    if (end - at == 1) {
      encoder.add(*at);
    } else {
      rest.insert(rest.end(), at, end);
    }
    at = end;
  }
  encoder.finish(out);
  return rest;
}

Result<SmallTable> SmallTable::parse(std::span<const std::byte> bytes, std::uint32_t events) noexcept {
  if (bytes.empty()) return SmallTable();
  TableHeader header;
  if (bytes.size() < sizeof(header)) return broken("small table header is cut", 0, sizeof(header), bytes.size());
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.bucket_bits > kBucketBitsMax) return broken("small table buckets", 0, kBucketBitsMax, header.bucket_bits);
  if (header.entries == 0 || header.zero != 0) return broken("small table header", 8, 0, header.zero);
  const std::uint64_t size = table_size(header.bucket_bits, header.entries);
  if (bytes.size() != size) return broken("small table size", 0, size, bytes.size());

  SmallTable table;
  const auto* const words = reinterpret_cast<const std::uint32_t*>(bytes.data());
  const std::size_t starts = (std::size_t{1} << header.bucket_bits) + 1;
  constexpr std::size_t kHeaderWords = sizeof(header) / sizeof(std::uint32_t);
  table.starts_ = {words + kHeaderWords, starts};
  table.entries_ = {words + kHeaderWords + starts, header.entries};
  table.bucket_bits_ = header.bucket_bits;
  table.ordinal_bits_ = ordinal_bits_of(events);
  if (const auto checked = table.check(header.keys, events); !checked) return fail(checked.error());
  for (std::size_t at = kHeaderWords + starts + header.entries; at < bytes.size() / sizeof(std::uint32_t); ++at) {
    if (words[at] != 0) return broken("small table padding", at * sizeof(std::uint32_t), 0, words[at]);
  }
  return table;
}

// Where a word of the table is, from the start of its bytes.
std::uint64_t SmallTable::offset_of(const std::uint32_t* word) const noexcept {
  return sizeof(TableHeader) + sizeof(std::uint32_t) * static_cast<std::uint64_t>(word - starts_.data());
}

Result<> SmallTable::check(std::uint32_t keys, std::uint32_t events) const noexcept {
  if (starts_.front() != 0) return broken("small table start", sizeof(TableHeader), 0, starts_.front());
  for (std::size_t i = 1; i < starts_.size(); ++i) {
    if (starts_[i] >= starts_[i - 1]) continue;
    return broken("small table starts ascend", offset_of(&starts_[i]), starts_[i - 1], starts_[i]);
  }
  if (starts_.back() != entries_.size()) return broken("small table end", 8, entries_.size(), starts_.back());
  for (std::size_t i = 0; i + 1 < starts_.size(); ++i) {
    const Group entries = bucket(i);
    for (std::size_t at = 0; at < entries.size(); ++at) {
      const std::uint32_t entry = entries[at];
      if (ordinal(entry) >= events) {
        return broken("small table ordinal", offset_of(&entries[at]), events, ordinal(entry));
      }
      if (at > 0 && entry <= entries[at - 1]) {
        return broken("small table ascends", offset_of(&entries[at]), entries[at - 1], entry);
      }
    }
  }
  std::uint64_t groups = 0;
  std::uint64_t most = 0;
  each_group([&](std::uint64_t /*prefix*/, Group group) {
    ++groups;
    most = std::max<std::uint64_t>(most, group.size());
  });
  if (groups != keys) return broken("small table keys", 4, keys, groups);
  if (most >= kLargeFrom) return broken("small table key is large", 0, kLargeFrom - 1, most);
  return {};
}

SmallTable::Group SmallTable::leading(Group entries, std::uint32_t fingerprint) const noexcept {
  std::size_t count = 0;
  while (count < entries.size() && entries[count] >> ordinal_bits_ == fingerprint) ++count;
  return entries.first(count);
}

void SmallTable::prefetch(std::uint64_t hash, Step step) const noexcept {
  if (starts_.empty()) return;
  const std::uint32_t* const start = &starts_[bucket_of(hash)];
  if (step == Step::bucket) return prefetch_line(start);
  // A bucket has a line's worth of entries, on average, which seldom begins with the line.
  constexpr std::size_t kLine = 64 / sizeof(std::uint32_t);
  prefetch_line(entries_.data() + *start);
  if (*start + kLine < entries_.size()) prefetch_line(entries_.data() + *start + kLine);
}

// A bucket has a dozen entries. Looking at all of them, without a branch, takes less than the branches of a search.
SmallTable::Group SmallTable::group(std::uint64_t hash) const noexcept {
  if (starts_.empty()) return {};
  const std::uint64_t known = prefix(hash);
  const std::uint32_t fingerprint_bits = 32 - ordinal_bits_;
  const auto fingerprint = static_cast<std::uint32_t>(known & ((std::uint64_t{1} << fingerprint_bits) - 1));
  const Group entries = bucket(known >> fingerprint_bits);
  std::uint32_t before = 0;
  std::uint32_t count = 0;
  for (const std::uint32_t entry : entries) {
    before += entry >> ordinal_bits_ < fingerprint ? 1 : 0;
    count += entry >> ordinal_bits_ == fingerprint ? 1 : 0;
  }
  return entries.subspan(before, count);
}

}  // namespace daybook::index
