#include "log/log_index.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <numeric>
#include <ranges>
#include <utility>

#include "log/event_fetcher.h"

namespace daybook::log {

Result<std::shared_ptr<const Parts>> LogIndex::parts() {
  DAYBOOK_TRY(segments_->check_process());
  const std::lock_guard lock(mutex_);
  DAYBOOK_TRY(extend());
  return parts_;
}

// Adds parts until the last one is all that can be seen of the log.
Result<void> LogIndex::extend() {
  if (!begun_) {
    const auto numbers = segments_->numbers();
    if (!numbers) return fail(numbers.error());
    for (const std::uint64_t number : *numbers) {
      // An error may have ended this half-way before.
      if (!parts_->empty() && number <= parts_->back()->segment().number()) continue;
      const auto added = add_segment(number);
      if (!added) return fail(added.error());
      if (!*added) break;
    }
    if (parts_->empty()) return {};
    begun_ = true;
  }
  for (;;) {
    const std::shared_ptr<Part>& last = parts_->back();
    DAYBOOK_TRY(last->catch_up());
    if (!last->complete()) return {};
    const auto added = add_segment(last->segment().number() + 1);
    if (!added) return fail(added.error());
    if (!*added) return {};
  }
}

// False: there is no such segment, or publishing has not entered it.
Result<bool> LogIndex::add_segment(std::uint64_t number) {
  auto made = parts_of(number);
  if (!made) return fail(made.error());
  if (made->empty()) return false;
  made_.erase(number);
  Parts parts = *parts_;
  parts.insert(parts.end(), made->begin(), made->end());
  parts_ = std::make_shared<const Parts>(std::move(parts));
  return true;
}

Result<Parts> LogIndex::parts_of(std::uint64_t number) {
  const auto found = made_.find(number);
  Parts parts;
  if (found != made_.end()) {
    parts = found->second;
  } else {
    auto made = make_parts(number);
    if (!made || made->empty()) return made;
    parts = std::move(*made);
  }
  // Also one that was made before: its segment may have grown since, and be full by now.
  const auto footer = parts.back()->segment().footer();
  const bool sealed = footer && footer->kind == format::SegmentFooter::sealed;
  if (const auto caught_up = parts.back()->catch_up(); !caught_up) {
    if (!sealed || found != made_.end()) return fail(caught_up.error());
    parts.back()->give_up(caught_up.error());
  } else if (found == made_.end() && sealed && !parts.back()->frozen() && want_) {
    want_(number);
  }
  made_[number] = parts;
  return parts;
}

Result<Parts> LogIndex::make_parts(std::uint64_t number) const {
  auto segment = segments_->get(number);
  if (!segment) {
    if (segment.error().code == Errc::not_found) return Parts{};
    return fail(segment.error());
  }
  const auto base = (*segment)->segment->base();
  const bool entered = base || (*segment)->segment->accept(format::kDataStart, format::Check::checksums).bits != 0;
  if (!entered) return Parts{};
  Parts parts;
  if (auto file = SidecarFile::open(segments_->directory(), *(*segment)->segment)) {
    parts.push_back(std::make_shared<Part>(*segment, std::move(file)));
    if (!parts.back()->complete()) parts.push_back(part_behind(parts.back()));
  } else {
    parts.push_back(std::make_shared<Part>(*segment, format::kDataStart, base.value_or(0)));
  }
  return parts;
}

std::shared_ptr<Part> LogIndex::part_behind(const std::shared_ptr<Part>& part) {
  const Position base = part->with_index([&](const auto& index) { return part->base() + index.events(); });
  return std::make_shared<Part>(part->shared_segment(), part->end(), base);
}

void LogIndex::adopt_sidecar(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto of_segment = [number](const std::shared_ptr<Part>& part) { return part->segment().number() == number; };
  const auto first = std::ranges::find_if(*parts_, of_segment);
  if (first == parts_->end()) return;
  auto file = SidecarFile::open(segments_->directory(), (*first)->segment());
  if (file == nullptr) return;
  auto adopted = std::make_shared<Part>((*first)->shared_segment(), std::move(file));
  if (!adopted->complete()) return;
  Parts parts = *parts_;
  const auto [from, to] = std::ranges::remove_if(parts, of_segment);
  parts.erase(from, to);
  const auto behind = std::ranges::find_if(
      parts, [number](const std::shared_ptr<Part>& part) { return part->segment().number() > number; });
  parts.insert(behind, std::move(adopted));
  parts_ = std::make_shared<const Parts>(std::move(parts));
}

std::shared_ptr<Part> LogIndex::in_memory(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(*parts_, [number](const std::shared_ptr<Part>& part) {
    return part->segment().number() == number && !part->frozen() && part->begin() == format::kDataStart;
  });
  return found == parts_->end() ? nullptr : *found;
}

Result<StreamHead> LogIndex::head_in(const Part& part, std::string_view stream, Position end) {
  return part.with_index([&](const index::SegmentIndex& index) -> Result<StreamHead> {
    if (part.events(index) == 0 || part.base() >= end) return StreamHead{};
    if (part.damage()) return fail(*part.damage());
    EventFetcher events(part.segment(), index, EventFetcher::kTrusting);
    const index::Postings postings = index.find(stream_key(stream), events);
    if (events.error()) return fail(*events.error());
    const Position last = std::min<Position>(end - part.base(), index.events()) - 1;
    const auto ordinal = postings->previous(static_cast<std::uint32_t>(last));
    if (!ordinal) return StreamHead{};
    EventView event;
    DAYBOOK_TRY(events.fetch(*ordinal, event));
    return StreamHead{event.version, event.position};
  });
}

Result<StreamHead> LogIndex::head(std::string_view stream) {
  const auto parts = this->parts();
  if (!parts) return fail(parts.error());
  for (const std::shared_ptr<Part>& part : std::views::reverse(**parts)) {
    auto found = head_in(*part, stream, std::numeric_limits<Position>::max());
    if (!found || found->version != 0) return found;
  }
  return StreamHead{};
}

Result<void> LogIndex::begin_heads() {
  const auto numbers = segments_->numbers();
  if (!numbers) return fail(numbers.error());
  std::size_t covered = 0;
  if (checkpoints_ != nullptr) checkpoint_ = CheckpointFile::open_newest(*checkpoints_, segments_->log());
  if (checkpoint_ != nullptr) {
    const auto table = checkpoint_->checkpoint().segments();
    const bool fits = checkpoint_->covers_first_of(*numbers);
    // One look is enough to know that the segments behind the names are still those.
    const auto last = fits && !table.empty() ? segments_->get(table.back().number) : fail(Error{});
    if (last && (*last)->segment->header().segment == table.back().segment) {
      covered = table.size();
    } else {
      checkpoint_ = nullptr;
    }
  }
  Parts uncovered;
  for (std::size_t i = covered; i < numbers->size(); ++i) {
    const auto parts = parts_of((*numbers)[i]);
    if (!parts) return fail(parts.error());
    uncovered.insert(uncovered.end(), parts->begin(), parts->end());
  }
  std::ranges::reverse(uncovered);
  uncovered_ = std::make_shared<const Parts>(std::move(uncovered));
  heads_begun_ = true;
  return {};
}

Result<StreamHead> LogIndex::head_before(std::string_view stream, Position end) {
  DAYBOOK_TRY(segments_->check_process());
  std::shared_ptr<const Parts> uncovered;
  {
    const std::lock_guard lock(mutex_);
    if (!heads_begun_) DAYBOOK_TRY(begin_heads());
    uncovered = uncovered_;
  }
  for (const std::shared_ptr<Part>& part : *uncovered) {
    auto found = head_in(*part, stream, end);
    if (!found || found->version != 0) return found;
  }
  if (checkpoint_ == nullptr) return StreamHead{};  // not written any more
  return head_in_covered(stream, end);
}

// The checkpoint says in which segments the stream may be; they are asked, the newest first.
Result<StreamHead> LogIndex::head_in_covered(std::string_view stream, Position end) {
  const auto key = checkpoint_->checkpoint().find(index::KeyKind::stream, index::key_hash(stream_key(stream)));
  if (key && !*key) return StreamHead{};
  const auto table = checkpoint_->checkpoint().segments();
  std::vector<std::uint32_t> segments(table.size());  // a page that is damaged says nothing: then all of them
  std::iota(segments.begin(), segments.end(), 0);
  if (key) segments = (*key)->segments;
  for (const std::uint32_t ordinal : std::views::reverse(segments)) {
    Result<Parts> parts;
    {
      const std::lock_guard lock(mutex_);
      parts = parts_of(table[ordinal].number);
    }
    if (!parts) return fail(parts.error());
    for (const std::shared_ptr<Part>& part : std::views::reverse(*parts)) {
      auto found = head_in(*part, stream, end);
      if (!found || found->version != 0) return found;
    }
  }
  return StreamHead{};
}

Result<std::uint64_t> LogIndex::count(const QueryPlan& plan, const PositionWindow& window) {
  const auto parts = this->parts();
  if (!parts) return fail(parts.error());
  std::uint64_t sum = 0;
  for (const std::shared_ptr<Part>& part : **parts) {
    const auto counted =
        part->with_index([&](const index::SegmentIndex& index) { return plan.count(*part, index, window); });
    if (!counted) return counted;
    sum += *counted;
  }
  return sum;
}

Result<Position> LogIndex::end_of(const QueryPlan& plan, const PositionWindow& window, Direction direction) {
  const auto parts = this->parts();
  if (!parts) return fail(parts.error());
  return end_of(**parts, plan, window, direction);
}

Result<Position> LogIndex::end_of(const Parts& parts, const QueryPlan& plan, const PositionWindow& window,
                                  Direction direction) {
  const bool forward = direction == Direction::forward;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Part& part = *parts[forward ? i : parts.size() - 1 - i];
    const auto found =
        part.with_index([&](const index::SegmentIndex& index) { return plan.end_of(part, index, window, direction); });
    if (!found || *found != 0) return found;
  }
  return Position{0};
}

Result<Position> LogIndex::find_id(const EventId& id, Position after) {
  const auto parts = this->parts();
  if (!parts) return fail(parts.error());
  return find_id(**parts, id, after);
}

Result<Position> LogIndex::find_id(const Parts& parts, const EventId& id, Position after) {
  for (const std::shared_ptr<Part>& part : std::views::reverse(parts)) {
    const auto found = part->with_index([&](const index::SegmentIndex& index) -> Result<Position> {
      const EventFetcher events(part->segment(), index, EventFetcher::kTrusting);
      if (part->base() + part->events(index) <= after) return Position{0};
      if (part->damage()) return fail(*part->damage());
      const index::Postings postings = index.find(id_key(id), events);
      if (events.error()) return fail(*events.error());
      return postings ? part->base() + 1 + postings->last() : Position{0};
    });
    if (!found) return found;
    if (*found != 0) return *found > after ? *found : Position{0};
    if (part->base() <= after) break;
  }
  return Position{0};
}

Result<std::vector<KeyCount>> LogIndex::keys(index::KeyKind kind, std::string_view prefix) {
  const auto parts = this->parts();
  if (!parts) return fail(parts.error());
  std::map<std::string, KeyCount, std::less<>> all;
  for (const std::shared_ptr<Part>& part : **parts) {
    if (part->damage()) return fail(*part->damage());
    const auto done = part->with_index([&](const index::SegmentIndex& index) -> Result<void> {
      const EventFetcher events(part->segment(), index, EventFetcher::kTrusting);
      index.each_key(kind, events, [&](std::string_view key, std::uint64_t count, std::uint32_t, std::uint32_t last) {
        if (!key.starts_with(prefix)) return;
        auto at = all.find(key);
        if (at == all.end()) at = all.emplace(std::string(key), KeyCount{}).first;
        at->second.events += count;
        at->second.last_position = part->base() + 1 + last;
      });
      if (events.error()) return fail(*events.error());
      return {};
    });
    if (!done) return fail(done.error());
  }
  std::vector<KeyCount> counts;
  counts.reserve(all.size());
  for (auto& [key, count] : all) {
    counts.push_back(std::move(count));
    counts.back().key = key;
  }
  return counts;
}

// Counts the events of one part after the other.
class LogIndex::VersionCounts {
 public:
  explicit VersionCounts(std::string_view prefix) : prefix_(prefix) {}

  Result<void> add(const Part& part, const index::SegmentIndex& index) {
    const EventFetcher events(part.segment(), index, EventFetcher::kTrusting);
    std::vector<std::pair<std::uint32_t, index::Postings>> versions;  // all but 1, which has no key
    const auto note_version = [&](std::string_view key, std::uint64_t, std::uint32_t, std::uint32_t) {
      std::uint32_t version = 0;
      if (key.size() != sizeof(version)) return;
      std::memcpy(&version, key.data(), sizeof(version));
      versions.emplace_back(version, index.find({index::KeyKind::schema, key}, events));
    };
    index.each_key(index::KeyKind::schema, events, note_version);
    index.each_key(index::KeyKind::type, events,
                   [&](std::string_view type, std::uint64_t count, std::uint32_t, std::uint32_t last) {
                     if (!type.starts_with(prefix_)) return;
                     if (versions.empty()) return note(type, 1, count, part.base() + 1 + last);
                     index::Ordinals first_version = *index.find(type_key(type), events);
                     for (const auto& [version, ordinals] : versions) {
                       const index::Ordinals both = first_version & *ordinals;
                       if (both.empty()) continue;
                       note(type, version, both.size(), part.base() + 1 + both.last());
                       first_version -= both;
                     }
                     if (first_version.empty()) return;
                     note(type, 1, first_version.size(), part.base() + 1 + first_version.last());
                   });
    if (events.error()) return fail(*events.error());
    return {};
  }

  std::vector<TypeCount> take() && {
    std::vector<TypeCount> counts;
    counts.reserve(counts_.size());
    for (auto& [key, count] : counts_) counts.push_back(std::move(count));
    return counts;
  }

 private:
  void note(std::string_view type, std::uint32_t version, std::uint64_t events, Position last) {
    TypeCount& count = counts_[{std::string(type), version}];
    count.type = type;
    count.schema_version = version;
    count.events += events;
    count.last_position = last;
  }

  const std::string_view prefix_;
  std::map<std::pair<std::string, std::uint32_t>, TypeCount> counts_;
};

Result<std::vector<TypeCount>> LogIndex::types_by_version(std::string_view prefix) {
  const auto parts = this->parts();
  if (!parts) return fail(parts.error());
  VersionCounts counts(prefix);
  for (const std::shared_ptr<Part>& part : **parts) {
    if (part->damage()) return fail(*part->damage());
    DAYBOOK_TRY(part->with_index([&](const index::SegmentIndex& index) { return counts.add(*part, index); }));
  }
  return std::move(counts).take();
}

}  // namespace daybook::log
