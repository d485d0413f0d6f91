#include <daybook/subscription.h>

#include <utility>

#include "store/consumer_progress.h"
#include "store/log_view.h"
#include "store/store_impl.h"
#include "store/subscription_runner.h"

namespace daybook {
namespace {

constexpr unsigned kWorkersMax = 256;

Result<void> check(const SubscriptionOptions& options, const EventHandler& handler) {
  const auto refuse_option = [](const char* what, std::uint64_t limit, std::uint64_t actual) {
    return fail(Error{.code = Errc::invalid_argument, .what = what, .expected = limit, .actual = actual});
  };
  if (!handler) return refuse_option("handler of a subscription (there is none)", 1, 0);
  if (options.workers == 0 || options.workers > kWorkersMax) {
    return refuse_option("workers of a subscription", kWorkersMax, options.workers);
  }
  if (options.queue_events == 0) return refuse_option("queue of a subscription (at least)", 1, 0);
  if (options.retry.attempts == 0) return refuse_option("attempts of a subscription (at least)", 1, 0);
  return {};
}

}  // namespace

struct Subscription::Impl {
  consumers::Runner runner;
};

Result<Subscription> Store::subscribe(std::string_view name, const SubscriptionOptions& options,
                                      EventHandler handler) const {
  DAYBOOK_TRY(check(options, handler));
  auto progress = consumers::Progress::open(impl_->view(), *impl_->directory, name, options.consumer);
  if (!progress) return fail(progress.error());
  return Subscription(std::unique_ptr<Subscription::Impl>(
      new Subscription::Impl{consumers::Runner(impl_->view(), std::move(*progress), options, std::move(handler))}));
}

Result<Subscription> Store::subscribe(const SubscriptionOptions& options, EventHandler handler) const {
  DAYBOOK_TRY(check(options, handler));
  auto progress = consumers::Progress::open_unnamed(impl_->view(), options.consumer);
  if (!progress) return fail(progress.error());
  return Subscription(std::unique_ptr<Subscription::Impl>(
      new Subscription::Impl{consumers::Runner(impl_->view(), std::move(*progress), options, std::move(handler))}));
}

Subscription::Subscription(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Subscription::Subscription(Subscription&&) noexcept = default;
Subscription& Subscription::operator=(Subscription&& other) noexcept {
  if (this == &other) return *this;
  const Subscription before(std::move(*this));
  impl_ = std::move(other.impl_);
  return *this;
}
Subscription::~Subscription() {
  if (impl_ != nullptr && impl_->runner.forked()) (void)impl_.release();
}

Result<void> Subscription::stop() { return impl_->runner.stop(); }
void Subscription::pause() { impl_->runner.pause(); }
void Subscription::resume() { impl_->runner.resume(); }
Position Subscription::position() const { return impl_->runner.position(); }
Result<std::uint64_t> Subscription::lag() const { return impl_->runner.lag(); }
Result<void> Subscription::wait_for(Position position, std::chrono::nanoseconds timeout) const {
  return impl_->runner.wait_for(position, timeout);
}
std::optional<Error> Subscription::error() const { return impl_->runner.error(); }
std::vector<ParkedEvent> Subscription::parked() const { return impl_->runner.parked(); }
Result<ReplayReport> Subscription::replay_parked() { return impl_->runner.replay_parked(); }
Result<void> Subscription::discard_parked(Position position) { return impl_->runner.discard_parked(position); }

}  // namespace daybook
