// Events of a segment by their ordinals: what indexes are asked about, and what queries return.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include <daybook/error.h>
#include <daybook/event.h>

#include "format/frame.h"
#include "index/segment_index.h"
#include "log/frame_reader.h"
#include "segment/segment.h"

namespace daybook::log {

// Thread safety: none. Lifetime: of the segment and the index, which must outlive it.
class EventFetcher final : public index::EventKeys {
 public:
  // Frames at or behind `trusted_from` are read without their checksums: kTrusting = all of them.
  EventFetcher(const segment::Segment& segment, const index::SegmentIndex& index, std::uint64_t trusted_from) noexcept
      : segment_(segment), index_(index), trusted_from_(trusted_from) {}
  static constexpr std::uint64_t kTrusting = 0;

  // The event at an ordinal that the index has, or at its place. Views into the segment. Ascending events of a frame with
  // many are read one behind the other, and the frame is checked once.
  Result<void> fetch(std::uint32_t ordinal, EventView& event) { return fetch(index_.place(ordinal), event); }
  Result<void> fetch(const index::Place& place, EventView& event);

  // Fetches the events at `places`, which ascend, up to the first one that is not alone in its frame, or not as it should be;
  // as many as there is room for. Returns how many. Meanwhile frame i of `ahead` is brought to the cache along with event i.
  std::size_t fetch_singles(std::span<const index::Place> places, std::span<const std::byte* const> ahead,
                            std::span<EventView> events) const noexcept;

  // Brings the first bytes of an event's frame to the cache, for a fetch that comes soon.
  void prefetch(const index::Place& place) const noexcept;

  [[nodiscard]] std::size_t carrier(std::span<const std::uint32_t> ordinals, const index::Key& key) const override;
  void each(std::uint32_t ordinal, index::KeyKind kind,
            const std::function<void(std::string_view)>& visit) const override;

  // What went wrong while the index asked: an answer that it gave then means nothing. An event that cannot be read is not
  // wrong where another one settled the question.
  [[nodiscard]] const std::optional<Error>& error() const noexcept { return error_; }

 private:
  static constexpr std::size_t kRunMax = 32;

  Result<void> enter(std::uint64_t offset);
  [[nodiscard]] format::Check check(std::uint64_t offset) const noexcept {
    return offset < trusted_from_ ? format::Check::checksums : format::Check::structure;
  }
  [[nodiscard]] bool read_key_event(std::uint32_t ordinal, EventView& event) const;

  const segment::Segment& segment_;
  const index::SegmentIndex& index_;
  const std::uint64_t trusted_from_;

  // The frame with many events that the last one was in, and how many of them are read.
  std::uint64_t offset_ = 0;
  std::uint32_t passed_ = 0;
  FrameReader reader_;

  mutable std::optional<Error> error_;
};

// Whether an event has a key.
bool carries(const EventView& event, const index::Key& key) noexcept;

// Keys as an index has them.
index::Key stream_key(std::string_view stream) noexcept;
index::Key type_key(std::string_view type) noexcept;
index::Key tag_key(std::string_view tag) noexcept;
index::Key id_key(const EventId& id) noexcept;

// The bytes of the key of the schema version of an event, in its segment; none when the version is 1, which has no key.
std::string_view schema_bytes(const EventView& event) noexcept;

}  // namespace daybook::log
