// daybook bench replay [STORE]
//
// Question: how fast does this machine read the whole log, with and without verifying checksums?
#include <barrier>
#include <chrono>
#include <mutex>
#include <ostream>
#include <thread>
#include <vector>

#include <daybook/store.h>

#include "arguments.h"
#include "bench_report.h"
#include "commands.h"
#include "report.h"

namespace daybook::tools {
namespace {

using Clock = std::chrono::steady_clock;

// Latency is taken over this many events: a clock costs as much as reading one.
constexpr std::uint64_t kEventsPerLap = 1'000;

// What one thread read.
struct Reading {
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  std::uint64_t sum = 0;  // of payload bytes, so that they are read
  LatencyHistogram laps;
  Clock::time_point lap_start;
  std::optional<Error> error;
};

std::uint64_t sum_of(Bytes bytes) {
  std::uint64_t sum = 0;
  for (const std::byte byte : std::span<const std::byte>(bytes)) sum += static_cast<std::uint8_t>(byte);
  return sum;
}

struct BenchReplay {
  std::string store;
  std::uint64_t threads = 1;
  std::uint64_t repeat = 1;
  std::string verify = "on";
  bool json = false;

  void declare(Arguments& arguments) {
    arguments.store(store);
    arguments.number("--threads", threads, "that read the whole log each (default 1)");
    arguments.number("--repeat", repeat, "times (default 1); the first may wait for the disk");
    arguments.choice("--verify", verify, {"on", "off"}, "checksums of every frame (default on)");
    arguments.flag("--json", json, "as a JSON document");
  }

  int run(Io& io) {
    if (threads == 0 || threads > 1'024 || repeat == 0) {
      return report_usage(io, "bench replay", "counts must be at least 1, --threads at most 1024");
    }
    auto opened = Store::open(store, {.mode = Mode::read_only});
    if (!opened) return report(io, "bench replay", opened.error());

    BenchReport result{.name = "replay",
                       .inputs = {{"threads", threads}, {"repeat", repeat}},
                       .conditions = "verify " + verify,
                       .per = "1,000 events"};
    if (auto error = measure(*opened, result, io)) return report(io, "bench replay", *error);
    if (io.stop()) return kInterrupted;
    result.print(io, json);
    return kOk;
  }

 private:
  std::optional<Error> measure(const Store& opened, BenchReport& result, const Io& io) const {
    std::vector<Reading> readings(threads);
    Clock::time_point start;
    Clock::time_point end;
    std::barrier ready(static_cast<std::ptrdiff_t>(threads), [&start]() noexcept { start = Clock::now(); });
    std::barrier finished(static_cast<std::ptrdiff_t>(threads), [&end]() noexcept { end = Clock::now(); });
    {
      std::vector<std::jthread> running;
      running.reserve(threads);
      for (Reading& reading : readings) {
        running.emplace_back([&] {
          ready.arrive_and_wait();
          reading.lap_start = Clock::now();
          for (std::uint64_t i = 0; i < repeat && !reading.error; ++i) read_all(opened, reading, io);
          finished.arrive_and_wait();
        });
      }
    }
    for (const Reading& reading : readings) {
      if (reading.error) return reading.error;
      result.events += reading.events;
      result.bytes += reading.bytes;
      result.latency.add(reading.laps);
    }
    result.time = end - start;
    return std::nullopt;
  }

  void read_all(const Store& opened, Reading& reading, const Io& io) const {
    const Position end = opened.published_position();
    Cursor cursor = opened.read({.verify = verify == "on"});
    while (const EventView* event = cursor.next()) {
      reading.sum += sum_of(event->payload);
      reading.bytes += event->payload.size();
      if (++reading.events % kEventsPerLap == 0) {
        const Clock::time_point now = Clock::now();
        reading.laps.record(static_cast<std::uint64_t>((now - reading.lap_start).count()));
        reading.lap_start = now;
        if (io.stop()) break;
      }
      if (event->position == end) break;  // a writer may be faster than this
    }
    reading.error = cursor.error();
  }
};

}  // namespace

constinit const Command kBenchReplay{"bench replay", "measure reading", "", declare_command<BenchReplay>};

}  // namespace daybook::tools
