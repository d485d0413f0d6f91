// What a cursor comes to in the next parts, worked out for many of them at once.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "index/key.h"
#include "log/part.h"

namespace daybook::log {

// A stream of a hundred events has a handful in each of many segments, and each look-up is a chain of cache misses: bucket,
// entries, place, frame. This walks the chains of several parts side by side, so that their misses overlap, and keeps the
// places that it comes to.
//
// The first line of every frame is asked for as soon as its place is known, and the rest of a frame, whose size stands there,
// some events before it is read.
//
// It decides nothing: whether a part has the key is found out by reading its events, and which of them are asked for by the
// cursor.
//
// Thread safety: none. Lifetime: the parts of the last gather() must outlive it.
class LookAhead {
 public:
  static constexpr std::size_t kPartsMax = 32;

  // Forgets what there was, and looks into those parts, in the order of reading: the first kPartsMax of them, as far as they are
  // open, over a sidecar, and there is room for their events.
  void gather(std::span<const Part* const> parts, const index::Key& key, bool forward);

  // A part is about to be read. They come in the order in which they were given; some may be left out.
  void turn_to(const Part& part) noexcept;
  // Of that part, until the next gather(): the events of the key, all of them if the first of them has it. Else, and when
  // there are none, it takes a look into its index to know.
  [[nodiscard]] std::span<const std::uint32_t> events() const noexcept;
  // The places of its events at those ordinals, of which there is one at least; none: they are not known here.
  [[nodiscard]] std::span<const index::Place> places(std::span<const std::uint32_t> ordinals) const noexcept;
  // The places of `count` of events(), from number `first` on.
  [[nodiscard]] std::span<const index::Place> places(std::size_t first, std::size_t count) const noexcept;

  // So many events are about to be read: the frames of later ones, for format::prefetch_frame() along with each. May be
  // fewer.
  [[nodiscard]] std::span<const std::byte* const> next_frames(std::size_t events) noexcept {
    const std::size_t count = std::min(events, events_ - next_);
    next_ += count;
    return count == 0 ? std::span<const std::byte* const>() : std::span(room_->frames).subspan(next_ - count, count);
  }

 private:
  static constexpr std::size_t kEventsMax = 256;
  static constexpr std::size_t kDistance = 8;  // how many events before it is read a frame is brought to the cache

  // Made when there is something to put into it: most cursors over a log of one segment find nothing here.
  struct Room {
    std::array<std::uint32_t, kEventsMax> ordinals;   // ascending in each share
    std::array<index::Place, kEventsMax> places;      // of each ordinal
    std::array<const std::byte*, kEventsMax> frames;  // in the order of reading
  };
  // A part, and its events: [begin, end) of the ordinals and places.
  struct Share {
    const Part* part = nullptr;
    const index::Sidecar* sidecar = nullptr;
    index::Sidecar::Bucket bucket{};
    std::size_t begin = 0;
    std::size_t end = 0;
    bool whole = false;  // there was room for all that it has
  };

  [[nodiscard]] std::span<const std::uint32_t> ordinals_of(const Share& share) const noexcept {
    return std::span(room_->ordinals).subspan(share.begin, share.end - share.begin);
  }
  void look_up(const index::Key& key, bool forward);
  // The places of the events of a share, and their frames, which are asked for.
  void locate(const Share& share, bool forward) noexcept;

  std::vector<Share> shares_;
  std::size_t at_ = 0;          // the share of the part that is read, or of the last one before it that has one
  bool known_ = false;          // and it is of that part
  std::unique_ptr<Room> room_;  // there is one where there are shares
  std::size_t events_ = 0;      // how many it holds
  std::size_t next_ = 0;        // of its frames
};

}  // namespace daybook::log
