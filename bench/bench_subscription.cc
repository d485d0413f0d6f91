// What do consumers and subscriptions cost, above a cursor?
//
// catch_up: a store of events is read from its beginning, by a cursor, by a consumer that acknowledges every event, and by
// subscriptions with 1 and 4 workers whose handler adds up bytes. Events per second; the cursor is the floor.
// latency: an append in memory to a subscription that has caught up, at a steady rate: from just before the append to the
// first line of the handler, in the same process. Time is the median; the rest are counters, in ns.
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <span>
#include <thread>

#include <benchmark/benchmark.h>

#include <daybook/consumer.h>
#include <daybook/subscription.h>

#include "bench_scale.h"
#include "histogram.h"
#include "scratch.h"
#include "workload.h"
#include "written_log.h"

namespace daybook::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kLost{60};

std::uint64_t now() { return static_cast<std::uint64_t>(Clock::now().time_since_epoch().count()); }

constexpr std::uint64_t kEvents = 1'000'000;

// Written once, read by all.
const Scratch& written() {
  static const Scratch* const scratch = [] {
    const auto made = new Scratch;  // lives as long as the program
    write_log(*made, Workload(100, 1'000, 1), kEvents);
    return made;
  }();
  return *scratch;
}

void catch_up_cursor(benchmark::State& state) {
  const Store store = must(Store::open(written().store(), {.mode = Mode::read_only}));
  std::uint64_t bytes = 0;
  for (auto _ : state) {
    Cursor cursor = store.read();
    while (const EventView* const event = cursor.next()) bytes += event->payload.size();
  }
  benchmark::DoNotOptimize(bytes);
  state.SetItemsProcessed(static_cast<std::int64_t>(kEvents) * state.iterations());
}

void catch_up_consumer(benchmark::State& state) {
  const Store store = must(Store::open(written().store(), {.mode = Mode::read_only}));
  std::uint64_t bytes = 0;
  for (auto _ : state) {
    Consumer consumer = must(store.consumer("bench", {.reset = StartAt::beginning()}));
    while (const EventView* const event = consumer.next()) {
      bytes += event->payload.size();
      must(consumer.ack());
    }
  }
  benchmark::DoNotOptimize(bytes);
  state.SetItemsProcessed(static_cast<std::int64_t>(kEvents) * state.iterations());
}

void catch_up_subscription(benchmark::State& state) {
  const Store store = must(Store::open(written().store(), {.mode = Mode::read_only}));
  const Position end = store.published_position();
  std::atomic<std::uint64_t> bytes = 0;
  for (auto _ : state) {
    SubscriptionOptions options{.workers = static_cast<unsigned>(state.range(0))};
    options.consumer.reset = StartAt::beginning();
    Subscription subscription = must(store.subscribe("bench", options, [&](const EventView& event) -> Result<void> {
      bytes.fetch_add(event.payload.size(), std::memory_order_relaxed);
      return {};
    }));
    must(subscription.wait_for(end, kLost));
    must(subscription.stop());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(kEvents) * state.iterations());
}

void latency(benchmark::State& state) {
  const auto interval = std::chrono::nanoseconds(1'000'000'000 / state.range(0));
  const std::uint64_t events = static_cast<std::uint64_t>(state.range(0)) * scale();
  const auto histogram = std::make_unique<Histogram>();
  for (auto _ : state) {
    const Scratch scratch;
    Store store = must(Store::open(scratch.store(), {.durability = Durability::memory}));
    SubscriptionOptions options;
    options.consumer.visibility = Visibility::published;
    Subscription subscription = must(store.subscribe("bench", options, [&](const EventView& event) -> Result<void> {
      std::uint64_t time;
      std::memcpy(&time, event.payload.data(), sizeof(time));
      histogram->record(now() - time);
      return {};
    }));
    auto due = Clock::now();
    for (std::uint64_t i = 0; i < events; ++i, due += interval) {
      std::this_thread::sleep_until(due);
      const std::uint64_t time = now();
      const NewEvent event{.type = "Tick", .payload = std::as_bytes(std::span(&time, 1))};
      must(store.append("clock", Expect::any(), {&event, 1}));
    }
    must(subscription.wait_for(events, kLost));
    must(subscription.stop());
    state.SetIterationTime(static_cast<double>(histogram->percentile(0.5)) * 1e-9);
  }
  for (const auto& [name, part] :
       {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1.0}}) {
    state.counters[name] = static_cast<double>(histogram->percentile(part));
  }
}

BENCHMARK(catch_up_cursor)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(catch_up_consumer)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(catch_up_subscription)->ArgName("workers")->Arg(1)->Arg(4)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(latency)->ArgName("events_per_s")->Arg(1'000)->Arg(10'000)->Iterations(1)->UseManualTime();

}  // namespace
}  // namespace daybook::bench
