#include "importer.h"

#include <algorithm>
#include <utility>

namespace daybook::tools {
namespace {

// Large enough for throughput, and well below what fits in the smallest usual segment.
constexpr std::size_t kAppendBytesMax = 1 << 20;

std::size_t byte_size(const EventLine& event) {
  std::size_t size = 64 + event.stream.size() + event.type.size() + event.payload.size() + event.metadata.size();
  for (const std::string& tag : event.tags) size += 1 + tag.size();
  return size;
}

Expect expectation(const EventLine& event) {
  return event.version ? Expect::exactly(*event.version - 1) : Expect::any();
}

// Errors that fewer events may get rid of, or that are about one of them.
bool is_about_events(Errc code) {
  return code == Errc::wrong_version || code == Errc::invalid_argument || code == Errc::too_large ||
         code == Errc::duplicate_id;
}

}  // namespace

Importer::Importer(Store& store, const ImportOptions& options) : store_(store), options_(options) {
  pending_.resize(std::clamp<std::size_t>(options.batch, 1, kAppendEventsMax));
}

// Whether the event can be in one append with those that are pending.
bool Importer::fits(const EventLine& event) const {
  if (count_ == 0) return true;
  if (count_ == pending_.size() || streams_.size() == kAppendStreamsMax) return false;
  if (pending_bytes_ + byte_size(event) > kAppendBytesMax) return false;
  const EventLine& last = pending_[count_ - 1].event;
  if (event.stream != last.stream) return !streams_.contains(event.stream);
  // A version in the middle of a run cannot be expected by itself: it has to follow from the run's first.
  return !event.version || (last.version && *event.version == *last.version + 1);
}

std::optional<ImportError> Importer::add(EventLine& event, std::uint64_t line) {
  if (!fits(event)) {
    if (auto error = append_pending()) return error;
  }
  pending_bytes_ += byte_size(event);
  Pending& slot = pending_[count_++];
  std::swap(slot.event, event);
  slot.line = line;
  streams_.insert(slot.event.stream);
  if (++since_sync_ < options_.batch) return std::nullopt;
  if (auto error = append_pending()) return error;
  return sync();
}

std::optional<ImportError> Importer::finish() {
  if (auto error = append_pending()) return error;
  return sync();
}

std::optional<ImportError> Importer::append_pending() {
  const std::size_t count = std::exchange(count_, 0);
  pending_bytes_ = 0;
  streams_.clear();
  return count == 0 ? std::nullopt : append_range(0, count);
}

// On a refusal that is about the events, halves them until the one at fault stands alone: then everything before it is
// in the log, and its line is known.
std::optional<ImportError> Importer::append_range(std::size_t begin, std::size_t end) {
  auto appended = append_once(begin, end);
  if (appended) {
    if (first_position_ == 0) first_position_ = appended->first_position;
    last_position_ = appended->last_position;
    imported_ += end - begin;
    for (std::size_t i = begin; i < end; ++i) payload_bytes_ += pending_[i].event.payload.size();
    return std::nullopt;
  }
  if (end - begin == 1 || !is_about_events(appended.error().code)) {
    return ImportError{appended.error(), pending_[begin].line};
  }
  const std::size_t middle = begin + (end - begin) / 2;
  if (auto error = append_range(begin, middle)) return error;
  return append_range(middle, end);
}

Result<Appended> Importer::append_once(std::size_t begin, std::size_t end) {
  std::vector<std::string_view> tags;
  std::size_t tag_count = 0;
  for (std::size_t i = begin; i < end; ++i) tag_count += pending_[i].event.tags.size();
  tags.reserve(tag_count);  // spans point into it

  std::vector<NewEvent> events;
  std::vector<StreamAppend> streams;
  events.reserve(end - begin);
  for (std::size_t i = begin; i < end; ++i) {
    const EventLine& event = pending_[i].event;
    const std::size_t first_tag = tags.size();
    tags.insert(tags.end(), event.tags.begin(), event.tags.end());
    events.push_back({.type = event.type,
                      .payload = event.payload,
                      .schema_version = event.schema_version,
                      .metadata = event.metadata,
                      .tags = std::span<const std::string_view>(tags).subspan(first_tag),
                      .id = event.id,
                      .occurred_at = event.occurred_at});
    if (streams.empty() || streams.back().stream != event.stream) {
      streams.push_back({.stream = event.stream, .expect = expectation(event), .events = {}});
    }
    StreamAppend& run = streams.back();
    run.events = std::span<const NewEvent>(&events.back() - run.events.size(), run.events.size() + 1);
  }
  // One sync makes a whole batch durable, so the appends in it need not wait for their own.
  const Durability durability = options_.durability == Durability::sync ? Durability::memory : options_.durability;
  return store_.append(streams, {.durability = durability});
}

std::optional<ImportError> Importer::sync() {
  since_sync_ = 0;
  if (options_.durability != Durability::sync || imported_ == 0) return std::nullopt;
  if (auto synced = store_.sync(last_position_); !synced) return ImportError{synced.error(), 0};
  return std::nullopt;
}

}  // namespace daybook::tools
