#include "log/query_plan.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <utility>

namespace daybook::log {
namespace {

using index::Ordinals;
using index::Postings;
using index::SegmentIndex;
using index::Selection;

std::int64_t nanoseconds(Timestamp time) noexcept { return time.time_since_epoch().count(); }

void unite(SegmentMask& mask, const SegmentMask& other) {
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = mask[i] || other[i];
}

void intersect(SegmentMask& mask, const SegmentMask& other) {
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = mask[i] && other[i];
}

// The key of an item that names one alone.
std::optional<index::Key> key_of(const QueryItem& item) noexcept {
  if (item.streams.size() + item.types.size() + item.tags.size() != 1) return std::nullopt;
  if (!item.streams.empty()) return stream_key(item.streams.front());
  return item.types.empty() ? tag_key(item.tags.front()) : type_key(item.types.front());
}

// The segments that may hold events of the item.
SegmentMask segments_of(const QueryItem& item, const index::Checkpoint& checkpoint) {
  SegmentMask mask(checkpoint.segments().size(), true);
  const auto any_of = [&](const std::vector<std::string>& keys, auto make_key) {
    if (keys.empty()) return;
    SegmentMask any(mask.size(), false);
    for (const std::string& key : keys) unite(any, segments_with(checkpoint, make_key(key)));
    intersect(mask, any);
  };
  any_of(item.streams, stream_key);
  any_of(item.types, type_key);
  for (const std::string& tag : item.tags) intersect(mask, segments_with(checkpoint, tag_key(tag)));
  return mask;
}

}  // namespace

OrdinalRange PositionWindow::of(Position base, std::uint64_t events) const noexcept {
  const Position begin = std::max(after, base) - base;
  const Position end = before <= base + 1 ? 0 : std::min<Position>(before - base - 1, events);
  if (begin >= end) return {};
  return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
}

QueryPlan::QueryPlan(Query query) : query_(std::move(query)) {}

QueryPlan::QueryPlan(std::string stream, VersionWindow versions)
    : query_(Query::stream(std::move(stream))), versions_(versions) {}

SegmentMask QueryPlan::segments(const index::Checkpoint& checkpoint) const {
  const auto table = checkpoint.segments();
  SegmentMask mask(table.size(), query_.items.empty());
  for (const QueryItem& item : query_.items) unite(mask, segments_of(item, checkpoint));
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (mask[i] && outside(table[i])) mask[i] = false;
  }
  return mask;
}

// No event of the segment is in the windows of time.
bool QueryPlan::outside(const index::CheckpointSegment& segment) const noexcept {
  const auto misses = [](const auto& from, const auto& before, std::int64_t first, std::int64_t last) {
    return (from && last < nanoseconds(*from)) || (before && first >= nanoseconds(*before));
  };
  return segment.events == 0 ||
         misses(query_.recorded_from, query_.recorded_before, segment.recorded_first, segment.recorded_last) ||
         misses(query_.occurred_from, query_.occurred_before, segment.occurred_first, segment.occurred_last);
}

std::optional<index::Key> QueryPlan::key() const noexcept {
  return query_.items.size() == 1 ? key_of(query_.items.front()) : std::nullopt;
}

bool QueryPlan::within_times() const noexcept {
  return query_.recorded_from || query_.recorded_before || query_.occurred_from || query_.occurred_before;
}

bool QueryPlan::within_versions() const noexcept {
  return versions_ && (versions_->from > 1 || versions_->to != std::numeric_limits<Version>::max());
}

bool QueryPlan::is_key_alone() const noexcept {
  return key() && query_.except.empty() && !within_times() && !within_versions();
}

// An event of the item has to be in all of the sets.
Selection QueryPlan::find(const QueryItem& item, const SegmentIndex& index, const EventFetcher& events) {
  const auto find_key = [&](const index::Key& key) { return Selection(index.find(key, events)); };
  // One key alone, as most items have, needs no list of sets.
  if (const auto key = key_of(item)) return find_key(*key);
  std::vector<Selection> all;
  const auto any_of = [&](const std::vector<std::string>& keys, auto make_key) {
    if (keys.empty()) return;
    std::vector<Selection> any;
    any.reserve(keys.size());
    for (const std::string& key : keys) any.push_back(find_key(make_key(key)));
    all.push_back(Selection::any_of(std::move(any)));
  };
  any_of(item.streams, stream_key);
  any_of(item.types, type_key);
  for (const std::string& tag : item.tags) all.push_back(find_key(tag_key(tag)));
  return Selection::all_of(std::move(all));
}

Selection QueryPlan::find_any(const std::vector<QueryItem>& items, const SegmentIndex& index,
                              const EventFetcher& events) {
  if (items.size() == 1) return find(items.front(), index, events);
  std::vector<Selection> any;
  any.reserve(items.size());
  for (const QueryItem& item : items) any.push_back(find(item, index, events));
  return Selection::any_of(std::move(any));
}

// Recorded-at times never go back, so a window of them is a range.
OrdinalRange QueryPlan::crop_by_time(const SegmentIndex& index, EventFetcher& events, OrdinalRange range) const {
  const auto first_at = [&](Timestamp time) {
    const index::TimeRange times = index.recorded();
    if (times.first >= nanoseconds(time)) return std::uint32_t{0};
    if (times.last < nanoseconds(time)) return index.events();
    std::uint32_t low = 0;
    std::uint32_t high = index.events();
    EventView event;
    while (low < high) {
      const std::uint32_t middle = low + (high - low) / 2;
      if (!events.fetch(middle, event)) return high;  // reading the event will say what is wrong
      (event.recorded_at < time ? low : high) = event.recorded_at < time ? middle + 1 : middle;
    }
    return low;
  };
  if (query_.recorded_from) range.begin = std::max(range.begin, first_at(*query_.recorded_from));
  if (query_.recorded_before) range.end = std::min(range.end, first_at(*query_.recorded_before));
  return range;
}

// The versions of a stream are without gaps: version v is the (v - v0)-th event, when the first has v0.
Result<void> QueryPlan::crop_by_version(const Postings& postings, EventFetcher& events, OrdinalRange& range) const {
  if (!postings) return {};
  EventView first;
  DAYBOOK_TRY(events.fetch(postings->first(), first));
  const std::uint64_t size = postings->size();
  if (versions_->from > first.version) {
    const std::uint64_t skipped = versions_->from - first.version;
    range.begin = std::max(range.begin, skipped >= size ? range.end : postings->select(skipped));
  }
  if (versions_->to < first.version) {
    range.end = range.begin;
  } else if (versions_->to - first.version + 1 < size) {
    range.end = std::min(range.end, postings->select(versions_->to - first.version + 1));
  }
  return {};
}

Result<QueryPlan::Matches> QueryPlan::evaluate(const Part& part, const SegmentIndex& index,
                                               const PositionWindow& window) const {
  Matches matches;
  matches.range = window.of(part.base(), part.events(index));
  if (matches.range.empty()) return matches;
  if (part.damage()) return fail(*part.damage());
  EventFetcher events(part.segment(), index, EventFetcher::kTrusting);
  if (query_.recorded_from || query_.recorded_before) {
    matches.range = crop_by_time(index, events, matches.range);
    if (matches.range.empty()) return matches;
  }
  if (query_.occurred_from || query_.occurred_before) {
    const index::TimeRange times = index.occurred();
    const bool outside = (query_.occurred_from && times.last < nanoseconds(*query_.occurred_from)) ||
                         (query_.occurred_before && times.first >= nanoseconds(*query_.occurred_before));
    if (outside) return Matches{};
    const auto inside = [this](std::int64_t time) {
      return occurred_inside(Timestamp(std::chrono::nanoseconds(time)));
    };
    matches.by_occurred = !inside(times.first) || !inside(times.last);
  }
  matches.events = query_.items.empty() ? Selection(Postings(Ordinals::range(0, index.events())))
                                        : find_any(query_.items, index, events);
  if (!query_.except.empty() && !matches.events.nothing()) {
    matches.events = Selection::without(std::move(matches.events), find_any(query_.except, index, events));
  }
  if (events.error()) return fail(*events.error());
  if (within_versions()) DAYBOOK_TRY(crop_by_version(*matches.events.set(), events, matches.range));
  return matches;
}

bool QueryPlan::occurred_inside(Timestamp time) const noexcept {
  return (!query_.occurred_from || time >= *query_.occurred_from) &&
         (!query_.occurred_before || time < *query_.occurred_before);
}

Result<std::uint64_t> QueryPlan::count(const Part& part, const SegmentIndex& index,
                                       const PositionWindow& window) const {
  const OrdinalRange all = window.of(part.base(), part.events(index));
  if (part.damage() && !all.empty()) return fail(*part.damage());
  const bool whole =
      all.begin == 0 && all.end == index.events() && query_.except.empty() && !within_times() && !within_versions();
  if (whole && query_.items.empty()) return std::uint64_t{index.events()};
  if (whole && query_.items.size() == 1) {
    // What is said of a key needs no set.
    if (const auto key = key_of(query_.items.front())) {
      EventFetcher events(part.segment(), index, EventFetcher::kTrusting);
      const std::uint64_t counted = index.count(*key, events);
      if (events.error()) return fail(*events.error());
      return counted;
    }
  }
  auto matches = evaluate(part, index, window);
  if (!matches) return fail(matches.error());
  const OrdinalRange range = matches->range;
  if (!matches->by_occurred) return matches->events.count(range.begin, range.end);
  std::uint64_t counted = 0;
  EventFetcher events(part.segment(), index, EventFetcher::kTrusting);
  EventView event;
  for (auto at = matches->events.first(range.begin, range.end); at; at = matches->events.first(*at + 1, range.end)) {
    DAYBOOK_TRY(events.fetch(*at, event));
    counted += occurred_inside(event.occurred_at);
  }
  return counted;
}

Result<Position> QueryPlan::end_of(const Part& part, const SegmentIndex& index, const PositionWindow& window,
                                   Direction direction) const {
  auto matches = evaluate(part, index, window);
  if (!matches) return fail(matches.error());
  OrdinalRange range = matches->range;
  const bool forward = direction == Direction::forward;
  EventFetcher events(part.segment(), index, EventFetcher::kTrusting);
  EventView event;
  for (;;) {
    const auto at =
        forward ? matches->events.first(range.begin, range.end) : matches->events.last(range.begin, range.end);
    if (!at) return Position{0};
    if (!matches->by_occurred) return part.base() + 1 + *at;
    DAYBOOK_TRY(events.fetch(*at, event));
    if (occurred_inside(event.occurred_at)) return part.base() + 1 + *at;
    (forward ? range.begin : range.end) = forward ? *at + 1 : *at;
  }
}

}  // namespace daybook::log
