#include <daybook/sourcing/projector.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace daybook {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kSkippedMax = 1'000;

// What a cursor of that visibility shows by now.
Position visible(const Store& store, Visibility visibility) {
  return visibility == Visibility::durable ? store.durable_position() : store.published_position();
}

}  // namespace

// The cursor and the target belong to whoever folds: the thread, or catch_up(). What others ask for is behind the mutex.
struct Projector::Impl {
  const Store* store;
  Query query;
  std::shared_ptr<ProjectionTarget> target;
  ProjectorOptions options;

  // How a batch ended.
  struct Batch {
    Position position = 0;    // everything up to here is in the state
    std::uint64_t taken = 0;  // events
    bool at_end = false;      // there was nothing more
    std::optional<Error> error{};
    std::vector<SkippedEvent> skipped{};
  };

  Result<void> open();
  Batch fold_batch();
  void fold_event(const EventView& event, Batch& batch);
  Result<ResumeToken> token_at(Position position) const;
  bool note(const Batch& batch);
  void run();

  std::optional<Cursor> cursor;
  bool opened = false;
  ResumeToken taken;  // of the last event that is in the state or skipped

  mutable std::mutex mutex;
  mutable std::condition_variable moved;
  std::thread thread;
  bool running = false;
  bool stopping = false;
  Position position = 0;
  std::uint64_t applied = 0;
  bool live = false;
  Clock::time_point catching_up_since{};  // when the events behind were begun with
  std::uint64_t applied_before = 0;       // events that were applied then
  std::optional<Error> error;
  std::vector<SkippedEvent> skipped;
};

Result<void> Projector::Impl::open() {
  if (opened) return {};
  const auto token = target->open();
  if (!token) return fail(token.error());
  auto resumed = store->resume(*token, query, {.visibility = options.visibility});
  if (!resumed) return fail(resumed.error());
  const std::lock_guard lock(mutex);
  cursor.emplace(std::move(*resumed));
  taken = *token;
  position = token->position;
  opened = true;
  return {};
}

// The token of an event that was seen before the cursor moved on.
Result<ResumeToken> Projector::Impl::token_at(Position at) const {
  if (at == taken.position) return taken;
  Cursor reader = store->read({.after = at - 1, .limit = 1});
  if (reader.next() == nullptr) return fail(reader.error().value_or(Error{.code = Errc::not_found, .what = "event"}));
  return reader.token();
}

void Projector::Impl::fold_event(const EventView& event, Batch& batch) {
  if (const auto done = target->apply(event); !done) {
    if (options.on_error == OnError::stop) {
      batch.error = done.error();
      return;
    }
    batch.skipped.push_back({.position = event.position, .error = done.error()});
  }
  ++batch.taken;
  batch.position = event.position;
}

Projector::Impl::Batch Projector::Impl::fold_batch() {
  Batch batch{.position = taken.position};
  // Taken first: what is visible now, the cursor has shown when it says that there is nothing more.
  const Position head = visible(*store, options.visibility);
  bool begun = false;
  while (batch.taken < options.batch_events && !batch.error) {
    const EventView* const event = cursor->next();
    if (event == nullptr) {
      batch.error = cursor->error();
      batch.at_end = true;
      break;
    }
    if (!begun) {
      if (const auto started = target->begin(); !started) return {.position = batch.position, .error = started.error()};
      begun = true;
    }
    fold_event(*event, batch);
  }
  if (begun) {
    const bool behind_cursor = batch.error && !batch.at_end;
    const auto token = behind_cursor ? token_at(batch.position) : Result<ResumeToken>(cursor->token());
    auto committed = token ? target->commit(*token) : target->commit(taken);
    if (committed && !token) committed = fail(token.error());
    if (!committed) return {.position = taken.position, .error = committed.error()};
    taken = *token;
  }
  if (batch.at_end && !batch.error) batch.position = std::max(batch.position, head);
  return batch;
}

// Whether to go on.
bool Projector::Impl::note(const Batch& batch) {
  const std::lock_guard lock(mutex);
  position = std::max(position, batch.position);
  applied += batch.taken - batch.skipped.size();
  for (const SkippedEvent& event : batch.skipped) {
    if (skipped.size() < kSkippedMax) skipped.push_back(event);
  }
  if (batch.error) {
    error = batch.error;
    opened = false;  // the target says again where it is
  }
  live = live || (batch.at_end && !batch.error);
  if (batch.at_end) {
    catching_up_since = Clock::now();
    applied_before = applied;
  }
  moved.notify_all();
  return !error && !stopping;
}

void Projector::Impl::run() {
  while (true) {
    const Batch batch = fold_batch();
    if (!note(batch)) return;
    if (batch.at_end) static_cast<void>(cursor->wait(std::chrono::hours(24)));
    const std::lock_guard lock(mutex);
    if (stopping) return;
    if (batch.at_end) catching_up_since = Clock::now();
  }
}

Projector::Projector(const Store& store, Query query, std::shared_ptr<ProjectionTarget> target,
                     const ProjectorOptions& options)
    : impl_(std::make_unique<Impl>()) {
  impl_->store = &store;
  impl_->query = std::move(query);
  impl_->target = std::move(target);
  impl_->options = options;
  impl_->options.batch_events = std::max<std::uint64_t>(options.batch_events, 1);
}

Projector::~Projector() { stop(); }

Result<void> Projector::catch_up() {
  if (running()) return fail({.code = Errc::invalid_argument, .what = "catch_up() of a projector that runs by itself"});
  DAYBOOK_TRY(impl_->open());
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->error.reset();
    impl_->stopping = false;
    impl_->catching_up_since = Clock::now();
    impl_->applied_before = impl_->applied;
  }
  while (true) {
    const Impl::Batch batch = impl_->fold_batch();
    impl_->note(batch);
    if (batch.error) return fail(*batch.error);
    if (batch.at_end) return {};
  }
}

Result<void> Projector::start() {
  if (running()) return {};
  stop();  // joins a thread that ended by itself
  DAYBOOK_TRY(impl_->open());
  const std::lock_guard lock(impl_->mutex);
  impl_->error.reset();
  impl_->stopping = false;
  impl_->running = true;
  impl_->catching_up_since = Clock::now();
  impl_->applied_before = impl_->applied;
  impl_->thread = std::thread([impl = impl_.get()] {
    impl->run();
    const std::lock_guard ended(impl->mutex);
    impl->running = false;
    impl->moved.notify_all();
  });
  return {};
}

void Projector::stop() {
  std::thread thread;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    if (impl_->cursor) impl_->cursor->interrupt();
    thread = std::move(impl_->thread);
  }
  if (thread.joinable()) thread.join();
}

Result<void> Projector::wait_for(Position position, std::chrono::nanoseconds timeout) const {
  std::unique_lock lock(impl_->mutex);
  const auto over = [&] { return impl_->position >= position || impl_->error || !impl_->running; };
  constexpr auto kForever = std::chrono::hours(24 * 365);
  const bool told = impl_->moved.wait_for(lock, std::min<std::chrono::nanoseconds>(timeout, kForever), over);
  if (impl_->position >= position) return {};
  if (impl_->error) return fail(*impl_->error);
  if (told) return fail({.code = Errc::closed, .what = "the projection does not run"});
  return fail({.code = Errc::timed_out, .what = "projection", .expected = position, .actual = impl_->position});
}

Position Projector::position() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->position;
}

bool Projector::running() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->running;
}

Result<ProjectionProgress> Projector::progress() const {
  ProjectionProgress progress;
  progress.head = visible(*impl_->store, impl_->options.visibility);
  Clock::time_point since;
  std::uint64_t before = 0;
  {
    const std::lock_guard lock(impl_->mutex);
    progress.position = impl_->position;
    progress.applied = impl_->applied;
    progress.live = impl_->live;
    since = impl_->catching_up_since;
    before = impl_->applied_before;
  }
  if (progress.position < progress.head) {
    const auto remaining = impl_->store->count(impl_->query, {.after = progress.position, .before = progress.head + 1});
    if (!remaining) return fail(remaining.error());
    progress.remaining = *remaining;
  }
  const std::chrono::duration<double> spent = Clock::now() - since;
  if (progress.applied > before && spent.count() > 0) {
    progress.events_per_second = static_cast<double>(progress.applied - before) / spent.count();
    const std::chrono::duration<double> left(static_cast<double>(progress.remaining) / progress.events_per_second);
    progress.eta = std::chrono::duration_cast<std::chrono::nanoseconds>(left);
  }
  return progress;
}

std::optional<Error> Projector::error() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->error;
}

std::vector<SkippedEvent> Projector::skipped() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->skipped;
}

}  // namespace daybook
