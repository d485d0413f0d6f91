// One round of a benchmark: some threads do the same thing for a while, and what they got done is counted.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

namespace daybook::bench {

// What a thread of a round sees.
struct Worker {
  unsigned index = 0;
  const std::atomic<bool>& stopped;
  alignas(64) std::atomic<std::uint64_t> done = 0;  // units of work, e.g. events; written by this thread alone

  [[nodiscard]] bool stop() const noexcept { return stopped.load(std::memory_order_relaxed); }
  void add(std::uint64_t units) noexcept {
    done.store(done.load(std::memory_order_relaxed) + units, std::memory_order_relaxed);
  }
};

struct Pace {
  double units = 0;
  double seconds = 0;
  double faults = 0;  // page faults of the workers, per unit
  double cpu_ns = 0;  // processor time of the workers, per unit; of the whole round, with what gets it going

  [[nodiscard]] double ns_per_unit() const noexcept { return seconds * 1e9 / units; }
  [[nodiscard]] double per_second() const noexcept { return units / seconds; }
};

// Starts the threads, lets them get going, and counts what they do in `time`. `work` returns soon after stop().
Pace run_round(unsigned threads, std::chrono::milliseconds time, const std::function<void(Worker&)>& work);

double median(std::vector<double> values);

}  // namespace daybook::bench
