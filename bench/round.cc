#include "round.h"

#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <thread>

namespace daybook::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kWarmUp{3};

std::uint64_t faults_of_thread() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return static_cast<std::uint64_t>(usage.ru_minflt + usage.ru_majflt);
}

std::uint64_t sum(const std::vector<std::unique_ptr<Worker>>& workers) {
  std::uint64_t units = 0;
  for (const auto& worker : workers) units += worker->done.load(std::memory_order_relaxed);
  return units;
}

}  // namespace

Pace run_round(unsigned threads, std::chrono::milliseconds time, const std::function<void(Worker&)>& work) {
  std::atomic<bool> stopped = false;
  std::atomic<std::uint64_t> faults = 0;
  std::vector<std::unique_ptr<Worker>> workers;
  for (unsigned i = 0; i < threads; ++i) workers.emplace_back(new Worker{.index = i, .stopped = stopped});

  Pace pace;
  {
    std::vector<std::jthread> running;
    for (const auto& worker : workers) {
      running.emplace_back([&work, &faults, &worker] {
        const std::uint64_t before = faults_of_thread();
        work(*worker);
        faults.fetch_add(faults_of_thread() - before);
      });
    }
    std::this_thread::sleep_for(kWarmUp);
    const std::uint64_t units_before = sum(workers);
    const auto start = Clock::now();
    std::this_thread::sleep_for(time);
    pace.units = static_cast<double>(sum(workers) - units_before);
    pace.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    stopped = true;
  }
  pace.faults = static_cast<double>(faults) / static_cast<double>(std::max<std::uint64_t>(sum(workers), 1));
  return pace;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace daybook::bench
