// A checkpoint: which segments there are, which of them hold a key, and the heads of streams, as a file from which a store
// opens without reading its sealed segments. Derived: it may be deleted, and is made again from the segments. The bytes
// are described in checkpoint_layout.h.
//
// Keys are known by kind and hash alone. Where two keys of a kind share a hash, they share an entry: the union of their
// segments, and the newer head. So a set of segments may be larger than the key's (also where very many segments made it
// coarse), never smaller; and a head may be another stream's. Whoever asks compares with the events: the event at
// `last_position` either is of the stream that was asked for, and then the head is right, or the stream's own last event
// is earlier, in one of the segments.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include <daybook/error.h>
#include <daybook/types.h>

#include "index/checkpoint_layout.h"
#include "index/key.h"

namespace daybook::index {

struct CheckpointKey {
  KeyKind kind{};
  std::uint64_t hash = 0;               // key_hash()
  Version version = 0;                  // of streams: the head as of the end of what is covered; others: 0
  Position last_position = 0;           // of its event
  std::vector<std::uint32_t> segments;  // ascending ordinals of the segment table; not empty
  friend bool operator==(const CheckpointKey&, const CheckpointKey&) = default;
};

// A checkpoint, read in place.
//
// Thread safety: const members from any number of threads at once.
class Checkpoint {
 public:
  // `bytes` is the whole file, aligned to 8, and must outlive the checkpoint; it may hold anything. Header, segment table
  // and page index are checked, pages are not touched. What is covered is for the caller to compare with the log: it must
  // be discarded when a segment there is not the one that it says, or ends earlier.
  //
  // Errors: corrupt (Error::what begins with "stale" where the file is of another log), unsupported (a newer version),
  // invalid_argument (bytes not aligned). Error::offset is in the checkpoint.
  static Result<Checkpoint> parse(std::span<const std::byte> bytes, const Uuid& log);

  [[nodiscard]] const CheckpointHeader& header() const noexcept { return header_; }
  [[nodiscard]] std::span<const CheckpointSegment> segments() const noexcept { return segments_; }
  [[nodiscard]] std::uint64_t keys(KeyKind kind) const noexcept;

  // Verifies one page, whatever is in it, and reads it as far as the key. Nothing: no event that is covered has a key of
  // that hash.
  [[nodiscard]] Result<std::optional<CheckpointKey>> find(KeyKind kind, std::uint64_t hash) const;

  // All keys, by kind and then by hash, page by page.
  class Walk {
   public:
    explicit Walk(const Checkpoint& checkpoint) noexcept : checkpoint_(checkpoint) {}
    // The next key, until the next call; null at the end.
    Result<const CheckpointKey*> next();

   private:
    const Checkpoint& checkpoint_;
    std::uint64_t page_ = 0;
    std::size_t at_ = 0;
    std::vector<CheckpointKey> keys_;  // of the page
  };

 private:
  class PageReader;

  [[nodiscard]] std::uint64_t pages() const noexcept { return first_hashes_.size(); }
  [[nodiscard]] KeyKind kind_of(std::uint64_t page) const noexcept;
  // The largest hash that a key of this page can have.
  [[nodiscard]] std::uint64_t last_hash(std::uint64_t page) const noexcept;

  CheckpointHeader header_{};
  std::span<const std::byte> bytes_;
  std::span<const CheckpointSegment> segments_;
  std::span<const std::uint64_t> first_hashes_;                    // of pages
  std::array<std::uint64_t, kCheckpointKinds + 1> first_pages_{};  // of kinds
};

// Whether the segments that are covered are the first of those, by number.
bool covers_first_of(std::span<const CheckpointSegment> covered, std::span<const std::uint64_t> numbers) noexcept;

// The next key to go into a checkpoint; null at the end. Ascending by kind and hash; the same key may come several times,
// one after the other (a segment each, or a collision): the entries are merged.
using NextCheckpointKey = std::function<const CheckpointKey*()>;

// The bytes of a checkpoint of the log `log` over `segments`, all of them. `before` is an older one, or null; its segments
// must be the first ones of `segments`, and `added` then has what the others hold. Holds what it returns, and one page of
// `before`; an error of `before` is one here.
// Errors besides: invalid_argument (keys that do not ascend, or name a segment that is not there).
Result<std::vector<std::byte>> encode_checkpoint(const Uuid& log, std::span<const CheckpointSegment> segments,
                                                 const Checkpoint* before, const NextCheckpointKey& added);

}  // namespace daybook::index
