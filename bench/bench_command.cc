// What does a command cost: load an aggregate, decide, save one event?
//
// load: an aggregate of n JSON events of 60 bytes, warm, from its events alone ("none"), or with a snapshot every 100 events
// ("snapshot": what was saved last is at most 99 events behind; here 50). Among 1,000 aggregates in no order that a cache
// could guess (10 of 10,000 events). The floor is a read of the same stream that decodes nothing.
//
// command: Repository::update() on 1,000 aggregates that begin with 100 events each, in turn, one or eight threads (each has
// aggregates of its own), acknowledged in memory or synced: without snapshots, with one every 10 or 100 events, and with
// the cache.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <daybook/sourcing.h>
#include <daybook/sourcing/json.h>

#include "deposited.h"
#include "scratch.h"

namespace daybook::bench {

struct Opened {
  static constexpr EventType kEventType{.name = "AccountOpened"};
  std::string owner;
};
BOOST_DESCRIBE_STRUCT(Opened, (), (owner))

struct Account {
  static constexpr std::string_view kCategory = "account";
  using Events = EventSet<Opened, Deposited>;
  void apply(const Opened& event) { owner = event.owner; }
  void apply(const Deposited& event) { cents += event.cents; }

  std::string owner;
  std::int64_t cents = 0;
};
BOOST_DESCRIBE_STRUCT(Account, (), (owner, cents))

namespace {

Store open_store(const Scratch& scratch, Durability durability) {
  return must(Store::open(scratch.store(), {.durability = durability}));
}

// Saves `events` events for each of `count` aggregates, one round of 50 after the other, so that those of an aggregate do
// not lie side by side.
void fill(Store& store, std::uint64_t count, std::uint64_t events, const SnapshotPolicy& snapshots) {
  Repository<Account> accounts(store, {.snapshots = snapshots, .durability = Durability::memory});
  for (std::uint64_t done = 0; done < events; done += 50) {
    for (std::uint64_t i = 0; i < count; ++i) {
      must(accounts.update(std::to_string(i), [&](auto& account) {
        for (std::uint64_t n = done; n < std::min(done + 50, events); ++n) account.emit(deposit());
      }));
    }
  }
}

std::uint64_t aggregates(std::uint64_t events) { return events >= 10'000 ? 10 : 1'000; }

void load(benchmark::State& state, const SnapshotPolicy& snapshots) {
  const auto events = static_cast<std::uint64_t>(state.range(0));
  const std::uint64_t count = aggregates(events);
  const Scratch scratch;
  Store store = open_store(scratch, Durability::memory);
  // Ends half-way between two snapshots: 100-event aggregates are loaded from version 100 of 150.
  fill(store, count, snapshots.enabled() ? events + 50 : events, snapshots);
  Repository<Account> accounts(store, {.snapshots = snapshots});
  std::vector<std::string> ids;
  for (std::uint64_t i = 0; i < count; ++i) ids.push_back(std::to_string(i * 619 % count));
  for (const std::string& id : ids) benchmark::DoNotOptimize(must(accounts.load(id)));
  std::size_t n = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(must(accounts.load(ids[n])));
    n = n + 1 == ids.size() ? 0 : n + 1;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(load, none, SnapshotPolicy{})->ArgName("events")->Arg(10)->Arg(100)->Arg(10'000);
BENCHMARK_CAPTURE(load, snapshot, SnapshotPolicy{.every_events = 100})->ArgName("events")->Arg(100)->Arg(10'000);

void load_floor(benchmark::State& state) {
  const auto events = static_cast<std::uint64_t>(state.range(0));
  const std::uint64_t count = aggregates(events);
  const Scratch scratch;
  Store store = open_store(scratch, Durability::memory);
  fill(store, count, events, {});
  std::vector<std::string> streams;
  for (std::uint64_t i = 0; i < count; ++i) streams.push_back("account-" + std::to_string(i * 619 % count));
  std::size_t n = 0;
  std::uint64_t bytes = 0;
  for (auto _ : state) {
    Cursor cursor = store.read_stream(streams[n]);
    while (const EventView* event = cursor.next()) bytes += event->payload.size();
    n = n + 1 == streams.size() ? 0 : n + 1;
  }
  benchmark::DoNotOptimize(bytes);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(load_floor)->ArgName("events")->Arg(10)->Arg(100)->Arg(10'000);

// What the threads of one benchmark share.
struct Bank {
  Bank(const RepositoryOptions& options, Durability durability)
      : store(open_store(scratch, durability)), accounts(store, options) {
    fill(store, kAggregates, 100, options.snapshots);
  }

  static constexpr std::uint64_t kAggregates = 1'000;
  Scratch scratch;
  Store store;
  Repository<Account> accounts;
};
std::unique_ptr<Bank> bank;

void command(benchmark::State& state, const RepositoryOptions& options, Durability durability) {
  if (state.thread_index() == 0) bank = std::make_unique<Bank>(options, durability);
  const auto threads = static_cast<std::uint64_t>(state.threads());
  std::uint64_t next = static_cast<std::uint64_t>(state.thread_index());
  for (auto _ : state) {
    const auto done = bank->accounts.update(std::to_string(next), [](auto& account) -> Result<void> {
      if (account->cents < 0) return refuse("never");
      account.emit(deposit());
      return {};
    });
    if (!done) state.SkipWithError(describe(done.error()).c_str());
    next = (next + threads) % Bank::kAggregates;
  }
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) bank.reset();
}
// So many commands in all, because an aggregate grows by each: "none" is meant to stay near 100 events, and the others are
// to go through whole periods of their snapshots, so that those are half a period behind on average.
#define DAYBOOK_COMMAND_THREADS(name, durability, commands, threads, ...)                                 \
  BENCHMARK_CAPTURE(command, name##_##durability, RepositoryOptions{__VA_ARGS__}, Durability::durability) \
      ->Threads(threads)                                                                                  \
      ->Iterations((commands) / (threads))                                                                \
      ->UseRealTime()
#define DAYBOOK_COMMAND(name, commands, ...)                            \
  DAYBOOK_COMMAND_THREADS(name, memory, commands, 1, __VA_ARGS__);      \
  DAYBOOK_COMMAND_THREADS(name, memory, commands, 8, __VA_ARGS__);      \
  DAYBOOK_COMMAND_THREADS(name, sync, (commands) / 10, 1, __VA_ARGS__); \
  DAYBOOK_COMMAND_THREADS(name, sync, (commands) / 10, 8, __VA_ARGS__)
DAYBOOK_COMMAND(none, 10'000, .snapshots = {});
DAYBOOK_COMMAND(snapshot_100, 100'000, .snapshots = {.every_events = 100});
DAYBOOK_COMMAND(snapshot_10, 100'000, .snapshots = {.every_events = 10});
DAYBOOK_COMMAND(cached, 100'000, .snapshots = {.every_events = 100}, .cache = 1'000);

}  // namespace
}  // namespace daybook::bench
