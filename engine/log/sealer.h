// The thread that finishes full segments: makes them durable, writes their footers, takes away the right to write. And
// that syncs now and then, for appends in Durability::interval.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "log/group_sync.h"
#include "log/log_state.h"
#include "log/recovery.h"
#include "log/sync_env.h"

namespace daybook::log {

// How a segment that this process wrote stands: from its words, and what recovery knew of the frames before.
segment::Prefix summarize(const segment::ActiveSegment& segment) noexcept;

class Sealer {
 public:
  // `sealed` is called with the number of each segment that has been sealed.
  Sealer(LogState& state, GroupSync<SyncEnv>& sync, std::chrono::milliseconds interval, segment::ActiveSegment& oldest,
         std::function<void(std::uint64_t)> sealed)
      : state_(state), sync_(sync), interval_(interval), sealed_(std::move(sealed)), next_to_seal_(&oldest) {}
  ~Sealer() { stop(); }
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  bool start() noexcept;
  // Seals what can be sealed, and ends.
  void stop() noexcept;

  void look();            // there may be something to seal
  void sync_regularly();  // from now on

  // Writes the footer of a segment that is durable to its end and has no more writers. Holds both turns.
  Result<void> finish(segment::ActiveSegment& segment, format::SegmentFooter::Kind kind);

 private:
  void run() noexcept;
  void seal_ready() noexcept;
  [[nodiscard]] bool ready(const segment::ActiveSegment& segment) const noexcept;

  LogState& state_;
  GroupSync<SyncEnv>& sync_;
  const std::chrono::milliseconds interval_;
  const std::function<void(std::uint64_t)> sealed_;
  segment::ActiveSegment* next_to_seal_;

  std::mutex mutex_;
  std::condition_variable work_;
  bool looking_ = false;
  bool regular_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace daybook::log
