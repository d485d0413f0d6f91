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

// Whether another event could have been taken where this one was not.
bool is_about_the_event(Errc code) {
  switch (code) {
    case Errc::io:
    case Errc::corrupt:
    case Errc::locked:
    case Errc::no_space:
    case Errc::poisoned:
    case Errc::read_only:
    case Errc::closed:
    case Errc::timed_out: return false;
    default: return true;
  }
}

}  // namespace

struct Projector::Impl {
  const Store* store;
  Query query;
  std::shared_ptr<ProjectionTarget> target;
  ProjectorOptions options;

  // How a batch ended.
  struct Batch {
    Position position = 0;    // everything up to here is in the state
    std::uint64_t taken = 0;  // events, with those that were skipped
    bool at_end = false;      // there was nothing more
    std::optional<Error> error{};
    std::vector<SkippedEvent> skipped{};
  };

  Result<void> open();
  Batch fold_batch();
  void fold_event(const EventView& event, Batch& batch);
  bool note(const Batch& batch);
  bool sleep(Position seen);
  void run();
  void request_stop();
  void begin_catching_up();  // under `mutex`

  // Who starts, stops or catches up; locked before `mutex`.
  std::mutex control;
  std::thread thread;  // of control

  // Of whoever folds: the thread, or else the holder of control.
  std::optional<Cursor> cursor;
  bool opened = false;
  ResumeToken taken;  // of the last event that is in the state or skipped

  mutable std::mutex mutex;  // of what follows: what others ask for
  mutable std::condition_variable moved;
  std::optional<Cursor> bell;  // what the thread sleeps on
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
  cursor.emplace(std::move(*resumed));
  taken = *token;
  opened = true;
  const std::lock_guard lock(mutex);
  position = token->position;
  return {};
}

void Projector::Impl::begin_catching_up() {
  catching_up_since = Clock::now();
  applied_before = applied;
}

void Projector::Impl::fold_event(const EventView& event, Batch& batch) {
  if (const auto done = target->apply(event); !done) {
    if (options.on_error == OnError::stop || !is_about_the_event(done.error().code)) {
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
  ResumeToken token = taken;  // of the last event of the batch; not known any more when the cursor has gone on
  bool begun = false;
  Position head = 0;
  while (batch.taken < options.batch_events && !batch.error) {
    const EventView* event = cursor->next();
    if (event == nullptr) {
      // What is visible before the cursor says for the last time that there is nothing more, it has shown. (Not asked for
      // each batch: in a process that reads, the answer takes a walk.)
      head = visible(*store, options.visibility);
      event = cursor->next();
    }
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
    if (!batch.error) token = cursor->token();
  }
  if (begun) {
    const auto committed = target->commit(token);
    if (!committed) {
      return {.position = taken.position, .error = batch.error && !batch.at_end ? *batch.error : committed.error()};
    }
    taken = token;
  }
  if (batch.at_end && !batch.error) batch.position = std::max(batch.position, head);
  return batch;
}

// Whether to go on.
bool Projector::Impl::note(const Batch& batch) {
  if (batch.error) opened = false;  // the target says again where it is
  const std::lock_guard lock(mutex);
  position = std::max(position, batch.position);
  applied += batch.taken - batch.skipped.size();
  for (const SkippedEvent& event : batch.skipped) {
    if (skipped.size() < kSkippedMax) skipped.push_back(event);
  }
  if (batch.error) {
    error = batch.error;
    running = false;  // whoever is told the error may start again at once
  }
  if (batch.at_end && !batch.error) {
    live = true;
    begin_catching_up();
  }
  moved.notify_all();
  return !batch.error && !stopping;
}

// Until there is more in the log behind `seen`, of whatever kind: the position goes on with events that the query does not
// match as well, so that nobody waits for one of them in vain. False: do not go on.
bool Projector::Impl::sleep(Position seen) {
  {
    const std::lock_guard lock(mutex);
    if (stopping) return false;
    bell.emplace(store->read({.after = seen, .visibility = options.visibility}));
  }
  static_cast<void>(bell->wait(std::chrono::hours(24)));
  const std::lock_guard lock(mutex);
  if (const auto failed = bell->error()) {
    error = failed;
    opened = false;
    running = false;
    return false;
  }
  begin_catching_up();
  return !stopping;
}

void Projector::Impl::run() {
  while (true) {
    const Batch batch = fold_batch();
    if (!note(batch)) break;
    if (batch.at_end && !sleep(batch.position)) break;
  }
  const std::lock_guard lock(mutex);
  running = false;
  moved.notify_all();
}

void Projector::Impl::request_stop() {
  const std::lock_guard lock(mutex);
  stopping = true;
  if (bell) bell->interrupt();
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
  const std::lock_guard control(impl_->control);
  if (running()) return fail({.code = Errc::invalid_argument, .what = "catch_up() of a projector that runs by itself"});
  if (impl_->thread.joinable()) impl_->thread.join();  // it has ended by itself
  DAYBOOK_TRY(impl_->open());
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->error.reset();
    impl_->stopping = false;
    impl_->begin_catching_up();
  }
  // Not until there is nothing more: others may append faster than that comes to be.
  const Position goal = head();
  while (true) {
    const Impl::Batch batch = impl_->fold_batch();
    const bool go_on = impl_->note(batch);
    if (batch.error) return fail(*batch.error);
    if (batch.at_end || batch.position >= goal) return {};
    if (!go_on) return fail({.code = Errc::closed, .what = "the projection was stopped"});
  }
}

Result<void> Projector::start() {
  const std::lock_guard control(impl_->control);
  if (running()) return {};
  if (impl_->thread.joinable()) impl_->thread.join();  // it has ended by itself
  DAYBOOK_TRY(impl_->open());
  const std::lock_guard lock(impl_->mutex);
  impl_->error.reset();
  impl_->stopping = false;
  impl_->running = true;
  impl_->live = false;
  impl_->begin_catching_up();
  impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
  return {};
}

void Projector::stop() {
  impl_->request_stop();  // also of a catch_up(), which holds control
  const std::lock_guard control(impl_->control);
  impl_->request_stop();  // again: a start() may have come first
  if (impl_->thread.joinable()) impl_->thread.join();
}

Result<void> Projector::wait_for(Position position, std::chrono::nanoseconds timeout) const {
  std::unique_lock lock(impl_->mutex);
  const auto over = [&] { return impl_->position >= position || impl_->error || !impl_->running; };
  constexpr std::chrono::nanoseconds kForever = std::chrono::hours(24 * 365);
  const bool told = impl_->moved.wait_for(lock, std::min(timeout, kForever), over);
  if (impl_->position >= position) return {};
  if (impl_->error) return fail(*impl_->error);
  if (told) return fail({.code = Errc::closed, .what = "the projection does not run"});
  return fail({.code = Errc::timed_out, .what = "projection", .expected = position, .actual = impl_->position});
}

Position Projector::position() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->position;
}

Position Projector::head() const { return visible(*impl_->store, impl_->options.visibility); }

bool Projector::running() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->running;
}

Result<ProjectionProgress> Projector::progress() const {
  ProjectionProgress progress;
  progress.head = head();
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
  if (progress.remaining == 0) progress.eta = std::chrono::nanoseconds(0);
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
