// What does a question to the log cost, by index and with everything in memory: the events of a stream, counts, first
// pages, the head of a stream, and an append that depends on there being no such event?
//
// 2,000,000 events (10,000,000 with --scale=5 or more) of 100 bytes, each a frame of its own, in segments that all have
// their sidecars. 200 types; three tags for each event, carried by 1e-1 of the events down to 1e-6; one stream for ten
// events, uniform or, zipf:1, as 1/rank; and 1,000 streams of exactly 100 events each, spread over the log. Answers are
// compared with what was written. Different keys are asked for in turn.
//
// The floor of everything that returns events: a bare load of the first four cache lines of the same frames, in the same
// order, through another mapping; where the events of a stream are read with their checksums, a bare CRC32C of the frames,
// each asked for eight frames ahead. Rounds of both alternate; `ratio` compares them round by round. The floor of a
// conditional append is the same append without its condition. Counting touches no event, and has no floor here.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench_scale.h"
#include "format/checksum.h"
#include "format/frame.h"
#include "round.h"
#include "written_log.h"

namespace daybook::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kTypes = 200;
constexpr std::size_t kRegions = 10;
constexpr std::size_t kLevels = 6;  // level:n is carried by 10^-n of the events
constexpr std::size_t kLongStreams = 1'000;
constexpr std::size_t kLongSize = 100;  // events in each of those
constexpr std::size_t kPage = 100;
constexpr std::size_t kLonelyRegion = 3;  // of these events, one in a million comes from the web
constexpr std::size_t kWebRegion = 4;     // of these, all do

std::uint64_t events_of_run() { return scale() >= 5 ? 10'000'000 : 2'000'000; }

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// --- what is written

// SplitMix64.
class Random {
 public:
  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t n) noexcept { return next() % n; }
  double part() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; }  // 0 <= part < 1

 private:
  std::uint64_t state_ = 1;
};

std::vector<std::string> names(const std::string& prefix, std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(prefix + std::to_string(i));
  return all;
}

std::string long_stream(std::size_t index) { return "long-" + std::to_string(index); }

// How often things were written: what counts must come to.
struct Written {
  std::array<std::uint64_t, kTypes> types{};
  std::array<std::array<std::uint64_t, kLevels + 1>, kRegions> levels{};  // of each region
  std::uint64_t shop_and_level_1 = 0;
  std::uint64_t lonely_and_web = 0;
};

class EventSource {
 public:
  EventSource(std::uint64_t events, bool zipf)
      : zipf_(zipf),
        long_every_(events / (kLongStreams * kLongSize)),
        streams_(events / 10),
        types_(names("Type", kTypes)),
        regions_(names("region:", kRegions)),
        levels_(names("level:", kLevels + 1)),
        shops_(names("shop:", 1'000)),
        customers_(names("customer:", events / 20)),
        long_streams_(names("long-", kLongStreams)) {}

  // Views of the source.
  struct Event {
    std::string_view stream;
    std::string_view type;
    std::array<std::string_view, 3> tags;
  };
  Event next(Written& written) {
    const std::uint64_t number = number_++;
    const std::size_t type = random_.below(kTypes);
    const bool meeting = number % 1'000'000 == 13;
    const std::size_t region = meeting ? kLonelyRegion : random_.below(kRegions);
    const std::size_t level = random_level();
    const bool web = meeting || region == kWebRegion;
    Event event{.stream = stream(number), .type = types_[type], .tags = {regions_[region], {}, {}}};
    event.tags[1] = level != 0 ? std::string_view(levels_[level]) : shops_[random_.below(shops_.size())];
    if (web) {
      event.tags[2] = "channel:web";
    } else {
      event.tags[2] = level == 1 ? std::string_view("channel:shop") : customers_[random_.below(customers_.size())];
    }
    ++written.types[type];
    ++written.levels[region][level];
    written.shop_and_level_1 += level == 1 && !web;
    written.lonely_and_web += region == kLonelyRegion && web;
    return event;
  }

 private:
  std::string_view stream(std::uint64_t number) {
    if (number % long_every_ == 0) return long_streams_[number / long_every_ % kLongStreams];
    if (!zipf_) return streams_[random_.below(streams_.size())];
    const double rank = std::pow(static_cast<double>(streams_.size()), random_.part());  // as often as 1 / rank
    return streams_[static_cast<std::uint64_t>(rank) - 1];
  }
  std::size_t random_level() {
    double part = random_.part();
    double step = 0.1;
    for (std::size_t level = 1; level <= kLevels; ++level, step /= 10) {
      if (part < step) return level;
      part -= step;
    }
    return 0;
  }

  const bool zipf_;
  const std::uint64_t long_every_;
  const StreamNames streams_;
  const std::vector<std::string> types_;
  const std::vector<std::string> regions_;
  const std::vector<std::string> levels_;
  const std::vector<std::string> shops_;
  const std::vector<std::string> customers_;
  const std::vector<std::string> long_streams_;
  std::uint64_t number_ = 0;
  Random random_;
};

// --- the store that is asked

// All events but those of the last segment have sidecars of the indexer; the last one gets its own by the close. It is
// then opened again, so that nothing of it is known but by index.
class Asked {
 public:
  explicit Asked(bool zipf) : events_(events_of_run()), source_(events_, zipf) {
    {
      Store store = must(Store::open(scratch_.store(), kOptions));
      for (std::uint64_t i = 0; i < events_; ++i) append(store, source_.next(written_));
      must(store.sync());
      wait_for_sidecars(store);
      if (must(store.count({})) != events_) stop({.code = Errc::corrupt, .what = "events written"});
      must(store.close());
    }
    for (const auto& entry : fs::directory_iterator(segments())) {
      if (entry.path().extension() != ".idx") continue;
      index_bytes_ += entry.file_size();
      ++segment_count_;
    }
    log_ = std::make_unique<MappedLog>(scratch_);
    frames_ = log_->frames();
    if (frames_.size() != events_) stop({.code = Errc::corrupt, .what = "frames written"});
    store_.emplace(must(Store::open(scratch_.store(), kOptions)));
  }

  [[nodiscard]] Store& store() noexcept { return *store_; }
  [[nodiscard]] const Written& written() const noexcept { return written_; }
  [[nodiscard]] std::size_t segment_count() const { return segment_count_; }
  [[nodiscard]] double index_bytes_per_event() const noexcept {
    return static_cast<double>(index_bytes_) / static_cast<double>(events_);
  }

  // Events like those that are there.
  std::vector<EventSource::Event> more(std::size_t count) {
    Written ignored;
    std::vector<EventSource::Event> events;
    for (std::size_t i = 0; i < count; ++i) events.push_back(source_.next(ignored));
    return events;
  }

  // Under a condition if there is one.
  Position append(Store& store, const EventSource::Event& event, const AppendCondition* condition = nullptr) const {
    const NewEvent made{.type = event.type, .payload = payload_, .tags = std::span<const std::string_view>(event.tags)};
    const auto appended = condition == nullptr
                              ? store.append(event.stream, Expect::any(), std::span(&made, 1))
                              : store.append(event.stream, Expect::any(), std::span(&made, 1), *condition);
    return must(appended).last_position;
  }

  using Frames = std::vector<const std::byte*>;
  [[nodiscard]] Frames frames_of(const std::vector<Position>& positions) const {
    Frames frames;
    for (const Position position : positions) frames.push_back(frames_[position - 1]);
    return frames;
  }

  // The least that reading these events could be.
  static void touch(const Frames& frames) noexcept {
    std::uint64_t sum = 0;
    for (const std::byte* const at : frames) {
      const auto* const frame = reinterpret_cast<const volatile std::uint64_t*>(at);
      for (std::size_t line = 0; line < 4; ++line) sum += frame[line * 8];
    }
    benchmark::DoNotOptimize(sum);
  }

  // The same with checksums, in the way that was found to wait least: the first lines in a row, and then the frames, each
  // asked for eight before its turn. Without any of that it takes four times as long.
  static void sum_up(const Frames& frames) noexcept {
    constexpr std::size_t kAhead = 8;
    std::uint64_t sum = 0;
    for (const std::byte* const frame : frames) format::prefetch_word(frame);
    for (std::size_t i = 0; i < std::min(kAhead, frames.size()); ++i) format::prefetch_frame(frames[i]);
    for (std::size_t i = 0; i < frames.size(); ++i) {
      if (i + kAhead < frames.size()) format::prefetch_frame(frames[i + kAhead]);
      sum += format::crc32c(format::kCrcInit, frames[i], format::load_word(frames[i]).size());
    }
    benchmark::DoNotOptimize(sum);
  }

 private:
  static constexpr OpenOptions kOptions{.durability = Durability::memory};

  [[nodiscard]] fs::path segments() const { return scratch_.store() / "segments"; }

  void wait_for_sidecars(const Store& store) const {
    const auto deadline = Clock::now() + std::chrono::minutes(3);
    StoreInfo info = must(store.info());
    std::erase_if(info.segments, [](const SegmentInfo& segment) { return segment.first_position == 0; });
    info.segments.pop_back();
    for (const SegmentInfo& segment : info.segments) {
      const std::string digits = std::to_string(segment.number);
      const fs::path sidecar = segments() / (std::string(20 - digits.size(), '0') + digits + ".idx");
      while (!fs::exists(sidecar)) {
        if (Clock::now() > deadline) stop({.code = Errc::io, .what = "no sidecar", .segment = segment.number});
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    }
  }

  const std::uint64_t events_;
  const Scratch scratch_;
  const std::string payload_ = make_payload(100);
  EventSource source_;
  Written written_;
  std::uint64_t index_bytes_ = 0;
  std::size_t segment_count_ = 0;
  std::unique_ptr<MappedLog> log_;
  Frames frames_;  // of all events
  std::optional<Store> store_;
};

// Made when first asked, and kept to the end.
Asked& asked(bool zipf) {
  static std::array<std::unique_ptr<Asked>, 2> made;
  if (!made[zipf]) made[zipf] = std::make_unique<Asked>(zipf);
  return *made[zipf];
}

// --- how it is measured

// Calls `work` and `floor` in turns of rounds, with 0, 1, 2 ...; iteration time and counters are of one call. `between` is
// called after each round of the floor, and not timed.
template <typename Work, typename Floor, typename Between>
double measure(benchmark::State& state, std::size_t keys, Work work, Floor floor, Between between) {
  constexpr double kRound = 0.02;  // seconds
  const auto time_of = [](std::size_t calls, auto& call) {
    const auto start = Clock::now();
    for (std::size_t i = 0; i < calls; ++i) call(i);
    return seconds_since(start) / static_cast<double>(calls);
  };
  std::vector<double> works;
  std::vector<double> floors;
  std::vector<double> ratios;
  for (auto _ : state) {
    time_of(keys, floor);
    between();
    time_of(keys, work);
    const double once = time_of(keys, work);
    const std::size_t calls =
        std::max(static_cast<std::size_t>(std::ceil(kRound / once / static_cast<double>(keys))), std::size_t{1}) *
        keys;  // every key as often as any other
    for (std::uint64_t round = 0; round < 9 * scale(); ++round) {
      floors.push_back(time_of(calls, floor));
      between();
      works.push_back(time_of(calls, work));
      ratios.push_back(works.back() / floors.back());
    }
    state.SetIterationTime(median(works));
  }
  state.counters["floor_ns"] = median(floors) * 1e9;
  state.counters["ratio"] = median(ratios);
  return median(works) * 1e9;
}
template <typename Work, typename Floor>
double measure(benchmark::State& state, std::size_t keys, Work work, Floor floor) {
  return measure(state, keys, work, floor, [] {});
}
template <typename Work>
double measure(benchmark::State& state, std::size_t keys, Work work) {
  const double ns = measure(state, keys, work, [](std::size_t i) { benchmark::DoNotOptimize(i); });
  state.counters.erase("floor_ns");
  state.counters.erase("ratio");
  return ns;
}

// Reads a cursor to its end, with a look at each event.
std::size_t read(Cursor cursor) {
  std::size_t count = 0;
  std::uint64_t sum = 0;
  while (const EventView* const event = cursor.next()) {
    ++count;
    sum += event->version + event->stream.size() + static_cast<std::uint8_t>(*event->payload.data());
  }
  if (const auto error = cursor.error()) stop(*error);
  benchmark::DoNotOptimize(sum);
  return count;
}

std::vector<Position> positions(Cursor cursor) {
  std::vector<Position> found;
  while (const EventView* const event = cursor.next()) found.push_back(event->position);
  if (const auto error = cursor.error()) stop(*error);
  return found;
}

void expect(std::uint64_t expected, std::uint64_t actual, std::string_view what) {
  if (expected != actual) stop({.code = Errc::corrupt, .what = what.data(), .expected = expected, .actual = actual});
}

// --- streams

// limit:1 costs what there is to a call, the rest is by event. verify:1 is what a store that was opened does by itself.
void read_stream(benchmark::State& state) {
  Asked& it = asked(state.range(0) != 0);
  const StreamReadOptions options{.limit = static_cast<std::uint64_t>(state.range(1)), .verify = state.range(2) != 0};
  std::vector<std::string> streams;
  std::vector<Asked::Frames> found;
  for (std::size_t i = 0; i < kLongStreams; ++i) {
    streams.push_back(long_stream(i * 379 % kLongStreams));  // not one after the other in the log
    found.push_back(it.frames_of(positions(it.store().read_stream(streams.back(), options))));
    expect(options.limit, found.back().size(), "events of a stream");
  }
  const double ns = measure(
      state, kLongStreams,
      [&](std::size_t i) {
        const std::size_t key = i % kLongStreams;
        expect(options.limit, read(it.store().read_stream(streams[key], options)), "events of a stream");
      },
      [&](std::size_t i) {
        const Asked::Frames& frames = found[i % kLongStreams];
        *options.verify ? Asked::sum_up(frames) : Asked::touch(frames);
      });
  state.counters["ns/event"] = ns / static_cast<double>(options.limit);
  state.counters["idx_bytes/event"] = it.index_bytes_per_event();
  state.counters["segments"] = static_cast<double>(it.segment_count());
}

enum Streams : std::int64_t { known, unknown };

void head(benchmark::State& state) {
  Asked& it = asked(state.range(0) != 0);
  const bool exists = state.range(1) == known;
  std::vector<std::string> streams;
  std::vector<Asked::Frames> found;
  for (std::size_t i = 0; i < kLongStreams; ++i) {
    streams.push_back(exists ? long_stream(i * 379 % kLongStreams) : "no-such-stream-" + std::to_string(i));
    const StreamHead head = must(it.store().head(streams.back()));
    expect(exists ? kLongSize : 0, head.version, "version of a stream");
    found.push_back(exists ? it.frames_of({head.last_position}) : Asked::Frames{});
  }
  const auto ask = [&](std::size_t i) {
    benchmark::DoNotOptimize(must(it.store().head(streams[i % kLongStreams])).version);
  };
  if (exists) {
    measure(state, kLongStreams, ask, [&](std::size_t i) { Asked::touch(found[i % kLongStreams]); });
  } else {
    measure(state, kLongStreams, ask);
  }
  state.SetLabel(exists ? "existing" : "unknown");
}

// --- types and tags

void count_type(benchmark::State& state) {
  Asked& it = asked(false);
  std::vector<Query> queries;
  for (std::size_t i = 0; i < kTypes; ++i) {
    queries.push_back(Query::type("Type" + std::to_string(i)));
    expect(it.written().types[i], must(it.store().count(queries.back())), "events of a type");
  }
  measure(state, kTypes, [&](std::size_t i) { benchmark::DoNotOptimize(must(it.store().count(queries[i % kTypes]))); });
}

void first_page(benchmark::State& state, Asked& it, const std::vector<Query>& queries) {
  const ReadOptions page{.limit = kPage};
  std::vector<Asked::Frames> found;
  std::uint64_t events = 0;
  for (const Query& query : queries) {
    found.push_back(it.frames_of(positions(it.store().read(query, page))));
    events += found.back().size();
  }
  measure(
      state, queries.size(), [&](std::size_t i) { read(it.store().read(queries[i % queries.size()], page)); },
      [&](std::size_t i) { Asked::touch(found[i % queries.size()]); });
  state.counters["events"] = static_cast<double>(events) / static_cast<double>(queries.size());
}

void page_of_type(benchmark::State& state) {
  std::vector<Query> queries;
  for (std::size_t i = 0; i < kTypes; ++i) queries.push_back(Query::type("Type" + std::to_string(i)));
  first_page(state, asked(false), queries);
}

// Two tags, and how many events have both.
struct Pair {
  Query query;
  std::uint64_t events = 0;
};

// 1: both are carried by 1e-1 of the events, mostly the same ones; 2 .. 6: a region and a level that know nothing of each
// other, 1e-2 .. 1e-6 together; 7: both by 1e-1 and together by 1e-6.
std::vector<Pair> pairs(const Written& written, std::int64_t what) {
  const auto both = [](std::string a, std::string b) {
    return Query{.items = {{.tags = {std::move(a), std::move(b)}}}};
  };
  if (what == 1) return {{both("level:1", "channel:shop"), written.shop_and_level_1}};
  if (what == 7) return {{both("region:" + std::to_string(kLonelyRegion), "channel:web"), written.lonely_and_web}};
  std::vector<Pair> all;
  const auto level = static_cast<std::size_t>(what - 1);
  for (std::size_t region = 0; region < kRegions; ++region) {
    all.push_back(
        {both("region:" + std::to_string(region), "level:" + std::to_string(level)), written.levels[region][level]});
  }
  return all;
}
constexpr std::array<const char*, 8> kPairs = {"",
                                               "1e-1 & 1e-1 = 1e-1",
                                               "1e-1 & 1e-1 = 1e-2",
                                               "1e-1 & 1e-2 = 1e-3",
                                               "1e-1 & 1e-3 = 1e-4",
                                               "1e-1 & 1e-4 = 1e-5",
                                               "1e-1 & 1e-5 = 1e-6",
                                               "1e-1 & 1e-1 = 1e-6"};

void count_pair(benchmark::State& state) {
  Asked& it = asked(false);
  const std::vector<Pair> all = pairs(it.written(), state.range(0));
  std::uint64_t events = 0;
  for (const Pair& pair : all) {
    expect(pair.events, must(it.store().count(pair.query)), "events with two tags");
    events += pair.events;
  }
  measure(state, all.size(),
          [&](std::size_t i) { benchmark::DoNotOptimize(must(it.store().count(all[i % all.size()].query))); });
  state.counters["events"] = static_cast<double>(events) / static_cast<double>(all.size());
  state.SetLabel(kPairs[static_cast<std::size_t>(state.range(0))]);
}

void page_of_pair(benchmark::State& state) {
  Asked& it = asked(false);
  std::vector<Query> queries;
  for (const Pair& pair : pairs(it.written(), state.range(0))) queries.push_back(pair.query);
  first_page(state, it, queries);
  state.SetLabel(kPairs[static_cast<std::size_t>(state.range(0))]);
}

// --- frames of many events

// The first 1,000 events of a type that one event in a hundred has, in frames of so many events.
void read_batched(benchmark::State& state) {
  constexpr std::uint64_t kEvents = 200'000;
  constexpr std::size_t kRare = 100;
  constexpr std::uint64_t kRead = 1'000;
  const auto batch = static_cast<std::size_t>(state.range(0));
  const Scratch scratch;
  Store store = must(Store::open(scratch.store(), {.durability = Durability::memory}));
  const std::string payload = make_payload(100);
  const std::vector<std::string> types = names("Type", kRare);
  Random random;
  std::vector<NewEvent> events(batch, NewEvent{.type = {}, .payload = payload});
  for (std::uint64_t done = 0; done < kEvents; done += batch) {
    for (NewEvent& event : events) event.type = types[random.below(kRare)];
    must(store.append("batches", Expect::any(), events));
  }
  std::vector<Query> queries;
  for (const std::string& type : types) queries.push_back(Query::type(type));
  const ReadOptions options{.limit = kRead, .verify = state.range(1) != 0};
  const double ns = measure(state, queries.size(), [&](std::size_t i) {
    expect(kRead, read(store.read(queries[i % queries.size()], options)), "events of a type");
  });
  state.counters["ns/event"] = ns / static_cast<double>(kRead);
}

// --- appends

enum Conditions : std::int64_t { absent, after };

// absent: a tag that no event has, however old; after: a tag of one event in ten, none of them behind what the writer has
// seen, as if it had read right before. Each conditional append takes the one before it into the part of the index
// that grows; what the unconditional ones have left there is taken in between the rounds.
void append_conditional(benchmark::State& state) {
  Asked& it = asked(state.range(0) != 0);
  const bool is_absent = state.range(1) == absent;
  constexpr std::size_t kAppends = 10'000;
  const auto events = it.more(kAppends);
  AppendCondition condition{.fail_if = Query::tag(is_absent ? "no-such-tag" : "channel:web")};
  const auto append = [&](const EventSource::Event& event, const AppendCondition* under) {
    const Position last = it.append(it.store(), event, under);
    if (!is_absent) condition.after = last;
  };
  must(it.store().exists(condition.fail_if));
  measure(
      state, kAppends, [&](std::size_t i) { append(events[i % kAppends], &condition); },
      [&](std::size_t i) { append(events[i % kAppends], nullptr); },
      [&] { must(it.store().exists(condition.fail_if)); });
  state.SetLabel(is_absent ? "tag that is not there" : "tag of 1e-1, nothing new");
}

BENCHMARK(read_stream)
    ->ArgNames({"zipf", "limit", "verify"})
    ->ArgsProduct({{0, 1}, {kLongSize, 1}, {1, 0}})
    ->Iterations(1)
    ->UseManualTime();
BENCHMARK(head)->ArgNames({"zipf", "stream"})->ArgsProduct({{0, 1}, {known, unknown}})->Iterations(1)->UseManualTime();
BENCHMARK(count_type)->Iterations(1)->UseManualTime();
BENCHMARK(page_of_type)->Iterations(1)->UseManualTime();
BENCHMARK(count_pair)->ArgName("pair")->DenseRange(1, 7)->Iterations(1)->UseManualTime();
BENCHMARK(page_of_pair)->ArgName("pair")->DenseRange(1, 7)->Iterations(1)->UseManualTime();
BENCHMARK(read_batched)
    ->ArgNames({"batch", "verify"})
    ->ArgsProduct({{1, 100, 1'000}, {1, 0}})
    ->Iterations(1)
    ->UseManualTime();
BENCHMARK(append_conditional)
    ->ArgNames({"zipf", "condition"})
    ->ArgsProduct({{0, 1}, {absent, after}})
    ->Iterations(1)
    ->UseManualTime();

}  // namespace
}  // namespace daybook::bench
