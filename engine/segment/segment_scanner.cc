#include "segment/segment_scanner.h"

#include <algorithm>

namespace daybook::segment {

using format::FrameStatus;

const format::FrameHeader* SegmentScanner::next() noexcept {
  while (!stopped_) {
    if (prefix_.end >= segment_.data_end()) {
      prefix_.complete = true;
      break;
    }
    FrameStatus status = segment_.check(prefix_.end, format::Check::checksums);
    if (status.kind != FrameStatus::Kind::decided) {
      prefix_.stop = status;
      break;
    }
    offset_ = prefix_.end;
    word_ = status.word;
    if (word_.kind() == format::FrameKind::pad) {
      prefix_.end += word_.size();
      continue;
    }
    const auto& frame = *reinterpret_cast<const format::FrameHeader*>(segment_.data().data() + offset_);
    if (!admit(frame, word_)) break;
    prefix_.end += word_.size();
    prefix_.frames_end = prefix_.end;
    return &frame;
  }
  stopped_ = true;
  return nullptr;
}

bool SegmentScanner::admit(const format::FrameHeader& frame, format::Word word) noexcept {
  prefix_.floor = std::max(prefix_.floor, format::frame_floor(frame, word.stream_count()));
  if (word.state() == format::FrameState::rejected) {
    ++prefix_.rejected;
    return true;
  }
  const Position position = format::load_decided(frame.position);
  const std::int64_t recorded_at = format::load_decided(frame.recorded_at);
  const Position expected = base_ ? *base_ + prefix_.events + 1 : position;
  if (position != expected || recorded_at < prefix_.recorded_last) {
    prefix_.stop = {.kind = FrameStatus::Kind::bad, .word = word, .error = {}};
    prefix_.stop.error = {
        .code = Errc::corrupt,
        .what = position != expected ? "position" : "recorded-at time",
        .segment = segment_.number(),
        .offset = offset_,
        .expected = position != expected ? expected : static_cast<std::uint64_t>(prefix_.recorded_last),
        .actual = position != expected ? position : static_cast<std::uint64_t>(recorded_at)};
    return false;
  }
  if (!base_) base_ = position - 1;
  if (prefix_.frames == 0) prefix_.recorded_first = recorded_at;
  prefix_.recorded_last = recorded_at;
  ++prefix_.frames;
  prefix_.events += word.event_count();
  return true;
}

namespace {

bool is_frame(const FrameStatus& status) noexcept {
  return status.kind == FrameStatus::Kind::decided || status.kind == FrameStatus::Kind::undecided;
}

// Frames that begin in [from, to) may end anywhere.
void scan_beyond(const Segment& segment, std::uint64_t from, std::uint64_t to, Beyond& beyond) noexcept {
  const std::span<const std::byte> data = segment.data();
  for (std::uint64_t at = from; at < to; at += format::kAlign) {
    const format::Word word = format::load_word(data.data() + at);
    if (word.bits == 0) continue;
    beyond.bytes += format::kAlign;
    // Structure first: it costs next to nothing, and what is not a frame hardly ever has any. A checksum may run over
    // megabytes for each 8 bytes of garbage.
    if (!word.has_events() || !is_frame(segment.check(at, format::Check::structure)) ||
        !is_frame(segment.check(at, format::Check::checksums))) {
      continue;
    }
    const auto& header = *reinterpret_cast<const format::FrameHeader*>(data.data() + at);
    ++beyond.frames;
    beyond.floor = std::max(beyond.floor, format::frame_floor(header, word.stream_count()));
    // Goes on at the next 8 bytes, not behind the frame: no length is trusted here.
  }
}

}  // namespace

std::vector<DataRange> find_data(const io::File& file, std::uint64_t size) {
  std::vector<DataRange> found;
  for (std::uint64_t at = 0; at < size;) {
    const std::uint64_t begin = std::max(at, file.next_data(at));
    if (begin >= size) break;
    at = std::min(std::max(file.next_hole(begin), begin + 1), size);
    found.push_back({begin, at});
  }
  return found;
}

Beyond scan_beyond(const Segment& segment, std::uint64_t from, std::span<const DataRange> ranges) noexcept {
  Beyond beyond;
  for (const DataRange& range : ranges) {
    const std::uint64_t begin = std::max(from, range.begin / format::kAlign * format::kAlign);
    scan_beyond(segment, begin, std::min(range.end, segment.data_end()), beyond);
  }
  return beyond;
}

Beyond scan_beyond(const Segment& segment, std::uint64_t from) noexcept {
  Beyond beyond;
  scan_beyond(segment, from, segment.data_end(), beyond);
  return beyond;
}

}  // namespace daybook::segment
