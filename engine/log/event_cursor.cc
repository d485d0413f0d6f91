#include "log/event_cursor.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace daybook::log {
namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

}  // namespace

EventCursor::EventCursor(std::shared_ptr<SegmentSet> segments, const ReadOptions& options)
    : segments_(std::move(segments)),
      forward_(options.direction == Direction::forward),
      after_(options.after),
      before_(options.before == 0 ? kNoLimit : options.before),
      left_(options.limit == 0 ? kNoLimit : options.limit) {
  token_.log = segments_->log();
  if (forward_) token_.position = options.after;
}

bool EventCursor::refill() {
  token_ = token();
  // What comes before the window may fill more than one block.
  while (left_ > 0 && load()) {
    trim();
    if (next_ != end_) break;
  }
  first_ = next_;
  last_ = end_;
  block_epoch_ = epoch_;
  return next_ != end_;
}

void EventCursor::trim() {
  bool over = false;
  for (; next_ != end_ && (end_ - 1)->position >= before_; --end_) over = over || forward_;
  for (; next_ != end_ && next_->position <= after_; ++next_) over = over || !forward_;
  const auto count = static_cast<std::uint64_t>(end_ - next_);
  if (count > left_) (forward_ ? end_ : next_) = forward_ ? next_ + left_ : end_ - left_;
  left_ = over || count >= left_ ? 0 : left_ - count;
}

ResumeToken EventCursor::token() const noexcept {
  const EventView* const returned =
      forward_ ? (next_ == first_ ? nullptr : next_ - 1) : (end_ == last_ ? nullptr : end_);
  if (returned == nullptr) return token_;
  return {.log = token_.log, .epoch = block_epoch_, .position = returned->position};
}

bool EventCursor::wait(std::chrono::nanoseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    if (next_ == end_ && left_ == 0) return false;
    LivePage* const live = segments_->live();
    const std::uint32_t ticket = live == nullptr ? 0 : live->announce();
    // Looked at between the announcement and the sleep, as what was published is: interrupt() is not missed either.
    if (interrupted_.exchange(false)) return false;
    if (ready()) return true;
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) return false;
    if (live != nullptr) {
      live->sleep(ticket, left);
    } else {
      std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, std::chrono::milliseconds(10)));
    }
  }
}

void EventCursor::interrupt() noexcept {
  interrupted_.store(true);
  if (LivePage* const live = segments_->live()) live->interrupt();
}

}  // namespace daybook::log
