// A log that is open for writing: the lock, the segments of this session, the threads behind them.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include <daybook/error.h>
#include <daybook/options.h>
#include <daybook/store.h>

#include "io/directory.h"
#include "log/appender.h"
#include "log/group_sync.h"
#include "log/head_source.h"
#include "log/indexed_history.h"
#include "log/indexer.h"
#include "log/log_index.h"
#include "log/log_state.h"
#include "log/past.h"
#include "log/recovery.h"
#include "log/sealer.h"
#include "log/segment_set.h"
#include "log/supplier.h"
#include "log/sync_env.h"

namespace daybook::log {

// Thread safety: all methods from any thread at any time, but close() and destruction, which come last.
class Writer {
 public:
  static Result<std::unique_ptr<Writer>> open(std::shared_ptr<io::Directory> store, const OpenOptions& options);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Result<Appended> append(std::span<StreamAppend> streams, std::span<AppendCondition> conditions,
                          Durability durability) noexcept;
  Result<void> sync(Position position) noexcept;

  [[nodiscard]] Point published() const noexcept { return state_.published(); }
  [[nodiscard]] Position durable_position() const noexcept {
    return state_.durable_position.load(std::memory_order_acquire);
  }
  Result<StreamHead> head(std::string_view stream) noexcept;

  [[nodiscard]] const std::shared_ptr<LogIndex>& index() const noexcept { return index_; }
  [[nodiscard]] const std::shared_ptr<SegmentSet>& readers() const noexcept { return readers_; }
  [[nodiscard]] const RecoveryReport& recovery() const noexcept { return report_; }
  // What appenders share and look into: for tests that bring their own.
  [[nodiscard]] LogState& state() noexcept { return state_; }
  [[nodiscard]] const Past& past() const noexcept { return past_; }

  Result<void> close() noexcept;

 private:
  Writer(std::shared_ptr<io::Directory> store, std::unique_ptr<io::Lock> lock, std::shared_ptr<SegmentSet> readers,
         const OpenOptions& options);

  Result<void> recover_and_begin(const OpenOptions& options);
  void learn_heads(const format::FrameHeader& frame, format::Word word) noexcept;
  Result<void> begin(const Recovered& recovered, const OpenOptions& options);
  segment::ActiveSegment* adopt(std::unique_ptr<segment::ActiveSegment> segment);
  [[nodiscard]] bool usable() const noexcept { return io::fork_generation() == fork_generation_; }
  Result<void> close_cleanly();
  Result<void> sync_to(std::uint64_t address) noexcept;

  const std::shared_ptr<io::Directory> store_;
  std::unique_ptr<io::Lock> lock_;  // null once closed
  const std::shared_ptr<SegmentSet> readers_;
  const std::shared_ptr<LogIndex> index_;
  const std::uint32_t fork_generation_;
  RecoveryReport report_;

  std::unique_ptr<HeadSource> unknown_heads_;
  LogState state_;
  std::mutex segments_mutex_;
  std::vector<std::unique_ptr<segment::ActiveSegment>> segments_;  // of this session; kept to the end

  std::optional<SyncEnv> sync_env_;
  std::optional<GroupSync<SyncEnv>> sync_;
  IndexedHistory history_;
  const Past past_;
  Appender<> appender_;
  std::unique_ptr<Sealer> sealer_;
  std::unique_ptr<Supplier> supplier_;
  std::unique_ptr<Indexer> indexer_;
  std::atomic<bool> regular_ = false;
  bool closed_ = false;
};

}  // namespace daybook::log
