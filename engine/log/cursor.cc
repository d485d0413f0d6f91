#include "log/cursor.h"

#include <algorithm>
#include <ranges>
#include <thread>
#include <utility>

namespace daybook::log {

using format::FrameHeader;
using format::FrameStatus;
using segment::Place;

Cursor::Cursor(std::shared_ptr<SegmentSet> segments, const ReadOptions& options)
    : segments_(std::move(segments)), options_(options) {
  const bool verify = options.verify.value_or(!segments_->writing());
  check_ = verify ? format::Check::checksums : format::Check::structure;
  token_.log = segments_->log();
  if (options.direction == Direction::forward) token_.position = options.after;
}

bool Cursor::advance() {
  if (!load()) return false;
  if (options_.direction == Direction::forward) return reader_.next(event_);
  event_ = block_.back();
  block_.pop_back();
  return true;
}

bool Cursor::load() {
  if (error_ || (!started_ && !start())) return false;
  if (options_.direction == Direction::backward) return !block_.empty() || load_block();
  while (reader_.left() == 0) {
    if (!next_frame()) return false;
    // The first frame can hold events to skip; more than one does when `after` was not there yet at the start.
    while (reader_.next_position() <= options_.after && reader_.next(event_)) {
    }
  }
  return true;
}

bool Cursor::start() {
  started_ = options_.direction == Direction::forward ? start_forward() : start_backward();
  return started_;
}

std::shared_ptr<ReadSegment> Cursor::segment_before(Position position) {
  const auto numbers = segments_->numbers();
  if (!numbers) {
    failed(numbers.error());
    return nullptr;
  }
  if (numbers->empty()) return nullptr;
  // A segment that does not say where it begins has not been entered, or lost that in a crash: then an earlier one is
  // found, and the walk gets there.
  const auto after = std::ranges::partition_point(*numbers, [&](std::uint64_t number) {
    const auto segment = segments_->get(number);
    if (!segment) return false;
    const auto base = (*segment)->segment->base();
    return base && *base < position;
  });
  const std::uint64_t number = after == numbers->begin() ? numbers->front() : *std::prev(after);
  auto segment = segments_->get(number);
  if (!segment) {
    failed(segment.error());
    return nullptr;
  }
  return *segment;
}

template <typename Stop>
std::optional<Place> Cursor::last_place(Stop stop) {
  const auto numbers = segments_->numbers();
  if (!numbers) {
    failed(numbers.error());
    return std::nullopt;
  }
  for (const std::uint64_t number : std::views::reverse(*numbers)) {
    const auto segment = segments_->get(number);
    if (!segment && segment.error().code == Errc::not_found) continue;  // never entered, and gone since: a close
    if (!segment) {
      failed(segment.error());
      return std::nullopt;
    }
    const Place place = (*segment)->marks.find([&](const Place& at) { return at.events && stop(number, at); });
    if (place.events) return place;
  }
  return std::nullopt;
}

bool Cursor::start_forward() {
  if (options_.recorded_at) {
    const std::int64_t time = options_.recorded_at->time_since_epoch().count();
    const auto place = last_place([time](std::uint64_t, const Place& at) { return at.recorded_at >= time; });
    if (error_) return false;
    if (place) options_.after = std::max(options_.after, place->position);
    options_.recorded_at.reset();
  }
  const auto segment = segment_before(options_.after + 1);
  if (segment == nullptr) return false;
  const Position after = options_.after;
  const Place place = segment->marks.find([after](const Place& at) { return at.position > after; });
  return enter(segment, place);
}

bool Cursor::enter(std::shared_ptr<ReadSegment> segment, const Place& place) {
  epoch_ = segment->segment->header().epoch;
  segment_ = std::move(segment);
  offset_ = place.offset;
  const auto base = segment_->segment->base();
  expected_ = place.events ? place.position + 1 : base ? *base + 1 : 0;
  return true;
}

bool Cursor::visible(std::uint64_t frame_end) const noexcept {
  if (options_.visibility == Visibility::published) return true;
  const auto durable = segments_->durable();
  return !durable || format::Address{static_cast<std::uint32_t>(segment_->segment->number()),
                                     static_cast<std::uint32_t>(frame_end)} <= *durable;
}

bool Cursor::next_frame() {
  for (;;) {
    const segment::Segment& segment = *segment_->segment;
    if (offset_ >= segment.data_end()) {
      if (!next_segment()) return false;
      continue;
    }
    const FrameStatus status = segment.check(offset_, check_);
    if (status.kind == FrameStatus::Kind::bad || status.kind == FrameStatus::Kind::unknown) {
      // A recovering writer may have zeroed an undecided frame under our eyes.
      if (format::load_word(segment.data().data() + offset_) != status.word) continue;
      return failed(status.error);
    }
    if (status.kind != FrameStatus::Kind::decided) {
      if (!ends_too_early(offset_)) return false;
      if (segment.check(offset_, check_).kind == FrameStatus::Kind::decided) continue;  // decided and sealed meanwhile
      return failed({.code = Errc::corrupt,
                     .what = "end of the frames",
                     .segment = segment.number(),
                     .offset = offset_,
                     .expected = segment.footer().value_or(format::SegmentFooter{}).valid_end,
                     .actual = offset_});
    }
    if (!visible(offset_ + status.word.size())) return false;
    const auto& frame = *reinterpret_cast<const FrameHeader*>(segment.data().data() + offset_);
    const bool shown =
        status.word.kind() == format::FrameKind::events && status.word.state() == format::FrameState::published;
    if (shown && !admit(frame, status.word)) return false;
    offset_ += status.word.size();
    if (shown) return true;
  }
}

bool Cursor::ends_too_early(std::uint64_t offset) const noexcept {
  const segment::Segment& segment = *segment_->segment;
  const auto durable = segments_->durable();
  const format::Address here{static_cast<std::uint32_t>(segment.number()), static_cast<std::uint32_t>(offset)};
  if (durable && here < *durable) return true;
  const auto footer = segment.footer();
  return footer && (footer->kind == format::SegmentFooter::sealed || offset < footer->valid_end);
}

bool Cursor::admit(const FrameHeader& frame, format::Word word) {
  const Position position = format::load_decided(frame.position);
  if (expected_ != 0 && position != expected_) {
    return failed({.code = Errc::corrupt,
                   .what = "position",
                   .segment = segment_->segment->number(),
                   .offset = offset_,
                   .expected = expected_,
                   .actual = position});
  }
  expected_ = position + word.event_count();
  reader_.enter(frame, word);
  return true;
}

bool Cursor::next_segment() {
  const std::uint64_t number = segment_->segment->number() + 1;
  // Looked at first: what is durable is there.
  const auto durable = segments_->durable();
  const bool promised = durable && *durable > format::Address{static_cast<std::uint32_t>(number),
                                                              static_cast<std::uint32_t>(format::kDataStart)};
  auto next = segments_->get(number);
  if (!next) {
    if (next.error().code != Errc::not_found) return failed(next.error());
    if (!promised) return false;  // not yet
    return failed({.code = Errc::corrupt, .what = "segment missing", .segment = number, .expected = number});
  }
  const segment::Segment& segment = *(*next)->segment;
  // Before publishing enters it, a segment may be removed and made again, and this would be a walk over a dead file.
  // (A crash may have taken the base that says so; then a whole frame says it as well.)
  const bool entered = promised || segment.base() ||
                       segment.check(format::kDataStart, format::Check::checksums).kind == FrameStatus::Kind::decided;
  if (!entered) return false;
  const Position expected = expected_;
  if ((*next)->segment->header().log != token_.log) {
    return failed({.code = Errc::corrupt, .what = "segment of another log", .segment = (*next)->segment->number()});
  }
  enter(std::move(*next), Place{});
  expected_ = expected;
  return true;
}

bool Cursor::start_backward() {
  Position before = options_.before;
  if (options_.recorded_at) {
    const std::int64_t time = options_.recorded_at->time_since_epoch().count();
    const auto place = last_place([time](std::uint64_t, const Place& at) { return at.recorded_at > time; });
    if (error_) return false;
    const Position end = place ? place->position + 1 : 1;
    before = before == 0 ? end : std::min(before, end);
  }
  std::optional<format::Address> durable;
  if (options_.visibility == Visibility::durable) durable = segments_->durable();
  const auto last = last_place([&](std::uint64_t number, const Place& at) {
    return durable &&
           format::Address{static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(at.offset)} > *durable;
  });
  if (error_) return false;
  const Position end = last ? last->position + 1 : 1;
  limit_ = before == 0 ? end : std::min(before, end);
  return true;
}

bool Cursor::load_block() {
  if (limit_ <= 1) return false;
  const Position last = limit_ - 1;
  const auto base = segment_ == nullptr ? std::nullopt : segment_->segment->base();
  const auto segment = base && *base < last ? segment_ : segment_before(last);
  if (segment == nullptr) return false;
  const Place place = segment->marks.nearest([last](const Place& at) { return at.position >= last; });
  enter(segment, place);
  while (expected_ < limit_) {
    if (!next_frame()) return false;
    EventView event;
    while (reader_.next(event)) {
      if (event.position < limit_) block_.push_back(event);
    }
  }
  reader_.leave();
  if (block_.empty()) return false;
  limit_ = block_.front().position;
  return true;
}

bool Cursor::wait(std::chrono::nanoseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    LivePage* const live = segments_ == nullptr ? nullptr : segments_->live();
    const std::uint32_t ticket = live == nullptr ? 0 : live->announce();
    if (load() || error_) return true;
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) return false;
    if (live != nullptr) {
      live->sleep(ticket, left);
    } else {
      std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, std::chrono::milliseconds(10)));
    }
  }
}

}  // namespace daybook::log
