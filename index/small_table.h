// The keys of a segment that have few events: in some 27 bits for each event of each key (of half a million events), and
// without their text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <daybook/error.h>

#include "index/bits.h"
#include "index/memory_index.h"

namespace daybook::index {

// A key of a MemoryIndex by its number, while it is written.
struct HashedKey {
  std::uint64_t hash = 0;
  std::uint32_t number = 0;
};

// A table of buckets, read in place:
//
//   buckets:u32 keys:u32 entries:u32 zero:u32{13}
//   line{(buckets + 59) / 60}   sizes:u8{60} start:u32: how many entries its buckets have, and all buckets before the line
//   entry:bits{entries}         mark * events + ordinal, ascending by mark in its bucket
//   pad                         8 zeros, and up to 64 bytes
//
// `events` is how many the segment has. An entry has as many bits as events * 32 - 1 takes, so that there are 32 to 64 marks;
// it is as small as can be for what it says, whatever the number of events.
//
//   bucket: (hash >> 32) * buckets >> 32     mark: (hash mod 2^32) * marks >> 32
//
// Bucket and mark, a *slot*, are all that the table knows of a key. The events of a key are a *group* of entries, ascending.
// Keys may share a slot: then the one with the largest first event comes first, so that a group ends where the next entry is
// not larger. In such a slot, no first event of a group carries another key of the slot, be that in this table or not: else
// all keys of the slot go to the large table (encode says which).
//
// So a look-up finds the slot, which mostly has one group or none, and asks the segment whether the first event of a group
// carries the key. If it does, the group is exactly the key's list. If none does, the key is in the large table, or no event
// has it.
//
// The bytes must outlive the view; an empty table has none. Thread safety: const members from any thread.
class SmallTable {
 public:
  // As many entries as a bucket may have.
  static constexpr std::size_t kBucketMax = 255;
  using Room = std::array<std::uint32_t, kBucketMax + 1>;
  // Ordinals of events.
  using Group = std::span<const std::uint32_t>;

  SmallTable() noexcept = default;  // empty

  // Appends the table of `keys`, each with fewer than kLargeFrom events, to `out`, whose size is a multiple of kAlignment and
  // stays one. Returns those that are not in it. `others`: all other keys of that kind.
  static std::vector<HashedKey> encode(const MemoryIndex& index, KeyKind kind, std::span<const HashedKey> keys,
                                       std::span<const HashedKey> others, std::vector<std::byte>& out);
  static constexpr std::size_t kAlignment = 64;  // of its lines, to be one of the cache each

  // The table that the bytes are, all of them, aligned to 8, of a segment with so many events (at most
  // kSidecarEventsMax). Every rule is checked but the one about other keys of a slot, which takes the events.
  // Errc::corrupt; Error::offset counts from the start of the bytes.
  static Result<SmallTable> parse(std::span<const std::byte> bytes, std::uint32_t events) noexcept;

  // What the table knows of a hash.
  [[nodiscard]] std::uint64_t slot_of(std::uint64_t hash) const noexcept {
    return bucket_of(hash) * marks_ + mark_of(hash);
  }
  // Where the entries of a bucket are: [begin, end).
  struct Bucket {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  // The bucket of a hash.
  [[nodiscard]] Bucket bucket(std::uint64_t hash) const noexcept {
    return buckets_ == 0 ? Bucket() : bucket_at(bucket_of(hash));
  }
  // The groups that are in the slot of a hash, in its bucket, one behind the other and decoded into `room`.
  [[nodiscard]] std::span<const std::uint32_t> slot(std::uint64_t hash, Bucket bucket, Room& room) const noexcept;
  // The first of several groups, which are some.
  [[nodiscard]] static Group first_group(std::span<const std::uint32_t> groups) noexcept;
  // Brings to the cache what bucket() looks at, and what slot() does.
  void prefetch(std::uint64_t hash) const noexcept;
  void prefetch(Bucket bucket) const noexcept;

  // Calls visit(slot, group) for each group.
  template <typename Visit>
  void each_group(const Visit& visit) const {
    Room room;
    std::uint32_t at = 0;
    for (std::uint32_t number = 0; number < buckets_; ++number) {
      for (const std::uint32_t end = at + size_of(number); at != end;) {
        const std::uint64_t mark = value(at) / events_;
        std::size_t count = 0;
        for (; at != end && value(at) / events_ == mark; ++at) {
          room[count++] = static_cast<std::uint32_t>(value(at) % events_);
        }
        for (std::span<const std::uint32_t> rest(room.data(), count); !rest.empty();) {
          const Group group = first_group(rest);
          visit(std::uint64_t{number} * marks_ + mark, group);
          rest = rest.subspan(group.size());
        }
      }
    }
  }

 private:
  static constexpr std::uint32_t kLineBuckets = 60;
  struct Line {
    std::array<std::uint8_t, kLineBuckets> sizes{};
    std::uint32_t start = 0;
  };
  static_assert(sizeof(Line) == kAlignment);
  class Encoder;

  // Of a table with so many buckets, of a segment with so many events, one at least: all but where its bytes are.
  SmallTable(std::uint32_t buckets, std::uint32_t events) noexcept;

  [[nodiscard]] static std::uint64_t lines_of(std::uint64_t buckets) noexcept {
    return (buckets + kLineBuckets - 1) / kLineBuckets;
  }
  [[nodiscard]] std::uint64_t data_offset() const noexcept { return kAlignment + sizeof(Line) * lines_of(buckets_); }
  [[nodiscard]] std::uint64_t size_with(std::uint64_t entries) const noexcept;
  [[nodiscard]] std::uint64_t bucket_of(std::uint64_t hash) const noexcept { return (hash >> 32) * buckets_ >> 32; }
  [[nodiscard]] std::uint64_t mark_of(std::uint64_t hash) const noexcept {
    return (hash & low_bits(32)) * marks_ >> 32;
  }
  [[nodiscard]] std::uint32_t size_of(std::uint32_t bucket) const noexcept {
    return lines_[bucket / kLineBuckets].sizes[bucket % kLineBuckets];
  }
  [[nodiscard]] Bucket bucket_at(std::uint64_t number) const noexcept;
  // Of an entry: its mark * events_ + its ordinal.
  [[nodiscard]] std::uint64_t value(std::uint32_t at) const noexcept {
    return load_bits(data_, std::uint64_t{at} * entry_bits_, entry_bits_);
  }
  [[nodiscard]] Result<> check_lines(std::uint32_t entries) const noexcept;
  [[nodiscard]] Result<> check_entries(std::uint32_t keys) const noexcept;

  std::uint32_t buckets_ = 0;  // 0: no table
  std::uint32_t events_ = 0;
  std::uint32_t entry_bits_ = 0;
  std::uint32_t marks_ = 0;
  const Line* lines_ = nullptr;
  const std::byte* data_ = nullptr;
};

}  // namespace daybook::index
