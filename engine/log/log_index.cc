#include "log/log_index.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <ranges>
#include <utility>

#include "log/event_fetcher.h"
#include "log/sealed_segment.h"

namespace daybook::log {
namespace {

// What it has is good, and not over a sidecar.
bool is_in_memory(const Part& part) noexcept { return part.is_open() && part.sidecar() == nullptr && !part.damage(); }

}  // namespace

Result<std::shared_ptr<const Parts>> LogIndex::parts() {
  DAYBOOK_TRY(segments_->check_process());
  std::vector<std::uint64_t> to_adopt;
  {
    const std::lock_guard lock(mutex_);
    if (!begun_) DAYBOOK_TRY(begin());
    const auto extended = extend();
    if (!extended) return fail(extended.error());
    if (*extended && !segments_->writing()) to_adopt = complete_in_memory();
    if (to_adopt.empty()) return parts_;
  }
  for (const std::uint64_t segment : to_adopt) adopt_sidecar(segment);
  const std::lock_guard lock(mutex_);
  return parts_;
}

// Sealed segments are not opened for it; the first one that is not sealed, or is not there, ends it.
Result<void> LogIndex::begin() {
  const auto numbers = segments_->numbers();
  if (!numbers) return fail(numbers.error());
  auto checkpoint = find_checkpoint(*numbers);
  Parts parts;
  if (checkpoint != nullptr) {
    for (const auto& sealed : checkpoint->checkpoint().segments()) parts.push_back(std::make_shared<Part>(sealed));
  }
  for (std::size_t i = parts.size(); i < numbers->size() && (parts.empty() || parts.back()->complete()); ++i) {
    const auto made = make_parts((*numbers)[i]);
    if (!made) return fail(made.error());
    if (made->empty()) break;
    DAYBOOK_TRY(made->back()->catch_up());
    parts.insert(parts.end(), made->begin(), made->end());
  }
  if (parts.empty()) return {};
  checkpoint_ = std::move(checkpoint);
  parts_ = std::make_shared<const Parts>(std::move(parts));
  begun_ = true;
  return {};
}

// Adds parts until the last one is all that can be seen of the log.
Result<bool> LogIndex::extend() {
  bool extended = false;
  while (!parts_->empty()) {
    const std::shared_ptr<Part>& last = parts_->back();
    DAYBOOK_TRY(last->catch_up());
    if (!last->complete()) break;
    const auto made = make_parts(last->number() + 1);
    if (!made) return fail(made.error());
    if (made->empty()) break;
    Parts parts = *parts_;
    parts.insert(parts.end(), made->begin(), made->end());
    parts_ = std::make_shared<const Parts>(std::move(parts));
    extended = true;
  }
  return extended;
}

std::vector<std::uint64_t> LogIndex::complete_in_memory() const {
  std::vector<std::uint64_t> numbers;
  for (const std::shared_ptr<Part>& part : *parts_) {
    if (part->complete() && is_in_memory(*part)) numbers.push_back(part->number());
  }
  return numbers;
}

Result<Parts> LogIndex::make_parts(std::uint64_t number) const {
  auto segment = segments_->get(number);
  if (!segment) {
    if (segment.error().code == Errc::not_found) return Parts{};
    return fail(segment.error());
  }
  if (const auto sealed = describe_sealed(*(*segment)->segment)) return Parts{std::make_shared<Part>(*sealed)};
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

std::unique_ptr<CheckpointFile> LogIndex::find_checkpoint(std::span<const std::uint64_t> numbers) const {
  if (checkpoints_ == nullptr) return nullptr;
  auto found = CheckpointFile::open_newest(*checkpoints_, segments_->log());
  if (found == nullptr) return nullptr;
  const auto table = found->checkpoint().segments();
  if (table.empty() || !index::covers_first_of(table, numbers)) return nullptr;
  const auto last = segments_->get(table.back().number);
  return last && is_as_covered(*(*last)->segment, table.back()) ? std::move(found) : nullptr;
}

Result<bool> LogIndex::ready(Part& part, const PositionWindow& window, SegmentChoice& choice) {
  if (const auto& sealed = part.sealed()) {
    if (window.of(sealed->base_position, sealed->events).empty()) return false;
    if (checkpoint_ != nullptr) {
      const index::Checkpoint& checkpoint = checkpoint_->checkpoint();
      const std::uint64_t ordinal = part.number() - checkpoint.segments().front().number;
      const bool covered = ordinal < checkpoint.segments().size();
      if (covered && !choice.may_hold(checkpoint, ordinal, part.is_open())) return false;
    }
  }
  DAYBOOK_TRY(open(part));
  return true;
}

Result<void> LogIndex::open_closed(Part& part) {
  const auto missing = part.open(*segments_);
  if (!missing) return fail(missing.error());
  if (!*missing) return {};
  const std::lock_guard lock(want_mutex_);
  if (want_) want_(part.number());
  return {};
}

void LogIndex::when_wanted(std::function<void(std::uint64_t)> want) {
  const std::lock_guard lock(want_mutex_);
  want_ = std::move(want);
}

// The file is checked without the lock: that takes milliseconds.
void LogIndex::adopt_sidecar(std::uint64_t number) {
  const auto of_segment = [number](const std::shared_ptr<Part>& part) { return part->number() == number; };
  std::shared_ptr<Part> first;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(*parts_, of_segment);
    if (found == parts_->end() || !(*found)->is_open()) return;
    first = *found;
  }
  auto file = SidecarFile::open(segments_->directory(), first->segment());
  if (file == nullptr) return;
  auto adopted = std::make_shared<Part>(first->shared_segment(), std::move(file));
  if (!adopted->complete()) return;
  const std::lock_guard lock(mutex_);
  Parts parts = *parts_;
  const auto [from, to] = std::ranges::remove_if(parts, of_segment);
  parts.erase(from, to);
  const auto behind =
      std::ranges::find_if(parts, [number](const std::shared_ptr<Part>& part) { return part->number() > number; });
  parts.insert(behind, std::move(adopted));
  parts_ = std::make_shared<const Parts>(std::move(parts));
}

std::shared_ptr<Part> LogIndex::in_memory(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(*parts_, [number](const std::shared_ptr<Part>& part) {
    return part->number() == number && is_in_memory(*part) && part->begin() == format::kDataStart;
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
  return head_in(**parts, stream, std::numeric_limits<Position>::max() - 1);
}

Result<StreamHead> LogIndex::head_before(std::string_view stream, Position end) {
  DAYBOOK_TRY(segments_->check_process());
  std::shared_ptr<const Parts> parts;
  {
    const std::lock_guard lock(mutex_);
    if (!begun_) DAYBOOK_TRY(begin());
    parts = parts_;
  }
  return head_in(*parts, stream, end);
}

Result<StreamHead> LogIndex::head_in(const Parts& parts, std::string_view stream, Position end) {
  SegmentChoice choice(
      [stream](const index::Checkpoint& checkpoint) { return segments_with(checkpoint, stream_key(stream)); });
  for (const std::shared_ptr<Part>& part : std::views::reverse(parts)) {
    if (part->base() >= end) continue;  // growing, maybe, and no concern of those who ask for what was before
    const auto ready = this->ready(*part, {.before = end + 1}, choice);
    if (!ready) return fail(ready.error());
    if (!*ready) continue;
    auto found = head_in(*part, stream, end);
    if (!found || found->version != 0) return found;
  }
  return StreamHead{};
}

Result<std::uint64_t> LogIndex::count(const QueryPlan& plan, const PositionWindow& window) {
  const auto parts = this->parts();
  if (!parts) return fail(parts.error());
  std::uint64_t sum = 0;
  SegmentChoice choice([&plan](const index::Checkpoint& checkpoint) { return plan.segments(checkpoint); });
  for (const std::shared_ptr<Part>& part : **parts) {
    const auto ready = this->ready(*part, window, choice);
    if (!ready) return fail(ready.error());
    if (!*ready) continue;
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
  SegmentChoice choice([&plan](const index::Checkpoint& checkpoint) { return plan.segments(checkpoint); });
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Part& part = *parts[forward ? i : parts.size() - 1 - i];
    const auto ready = this->ready(part, window, choice);
    if (!ready) return fail(ready.error());
    if (!*ready) continue;
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
    const auto& sealed = part->sealed();
    if (sealed && sealed->base_position + sealed->events <= after) break;
    DAYBOOK_TRY(open(*part));  // ids are in no checkpoint
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
    DAYBOOK_TRY(open(*part));
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
                     const index::Postings ordinals_of_type = index.find(type_key(type), events);
                     const auto of_type = [&] { return index::Selection(index::Postings::view(*ordinals_of_type)); };
                     const auto note_all = [&](std::uint32_t version, index::Selection found) {
                       const std::uint64_t size = found.count(0, index.events());
                       if (size > 0) note(type, version, size, part.base() + 1 + *found.last(0, index.events()));
                     };
                     std::vector<index::Selection> others;
                     for (const auto& [version, ordinals] : versions) {
                       std::vector<index::Selection> both;
                       both.push_back(of_type());
                       both.emplace_back(index::Postings::view(*ordinals));
                       note_all(version, index::Selection::all_of(std::move(both)));
                       others.emplace_back(index::Postings::view(*ordinals));
                     }
                     note_all(1, index::Selection::without(of_type(), index::Selection::any_of(std::move(others))));
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
    DAYBOOK_TRY(open(*part));
    if (part->damage()) return fail(*part->damage());
    DAYBOOK_TRY(part->with_index([&](const index::SegmentIndex& index) { return counts.add(*part, index); }));
  }
  return std::move(counts).take();
}

}  // namespace daybook::log
