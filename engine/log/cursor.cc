#include "log/cursor.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace daybook::log {

using format::FrameHeader;
using format::FrameStatus;
using segment::Place;

Cursor::Cursor(std::shared_ptr<SegmentSet> segments, const ReadOptions& options)
    : EventCursor(std::move(segments), options), options_(options) {}

bool Cursor::load() {
  if (error_ || (!started_ && !start())) return false;
  return forward_ ? load_forward() : load_backward();
}

// Some events at once: usual frames are read in a loop of their own. Whatever is not one ends a block: an error is of the
// event that next() is asked for, and the bytes of a segment stay while the cursor is in it.
bool Cursor::load_forward() {
  block_.resize(kForwardBlock);
  next_ = end_ = block_.data();
  while (end_ != block_.data() + kForwardBlock) {
    if (reader_.left() > 0) {
      if (reader_.next(*end_)) ++end_;
      continue;
    }
    load_singles();
    if (end_ != next_) break;
    const FrameHeader* const frame = next_frame();
    if (frame == nullptr) return false;
    reader_.enter(*frame, word_);
  }
  return true;
}

void Cursor::load_singles() {
  const std::span room(end_, block_.data() + kForwardBlock);
  const std::uint64_t limit = std::min(visible_end(), offset_ + kForwardBytes);
  const format::FrameRun run =
      segment_->segment->read_singles({.offset = offset_, .position = expected_}, limit, check(), room);
  offset_ = run.offset;
  expected_ = run.position;
  end_ += run.events;
}

std::optional<Cursor::Frame> Cursor::frame() {
  if (!started_ && !start()) return std::nullopt;
  const FrameHeader* const found = next_frame();
  if (found == nullptr) return std::nullopt;
  return Frame{
      found, word_, {static_cast<std::uint32_t>(segment_->segment->number()), static_cast<std::uint32_t>(offset_)}};
}

bool Cursor::start() {
  started_ = forward_ ? start_forward() : start_backward();
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
    if (!ends_well(*segment, place)) return std::nullopt;
    if (place.events) return place;
  }
  return std::nullopt;
}

// Whoever reads backward from the last place would never meet what stopped the walk there.
bool Cursor::ends_well(const std::shared_ptr<ReadSegment>& segment, const Place& place) {
  const segment::Segment& at = *segment->segment;
  if (place.offset >= at.data_end()) return true;
  enter(segment, place);
  const auto decided = [&](const FrameStatus& status) { return status.kind == FrameStatus::Kind::decided; };
  if (decided(at.check(place.offset, format::Check::structure))) return true;
  const auto missing = missing_at(place.offset);
  if (!missing) return true;
  const FrameStatus status = at.check(place.offset, format::Check::structure);
  if (decided(status)) return true;  // meanwhile
  if (status.kind != FrameStatus::Kind::empty && status.kind != FrameStatus::Kind::undecided) {
    return failed(status.error);
  }
  return failed(*missing);
}

bool Cursor::start_forward() {
  if (options_.recorded_at) {
    const std::int64_t time = options_.recorded_at->time_since_epoch().count();
    const auto place = last_place([time](std::uint64_t, const Place& at) { return at.recorded_at >= time; });
    if (error_) return false;
    if (place) after_ = std::max(after_, place->position);
    options_.recorded_at.reset();
  }
  const auto segment = segment_before(after_ + 1);
  if (segment == nullptr) return false;
  const Position after = after_;
  const Place place = segment->marks.find([after](const Place& at) { return at.position > after; });
  return enter(segment, place);
}

bool Cursor::enter(std::shared_ptr<ReadSegment> segment, const Place& place) {
  epoch_ = segment->segment->header().epoch;
  segment_ = std::move(segment);
  offset_ = place.offset;
  trusted_from_ = segment_->written_from;
  if (options_.verify) trusted_from_ = *options_.verify ? ReadSegment::kNowhere : 0;
  const auto base = segment_->segment->base();
  expected_ = place.events ? place.position + 1 : base ? *base + 1 : 0;
  return true;
}

std::uint64_t Cursor::visible_end() const noexcept {
  const std::uint64_t all = segment_->segment->data_end();
  if (options_.visibility == Visibility::published) return all;
  const auto durable = segments_->durable();
  if (!durable || durable->segment > segment_->segment->number()) return all;
  return durable->segment == segment_->segment->number() ? durable->offset : 0;
}

const FrameHeader* Cursor::next_frame() {
  for (;;) {
    const segment::Segment& segment = *segment_->segment;
    format::Word word = segment.accept(offset_, check());
    if (word.bits == 0 && !look_closer(word)) return nullptr;
    if (word.bits == 0) continue;
    if (offset_ + word.size() > visible_end()) return nullptr;
    const auto& frame = *reinterpret_cast<const FrameHeader*>(segment.data().data() + offset_);
    const bool shown = word.has_events() && word.state() == format::FrameState::published;
    if (shown && !admit(frame, word)) return nullptr;
    offset_ += word.size();
    word_ = word;
    if (shown) return &frame;
  }
}

bool Cursor::look_closer(format::Word& word) {
  const segment::Segment& segment = *segment_->segment;
  if (offset_ >= segment.data_end()) return next_segment();
  const FrameStatus status = segment.check(offset_, check());
  if (status.kind == FrameStatus::Kind::decided) {
    word = status.word;
    return true;
  }
  if (status.kind == FrameStatus::Kind::bad || status.kind == FrameStatus::Kind::unknown) {
    // A recovering writer may have zeroed an undecided frame under our eyes.
    if (format::load_word(segment.data().data() + offset_) != status.word) return true;
    return failed(status.error);
  }
  const auto missing = missing_at(offset_);
  if (!missing) return false;
  if (segment.check(offset_, check()).kind == FrameStatus::Kind::decided) return true;  // decided and sealed meanwhile
  return failed(*missing);
}

std::optional<Error> Cursor::missing_at(std::uint64_t offset) const noexcept {
  const segment::Segment& segment = *segment_->segment;
  const auto ends_at = [&](const char* what, std::uint64_t expected) {
    return Error{.code = Errc::corrupt,
                 .what = what,
                 .segment = segment.number(),
                 .offset = offset,
                 .expected = expected,
                 .actual = offset};
  };
  const auto footer = segment.footer();
  if (footer && (footer->kind == format::SegmentFooter::sealed || offset < footer->valid_end)) {
    return ends_at("end of the frames", footer->valid_end);
  }
  const auto durable = segments_->durable();
  const format::Address here{static_cast<std::uint32_t>(segment.number()), static_cast<std::uint32_t>(offset)};
  if (!durable || here >= *durable) return std::nullopt;
  return ends_at("synced frames are missing",
                 durable->segment == segment.number() ? durable->offset : segment.data_end());
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
  if ((*next)->segment->header().log != segments_->log()) {
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

bool Cursor::load_backward() {
  if (limit_ <= 1) return false;
  const Position last = limit_ - 1;
  const auto base = segment_ == nullptr ? std::nullopt : segment_->segment->base();
  const auto segment = base && *base < last ? segment_ : segment_before(last);
  if (segment == nullptr) return false;
  const Place place = segment->marks.nearest([last](const Place& at) { return at.position >= last; });
  enter(segment, place);
  block_.clear();
  while (expected_ < limit_) {
    const FrameHeader* const frame = next_frame();
    if (frame == nullptr) return false;
    reader_.enter(*frame, word_);
    EventView event;
    while (reader_.next(event)) {
      if (event.position < limit_) block_.push_back(event);
    }
  }
  if (block_.empty()) return false;
  limit_ = block_.front().position;
  next_ = block_.data();
  end_ = next_ + block_.size();
  return true;
}

}  // namespace daybook::log
