// What does durability cost, against the device alone?
//
// Short rounds alternate: a raw loop (store a frame to one page of a file that was zeroed in 4 KiB writes, synced and
// mapped, then fdatasync), the given number of writers appending durably one event at a time, and a single writer. The
// medians count. `ratio` is the rate of the writers against the raw rate, `vs_one` against the single writer's. Time
// is wall time per append. In segment 1 the writers are behind what was zeroed when the store was made; from segment 2 on
// everything is. `dirty_KiB` is what an append of a single writer makes dirty, as the kernel counts it.
#include <chrono>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench_scale.h"
#include "round.h"
#include "workload.h"

namespace daybook::bench {
namespace {

constexpr std::chrono::milliseconds kRound{40};

class RawSync {
 public:
  RawSync(const Scratch& scratch, const Workload& workload)
      : file_(scratch, 64u << 20, PreparedFile::For::sync), frame_(workload.frame_size(), std::byte{1}) {}

  Pace round() {
    return run_round(1, kRound, [this](Worker& worker) {
      while (!worker.stop()) {
        // Frames go one behind the other, as in a log, but never over the edge of a page.
        if (at_ % 4096 + frame_.size() > 4096) at_ = (at_ / 4096 + 1) * 4096;
        if (at_ + frame_.size() > file_.bytes().size()) at_ = 0;
        std::memcpy(file_.bytes().data() + at_, frame_.data(), frame_.size());
        at_ += frame_.size();
        must(file_.file->sync());
        worker.add(1);
      }
    });
  }

 private:
  PreparedFile file_;
  const std::vector<std::byte> frame_;
  std::uint64_t at_ = 0;
};

class Writers {
 public:
  Writers(const Scratch& scratch, const Workload& workload, std::int64_t segment)
      : workload_(workload), store_(must(Store::open(scratch.store(), {.durability = Durability::sync}))) {
    if (segment == 1) {
      append_filler(store_, 48);
    } else {
      leave_first_segment(store_);
    }
    workload_.seed(store_);
    must(store_.sync());
  }

  Pace round(unsigned threads) {
    return run_round(threads, kRound, [&](Worker& worker) {
      Appends append(workload_, worker.index, threads);
      while (!worker.stop()) worker.add(append(store_));
    });
  }

 private:
  const Workload& workload_;
  Store store_;
};

// Whole folios of files; 0 where the kernel does not count.
std::uint64_t bytes_dirtied() {
  std::ifstream counts("/proc/self/io");
  std::uint64_t count = 0;
  for (std::string name; counts >> name >> count;) {
    if (name == "write_bytes:") return count;
  }
  return 0;
}

void sync(benchmark::State& state) {
  const auto threads = static_cast<unsigned>(state.range(0));
  const Workload workload(100, 1'000, 1);
  const Scratch scratch;
  RawSync raw(scratch, workload);
  Writers writers(scratch, workload, state.range(1));
  std::vector<double> raw_rates;
  std::vector<double> rates;
  std::vector<double> ratios;
  std::vector<double> against_one;
  std::vector<double> dirty;
  for (auto _ : state) {
    for (std::uint64_t round = 0; round < 25 * scale(); ++round) {
      raw_rates.push_back(raw.round().per_second());
      rates.push_back(writers.round(threads).per_second());
      ratios.push_back(rates.back() / raw_rates.back());
      const std::uint64_t before = bytes_dirtied();
      const Pace one = writers.round(1);
      dirty.push_back(static_cast<double>(bytes_dirtied() - before) / 1024 / one.units);
      against_one.push_back(rates.back() / one.per_second());
    }
    state.SetIterationTime(1 / median(rates));
  }
  state.counters["events/s"] = median(rates);
  state.counters["raw_syncs/s"] = median(raw_rates);
  state.counters["ratio"] = median(ratios);
  state.counters["vs_one"] = median(against_one);
  state.counters["dirty_KiB"] = median(dirty);
}

BENCHMARK(sync)
    ->ArgNames({"writers", "segment"})
    ->ArgsProduct({{1, 2, 8, 32}, {2}})
    ->Args({1, 1})
    ->Args({32, 1})
    ->Iterations(1)
    ->UseManualTime();

}  // namespace
}  // namespace daybook::bench
