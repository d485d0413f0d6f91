// A thread that stops at a step of an append and goes on when it is told to: the appender's own test hook.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "log/appender.h"

namespace daybook::concurrency {

// Thread safety: one thread is frozen in it, another waits for that and thaws.
class Freezer {
 public:
  explicit Freezer(log::Step at, std::uint32_t passes = 0) : at_(at), passes_(passes) {}

  void reached(log::Step step) noexcept {
    if (step != at_ || done_) return;
    if (passes_ > 0) {
      --passes_;
      return;
    }
    done_ = true;
    frozen_.store(true);
    frozen_.notify_all();
    thawed_.wait(false);
  }
  void wait_until_frozen() const noexcept { frozen_.wait(false); }
  void thaw() noexcept {
    thawed_.store(true);
    thawed_.notify_all();
  }
  [[nodiscard]] bool was_frozen() const noexcept { return frozen_.load(); }

 private:
  const log::Step at_;
  std::uint32_t passes_;  // of the frozen thread
  bool done_ = false;     // of the frozen thread
  std::atomic<bool> frozen_ = false;
  std::atomic<bool> thawed_ = false;
};

// What the calling thread's appends report to; null = nothing.
inline thread_local Freezer* freezer = nullptr;

struct FreezeEnv : log::ProductionEnv {
  static void step(log::Step step) noexcept {
    if (freezer != nullptr) freezer->reached(step);
  }
};

using FreezingAppender = log::Appender<FreezeEnv>;

}  // namespace daybook::concurrency
