// What every cursor is: a row of events that are at hand, and a way to get more.
#pragma once

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
    if (left_ == 0 || (next_ == end_ && !load())) return nullptr;
    const EventView* const event = forward_ ? next_ : end_ - 1;
    if (event->position >= before_ || event->position <= after_) {
      left_ = 0;
      return nullptr;
    }
    forward_ ? ++next_ : --end_;
    --left_;
    token_.position = event->position;
    token_.epoch = epoch_;
    return event;
  }
  [[nodiscard]] const std::optional<Error>& error() const noexcept { return error_; }
  bool wait(std::chrono::nanoseconds timeout);
  [[nodiscard]] const ResumeToken& token() const noexcept { return token_; }

 protected:
  // Called when there are no events at hand: puts some between next_ and end_, of one segment, whose epoch is in epoch_.
  // False: there are none for now, or there is an error.
  virtual bool load() = 0;

  bool failed(const Error& error) {
    error_ = error;
    return false;
  }

  const std::shared_ptr<SegmentSet> segments_;
  const bool forward_;
  EventView* next_ = nullptr;  // forward, the next event to return
  EventView* end_ = nullptr;   // behind the last event; backward, behind the next one to return
  std::uint64_t epoch_ = 0;
  std::optional<Error> error_;

 private:
  const Position after_;   // exclusive bounds
  const Position before_;  // the largest number: none
  std::uint64_t left_;     // events still to be returned, at most
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
};

}  // namespace daybook::log
