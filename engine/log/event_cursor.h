// What every cursor is: a row of events that are at hand, and a way to get more.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include <daybook/cursor.h>
#include <daybook/event.h>
#include <daybook/options.h>

#include "log/segment_set.h"

namespace daybook::log {

// Thread safety: none.
class EventCursor {
 public:
  EventCursor(std::shared_ptr<SegmentSet> segments, const ReadOptions& options);
  virtual ~EventCursor() = default;
  EventCursor(const EventCursor&) = delete;
  EventCursor& operator=(const EventCursor&) = delete;

  const EventView* next() {
    if (next_ == end_ && !refill()) return nullptr;
    return forward_ ? next_++ : --end_;
  }
  [[nodiscard]] const std::optional<Error>& error() const noexcept { return error_; }
  // Whether next() has something to return now, or an error to report.
  bool ready() { return next_ != end_ || refill() || error_.has_value(); }
  bool wait(std::chrono::nanoseconds timeout);
  // Ends the wait() that another thread is in, or else the next one. From any thread.
  void interrupt() noexcept;
  [[nodiscard]] ResumeToken token() const noexcept;
  // Keeps the bytes that the event returned last points to, also after the cursor has left their segment.
  [[nodiscard]] virtual std::shared_ptr<const void> pin() const = 0;

 protected:
  // Called when there are no events at hand: puts some between next_ and end_, ascending, of one segment, whose epoch is
  // in epoch_. False, and none are there: for now, or for good when there is an error.
  virtual bool load() = 0;

  bool failed(const Error& error) {
    error_ = error;
    return false;
  }

  const std::shared_ptr<SegmentSet> segments_;
  const bool forward_;
  Position after_;             // exclusive; raised by who knows more, before anything is loaded
  EventView* next_ = nullptr;  // forward, the next event to return
  EventView* end_ = nullptr;   // behind the last event; backward, behind the next one to return
  std::uint64_t epoch_ = 0;
  std::optional<Error> error_;

 private:
  bool refill();
  // Takes away what is outside the window and beyond the limit.
  void trim();

  const Position before_;  // exclusive; the largest number: none
  std::uint64_t left_;     // events still to be put at hand, at most
  std::atomic<bool> interrupted_ = false;

  // What token() is made of: the block at hand as it was, and what the blocks before it came to.
  const EventView* first_ = nullptr;
  const EventView* last_ = nullptr;
  std::uint64_t block_epoch_ = 0;
  ResumeToken token_;
};

// At its end from the start, for a reason.
class FailedCursor final : public EventCursor {
 public:
  FailedCursor(std::shared_ptr<SegmentSet> segments, const Error& error) : EventCursor(std::move(segments), {}) {
    error_ = error;
  }

 private:
  bool load() override { return false; }
  [[nodiscard]] std::shared_ptr<const void> pin() const override { return nullptr; }
};

}  // namespace daybook::log
