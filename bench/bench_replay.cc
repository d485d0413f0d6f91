// How fast are events read back, against a bare CRC32C scan of the same bytes?
//
// Passes over the whole log alternate: the scan, a replay with verification, and one without; the medians count. The
// pages are in memory and mapped. Time is wall time per event; `ratio` is the speed of the replay as a part of the
// speed of the scan.
#include <chrono>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench_scale.h"
#include "round.h"
#include "written_log.h"

namespace daybook::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double time_scan(const MappedLog& log, std::uint64_t& bytes) {
  const auto start = Clock::now();
  const MappedLog::Scan scan = log.scan();
  benchmark::DoNotOptimize(scan.crc);
  bytes = scan.bytes;
  return seconds_since(start);
}

double time_replay(const Store& store, bool verify, std::uint64_t events) {
  const auto start = Clock::now();
  Cursor cursor = store.read({.verify = verify});
  std::uint64_t count = 0;
  std::uint64_t sum = 0;
  while (const EventView* const event = cursor.next()) {
    ++count;
    sum += event->version + event->stream.size() + static_cast<std::uint8_t>(*event->payload.data());
  }
  if (const auto error = cursor.error()) stop(*error);
  benchmark::DoNotOptimize(sum);
  if (count != events) stop({.code = Errc::corrupt, .what = "events", .expected = events, .actual = count});
  return seconds_since(start);
}

void replay(benchmark::State& state) {
  const auto payload = static_cast<std::uint64_t>(state.range(0));
  const auto batch = static_cast<std::uint64_t>(state.range(1));
  const bool verify = state.range(2) != 0;
  const std::uint64_t events = payload < 1'000 ? 1'000'000 : 500'000;

  const Scratch scratch;
  write_log(scratch, Workload(payload, 1'000, batch), events);
  const MappedLog log(scratch);
  const Store store = must(Store::open(scratch.store(), {.mode = Mode::read_only}));
  std::uint64_t bytes = 0;
  std::vector<double> replays;
  std::vector<double> ratios;
  time_scan(log, bytes);
  time_replay(store, verify, events);
  for (auto _ : state) {
    for (std::uint64_t round = 0; round < 7 * scale(); ++round) {
      const double floor = time_scan(log, bytes);
      replays.push_back(time_replay(store, verify, events));
      ratios.push_back(floor / replays.back());
    }
    state.SetIterationTime(median(replays) / static_cast<double>(events));
  }
  state.counters["events/s"] = static_cast<double>(events) / median(replays);
  state.counters["GB/s"] = static_cast<double>(bytes) / median(replays) * 1e-9;
  state.counters["floor_GB/s"] = static_cast<double>(bytes) / median(replays) / median(ratios) * 1e-9;
  state.counters["ratio"] = median(ratios);
}

BENCHMARK(replay)
    ->ArgNames({"payload", "batch", "verify"})
    ->ArgsProduct({{100, 1024}, {1, 100}, {1, 0}})
    ->Iterations(1)
    ->UseManualTime();

}  // namespace
}  // namespace daybook::bench
