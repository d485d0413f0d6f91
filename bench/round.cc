#include "round.h"

#include <sys/resource.h>
#include <time.h>

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

std::int64_t cpu_ns_of_thread() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return used.tv_sec * 1'000'000'000 + used.tv_nsec;
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
  std::atomic<std::int64_t> cpu_ns = 0;
  std::vector<std::unique_ptr<Worker>> workers;
  for (unsigned i = 0; i < threads; ++i) workers.emplace_back(new Worker{.index = i, .stopped = stopped});

  Pace pace;
  {
    std::vector<std::jthread> running;
    for (const auto& worker : workers) {
      running.emplace_back([&work, &faults, &cpu_ns, &worker] {
        const std::uint64_t faults_before = faults_of_thread();
        const std::int64_t cpu_before = cpu_ns_of_thread();
        work(*worker);
        cpu_ns.fetch_add(cpu_ns_of_thread() - cpu_before);
        faults.fetch_add(faults_of_thread() - faults_before);
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
  const auto all = static_cast<double>(std::max<std::uint64_t>(sum(workers), 1));
  pace.faults = static_cast<double>(faults) / all;
  pace.cpu_ns = static_cast<double>(cpu_ns) / all;
  return pace;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace daybook::bench
