#include "store/subscription_runner.h"

#include <algorithm>
#include <utility>

#include "io/system.h"
#include "log/cursor.h"
#include "store/parked_replay.h"

namespace daybook::consumers {
namespace {

// Long enough to be for ever, and short enough to be added to a time.
constexpr std::chrono::hours kForEver{24 * 365 * 10};

constexpr std::size_t kHandOutMax = 64;  // events at once

// The subscription that this thread works for.
thread_local const Runner* current = nullptr;

}  // namespace

Runner::Runner(LogView log, std::shared_ptr<Progress> progress, const SubscriptionOptions& options,
               EventHandler handler)
    : log_(std::move(log)),
      progress_(std::move(progress)),
      options_(options),
      handler_(std::move(handler)),
      fork_generation_(io::fork_generation()),
      reader_(log_, progress_, options.consumer.query, options.consumer.visibility) {
  if (options_.workers == 1) {
    threads_.emplace_back([this] { run_alone(); });
    return;
  }
  window_ = std::make_unique<WorkerWindow>(options_.workers, options_.queue_events);
  for (unsigned i = 0; i < options_.workers; ++i) threads_.emplace_back([this, i] { run_worker(i); });
  threads_.emplace_back([this] { run_reader(); });
}

Runner::~Runner() { (void)stop(); }

bool Runner::forked() const noexcept { return io::fork_generation() != fork_generation_; }

void Runner::run_alone() {
  current = this;
  while (const EventView* const event = next()) {
    if (handle(*event) == Outcome::left) return;
    if (const auto acked = reader_.ack(); !acked) return end_with(acked.error());
    position_moved();
  }
}

// What was read and not handed out when the subscription ends was not begun, and is read again.
void Runner::run_reader() {
  const std::size_t at_once = std::min(kHandOutMax, window_->capacity());
  while (const EventView* const event = next()) {
    read_.push_back({*event, reader_.pin(), reader_.token()});
    if (read_.size() == at_once && !hand_out()) break;
  }
  window_->close();
}

bool Runner::hand_out() {
  if (read_.empty()) return true;
  const bool open = window_->push(read_);
  read_.clear();
  return open;
}

void Runner::run_worker(std::size_t number) {
  current = this;
  std::vector<WorkerWindow::Number> given;
  while (window_->take(number, given)) {
    for (const WorkerWindow::Number event : given) {
      // What is behind it may be of the same stream: it stays, too.
      if (handle(window_->event(event)) == Outcome::left) return;
      window_->finish(event);
      if (!acknowledge()) return;
    }
  }
}

// One thread at a time does it for all: who finds it at work leaves that to it, and it looks again when it is done.
bool Runner::acknowledge() {
  finished_.store(true);
  while (finished_.load()) {
    const std::unique_lock turn(acknowledging_, std::try_to_lock);
    if (!turn) return true;
    finished_.store(false);
    if (!take_ack(window_->pass())) return false;
  }
  return true;
}

const EventView* Runner::next() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_.load() || !paused_; });
      if (stopping_.load()) return nullptr;
    }
    if (const EventView* const event = reader_.next()) return event;
    if (!hand_out()) return nullptr;
    if (const auto error = reader_.error()) {
      end_with(*error);
      return nullptr;
    }
    at_end();
    if (stopping_.load()) return nullptr;
    (void)reader_.sleep(kForEver);
  }
}

// Everything that is there was returned.
void Runner::at_end() {
  const auto passed = reader_.passed();
  if (window_ != nullptr) {
    if (!passed) return;
    read_.push_back({.event = {}, .pin = nullptr, .token = *passed});
    if (hand_out()) (void)acknowledge();
    return;
  }
  auto saved = passed ? progress_->ack(*passed, 0) : Result<void>{};
  if (saved) saved = progress_->save();
  if (!saved) end_with(saved.error());
  if (passed) position_moved();
}

bool Runner::take_ack(const WorkerWindow::Prefix& prefix) {
  if (!prefix.end) return true;
  auto acked = progress_->ack(*prefix.end, prefix.events);
  if (acked && prefix.whole) acked = progress_->save();
  if (!acked) end_with(acked.error());
  position_moved();
  return acked.has_value();
}

Runner::Outcome Runner::handle(const EventView& event) {
  if (options_.park_stream) {
    const auto parked = progress_->park_behind(event, options_.parked_max);
    if (!parked) {
      end_with(parked.error());
      return Outcome::left;
    }
    if (*parked) return Outcome::finished;
  }
  auto delay = options_.retry.first_delay;
  for (std::uint32_t attempt = 1;; ++attempt) {
    const auto handled = call(handler_, event);
    if (handled) return Outcome::finished;
    if (attempt >= options_.retry.attempts) {
      const auto parked = progress_->park(event, attempt, handled.error(), options_.parked_max);
      if (parked) return Outcome::finished;
      end_with(parked.error());
      return Outcome::left;
    }
    delay = std::min(delay, options_.retry.delay_max);
    if (!sleep(delay)) return Outcome::left;
    delay *= 2;
  }
}

bool Runner::sleep(std::chrono::nanoseconds delay) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, delay, [&] { return stopping_.load(); });
}

void Runner::position_moved() {
  // seq_cst on both sides: either this load sees the waiter, or the waiter's look sees the position.
  if (waiters_.load() == 0) return;
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

void Runner::request_stop() {
  const std::lock_guard lock(mutex_);
  stopping_.store(true);
  changed_.notify_all();
  for (log::EventCursor* const cursor : waiting_) cursor->interrupt();
  reader_.interrupt();
  if (window_ != nullptr) window_->close();
}

void Runner::end_with(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
  }
  request_stop();
}

Result<void> Runner::stop() {
  if (forked()) return fail(Error{.code = Errc::closed, .what = "subscription of a parent process"});
  request_stop();
  if (current == this) return {};
  const std::lock_guard lock(joining_);
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  auto saved = std::exchange(closed_, true) ? Result<void>{} : progress_->close();
  if (const auto ended = error()) return fail(*ended);
  return saved;
}

void Runner::pause() {
  const std::lock_guard lock(mutex_);
  paused_ = true;
}

void Runner::resume() {
  const std::lock_guard lock(mutex_);
  paused_ = false;
  changed_.notify_all();
}

std::optional<Error> Runner::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

Result<ReplayReport> Runner::replay_parked() {
  const std::lock_guard lock(replaying_);  // or two of them would run the same events at once
  return consumers::replay_parked(log_, *progress_, handler_);
}

Result<void> Runner::timed_out(Position position) const {
  return fail(Error{.code = Errc::timed_out,
                    .what = "position of a subscription",
                    .expected = position,
                    .actual = progress_->position()});
}

Result<void> Runner::wait_for(Position position, std::chrono::nanoseconds timeout) {
  const auto until = Clock::now() + std::min<std::chrono::nanoseconds>(timeout, kForEver);
  if (progress_->position() >= position) return {};
  // Events that the query does not match wake nobody; but once this one is there, a look of the reader passes it.
  if (options_.consumer.query != Query{}) {
    DAYBOOK_TRY(wait_until_visible(position, until));
    reader_.interrupt();
  }
  std::unique_lock lock(mutex_);
  waiters_.fetch_add(1);
  const bool there =
      changed_.wait_until(lock, until, [&] { return progress_->position() >= position || stopping_.load(); });
  waiters_.fetch_sub(1);
  if (progress_->position() >= position) return {};
  if (!there) return timed_out(position);
  return fail(error_.value_or(Error{.code = Errc::closed, .what = "subscription"}));
}

Result<void> Runner::wait_until_visible(Position position, Clock::time_point until) {
  log::Cursor cursor(log_.segments, {.after = position - 1, .visibility = options_.consumer.visibility});
  {
    const std::lock_guard lock(mutex_);
    if (stopping_.load()) cursor.interrupt();
    waiting_.push_back(&cursor);
  }
  const bool there = cursor.wait(until - Clock::now());
  const std::lock_guard lock(mutex_);
  std::erase(waiting_, &cursor);
  if (there || stopping_.load()) return {};
  return timed_out(position);
}

}  // namespace daybook::consumers
