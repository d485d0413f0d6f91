// How soon does another process see an event that was appended?
//
// A writer process appends at a steady rate, each event with the time (CLOCK_MONOTONIC) just before its append; this
// process waits in Cursor::wait() and takes the time again when it has the event. The floor, in the same run: two
// processes at the same rate that wake each other by a futex and nothing else, timed from just before the wake to
// being awake. Time is the median; `ratio` is one median against the other.
#include <sys/mman.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench_scale.h"
#include "histogram.h"
#include "io/futex.h"
#include "processes.h"
#include "workload.h"

namespace daybook::bench {
namespace {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC, the same in all processes
using Nanos = std::chrono::nanoseconds;

constexpr std::chrono::seconds kLost{10};

std::uint64_t now() { return static_cast<std::uint64_t>(Clock::now().time_since_epoch().count()); }

// Sleeps through long gaps and spins through short ones.
void wait_until(Clock::time_point due) {
  if (due - Clock::now() > std::chrono::microseconds(100)) {
    std::this_thread::sleep_until(due - std::chrono::microseconds(60));
  }
  while (Clock::now() < due) {
  }
}

// --- the floor: memory that two processes share

struct Court {
  std::atomic<std::uint32_t> ball = 0;       // counts strokes: even = the server's turn; a futex
  std::atomic<std::uint64_t> struck_at = 0;  // just before the last stroke
};

void await(Court& court, std::uint32_t stroke) {
  for (std::uint32_t ball; (ball = court.ball.load()) < stroke;) {
    io::futex_wait(reinterpret_cast<std::uint32_t&>(court.ball), ball, kLost);
  }
}

void strike(Court& court, std::uint32_t stroke) {
  court.struck_at.store(now());
  court.ball.store(stroke);
  io::futex_wake_all(reinterpret_cast<std::uint32_t&>(court.ball));
}

void play(Court& court, std::uint64_t rounds, Nanos interval, Histogram& histogram) {
  ChildProcess other([&] {
    for (std::uint32_t stroke = 1; stroke < 2 * rounds; stroke += 2) {
      await(court, stroke);
      strike(court, stroke + 1);
    }
  });
  auto due = Clock::now();
  for (std::uint32_t stroke = 1; stroke < 2 * rounds; stroke += 2) {
    due = std::max(due + interval, Clock::now());
    wait_until(due);
    strike(court, stroke);
    await(court, stroke + 1);
    histogram.record(now() - court.struck_at.load());
  }
}

// --- the log

void write_events(const Scratch& scratch, std::uint64_t events, Nanos interval, std::atomic<bool>& ready) {
  Store store = must(Store::open(scratch.store(), {.durability = Durability::memory}));
  ready = true;
  std::string payload = make_payload(100);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // until the reader waits
  auto due = Clock::now();
  for (std::uint64_t i = 0; i < events; ++i) {
    wait_until(due += interval);
    const std::uint64_t time = now();
    std::memcpy(payload.data(), &time, sizeof(time));
    const NewEvent event{.type = "Ticked", .payload = payload};
    must(store.append("clock", Expect::any(), {&event, 1}));
  }
}

struct Shared {
  Court court;
  std::atomic<bool> ready = false;  // the store is there
};

void read_events(const Scratch& scratch, std::uint64_t events, Histogram& histogram) {
  const Store store = must(Store::open(scratch.store(), {.mode = Mode::read_only}));
  Cursor cursor = store.read();
  for (std::uint64_t seen = 0; seen < events;) {
    if (const EventView* const event = cursor.next()) {
      std::uint64_t time;
      std::memcpy(&time, event->payload.data(), sizeof(time));
      histogram.record(now() - time);
      ++seen;
    } else if (const auto error = cursor.error()) {
      stop(*error);
    } else if (!cursor.wait(kLost)) {
      stop({.code = Errc::io, .what = "the writer appended nothing for 10 s", .expected = events, .actual = seen});
    }
  }
}

void tail(benchmark::State& state) {
  const auto rate = static_cast<std::uint64_t>(state.range(0));
  const Nanos interval(1'000'000'000 / rate);
  const std::uint64_t events = rate * scale();
  const std::uint64_t strokes = std::min<std::uint64_t>(events / 2, 20'000 * scale());

  const auto latency = std::make_unique<Histogram>();
  const auto floor = std::make_unique<Histogram>();
  for (auto _ : state) {
    void* const memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) stop({.code = Errc::io, .sys_errno = errno, .what = "mmap"});
    Shared& shared = *new (memory) Shared;
    const Scratch scratch;
    play(shared.court, strokes, interval, *floor);
    {
      ChildProcess writer([&] { write_events(scratch, events, interval, shared.ready); });
      while (!shared.ready) std::this_thread::yield();
      read_events(scratch, events, *latency);
    }
    ::munmap(memory, sizeof(Shared));
    state.SetIterationTime(static_cast<double>(latency->percentile(0.5)) * 1e-9);
  }
  const auto report = [&](const char* name, const Histogram& histogram, double part) {
    state.counters[name] = static_cast<double>(histogram.percentile(part));
  };
  report("p50", *latency, 0.5);
  report("p90", *latency, 0.9);
  report("p99", *latency, 0.99);
  report("p99.9", *latency, 0.999);
  report("max", *latency, 1);
  report("floor_p50", *floor, 0.5);
  report("floor_p99", *floor, 0.99);
  report("floor_p99.9", *floor, 0.999);
  state.counters["ratio"] = static_cast<double>(latency->percentile(0.5)) / static_cast<double>(floor->percentile(0.5));
}

BENCHMARK(tail)->ArgName("events_per_s")->Arg(1'000)->Arg(10'000)->Arg(100'000)->Iterations(1)->UseManualTime();

}  // namespace
}  // namespace daybook::bench
