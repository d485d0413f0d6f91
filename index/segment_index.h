// What a query sees of a segment's index, whether it grows in memory or lies in a file.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "index/key.h"
#include "index/postings.h"

namespace daybook::index {

// Where an event is.
struct Place {
  std::uint64_t offset = 0;  // of its frame in the segment's file, a multiple of 8
  std::uint32_t index = 0;   // which event of the frame, from 0
  friend bool operator==(const Place&, const Place&) = default;
};

// The smallest and the largest of times in nanoseconds since 1970. Means nothing when there are no events.
struct TimeRange {
  std::int64_t first = 0;
  std::int64_t last = 0;
  friend bool operator==(const TimeRange&, const TimeRange&) = default;
};

// What the events of the segment carry, read from the segment itself: an index keeps no copy of rare keys, and asks here.
// Given by the caller. Ordinals are below SegmentIndex::events(). Thread safety: as the index it is given to needs it.
class EventKeys {
 public:
  virtual ~EventKeys() = default;
  // Which of those events carries the key: the number of the first that does, or how many they are. An event that cannot be
  // read does not matter where another one carries the key.
  [[nodiscard]] virtual std::size_t carrier(std::span<const std::uint32_t> ordinals, const Key& key) const = 0;
  // Calls `visit` with each key of that kind that the event has: its stream or type, each of its distinct tags, its id if
  // it has one.
  virtual void each(std::uint32_t ordinal, KeyKind kind, const std::function<void(std::string_view)>& visit) const = 0;
};

// The index of one segment. All answers are exact.
class SegmentIndex {
 public:
  // A key with how many events have it, and the first and last of them.
  using KeyVisitor =
      std::function<void(std::string_view key, std::uint64_t count, std::uint32_t first, std::uint32_t last)>;

  SegmentIndex() = default;
  SegmentIndex(const SegmentIndex&) = delete;
  SegmentIndex& operator=(const SegmentIndex&) = delete;
  virtual ~SegmentIndex() = default;

  // How many events there are; their ordinals are the numbers below.
  [[nodiscard]] virtual std::uint32_t events() const = 0;
  // Where an event is; ordinal < events().
  [[nodiscard]] virtual Place place(std::uint32_t ordinal) const = 0;
  // Where each of them is, into `out`, which is as long: for many, faster than one after the other.
  virtual void places(std::span<const std::uint32_t> ordinals, std::span<Place> out) const {
    for (std::size_t i = 0; i < ordinals.size(); ++i) out[i] = place(ordinals[i]);
  }
  // The first event of the first frame at or behind that offset; events() when there is none.
  [[nodiscard]] virtual std::uint32_t ordinal_at(std::uint64_t frame_offset) const = 0;
  [[nodiscard]] virtual TimeRange recorded() const = 0;
  [[nodiscard]] virtual TimeRange occurred() const = 0;

  // The events that have the key, and how many they are (without making the set).
  [[nodiscard]] virtual Postings find(const Key& key, const EventKeys& events) const = 0;
  [[nodiscard]] virtual std::uint64_t count(const Key& key, const EventKeys& events) const = 0;
  // Every key of a kind, each once, in no particular order.
  virtual void each_key(KeyKind kind, const EventKeys& events, const KeyVisitor& visit) const = 0;
};

}  // namespace daybook::index
