#include "log/query_cursor.h"

#include <algorithm>
#include <array>
#include <utility>

#include "log/event_fetcher.h"

namespace daybook::log {

QueryCursor::QueryCursor(std::shared_ptr<LogIndex> index, QueryPlan plan, const ReadOptions& options)
    : EventCursor(index->segments(), options),
      index_(std::move(index)),
      plan_(std::move(plan)),
      visibility_(options.visibility),
      verify_(options.verify),
      key_(plan_.key()),
      key_alone_(plan_.is_key_alone()),
      far_(options.limit == 0 || options.limit > kBlockMax),
      choice_([this](const index::Checkpoint& checkpoint) { return plan_.segments(checkpoint); }) {
  window_.after = options.after;
  if (options.before != 0) window_.before = options.before;
}

std::shared_ptr<const void> QueryCursor::pin() const { return part_ == nullptr ? nullptr : part_->shared_segment(); }

bool QueryCursor::load() {
  std::array<std::uint32_t, kBlockMax> room;
  while (!error_) {
    if (part_ == nullptr && !next_part()) return false;
    if (matches_.range.empty()) {
      leave();
      continue;
    }
    const bool good = part_->with_index([&](const index::SegmentIndex& index) {
      const std::span<const std::uint32_t> ordinals = take(std::span(room).first(block_size_));
      return ordinals.empty() || read(index, ordinals);
    });
    if (!good) return false;
    block_size_ = std::min(block_size_ * 2, kBlockMax);
    if (next_ != end_) return true;  // else none of them had occurred inside the window
  }
  return false;
}

bool QueryCursor::next_part() {
  Part* part = parts_ == nullptr ? nullptr : part_in_window();
  if (part == nullptr) {
    // Backward: what is appended meanwhile is not before what was read.
    if (error_ || (parts_ != nullptr && !forward_)) return false;
    auto parts = index_->parts();
    if (!parts) return failed(parts.error());
    if (*parts != parts_) {
      parts_ = std::move(*parts);
      ahead_ = LookAhead();
      unseen_ = begun_ = kNowhere;
    }
    part = part_in_window();
  }
  return part != nullptr && enter(*part);
}

Part* QueryCursor::part_in_window() {
  const Parts& parts = *parts_;
  const std::size_t begun = this->begun();
  std::size_t left = forward_ ? parts.size() - begun + (begun == 0 ? 0 : 1) : begun;
  for (; left > 0; --left) {
    Part& part = *(forward_ ? parts[parts.size() - left] : parts[left - 1]);
    const auto found = looks_into(part);
    if (!found) {
      failed(found.error());
      return nullptr;
    }
    if (!*found) continue;
    if (key_ && (far_ || !in_first_)) look_ahead(left);
    return &part;
  }
  return nullptr;
}

// A search the first time; then the next one, mostly.
std::size_t QueryCursor::begun() {
  const Parts& parts = *parts_;
  const auto has_begun = [&](const std::shared_ptr<Part>& part) {
    return forward_ ? part->base() <= window_.after : part->base() + 1 < window_.before;
  };
  if (begun_ == kNowhere) {
    begun_ = static_cast<std::size_t>(std::ranges::partition_point(parts, has_begun) - parts.begin());
  }
  while (begun_ < parts.size() && has_begun(parts[begun_])) ++begun_;
  while (begun_ > 0 && !has_begun(parts[begun_ - 1])) --begun_;
  return begun_;
}

void QueryCursor::look_ahead(std::size_t left) {
  constexpr std::size_t kNear = 4;
  if (left > unseen_) return;
  const Parts& parts = *parts_;
  const std::size_t count = std::min(left, far_ ? LookAhead::kPartsMax : kNear);
  std::array<const Part*, LookAhead::kPartsMax> some;
  for (std::size_t i = 0; i < count; ++i) some[i] = parts[forward_ ? parts.size() - left + i : left - 1 - i].get();
  ahead_.gather(std::span(some).first(count), *key_, forward_);
  unseen_ = left - count;
}

// A part that the checkpoint rules out goes out of the window at once, or a cursor that waits at the end of the log
// would come by it each time that it looks.
Result<bool> QueryCursor::looks_into(Part& part) {
  const auto ready = index_->ready(part, window_, choice_);
  if (!ready) return ready;
  if (*ready) {
    looked_at_ = part.with_index([&](const index::SegmentIndex& index) { return visible(part, index); });
    return !looked_at_.empty();
  }
  if (forward_) {
    window_.after = std::max(window_.after, part.base() + part.sealed()->events);
  } else {
    window_.before = std::min(window_.before, part.base() + 1);
  }
  return false;
}

OrdinalRange QueryCursor::visible(const Part& part, const index::SegmentIndex& index) const {
  OrdinalRange range = window_.of(part.base(), part.events(index));
  if (visibility_ == Visibility::published || range.empty()) return range;
  const auto durable = segments_->durable();
  if (!durable || durable->segment > part.segment().number()) return range;
  if (durable->segment < part.segment().number()) return {};
  range.end = std::min(range.end, index.ordinal_at(durable->offset));
  return range;
}

bool QueryCursor::enter(const Part& part) {
  const auto entered = part.with_index([&](const auto& index) { return find_matches(part, index); });
  if (!entered) return failed(entered.error());
  part_ = &part;
  epoch_ = part_->segment().header().epoch;
  return true;
}

// What was found ahead need not be found again. That it is of this key shows when the first of the events is read.
Result<void> QueryCursor::find_matches(const Part& part, const index::SegmentIndex& index) {
  ahead_.turn_to(part);
  known_ = key_alone_ ? ahead_.events() : std::span<const std::uint32_t>();
  unproven_ = !known_.empty();
  if (unproven_) {
    matches_.range = looked_at_;
    matches_.by_occurred = false;
    return {};
  }
  return evaluate(part, index);
}

Result<void> QueryCursor::evaluate(const Part& part, const index::SegmentIndex& index) {
  auto matches = plan_.evaluate(part, index, {part.base() + looked_at_.begin, part.base() + looked_at_.end + 1});
  if (!matches) return fail(matches.error());
  matches_ = std::move(*matches);
  return {};
}

void QueryCursor::leave() {
  if (forward_) {
    window_.after = part_->base() + looked_at_.end;
  } else {
    window_.before = part_->base() + looked_at_.begin + 1;
  }
  events_.reset();
  part_ = nullptr;
  in_first_ = false;
}

std::uint64_t QueryCursor::trusted_from() const noexcept {
  if (verify_) return *verify_ ? ReadSegment::kNowhere : EventFetcher::kTrusting;
  return part_->shared_segment()->written_from;
}

std::span<const std::uint32_t> QueryCursor::take(std::span<std::uint32_t> room) {
  OrdinalRange& range = matches_.range;
  std::span<const std::uint32_t> taken;
  if (!known_.empty()) {
    const auto begin = std::ranges::lower_bound(known_, range.begin);
    const std::span<const std::uint32_t> left(begin, std::ranges::lower_bound(begin, known_.end(), range.end));
    const std::size_t count = std::min(left.size(), room.size());
    taken = forward_ ? left.first(count) : left.last(count);
  } else if (forward_) {
    taken = room.first(matches_.events.read(range.begin, range.end, room));
  } else {
    const auto back = room.first(matches_.events.read_back(range.begin, range.end, room));
    std::ranges::reverse(back);
    taken = back;
  }
  if (taken.size() < room.size()) {
    range = {};
  } else if (forward_) {
    range.begin = taken.back() + 1;
  } else {
    range.end = taken.front();
  }
  return taken;
}

bool QueryCursor::read(const index::SegmentIndex& index, std::span<const std::uint32_t> ordinals) {
  block_.reserve(kBlockMax);
  block_.resize(std::max(block_.size(), ordinals.size()));
  next_ = end_ = block_.data();
  if (!events_) events_.emplace(part_->segment(), index, trusted_from());
  const std::span<const std::byte* const> ahead = ahead_.next_frames(ordinals.size());
  std::span<const index::Place> places =
      known_.empty() ? ahead_.places(ordinals)
                     : ahead_.places(static_cast<std::size_t>(ordinals.data() - known_.data()), ordinals.size());
  if (places.empty()) {
    const auto found = std::span(places_).first(ordinals.size());
    index.places(ordinals, found);
    for (const index::Place& place : found) events_->prefetch(place);
    places = found;
  }
  const Position first = part_->base() + 1;
  for (std::size_t i = 0; i < ordinals.size();) {
    const auto meanwhile = ahead.subspan(std::min(i, ahead.size()));
    std::size_t count = events_->fetch_singles(places.subspan(i), meanwhile, {end_, ordinals.size() - i});
    if (count == 0) {
      if (!meanwhile.empty()) format::prefetch_frame(meanwhile.front());
      const auto fetched = events_->fetch(places[i], *end_);
      if (!fetched) {
        const bool is_known = !unproven_ || events_->carrier(ordinals.subspan(i, 1), *key_) == 0;
        return is_known ? stop_at(ordinals[i], fetched.error()) : evaluate_again(index);
      }
      count = 1;
    }
    std::size_t good = 0;
    while (good < count && end_[good].position == first + ordinals[i + good]) ++good;
    if (good > 0 && std::exchange(unproven_, false) && !carries(*end_, *key_)) return evaluate_again(index);
    const Position stray = good < count ? end_[good].position : 0;
    keep(good);
    i += good;
    if (good == count) continue;
    return stop_at(ordinals[i], {.code = Errc::corrupt,
                                 .what = "position of an indexed event",
                                 .segment = part_->segment().number(),
                                 .offset = places[i].offset,
                                 .expected = first + ordinals[i],
                                 .actual = stray});
  }
  return true;
}

// What was found ahead is of another key.
bool QueryCursor::evaluate_again(const index::SegmentIndex& index) {
  known_ = {};
  unproven_ = false;
  const auto evaluated = evaluate(*part_, index);
  return evaluated || failed(evaluated.error());
}

void QueryCursor::keep(std::size_t count) {
  EventView* const behind = end_ + count;
  const auto outside = [this](const EventView& event) { return !plan_.occurred_inside(event.occurred_at); };
  end_ = matches_.by_occurred ? std::remove_if(end_, behind, outside) : behind;
}

bool QueryCursor::stop_at(std::uint32_t ordinal, const Error& error) {
  if (!forward_ || next_ == end_) {
    end_ = next_;
    return failed(error);
  }
  matches_.range.begin = ordinal;
  return true;
}

}  // namespace daybook::log
