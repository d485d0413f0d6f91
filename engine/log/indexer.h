// The thread that writes the sidecars of sealed segments, and checkpoints over them. Nobody waits for a sidecar: without one an index is made in
// memory, by whoever asks.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include <daybook/error.h>

#include "log/checkpointer.h"
#include "log/log_index.h"

namespace daybook::log {

// Thread safety: want() from any thread; start() and stop() from one.
class Indexer {
 public:
  Indexer(std::shared_ptr<LogIndex> index, std::unique_ptr<Checkpointer> checkpointer) noexcept
      : index_(std::move(index)), checkpointer_(std::move(checkpointer)) {}
  ~Indexer() { stop(); }
  Indexer(const Indexer&) = delete;
  Indexer& operator=(const Indexer&) = delete;

  // False when the system has no thread to give. Begins with the sealed segments that have no sidecar.
  bool start() noexcept;
  // Leaves the sidecar that it was at for the next time.
  void stop() noexcept;

  // A segment has been sealed, or its sidecar is no good.
  void want(std::uint64_t segment);

  // The sidecar of a segment that was closed and is not full, for the next open: when that takes no time to speak of.
  static void write_closed(LogIndex& index, std::uint64_t segment);

 private:
  void run() noexcept;
  // True: sidecars are missing.
  bool find_missing();
  // `written` is the segment whose sidecar was written before, or 0. One that is in the way of a checkpoint is wanted; but not
  // for ever, if it is that one.
  void make_checkpoint(std::uint64_t written);
  // An error, of the disk mostly, leaves the segment without a sidecar until it is wanted again.
  Result<void> write(std::uint64_t segment);
  [[nodiscard]] bool stopping();

  const std::shared_ptr<LogIndex> index_;
  const std::unique_ptr<Checkpointer> checkpointer_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::set<std::uint64_t> wanted_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace daybook::log
