// How fast is a projection rebuilt, what does SQLite add, and how soon is an event in the state?
//
// Rebuilding: a log of a million events of two types among 1,000 streams is folded from the first event, on one thread. The
// floor, in rounds that alternate with it: a cursor over the same log that looks at type and payload of each event and does
// nothing with them, in the same order. `ratio` is the speed of the projection as a part of the speed of that. Time is
// processor time of the thread, here and for SQLite.
//
// SQLite: the same events into a table with a row per stream, in batches of 1,024, one commit each. The floor: the same
// statements in the same transactions, without projection; `savepoint_ns` is what a savepoint around each adds to that.
//
// Latency: an appender takes the time just before each append (in memory), at a steady rate; the projection takes it again
// when it has applied the event (in `apply`), and a reader when wait_for() has returned.
#include <chrono>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <benchmark/benchmark.h>

#include <daybook/sourcing.h>
#include <daybook/sourcing/json.h>
#include <daybook/sourcing/sqlite_projection.h>

#include "bench_scale.h"
#include "histogram.h"
#include "round.h"
#include "scratch.h"
#include "workload.h"

namespace daybook::bench {

struct RawDeposited {
  static constexpr EventType kEventType{.name = "MoneyDeposited"};
  std::int64_t cents = 0;
  std::int64_t at = 0;
};
struct RawWithdrawn {
  static constexpr EventType kEventType{.name = "MoneyWithdrawn"};
  std::int64_t cents = 0;
  std::int64_t at = 0;
};
struct JsonDeposited {
  static constexpr EventType kEventType{.name = "MoneyDeposited"};
  std::int64_t cents = 0;
  std::string method;
};
BOOST_DESCRIBE_STRUCT(JsonDeposited, (), (cents, method))
struct JsonWithdrawn {
  static constexpr EventType kEventType{.name = "MoneyWithdrawn"};
  std::int64_t cents = 0;
  std::string method;
};
BOOST_DESCRIBE_STRUCT(JsonWithdrawn, (), (cents, method))

}  // namespace daybook::bench

template <>
struct daybook::Codec<daybook::bench::RawDeposited> : daybook::RawCodec<daybook::bench::RawDeposited> {};
template <>
struct daybook::Codec<daybook::bench::RawWithdrawn> : daybook::RawCodec<daybook::bench::RawWithdrawn> {};

namespace daybook::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kEvents = 1'000'000;
constexpr std::uint64_t kStreams = 1'000;
constexpr ProjectorOptions kSeen{.visibility = Visibility::published};

// Processor time of this thread, which does all the work here: what others do to the machine is no part of it.
double cpu_seconds() {
  std::timespec time{};
  if (::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) stop({.code = Errc::io, .what = "clock_gettime"});
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

template <typename Event>
std::string encoded(std::uint64_t i) {
  Event event{.cents = static_cast<std::int64_t>(i % 10'000)};
  if constexpr (requires { event.method; }) event.method = i % 3 == 0 ? "card" : "transfer";
  std::string bytes;
  must(Codec<Event>::encode(event, bytes));
  return bytes;
}

template <typename Deposited, typename Withdrawn>
void write_events(Store& store, std::uint64_t events) {
  const StreamNames names(kStreams);
  for (std::uint64_t i = 0; i < events; ++i) {
    const std::string payload = i % 3 == 2 ? encoded<Withdrawn>(i) : encoded<Deposited>(i);
    const NewEvent event{.type = i % 3 == 2 ? Withdrawn::kEventType.name : Deposited::kEventType.name,
                         .payload = payload};
    must(store.append(names[i * 7 % kStreams], Expect::any(), {&event, 1}));
  }
}

// The least work that is one: a sum.
template <typename Deposited, typename Withdrawn>
struct Sum {
  static constexpr std::string_view kName = "sum";
  using Events = EventSet<Deposited, Withdrawn>;
  void apply(const Deposited& event) { cents += event.cents; }
  void apply(const Withdrawn& event) { cents -= event.cents; }
  std::int64_t cents = 0;
};

// And a usual one: a balance for each stream.
template <typename Deposited, typename Withdrawn>
struct Balances {
  static constexpr std::string_view kName = "balances";
  using Events = EventSet<Deposited, Withdrawn>;
  void apply(const Deposited& event, const EventView& at) { of(at.stream) += event.cents; }
  void apply(const Withdrawn& event, const EventView& at) { of(at.stream) -= event.cents; }

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
  };
  std::int64_t& of(std::string_view stream) {
    const auto found = cents.find(stream);
    return found != cents.end() ? found->second : cents[std::string(stream)];
  }
  std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>> cents;
};

double time_cursor(const Store& store, const Query& query) {
  const double start = cpu_seconds();
  Cursor cursor = store.read(query);
  std::uint64_t sum = 0;
  while (const EventView* const event = cursor.next()) {
    sum += event->type.size() + static_cast<std::uint8_t>(*event->payload.data());
  }
  if (const auto error = cursor.error()) stop(*error);
  benchmark::DoNotOptimize(sum);
  return cpu_seconds() - start;
}

template <typename State>
double time_fold(Store& store) {
  Projection<State> projection(store, {.snapshot_events = 0, .projector = kSeen});
  const double start = cpu_seconds();
  must(projection.catch_up());
  const double seconds = cpu_seconds() - start;
  if (projection.progress()->applied != kEvents) stop({.code = Errc::corrupt, .what = "events"});
  return seconds;
}

template <template <typename, typename> typename State, typename Deposited, typename Withdrawn>
void rebuild(benchmark::State& state) {
  const Scratch scratch;
  Store store = must(Store::open(scratch.store(), {.durability = Durability::memory}));
  write_events<Deposited, Withdrawn>(store, kEvents);
  const Query query{.items = {{.types = {"MoneyDeposited", "MoneyWithdrawn"}}}};
  std::vector<double> folds;
  std::vector<double> ratios;
  time_cursor(store, query);
  time_fold<State<Deposited, Withdrawn>>(store);
  for (auto _ : state) {
    for (std::uint64_t round = 0; round < 7 * scale(); ++round) {
      const double floor = time_cursor(store, query);
      folds.push_back(time_fold<State<Deposited, Withdrawn>>(store));
      ratios.push_back(floor / folds.back());
    }
    state.SetIterationTime(median(folds) / static_cast<double>(kEvents));
  }
  state.counters["events/s"] = static_cast<double>(kEvents) / median(folds);
  state.counters["ratio"] = median(ratios);
}
BENCHMARK(rebuild<Sum, RawDeposited, RawWithdrawn>)->Name("rebuild/raw/sum")->Iterations(1)->UseManualTime();
BENCHMARK(rebuild<Balances, RawDeposited, RawWithdrawn>)->Name("rebuild/raw/balances")->Iterations(1)->UseManualTime();
BENCHMARK(rebuild<Sum, JsonDeposited, JsonWithdrawn>)->Name("rebuild/json/sum")->Iterations(1)->UseManualTime();
BENCHMARK(rebuild<Balances, JsonDeposited, JsonWithdrawn>)
    ->Name("rebuild/json/balances")
    ->Iterations(1)
    ->UseManualTime();

struct AccountTable {
  static constexpr std::string_view kName = "accounts";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr const char* kSchema = "CREATE TABLE account (id TEXT PRIMARY KEY, cents INTEGER NOT NULL)";
  using Events = EventSet<RawDeposited, RawWithdrawn>;
  Result<void> apply(SqliteDatabase& db, const RawDeposited& event, const EventView& at) {
    return add(db, event.cents, at);
  }
  Result<void> apply(SqliteDatabase& db, const RawWithdrawn& event, const EventView& at) {
    return add(db, -event.cents, at);
  }
  static Result<void> add(SqliteDatabase& db, std::int64_t cents, const EventView& at) {
    return db.run("INSERT INTO account VALUES (?1, ?2) ON CONFLICT DO UPDATE SET cents = cents + ?2",
                  {at.stream, cents});
  }
};

// The floor: the same statements in the same transactions, with nothing around them.
double time_statements(const Store& store, const std::string& path, bool savepoints) {
  SqliteDatabase db = must(SqliteDatabase::open(path, SqliteDatabase::Open::read_write));
  must(db.run_script(AccountTable::kSchema));
  const double start = cpu_seconds();
  Cursor cursor = store.read();
  std::uint64_t i = 0;
  for (; const EventView* const event = cursor.next(); ++i) {
    if (i % kSeen.batch_events == 0) must(db.run("BEGIN IMMEDIATE"));
    if (savepoints) must(db.run("SAVEPOINT event"));
    std::int64_t cents = 0;
    std::memcpy(&cents, event->payload.data(), sizeof(cents));
    must(AccountTable::add(db, event->type == "MoneyDeposited" ? cents : -cents, *event));
    if (savepoints) must(db.run("RELEASE event"));
    if (i % kSeen.batch_events == kSeen.batch_events - 1) must(db.run("COMMIT"));
  }
  if (i % kSeen.batch_events != 0) must(db.run("COMMIT"));
  return cpu_seconds() - start;
}

void sqlite(benchmark::State& state) {
  constexpr std::uint64_t kRows = 200'000;
  const Scratch scratch;
  Store store = must(Store::open(scratch.store(), {.durability = Durability::memory}));
  write_events<RawDeposited, RawWithdrawn>(store, kRows);
  std::vector<double> folds;
  std::vector<double> ratios;
  std::vector<double> savepoints;  // what one of them costs
  for (auto _ : state) {
    for (std::uint64_t round = 0; round < 5 * scale(); ++round) {
      const std::string name = (scratch.path() / std::to_string(round)).string();
      const double floor = time_statements(store, name + ".floor.db", false);
      savepoints.push_back((time_statements(store, name + ".savepoints.db", true) - floor) /
                           static_cast<double>(kRows));
      SqliteProjection<AccountTable> projection(store, name + ".db", {.projector = kSeen});
      const double start = cpu_seconds();
      must(projection.catch_up());
      folds.push_back(cpu_seconds() - start);
      ratios.push_back(floor / folds.back());
    }
    state.SetIterationTime(median(folds) / static_cast<double>(kRows));
  }
  state.counters["events/s"] = static_cast<double>(kRows) / median(folds);
  state.counters["ratio"] = median(ratios);
  state.counters["savepoint_ns"] = median(savepoints) * 1e9;
}
BENCHMARK(sqlite)->Iterations(1)->UseManualTime();

std::int64_t now() { return Clock::now().time_since_epoch().count(); }

struct Latencies {
  static constexpr std::string_view kName = "latencies";
  using Events = EventSet<RawDeposited>;
  void apply(const RawDeposited& event) { histogram->record(static_cast<std::uint64_t>(now() - event.at)); }
  std::shared_ptr<Histogram> histogram = std::make_shared<Histogram>();
};

void latency(benchmark::State& state) {
  const auto rate = static_cast<std::uint64_t>(state.range(0));
  const bool waits = state.range(1) != 0;
  const std::chrono::nanoseconds interval(1'000'000'000 / rate);
  const Scratch scratch;
  Store store = must(Store::open(scratch.store(), {.durability = Durability::memory}));
  const auto waited = std::make_unique<Histogram>();
  std::shared_ptr<Histogram> applied;
  for (auto _ : state) {
    Projection<Latencies> projection(store, {.snapshot_events = 0, .projector = kSeen});
    must(projection.start());
    auto due = Clock::now();
    for (std::uint64_t i = 0; i < rate * scale(); ++i) {
      due += interval;
      if (due - Clock::now() > std::chrono::microseconds(100)) {
        std::this_thread::sleep_until(due - std::chrono::microseconds(60));
      }
      while (Clock::now() < due) {
      }
      const RawDeposited event{.cents = 1, .at = now()};
      const std::string_view bytes(reinterpret_cast<const char*>(&event), sizeof(event));
      const NewEvent stored{.type = RawDeposited::kEventType.name, .payload = bytes};
      const Appended appended = must(store.append("clock", Expect::any(), {&stored, 1}));
      if (!waits) continue;
      must(projection.wait_for(appended.last_position, std::chrono::seconds(10)));
      waited->record(static_cast<std::uint64_t>(now() - event.at));
    }
    must(projection.wait_for(store.published_position(), std::chrono::seconds(10)));
    applied = projection.read([](const Latencies& latencies) { return latencies.histogram; });
    const Histogram& shown = waits ? *waited : *applied;
    state.SetIterationTime(static_cast<double>(shown.percentile(0.5)) * 1e-9);
    state.counters["p50"] = static_cast<double>(shown.percentile(0.5));
    state.counters["p99"] = static_cast<double>(shown.percentile(0.99));
    state.counters["p99.9"] = static_cast<double>(shown.percentile(0.999));
    state.counters["max"] = static_cast<double>(shown.percentile(1));
  }
}
BENCHMARK(latency)
    ->ArgNames({"events_per_s", "waits"})
    ->Args({1'000, 0})
    ->Args({10'000, 0})
    ->Args({100'000, 0})
    ->Args({1'000, 1})
    ->Iterations(1)
    ->UseManualTime();

}  // namespace
}  // namespace daybook::bench
