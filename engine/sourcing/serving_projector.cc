#include <daybook/sourcing/serving_projector.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace daybook {
namespace {

constexpr std::chrono::nanoseconds kAsLongAsItTakes = std::chrono::nanoseconds::max();

}  // namespace

struct ServingProjector::Impl {
  Result<void> fill(const Announced& announced, const std::shared_ptr<Projector>& next);
  Result<void> take_over(const std::shared_ptr<Projector>& next, const TakeOver& take_over);
  Result<void> switch_over(const Announced& announced, const std::shared_ptr<Projector>& next,
                           const TakeOver& take_over);
  [[nodiscard]] bool is_stopped_since(const Announced& announced) const;
  [[nodiscard]] bool is_started() const;

  std::mutex one_replace;  // locked first
  std::mutex control;      // who starts, stops or switches; locked before `mutex`

  mutable std::mutex mutex;  // of what follows
  mutable std::condition_variable changed;
  std::shared_ptr<Projector> serving;
  std::shared_ptr<Projector> next;  // while it fills
  bool started = false;             // is to run
  std::uint64_t stops = 0;          // calls of stop()
  std::uint64_t replaces = 0;       // announced, and not over
  std::optional<Error> failure;     // of the last one, when nothing runs for it
};

ServingProjector::ServingProjector(std::shared_ptr<Projector> serving) : impl_(std::make_unique<Impl>()) {
  impl_->serving = std::move(serving);
}

ServingProjector::~ServingProjector() { stop(); }

std::shared_ptr<Projector> ServingProjector::serving() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->serving;
}

Result<void> ServingProjector::start() {
  const std::lock_guard control(impl_->control);
  const auto done = serving()->start();
  const std::lock_guard lock(impl_->mutex);
  impl_->started = impl_->started || done;
  impl_->failure.reset();
  return done;
}

void ServingProjector::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    ++impl_->stops;
    impl_->failure.reset();
  }
  const std::lock_guard control(impl_->control);
  std::shared_ptr<Projector> next;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->started = false;
    next = impl_->next;
  }
  if (next) next->stop();
  serving()->stop();
}

Result<void> ServingProjector::catch_up() {
  const std::lock_guard control(impl_->control);
  return serving()->catch_up();
}

Result<void> ServingProjector::wait_for(Position position, std::chrono::nanoseconds timeout) const {
  constexpr std::chrono::nanoseconds kForever = std::chrono::hours(24 * 365);
  const auto deadline = std::chrono::steady_clock::now() + std::min(timeout, kForever);
  while (true) {
    const auto projector = serving();
    const auto left = deadline - std::chrono::steady_clock::now();
    const auto done = projector->wait_for(position, std::max(left, std::chrono::nanoseconds(0)));
    if (done || done.error().code != Errc::closed) return done;
    std::unique_lock lock(impl_->mutex);
    const auto settled = [&] { return impl_->serving != projector || impl_->replaces == 0; };
    if (!impl_->changed.wait_until(lock, deadline, settled)) {
      return fail({.code = Errc::timed_out, .what = "rebuild of a projection", .expected = position});
    }
    // Running: what was to take over has failed, and the old one went on.
    if (impl_->serving == projector && !projector->running()) {
      return impl_->failure ? Result<void>(fail(*impl_->failure)) : done;
    }
  }
}

Result<std::optional<ProjectionProgress>> ServingProjector::rebuild_progress() const {
  std::shared_ptr<Projector> next;
  {
    const std::lock_guard lock(impl_->mutex);
    next = impl_->next;
  }
  if (!next) return std::optional<ProjectionProgress>();
  const auto progress = next->progress();
  if (!progress) return fail(progress.error());
  return std::optional(*progress);
}

std::optional<Error> ServingProjector::error() const {
  const std::lock_guard lock(impl_->mutex);
  const auto error = impl_->serving->error();
  return error ? error : impl_->failure;
}

ServingProjector::Announced ServingProjector::announce(bool start) {
  const std::lock_guard lock(impl_->mutex);
  ++impl_->replaces;
  impl_->started = impl_->started || start;
  return {.stops = impl_->stops};
}

bool ServingProjector::Impl::is_stopped_since(const Announced& announced) const {
  const std::lock_guard lock(mutex);
  return stops != announced.stops;
}

bool ServingProjector::Impl::is_started() const {
  const std::lock_guard lock(mutex);
  return started;
}

// While the old one goes on, and others start and stop it.
Result<void> ServingProjector::Impl::fill(const Announced& announced, const std::shared_ptr<Projector>& filling) {
  {
    const std::lock_guard starting(control);
    if (is_stopped_since(announced)) return fail({.code = Errc::closed, .what = "the projection was stopped"});
    DAYBOOK_TRY(filling->start());
    const std::lock_guard lock(mutex);
    next = filling;
  }
  return filling->wait_for(filling->head(), kAsLongAsItTakes);
}

// Both rest.
Result<void> ServingProjector::Impl::take_over(const std::shared_ptr<Projector>& filled, const TakeOver& take_over) {
  filled->stop();
  const auto successor = take_over();
  if (!successor) return fail(successor.error());
  const Position reached = filled->position();
  const bool run = is_started();
  Result<void> up = run ? (*successor)->start() : (*successor)->catch_up();
  if (up && run) up = (*successor)->wait_for(reached, kAsLongAsItTakes);
  const std::lock_guard lock(mutex);
  serving = *successor;
  return up;
}

Result<void> ServingProjector::Impl::switch_over(const Announced& announced, const std::shared_ptr<Projector>& filled,
                                                 const TakeOver& take) {
  const std::lock_guard switching(control);
  if (is_stopped_since(announced)) return fail({.code = Errc::closed, .what = "the projection was stopped"});
  const std::shared_ptr<Projector> old = serving;  // changed under control only
  const bool was_running = old->running();
  old->stop();
  // What the old one has taken meanwhile, so that nobody sees less than before.
  Result<void> done = filled->wait_for(old->position(), kAsLongAsItTakes);
  if (done) done = take_over(filled, take);
  if (!done && was_running && serving == old) static_cast<void>(old->start());
  return done;
}

Result<void> ServingProjector::replace(const Announced& announced, const std::shared_ptr<Projector>& next,
                                       const TakeOver& take_over) {
  const std::lock_guard one_at_a_time(impl_->one_replace);
  Result<void> done = impl_->fill(announced, next);
  if (done) done = impl_->switch_over(announced, next, take_over);
  if (!done && serving() != next) next->stop();
  const std::lock_guard lock(impl_->mutex);
  impl_->next.reset();
  --impl_->replaces;
  const bool rests = impl_->started && !impl_->serving->running();
  if (!done && done.error().code != Errc::closed && rests) impl_->failure = done.error();
  impl_->changed.notify_all();
  return done;
}

}  // namespace daybook
