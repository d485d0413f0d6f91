// How long does an append take, against copying and checksumming the same bytes?
//
// A benchmark alternates short rounds of appends and of its floor, so that drift of the machine hits both, and reports
// the medians. Time and floor_ns are wall time per event; `ratio` is one against the other. `cpu_ns` and `cpu_ratio` are
// the same by processor time of the appending threads: what an append costs, where `ratio` is how long it takes while
// other threads of the log, and other guests of the machine, want the same processors. In memory the floor copies each
// frame into populated memory and sums it up, on as many threads; durable, it does that on one thread and syncs the page
// (bench_sync compares rates).
//
// In memory a round begins when full segments are on the disk and have their sidecars, so that it measures appends and
// not the device, nor who gets a processor: appends as fast as they go fill segments faster than most devices take them, and
// faster than they are indexed. `flat_out` is what is left then: events per second over half a second without a break, in
// which full segments are written back and indexed all the time.
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench_scale.h"
#include "format/layout.h"
#include "round.h"
#include "store/store_access.h"
#include "workload.h"

namespace daybook::bench {
namespace {

constexpr std::uint64_t kRegion = 128u << 20;
constexpr double kStoreMax = 2e9;  // bytes in a store before a new one is begun

struct Setup {
  Durability durability;
  unsigned threads;
};

class Bench {
 public:
  Bench(const Workload& workload, const Setup& setup)
      : workload_(workload),
        setup_(setup),
        region_(scratch_, kRegion,
                setup.durability == Durability::sync ? PreparedFile::For::sync : PreparedFile::For::memory) {
    for (unsigned i = 0; i < setup.threads; ++i) appends_.emplace_back(workload, i, setup.threads);
    for (unsigned i = 0; i < floor_threads(); ++i) copies_.emplace_back(workload, region_.bytes(), i, floor_threads());
  }

  // With `settled`, nothing of earlier rounds is still on the way to the disk.
  Pace append(std::chrono::milliseconds time, bool settled) {
    if (!store_ || written_ > kStoreMax) renew();
    if (settled) settle();
    const Pace pace = run_round(setup_.threads, time, [this](Worker& worker) {
      Appends& append = appends_[worker.index];
      while (!worker.stop()) worker.add(append(*store_));
    });
    written_ += pace.units / static_cast<double>(workload_.batch()) * static_cast<double>(workload_.frame_size());
    return pace;
  }

  Pace floor(std::chrono::milliseconds time) {
    return run_round(floor_threads(), time, [this](Worker& worker) {
      FloorCopies& copy = copies_[worker.index];
      while (!worker.stop()) {
        copy();
        if (setup_.durability == Durability::sync) must(region_.file->sync());
        worker.add(workload_.batch());
      }
    });
  }

 private:
  // Syncing would do it, too, and write-protect the pages that were prepared for the next appends.
  void settle() {
    const log::LogState& state = StoreAccess::writer(*store_).state();
    const std::uint64_t active = state.publishing.load()->number();
    const auto sidecar = scratch_.store() / "segments" / format::sidecar_name(active - 1);
    while (format::Address::unpack(state.durable_floor.load()).segment < active ||
           (active > 1 && !std::filesystem::exists(sidecar))) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  [[nodiscard]] unsigned floor_threads() const { return setup_.durability == Durability::sync ? 1 : setup_.threads; }

  void renew() {
    store_.reset();
    std::filesystem::remove_all(scratch_.store());
    store_ = must(Store::open(scratch_.store(), {.durability = setup_.durability}));
    if (setup_.durability == Durability::sync) leave_first_segment(*store_);
    workload_.seed(*store_);
    written_ = 0;
  }

  const Workload& workload_;
  const Setup setup_;
  Scratch scratch_;
  PreparedFile region_;
  std::optional<Store> store_;
  double written_ = 0;
  std::vector<Appends> appends_;
  std::vector<FloorCopies> copies_;
};

void measure(benchmark::State& state, Durability durability) {
  const bool in_memory = durability == Durability::memory;
  const auto rounds = (in_memory ? 15 : 5) * scale();
  const Workload workload(static_cast<std::uint64_t>(state.range(0)), static_cast<std::uint64_t>(state.range(2)),
                          static_cast<std::uint64_t>(state.range(3)));
  Bench bench(workload, {durability, static_cast<unsigned>(state.range(1))});
  std::vector<double> append;
  std::vector<double> floor;
  std::vector<double> ratio;
  std::vector<double> faults;
  std::vector<double> cpu;
  std::vector<double> cpu_ratio;
  for (auto _ : state) {
    for (std::uint64_t i = 0; i < rounds; ++i) {
      const Pace least = bench.floor(std::chrono::milliseconds(in_memory ? 10 : 20));
      floor.push_back(least.ns_per_unit());
      const Pace pace = bench.append(std::chrono::milliseconds(in_memory ? 10 : 60), in_memory);
      append.push_back(pace.ns_per_unit());
      ratio.push_back(append.back() / floor.back());
      faults.push_back(pace.faults * 1'000);
      cpu.push_back(pace.cpu_ns);
      cpu_ratio.push_back(pace.cpu_ns / least.cpu_ns);
    }
    state.SetIterationTime(median(append) * 1e-9);
  }
  const double per_second = 1e9 / median(append);
  state.counters["events/s"] = per_second;
  state.counters["bytes/s"] = per_second * static_cast<double>(workload.frame_size() / workload.batch());
  state.counters["floor_ns"] = median(floor);
  state.counters["ratio"] = median(ratio);
  state.counters["cpu_ns"] = median(cpu);
  state.counters["cpu_ratio"] = median(cpu_ratio);
  state.counters["faults/1k"] = median(faults);
  if (in_memory) state.counters["flat_out"] = bench.append(std::chrono::milliseconds(500), false).per_second();
}

void append_memory(benchmark::State& state) { measure(state, Durability::memory); }
void append_sync(benchmark::State& state) { measure(state, Durability::sync); }

BENCHMARK(append_memory)
    ->ArgNames({"payload", "threads", "streams", "batch"})
    ->ArgsProduct({{100, 1024}, {1, 2, 8, 32}, {1'000, 100'000, 1'000'000}, {1, 100}})
    ->Iterations(1)
    ->UseManualTime();
BENCHMARK(append_sync)
    ->ArgNames({"payload", "threads", "streams", "batch"})
    ->ArgsProduct({{100, 1024}, {1, 2, 8, 32}, {1'000}, {1, 100}})
    ->Iterations(1)
    ->UseManualTime();

}  // namespace
}  // namespace daybook::bench
