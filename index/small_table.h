// The keys of a segment that have few events: in about 4.5 bytes for each event of each key, and without their text.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <daybook/error.h>

#include "index/memory_index.h"

namespace daybook::index {

// A key of a MemoryIndex by its number, while it is written.
struct HashedKey {
  std::uint64_t hash = 0;
  std::uint32_t number = 0;
};

// A table of buckets, read in place:
//
//   bucket_bits:u32 keys:u32 entries:u32 zero:u32
//   start:u32{2^bucket_bits + 1}   of each bucket, in entries; the last is their number
//   entry:u32{entries}             fingerprint << ordinal_bits | ordinal; ascending in its bucket
//   pad                            to 8 bytes
//
//   hash of the key   | bucket_bits | fingerprint: 32 - ordinal_bits |   not looked at   |
//
// ordinal_bits is what the ordinals of the segment need. The entries of one bucket and fingerprint are a *group*, and a
// group is of one key of the segment: keys that would share one all go to the large table (encode says which).
//
// So a look-up finds the group and asks the segment whether its first event carries the key. If it does, the group is
// exactly the key's list: the key is in the segment, so it has a group to itself, or is in the large table, where the
// look-up was before. If it does not, no event does: a key of the segment that is not in the large table has this very
// group, and all events of it carry the key.
//
// The bytes must outlive the view; an empty table has none. Thread safety: const members from any thread.
class SmallTable {
 public:
  // The entries of one key: at least one, fewer than kLargeFrom.
  using Group = std::span<const std::uint32_t>;

  SmallTable() noexcept = default;  // empty

  // Appends the table of those keys, each with fewer than kLargeFrom events, to `out`, whose size is a multiple of 8 and
  // stays one. Returns the keys that are not in it, because they would share a group.
  static std::vector<HashedKey> encode(const MemoryIndex& index, KeyKind kind, std::vector<HashedKey> keys,
                                       std::vector<std::byte>& out);

  // The table that the bytes are, all of them, aligned to 8, of a segment with so many events (at most
  // kSidecarEventsMax). Every rule is checked.
  // Errc::corrupt; Error::offset counts from the start of the bytes.
  static Result<SmallTable> parse(std::span<const std::byte> bytes, std::uint32_t events) noexcept;

  // The group that a key of that hash is in, if it is in the table; may be of another key. Empty: there is none.
  [[nodiscard]] Group group(std::uint64_t hash) const noexcept;
  // Brings what group() looks at to the cache; the entries once the bucket is there.
  enum class Step : std::uint8_t { bucket, entries };
  void prefetch(std::uint64_t hash, Step step) const noexcept;
  // The ordinal of an entry.
  [[nodiscard]] std::uint32_t ordinal(std::uint32_t entry) const noexcept {
    return entry & ((std::uint32_t{1} << ordinal_bits_) - 1);
  }
  // What of a hash the table knows: the same for a group and for the hash of its key.
  [[nodiscard]] std::uint64_t prefix(std::uint64_t hash) const noexcept {
    return hash >> (32 + ordinal_bits_ - bucket_bits_);
  }
  // Calls visit(prefix, group) for each group.
  template <typename Visit>
  void each_group(const Visit& visit) const {
    for (std::uint64_t bucket = 0; bucket + 1 < starts_.size(); ++bucket) {
      Group rest = this->bucket(bucket);
      while (!rest.empty()) {
        const std::uint32_t fingerprint = rest.front() >> ordinal_bits_;
        const Group group = leading(rest, fingerprint);
        visit(bucket << (32 - ordinal_bits_) | fingerprint, group);
        rest = rest.subspan(group.size());
      }
    }
  }

 private:
  [[nodiscard]] std::uint64_t bucket_of(std::uint64_t hash) const noexcept {
    return prefix(hash) >> (32 - ordinal_bits_);
  }
  [[nodiscard]] Group bucket(std::uint64_t bucket) const noexcept {
    return entries_.subspan(starts_[bucket], starts_[bucket + 1] - starts_[bucket]);
  }
  // The entries at the start of `entries` with that fingerprint.
  [[nodiscard]] Group leading(Group entries, std::uint32_t fingerprint) const noexcept;
  [[nodiscard]] std::uint64_t offset_of(const std::uint32_t* word) const noexcept;
  [[nodiscard]] Result<> check(std::uint32_t keys, std::uint32_t events) const noexcept;

  std::span<const std::uint32_t> starts_;  // empty: no table
  std::span<const std::uint32_t> entries_;
  std::uint32_t bucket_bits_ = 0;
  std::uint32_t ordinal_bits_ = 0;
};

}  // namespace daybook::index
