#include "store/consumer_progress.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "io/system.h"
#include "log/cursor.h"
#include "log/query_match.h"
#include "log/query_plan.h"
#include "store/event_place.h"

namespace daybook::consumers {
namespace {

Error none_parked(Position position) { return {.code = Errc::not_found, .what = "parked event", .expected = position}; }

ParkedEvent parked_event(const EventView& event, std::uint32_t attempts, const std::string& why) {
  return {.position = event.position,
          .version = event.version,
          .stream = std::string(event.stream),
          .type = std::string(event.type),
          .attempts = attempts,
          .error = why.substr(0, kParkedErrorMax),
          .parked_at = now()};
}

// The place of an event that is there; position 0: the beginning.
Result<ResumeToken> token_of(const LogView& log, Position position) {
  if (position == 0) return ResumeToken{.log = log.segments->log()};
  const auto event = find_event(log.segments, position);
  if (!event) return fail(event.error());
  if (*event) return ResumeToken{.log = log.segments->log(), .epoch = (*event)->epoch, .position = position};
  return fail(Error{.code = Errc::invalid_argument,
                    .what = "position of a consumer, beyond the end of the log",
                    .expected = log.end(Visibility::published).position,
                    .actual = position});
}

}  // namespace

Result<ResumeToken> resolve(const LogView& log, const StartAt& start, Visibility visibility) {
  switch (start.kind()) {
    case StartAt::Kind::position: return token_of(log, start.position());
    case StartAt::Kind::end: return log.end(visibility);
    case StartAt::Kind::time: break;
  }
  // The end first: what is appended meanwhile was recorded later, and is either found or behind the end.
  const ResumeToken end = log.end(visibility);
  log::Cursor cursor(log.segments, {.recorded_at = start.time(), .visibility = visibility});
  const EventView* const event = cursor.next();
  if (event == nullptr && cursor.error()) return fail(*cursor.error());
  return event == nullptr ? end : token_of(log, event->position - 1);
}

Result<std::uint64_t> lag_behind(const LogView& log, const Query& query, Position position) {
  if (query != Query{}) return log.index->count(log::QueryPlan(query), {.after = position});
  const Position end = log.end(Visibility::published).position;
  return end - std::min(end, position);
}

Progress::Progress(std::unique_ptr<ConsumerFile> file, const ConsumerOptions& options, ConsumerState state)
    : checkpoint_events_(options.checkpoint_events),
      checkpoint_ns_(std::chrono::nanoseconds(options.checkpoint_interval).count()),
      sync_(options.sync),
      file_(std::move(file)),
      state_(std::move(state)),
      saved_at_(io::coarse_now()),
      position_(state_.at.position) {
  count_parked();
}

Result<std::unique_ptr<Progress>> Progress::open(const LogView& log, io::Directory& store, std::string_view name,
                                                 const ConsumerOptions& options) {
  DAYBOOK_TRY(log::check_query(options.query));
  auto opened = ConsumerFile::open(store, name);
  if (!opened) return fail(opened.error());
  ConsumerFile& file = **opened;
  if (!file.exists()) {
    const auto at = resolve(log, options.reset.value_or(options.start), options.visibility);
    if (!at) return fail(at.error());
    DAYBOOK_TRY(file.begin({.at = *at, .query = options.query}));
  } else {
    const bool same = same_query(file.state().query, options.query);
    if (!same && !options.accept_new_query) {
      return fail(Error{.code = Errc::invalid_argument,
                        .what = "query of a consumer (it was saved with another one)",
                        .detail = ErrorText("consumer " + std::string(name))});
    }
    if (options.reset) {
      const auto at = resolve(log, *options.reset, options.visibility);
      if (!at) return fail(at.error());
      DAYBOOK_TRY(file.reset(*at));
    } else if (const auto checked = resume_from(log.segments, file.state().at, {}); !checked) {
      Error error = checked.error();
      error.detail = ErrorText("consumer " + std::string(name));
      return fail(error);
    }
    if (!same) DAYBOOK_TRY(file.set_query(options.query));
  }
  ConsumerState state = file.state();
  return std::unique_ptr<Progress>(new Progress(std::move(*opened), options, std::move(state)));
}

Result<std::unique_ptr<Progress>> Progress::open_unnamed(const LogView& log, const ConsumerOptions& options) {
  DAYBOOK_TRY(log::check_query(options.query));
  const auto at = resolve(log, options.reset.value_or(options.start), options.visibility);
  if (!at) return fail(at.error());
  return std::unique_ptr<Progress>(new Progress(nullptr, options, {.at = *at, .query = options.query}));
}

ResumeToken Progress::token() const {
  const std::lock_guard lock(mutex_);
  return state_.at;
}

Result<void> Progress::ack(const ResumeToken& at, std::uint64_t events) {
  const std::lock_guard lock(mutex_);
  DAYBOOK_TRY(check_open());
  if (at.position <= state_.at.position) return {};
  state_.at = at;
  position_.store(at.position);
  dirty_ = true;
  unsaved_ += events;
  if (file_ == nullptr) return {};
  if (unsaved_ < checkpoint_events_ && io::coarse_now() - saved_at_ < checkpoint_ns_) return {};
  return save_locked();
}

Result<void> Progress::save() {
  const std::lock_guard lock(mutex_);
  DAYBOOK_TRY(check_open());
  return save_locked();
}

Result<void> Progress::save_locked() {
  if (file_ == nullptr || !dirty_) return {};
  DAYBOOK_TRY(file_->save(state_.at, sync()));
  dirty_ = false;
  unsaved_ = 0;
  saved_at_ = io::coarse_now();
  return {};
}

Result<void> Progress::check_open() const {
  if (!closed_) return {};
  return fail(Error{.code = Errc::closed, .what = "consumer"});
}

Result<void> Progress::close() {
  const std::lock_guard lock(mutex_);
  auto saved = save_locked();
  closed_ = true;
  file_.reset();
  return saved;
}

Result<void> Progress::reset(const ResumeToken& at) {
  const std::lock_guard lock(mutex_);
  DAYBOOK_TRY(check_open());
  if (file_ != nullptr) DAYBOOK_TRY(file_->reset(at));
  reset_to(state_, at, now());
  position_.store(at.position);
  dirty_ = false;
  unsaved_ = 0;
  count_parked();
  return {};
}

bool Progress::is_parked(Position position) const {
  if (parked_count_.load() == 0) return false;
  const std::lock_guard lock(mutex_);
  return state_.parked.contains(position);
}

bool Progress::is_stream_parked(std::string_view stream) const {
  if (parked_count_.load() == 0) return false;
  const std::lock_guard lock(mutex_);
  return parked_streams_.contains(std::string(stream));
}

std::vector<ParkedEvent> Progress::parked() const {
  const std::lock_guard lock(mutex_);
  std::vector<ParkedEvent> events;
  events.reserve(state_.parked.size());
  for (const auto& [position, event] : state_.parked) events.push_back(event);
  return events;
}

Result<void> Progress::park(const EventView& event, std::uint32_t attempts, const Error& why, std::size_t max) {
  const std::lock_guard lock(mutex_);
  if (state_.parked.size() >= max) return fail(why);
  return park_locked(parked_event(event, attempts, describe(why)));
}

Result<bool> Progress::park_behind(const EventView& event, std::size_t max) {
  if (parked_count_.load() == 0) return false;
  const std::lock_guard lock(mutex_);
  if (!parked_streams_.contains(std::string(event.stream))) return false;
  if (state_.parked.size() >= max) {
    return fail(
        Error{.code = Errc::too_large, .what = "parked events", .expected = max, .actual = state_.parked.size()});
  }
  DAYBOOK_TRY(park_locked(parked_event(event, 0, "an earlier event of the stream is parked")));
  return true;
}

Result<void> Progress::park_again(const ParkedEvent& event, const Error& why) {
  const std::lock_guard lock(mutex_);
  if (!state_.parked.contains(event.position)) return fail(none_parked(event.position));
  ParkedEvent again = event;
  ++again.attempts;
  again.error = describe(why).substr(0, kParkedErrorMax);
  again.parked_at = now();
  return park_locked(std::move(again));
}

Result<void> Progress::park_locked(ParkedEvent event) {
  DAYBOOK_TRY(check_open());
  if (file_ != nullptr) DAYBOOK_TRY(file_->park(event, sync()));
  if (state_.parked.insert_or_assign(event.position, event).second) ++parked_streams_[event.stream];
  parked_count_.store(state_.parked.size());
  return {};
}

Result<void> Progress::unpark(Position position) {
  const std::lock_guard lock(mutex_);
  DAYBOOK_TRY(check_open());
  const auto found = state_.parked.find(position);
  if (found == state_.parked.end()) return fail(none_parked(position));
  if (file_ != nullptr) DAYBOOK_TRY(file_->unpark(position, sync()));
  const auto stream = parked_streams_.find(found->second.stream);
  if (--stream->second == 0) parked_streams_.erase(stream);
  state_.parked.erase(found);
  parked_count_.store(state_.parked.size());
  return {};
}

void Progress::count_parked() {
  parked_streams_.clear();
  for (const auto& [position, event] : state_.parked) ++parked_streams_[event.stream];
  parked_count_.store(state_.parked.size());
}

}  // namespace daybook::consumers
