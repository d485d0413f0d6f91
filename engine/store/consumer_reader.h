// The cursor of a consumer, and its acknowledgements.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include <daybook/consumer.h>
#include <daybook/error.h>
#include <daybook/event.h>

#include "log/event_cursor.h"
#include "store/consumer_progress.h"
#include "store/log_view.h"

namespace daybook::consumers {

// Thread safety: one thread, but for interrupt().
class Reader {
 public:
  Reader(LogView log, std::shared_ptr<Progress> progress, Query query, Visibility visibility);

  // The next event that is not parked.
  const EventView* next();
  [[nodiscard]] std::optional<Error> error() const { return cursor_->error(); }
  // Behind the event that was returned last, and what was skipped since.
  [[nodiscard]] ResumeToken token() const { return cursor_->token(); }
  // Keeps the bytes of that event.
  [[nodiscard]] std::shared_ptr<const void> pin() const { return cursor_->pin(); }

  // When next() has returned null, and nothing up to here will be returned any more, though the query has matched nothing
  // for a while: that place. A saved position that follows it is not far behind when the consumer is opened again, and
  // says truly how far the log was looked through.
  [[nodiscard]] std::optional<ResumeToken> passed();

  // As of Consumer.
  bool wait(std::chrono::nanoseconds timeout);
  // Of the cursor alone.
  bool sleep(std::chrono::nanoseconds timeout) { return cursor_->wait(timeout); }
  void interrupt() noexcept;
  Result<void> ack();
  Result<void> park(const Error& why);
  Result<void> save();
  Result<void> reset(const StartAt& start);
  Result<void> close();
  [[nodiscard]] ResumeToken acknowledged() const { return progress_->token(); }
  [[nodiscard]] Result<std::uint64_t> lag() const { return lag_behind(log_, query_, progress_->position()); }

 private:
  [[nodiscard]] std::unique_ptr<log::EventCursor> cursor_behind(Position position) const;
  void replace(std::unique_ptr<log::EventCursor> cursor);

  const LogView log_;
  const Query query_;
  const Visibility visibility_;
  const std::shared_ptr<Progress> progress_;
  bool closed_ = false;

  std::mutex replacing_;  // cursor_ itself: another thread may be interrupting it
  std::unique_ptr<log::EventCursor> cursor_;
  const EventView* last_ = nullptr;  // returned by next(); null when it is parked, or there is none
  std::uint64_t unacknowledged_ = 0;
};

}  // namespace daybook::consumers
