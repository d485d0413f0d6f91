// Subscriptions: events are handed to a function, in threads of Daybook's.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <daybook/consumer.h>
#include <daybook/error.h>
#include <daybook/event.h>
#include <daybook/export.h>
#include <daybook/retry.h>
#include <daybook/types.h>

namespace daybook {

// Does something with an event. An error is retried, and then parked; an exception counts as an error. The view and its
// bytes are valid during the call.
using EventHandler = std::function<Result<void>(const EventView&)>;

struct SubscriptionOptions {
  ConsumerOptions consumer{};

  // Threads that run the handler. With more than one, the events of a stream go to one of them, so they are handled in
  // order; events of different streams are not.
  unsigned workers = 1;  // 1 .. 256

  // With several workers: how many events may be waiting for them or be in their hands. stop() waits for those.
  std::size_t queue_events = 1'024;

  // How often the handler is tried before an event is parked.
  RetryPolicy retry{.attempts = 5, .first_delay = std::chrono::milliseconds(10), .delay_max = std::chrono::seconds(1)};

  // false: when an event is parked, the later ones of its stream are handled all the same.
  // true: they are parked behind it, so that the order in the stream is kept.
  bool park_stream = false;

  // With so many events parked, the next one that would be is an error of the subscription, which then ends: what fails
  // is not the events. That event is seen again.
  std::size_t parked_max = 1'000;
};

// What became of parked events that were tried again.
struct ReplayReport {
  std::uint64_t done = 0;
  std::uint64_t failed = 0;  // parked as before, with one more attempt
  std::uint64_t left = 0;    // behind a failed one of the same stream: not tried, so that their order is kept
};

// Hands the events of a query to a handler, from where the name was left on, and goes on with those to come. Every event is
// handled at least once. What is acknowledged is the prefix of the log up to which every event is done or parked.
//
// Idle threads sleep; they wake when something is appended.
// Thread safety: all methods, from any thread; destruction comes last. From inside a handler, stop() only asks to stop, and
// neither the destructor nor replay_parked() may be called.
// Lifetime: a subscription may outlive its Store. Fork: a child must not use it; stop() fails there with Errc::closed.
class DAYBOOK_EXPORT Subscription {
 public:
  Subscription(Subscription&&) noexcept;
  Subscription& operator=(Subscription&&) noexcept;
  ~Subscription();  // stops

  // Begins no event but those that workers were given, waits for them, saves, and gives the name free. A pause between two
  // attempts ends at once; the event is seen again. The error is that of saving, or what had ended the subscription before.
  Result<void> stop();

  // No event begins from then on, but for those that workers were given. resume() goes on.
  void pause();
  void resume();

  // Everything up to here is done or parked.
  [[nodiscard]] Position position() const;
  // How many published events are behind position(): of those that match the query.
  [[nodiscard]] Result<std::uint64_t> lag() const;

  // Returns when position() has come to `position`, whether or not the query matches that event: Errc::timed_out, closed
  // (stopped meanwhile), or the error that has ended the subscription.
  Result<void> wait_for(Position position, std::chrono::nanoseconds timeout) const;

  // What has ended the subscription: damage to the log, a position or a parked event that could not be saved, or too many
  // parked events.
  [[nodiscard]] std::optional<Error> error() const;

  // The parked events, by position. Those of a subscription without a name are gone with it.
  [[nodiscard]] std::vector<ParkedEvent> parked() const;
  // Runs the handler once on each of them, in this thread; those that succeed are parked no more. Also while the subscription
  // runs: then with park_stream, what is parked behind them meanwhile is tried, too.
  Result<ReplayReport> replay_parked();
  // Gives a parked event up. not_found: it is not parked.
  Result<void> discard_parked(Position position);

 private:
  struct Impl;
  friend class Store;
  explicit Subscription(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook
