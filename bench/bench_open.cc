// How long does open() take, after a clean close and after a kill, against the size of the log?
//
// Opening for writing scans the log: it verifies every frame and collects the stream heads. So it grows with the log,
// and its floor is a bare CRC32C scan of the same bytes, timed in between. The log is in the page cache. Time is wall
// time per open; `ratio` is that against the floor.
#include <chrono>
#include <csignal>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench_scale.h"
#include "processes.h"
#include "round.h"
#include "written_log.h"

namespace daybook::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// A writer that opens the store, appends one event and dies.
void kill_writer(const Scratch& scratch) {
  ChildProcess writer([&] {
    Store store = must(Store::open(scratch.store(), {.durability = Durability::memory}));
    must(store.append("last", Expect::any(), {{.type = "Killed"}}));
    (void)std::raise(SIGKILL);
  });
}

void open(benchmark::State& state, bool killed) {
  const auto size = static_cast<std::uint64_t>(state.range(0)) << 20;
  const Scratch scratch;
  const Workload workload(100, 100'000, 1);
  write_log(scratch, workload, size / workload.frame_size());
  std::vector<double> opens;
  std::vector<double> ratios;
  std::uint64_t bytes = 0;
  for (auto _ : state) {
    for (std::uint64_t round = 0; round < 5 * scale(); ++round) {
      if (killed) kill_writer(scratch);
      const auto scan_start = Clock::now();
      bytes = MappedLog(scratch).scan().bytes;
      const double floor = seconds_since(scan_start);
      const auto start = Clock::now();
      Store store = must(Store::open(scratch.store(), {.durability = Durability::memory}));
      opens.push_back(seconds_since(start));
      ratios.push_back(opens.back() / floor);
      if (store.recovery().unclean != killed) stop({.code = Errc::corrupt, .what = "how the log was left"});
      must(store.close());
    }
    state.SetIterationTime(median(opens));
  }
  state.counters["GB/s"] = static_cast<double>(bytes) / median(opens) * 1e-9;
  state.counters["floor_ms"] = median(opens) / median(ratios) * 1e3;
  state.counters["ratio"] = median(ratios);
}

void open_clean(benchmark::State& state) { open(state, false); }
void open_killed(benchmark::State& state) { open(state, true); }

BENCHMARK(open_clean)
    ->ArgName("MiB")
    ->Arg(1)
    ->Arg(64)
    ->Arg(256)
    ->Arg(1024)
    ->Iterations(1)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(open_killed)
    ->ArgName("MiB")
    ->Arg(1)
    ->Arg(64)
    ->Arg(256)
    ->Arg(1024)
    ->Iterations(1)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace daybook::bench
