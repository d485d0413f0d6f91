// The threads of a subscription.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <daybook/error.h>
#include <daybook/subscription.h>

#include "store/consumer_progress.h"
#include "store/consumer_reader.h"
#include "store/log_view.h"
#include "store/worker_window.h"

namespace daybook::consumers {

// Thread safety: all methods, from any thread.
class Runner {
 public:
  Runner(LogView log, std::shared_ptr<Progress> progress, const SubscriptionOptions& options, EventHandler handler);
  ~Runner();  // stops
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  Result<void> stop();
  void pause();
  void resume();
  [[nodiscard]] Position position() const noexcept { return progress_->position(); }
  [[nodiscard]] Result<std::uint64_t> lag() const {
    return lag_behind(log_, options_.consumer.query, progress_->position());
  }
  Result<void> wait_for(Position position, std::chrono::nanoseconds timeout);
  [[nodiscard]] std::optional<Error> error() const;
  [[nodiscard]] std::vector<ParkedEvent> parked() const { return progress_->parked(); }
  Result<ReplayReport> replay_parked();
  Result<void> discard_parked(Position position) { return progress_->unpark(position); }

  // A forked child: its threads are not there, and cannot be waited for.
  [[nodiscard]] bool forked() const noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  enum class Outcome : std::uint8_t {
    finished,  // handled or parked
    left,      // neither: the subscription ends
  };

  void run_alone();
  void run_reader();
  void run_worker(std::size_t number);
  // Gives the workers what was read. False: the subscription ends.
  bool hand_out();
  // Whatever is finished by now is acknowledged, by this thread or another. False: the subscription ends.
  bool acknowledge();
  // The next event; sleeps until there is one. Null: the subscription ends.
  const EventView* next();
  void at_end();
  Outcome handle(const EventView& event);
  // False: stopped meanwhile.
  bool sleep(std::chrono::nanoseconds delay);
  bool take_ack(const WorkerWindow::Prefix& prefix);
  // Whoever waits for a position looks at it again.
  void position_moved();

  void request_stop();
  void end_with(const Error& error);
  Result<void> wait_until_visible(Position position, Clock::time_point until);
  Result<void> timed_out(Position position) const;

  const LogView log_;
  const std::shared_ptr<Progress> progress_;
  const SubscriptionOptions options_;
  const EventHandler handler_;
  const std::uint32_t fork_generation_;
  Reader reader_;                          // of the thread that reads
  std::unique_ptr<WorkerWindow> window_;   // null: one worker, which reads itself
  std::vector<WorkerWindow::Entry> read_;  // and not handed out yet; of the thread that reads

  std::mutex acknowledging_;
  std::atomic<bool> finished_ = false;  // since somebody has begun to acknowledge

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> stopping_ = false;  // set under mutex_
  bool paused_ = false;
  std::optional<Error> error_;
  std::vector<log::EventCursor*> waiting_;  // of those who wait for an event to be there
  std::atomic<int> waiters_ = 0;            // for a position

  std::mutex replaying_;
  std::mutex joining_;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace daybook::consumers
