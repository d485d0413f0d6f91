// Group sync over real segments.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "log/log_state.h"
#include "log/segment_set.h"
#include "segment/atomics.h"

namespace daybook::log {

class SyncEnv {
 public:
  using Atomics = segment::StdAtomics;
  using Point = log::Point;

  SyncEnv(LogState& state, SegmentSet& readers, segment::ActiveSegment& oldest) noexcept
      : state_(state), readers_(readers), dirty_from_(&oldest) {}

  [[nodiscard]] Point published() const noexcept { return state_.published(); }
  [[nodiscard]] bool failed() const noexcept { return state_.failure.is_set(); }

  // Syncs every segment from the first that is not durable to the one of `point`, but that one only if there are frames
  // below the point, through the turn's own file descriptions. A failure ends the log.
  bool sync(std::size_t turn, const Point& point) noexcept;
  // Tells filling frames, readers of this process and of others.
  void moved(const Point& point) noexcept;

  void wait(const std::atomic<std::uint32_t>& turns, std::uint32_t seen) noexcept;
  void wake(const std::atomic<std::uint32_t>& turns) noexcept;

  // The oldest segment that may have something to sync. Whoever holds a turn may close that turn's file description of
  // an older one.
  [[nodiscard]] std::uint64_t dirty_from() const noexcept {
    return dirty_from_.load(std::memory_order_acquire)->number();
  }

 private:
  void advance_dirty(segment::ActiveSegment* to) noexcept;

  LogState& state_;
  SegmentSet& readers_;
  std::atomic<segment::ActiveSegment*> dirty_from_;
  std::atomic<std::int64_t> last_sync_ns_ = 100'000;  // how long a follower yields before it sleeps
  std::atomic<std::uint32_t> sleepers_ = 0;
};

}  // namespace daybook::log
