// Where frames are in a segment: a mark every few frames, so that a reader can begin in the middle. Made by walking, when
// somebody asks, as far as the segment is published by then.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include <daybook/types.h>

#include "segment/segment.h"

namespace daybook::segment {

// A place between two frames.
struct Place {
  std::uint64_t offset = format::kDataStart;  // where the next frame begins
  Position position = 0;                      // of the last event before it; 0 = not known, no event yet
  std::int64_t recorded_at = INT64_MIN;       // of the last event before it
  bool events = false;                        // there is one in this segment
};

// Thread safety: all methods, from any thread.
class FrameMarks {
 public:
  explicit FrameMarks(const Segment& segment);

  // The last place that is not past `stop`, which must be false up to some place and true from there on.
  template <typename Stop>
  Place find(Stop stop) {
    Place place = nearest(stop);
    for (Place next = place; step(next) && !stop(next);) place = next;
    return place;
  }

  // The last mark that is not past `stop`; at most kEvery published frames before what find() returns, or before the
  // end.
  Place nearest(const std::function<bool(const Place&)>& stop);

  // Passes one frame of any kind. False: nothing decided
  // is there, or something is wrong with it, which the reader who gets there will report.
  bool step(Place& place) const noexcept;

 private:
  static constexpr std::uint64_t kEvery = 64;

  const Segment& segment_;
  std::mutex mutex_;
  std::vector<Place> marks_;
  Place walked_;  // how far marks_ describes the segment
  std::uint64_t since_mark_ = 0;
};

}  // namespace daybook::segment
