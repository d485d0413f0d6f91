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

bool EventCursor::wait(std::chrono::nanoseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    if (left_ == 0) return false;
    LivePage* const live = segments_->live();
    const std::uint32_t ticket = live == nullptr ? 0 : live->announce();
    if (next_ != end_ || load() || error_) return true;
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) return false;
    if (live != nullptr) {
      live->sleep(ticket, left);
    } else {
      std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, std::chrono::milliseconds(10)));
    }
  }
}

}  // namespace daybook::log
