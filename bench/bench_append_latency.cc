// How long does one append take, from the median to the worst of a million?
//
// Every append in memory is timed with the time stamp counter; the clock's own share (context: clock_overhead_ns) is
// part of every value. `closed` threads append back to back: a stall is counted once, however many appends it held up.
// `paced` threads follow a time table, and an append's latency begins when it was due: nothing is omitted, and a thread
// that is not scheduled in time counts. The floor is the same copy and checksum of the same bytes as in bench_append,
// timed the same way in rounds in between, on as many threads: its tail is what the machine does to any program.
// Time is the median.
#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench_scale.h"
#include "cycle_clock.h"
#include "histogram.h"
#include "round.h"
#include "workload.h"

namespace daybook::bench {
namespace {

constexpr std::uint64_t kPayload = 100;
constexpr std::uint64_t kStreams = 1'000;
constexpr std::uint64_t kRegion = 128u << 20;
constexpr double kPacedPerSecond = 200'000;  // all threads together: a few per cent of what the log takes

// Times `work` back to back until the round ends.
template <typename Work>
void time_closed(Worker& worker, Histogram& histogram, Work work) {
  while (!worker.stop()) {
    const std::uint64_t before = begin_ticks();
    work();
    histogram.record(end_ticks() - before);
    worker.add(1);
  }
}

// One every `interval` ticks, each timed from when it was due.
template <typename Work>
void time_paced(Worker& worker, Histogram& histogram, std::uint64_t interval, bool alone, Work work) {
  std::uint64_t due = begin_ticks() + interval;
  while (!worker.stop()) {
    if (begin_ticks() < due) {
      // More threads than processors: whoever waits must let the others run.
      if (!alone) std::this_thread::yield();
      continue;
    }
    work();
    histogram.record(end_ticks() - due);
    worker.add(1);
    due += interval;
  }
}

class Bench {
 public:
  explicit Bench(unsigned threads)
      : threads_(threads),
        workload_(kPayload, kStreams, 1),
        region_(scratch_, kRegion, PreparedFile::For::memory),
        store_(must(Store::open(scratch_.store(), {.durability = Durability::memory}))) {
    workload_.seed(*store_);
  }

  void append(std::chrono::milliseconds time, bool paced, Histogram& all) {
    if (written_ > 2e9) renew();
    written_ += static_cast<double>(workload_.frame_size()) * run(time, paced, all, [this](unsigned thread) {
                  return [this, append = Appends(workload_, thread, threads_)]() mutable { append(*store_); };
                });
  }

  void floor(std::chrono::milliseconds time, bool paced, Histogram& all) {
    run(time, paced, all, [this](unsigned thread) {
      return [copy = FloorCopies(workload_, region_.bytes(), thread, threads_)]() mutable { copy(); };
    });
  }

 private:
  template <typename MakeWork>
  double run(std::chrono::milliseconds time, bool paced, Histogram& all, MakeWork make_work) {
    const auto interval = static_cast<std::uint64_t>(1e9 * ticks_per_ns() * threads_ / kPacedPerSecond);
    const bool alone = threads_ <= std::thread::hardware_concurrency();
    std::mutex mutex;  // guards `all`
    const Pace pace = run_round(threads_, time, [&](Worker& worker) {
      const auto histogram = std::make_unique<Histogram>();
      if (paced) {
        time_paced(worker, *histogram, interval, alone, make_work(worker.index));
      } else {
        time_closed(worker, *histogram, make_work(worker.index));
      }
      const std::lock_guard lock(mutex);
      all.add(*histogram);
    });
    return pace.units;
  }

  void renew() {
    store_.reset();
    std::filesystem::remove_all(scratch_.store());
    store_ = must(Store::open(scratch_.store(), {.durability = Durability::memory}));
    workload_.seed(*store_);
    written_ = 0;
  }

  const unsigned threads_;
  const Workload workload_;
  Scratch scratch_;
  PreparedFile region_;
  std::optional<Store> store_;
  double written_ = 0;
};

double nanoseconds(const Histogram& histogram, double part) {
  return static_cast<double>(histogram.percentile(part)) / ticks_per_ns();
}

void measure(benchmark::State& state, bool paced) {
  Bench bench(static_cast<unsigned>(state.range(0)));
  const auto append = std::make_unique<Histogram>();
  const auto floor = std::make_unique<Histogram>();
  for (auto _ : state) {
    for (std::uint64_t round = 0; round < 5 * scale(); ++round) {
      bench.floor(std::chrono::milliseconds(100), paced, *floor);
      bench.append(std::chrono::milliseconds(200), paced, *append);
    }
    state.SetIterationTime(nanoseconds(*append, 0.5) * 1e-9);
  }
  state.counters["appends"] = static_cast<double>(append->count());
  state.counters["p50"] = nanoseconds(*append, 0.5);
  state.counters["p90"] = nanoseconds(*append, 0.9);
  state.counters["p99"] = nanoseconds(*append, 0.99);
  state.counters["p99.9"] = nanoseconds(*append, 0.999);
  state.counters["p99.99"] = nanoseconds(*append, 0.9999);
  state.counters["max"] = static_cast<double>(append->max()) / ticks_per_ns();
  state.counters["floor_p50"] = nanoseconds(*floor, 0.5);
  state.counters["floor_p99.9"] = nanoseconds(*floor, 0.999);
  state.counters["floor_p99.99"] = nanoseconds(*floor, 0.9999);
  state.counters["floor_max"] = static_cast<double>(floor->max()) / ticks_per_ns();
  state.counters["ratio"] = nanoseconds(*append, 0.5) / nanoseconds(*floor, 0.5);
}

void latency_closed(benchmark::State& state) { measure(state, false); }
void latency_paced(benchmark::State& state) { measure(state, true); }

BENCHMARK(latency_closed)->ArgName("threads")->Arg(1)->Arg(2)->Arg(8)->Arg(32)->Iterations(1)->UseManualTime();
BENCHMARK(latency_paced)->ArgName("threads")->Arg(1)->Arg(2)->Arg(8)->Arg(32)->Iterations(1)->UseManualTime();

}  // namespace
}  // namespace daybook::bench
