// How long does open() take, after a clean close and after a kill, against the size of the log? And how long the first
// append to a stream that was not there?
//
// Opening for writing reads the footers of segments that were sealed or closed, and the frames of the others: after a
// kill that is one segment, or two. So it does not grow with the log. `scan_ms` is what a bare CRC32C scan of the whole
// log takes, timed in between: what opening does not do. `first_ms` is the append, which does: it has to know that the
// stream is new. The log is in the page cache, but for what recovery reads from the disk after a kill. Time is wall time
// per open.
#include <chrono>
#include <csignal>
#include <string>
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
  std::vector<double> scans;
  std::vector<double> firsts;
  for (auto _ : state) {
    for (std::uint64_t round = 0; round < 5 * scale(); ++round) {
      if (killed) kill_writer(scratch);
      const auto scan_start = Clock::now();
      benchmark::DoNotOptimize(MappedLog(scratch).scan().bytes);
      scans.push_back(seconds_since(scan_start));
      const auto start = Clock::now();
      Store store = must(Store::open(scratch.store(), {.durability = Durability::memory}));
      opens.push_back(seconds_since(start));
      if (store.recovery().unclean != killed) stop({.code = Errc::corrupt, .what = "how the log was left"});
      const auto first_start = Clock::now();
      must(store.append("new-" + std::to_string(round), Expect::no_stream(), {{.type = "First"}}));
      firsts.push_back(seconds_since(first_start));
      must(store.close());
    }
    state.SetIterationTime(median(opens));
  }
  state.counters["scan_ms"] = median(scans) * 1e3;
  state.counters["first_ms"] = median(firsts) * 1e3;
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
