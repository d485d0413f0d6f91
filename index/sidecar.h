// The index of a sealed segment, as a file beside it: segments/<number>.idx. Derived: it may be deleted, and is made again
// from the segment. The bytes are described in sidecar_layout.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <daybook/error.h>
#include <daybook/types.h>

#include "index/large_table.h"
#include "index/memory_index.h"
#include "index/monotone_list.h"
#include "index/segment_index.h"
#include "index/small_table.h"

namespace daybook::index {

// Which segment a sidecar is of, and how much of it is covered.
struct SidecarIdentity {
  Uuid log{};
  Uuid segment{};
  std::uint64_t number = 0;
  std::uint64_t epoch = 0;
  std::uint64_t base_position = 0;  // position of the event before the segment's first
  std::uint64_t valid_end = 0;      // bytes of the segment's file; the frames that end at or below it are covered
  std::uint32_t events = 0;
  std::uint32_t frames = 0;
  friend bool operator==(const SidecarIdentity&, const SidecarIdentity&) = default;
};

// The bytes of the sidecar of a segment: `identity` says which, and its counts are those of the index. Allocates about
// twice what it returns. Thread safety: any thread, while the index does not change.
std::vector<std::byte> encode_sidecar(const MemoryIndex& index, const SidecarIdentity& identity);

// A sidecar, read in place.
//
// Thread safety: const members from any number of threads at once.
class Sidecar final : public SegmentIndex {
 public:
  // `bytes` is the whole file, aligned to 8, and must outlive the sidecar; it may hold anything. `expected` is what the
  // caller knows of the segment: log, segment, number, epoch and base position must be as they say, and the sidecar may not
  // cover more bytes, events or frames than that (it may cover less: see identity()).
  //
  // Checksums come first, then every rule of the format; so whatever is asked later stays inside the bytes, and
  // allocates no more than a small multiple of them. What this cannot see is a file made on purpose, with correct
  // checksums, of answers that are wrong. `hash` is another one than key_hash in tests alone.
  //
  // Errors: corrupt (Error::what begins with "stale" where the file is of another segment, or covers what the segment
  // no longer has), unsupported (a newer version), invalid_argument (bytes not aligned). Error::offset is in the sidecar,
  // Error::segment the number of the segment.
  static Result<std::unique_ptr<Sidecar>> parse(std::span<const std::byte> bytes, const SidecarIdentity& expected,
                                                KeyHash hash = key_hash);

  // What the sidecar says of itself: how much of the segment is covered.
  [[nodiscard]] const SidecarIdentity& identity() const noexcept { return identity_; }

  [[nodiscard]] std::uint32_t events() const override { return identity_.events; }
  [[nodiscard]] Place place(std::uint32_t ordinal) const override;
  void places(std::span<const std::uint32_t> ordinals, std::span<Place> out) const override;
  [[nodiscard]] std::uint32_t ordinal_at(std::uint64_t frame_offset) const override;
  [[nodiscard]] TimeRange recorded() const override { return recorded_; }
  [[nodiscard]] TimeRange occurred() const override { return occurred_; }

  // A rare key takes one question to `events`; others none. A set that is a view lives as long as the sidecar.
  [[nodiscard]] Postings find(const Key& key, const EventKeys& events) const override;
  [[nodiscard]] std::uint64_t count(const Key& key, const EventKeys& events) const override;
  void each_key(KeyKind kind, const EventKeys& events, const KeyVisitor& visit) const override;

  // To look ahead: what find() and places() would wait for is brought to the cache, for several sidecars at once. Each step
  // needs what the one before has brought: prefetch(), bucket(), likely(), places first, places second, warm_places().
  using Step = MonotoneList::Step;
  using Bucket = SmallTable::Bucket;
  [[nodiscard]] std::uint64_t hash_of(const Key& key) const noexcept { return hash_(key); }
  void prefetch(KeyKind kind, std::uint64_t hash) const noexcept { tables(kind).small.prefetch(hash); }
  [[nodiscard]] Bucket bucket(KeyKind kind, std::uint64_t hash) const noexcept;
  // The events of a rare key that may be of that hash, if there is one, as far as there is room for them; returns how many they
  // are. If the first of them has a key of that hash, they are all the events that the key has. Else, and where it returns 0,
  // it takes a find() to know.
  [[nodiscard]] std::size_t likely(KeyKind kind, std::uint64_t hash, Bucket bucket,
                                   std::span<std::uint32_t> out) const noexcept;
  void prefetch_places(std::span<const std::uint32_t> ordinals, Step step) const noexcept;
  // places(), when all that it looks at is there.
  void warm_places(std::span<const std::uint32_t> ordinals, std::span<Place> out) const noexcept;

 private:
  struct Tables {
    SmallTable small;
    LargeTable large;
  };
  class Parser;

  explicit Sidecar(KeyHash hash) noexcept : hash_(hash) {}

  [[nodiscard]] const Tables& tables(KeyKind kind) const noexcept { return tables_[static_cast<std::size_t>(kind)]; }
  // The events of a key that is not in the large table, in `room`; empty when no event has it.
  [[nodiscard]] SmallTable::Group find_group(const Key& key, std::uint64_t hash, const EventKeys& events,
                                             SmallTable::Room& room) const;
  [[nodiscard]] std::uint32_t first_of(std::uint32_t frame) const noexcept;

  const KeyHash hash_;
  SidecarIdentity identity_;
  TimeRange recorded_;
  TimeRange occurred_;
  MonotoneList frame_units_;
  MonotoneList frame_firsts_;  // empty: every frame has one event
  std::array<Tables, kKeyKinds> tables_;
};

}  // namespace daybook::index
