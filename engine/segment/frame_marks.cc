#include "segment/frame_marks.h"

#include <algorithm>

namespace daybook::segment {

FrameMarks::FrameMarks(const Segment& segment) : segment_(segment) {
  walked_.position = segment.base().value_or(0);
  marks_.push_back(walked_);
}

Place FrameMarks::nearest(const std::function<bool(const Place&)>& stop) {
  const std::lock_guard lock(mutex_);
  while (!stop(walked_)) {
    if (!step(walked_)) break;
    if (++since_mark_ < kEvery) continue;
    since_mark_ = 0;
    marks_.push_back(walked_);
  }
  const auto past = std::ranges::partition_point(marks_, [&](const Place& mark) { return !stop(mark); });
  return past == marks_.begin() ? marks_.front() : *std::prev(past);
}

bool FrameMarks::step(Place& place) const noexcept {
  if (place.offset >= segment_.data_end()) return false;
  const format::FrameStatus status = segment_.check(place.offset, format::Check::structure);
  if (status.kind != format::FrameStatus::Kind::decided) return false;
  const format::Word word = status.word;
  if (word.has_events() && word.state() == format::FrameState::published) {
    const auto& frame = *reinterpret_cast<const format::FrameHeader*>(segment_.data().data() + place.offset);
    place.position = format::load_decided(frame.position) + word.event_count() - 1;
    place.recorded_at = format::load_decided(frame.recorded_at);
    place.events = true;
  }
  place.offset += word.size();
  return true;
}

}  // namespace daybook::segment
