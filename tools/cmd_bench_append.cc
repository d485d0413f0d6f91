// daybook bench append [DIRECTORY]
//
// Question: how many events a second does this machine append, and how long does one append take?
#include <atomic>
#include <barrier>
#include <chrono>
#include <mutex>
#include <ostream>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include <daybook/store.h>

#include "arguments.h"
#include "bench_report.h"
#include "bench_store.h"
#include "commands.h"
#include "durability_text.h"
#include "report.h"

namespace daybook::tools {
namespace {

using Clock = std::chrono::steady_clock;

// Text that no compression gets rid of, the same in every run.
std::string make_payload(std::size_t size) {
  std::string text;
  text.reserve(size);
  std::uint64_t state = 0x9e3779b97f4a7c15;
  while (text.size() < size) {
    state = state * 6364136223846793005 + 1442695040888963407;
    text += static_cast<char>(' ' + (state >> 33) % 95);
  }
  return text;
}

struct BenchAppend {
  std::string directory;
  std::uint64_t events = 1'000'000;
  std::uint64_t threads = 1;
  std::uint64_t size = 100;
  std::uint64_t streams = 1'000;
  std::uint64_t batch = 1;
  std::string durability = "memory";
  bool any_file_system = false;
  bool json = false;

  void declare(Arguments& arguments) {
    arguments.operand("DIRECTORY", directory, "new store to write and keep; default: a temporary one", Need::optional);
    arguments.number("-n,--events", events, "in all (default 1000000)");
    arguments.number("--threads", threads, "that append (default 1)");
    arguments.size("--size", size, "bytes of payload per event (default 100)");
    arguments.number("--streams", streams, "that they go to, in turn (default 1000)");
    arguments.number("-b,--batch", batch, "events per append (default 1)");
    arguments.choice("-d,--durability", durability, durability_names(), "of every append (default memory)");
    arguments.flag("--any-file-system", any_file_system, "write on network and FUSE file systems, too");
    arguments.flag("--json", json, "as a JSON document");
  }

  int run(Io& io) {
    if (events == 0 || threads == 0 || streams == 0 || batch == 0 || batch > kAppendEventsMax || threads > 1'024) {
      return report_usage(io, "bench append",
                          "counts must be at least 1, --batch at most 65535, --threads at most 1024");
    }
    auto place = BenchStore::make(directory, io);
    if (!place) return directory.empty() ? kFailed : kRefused;
    auto store =
        Store::open(place->path(), {.durability = durability_of(durability), .any_file_system = any_file_system});
    if (!store) return report(io, "bench append", store.error());

    BenchReport report_of_run{.name = "append",
                              .inputs = {{"threads", threads}, {"size", size}, {"streams", streams}, {"batch", batch}},
                              .conditions = "durability " + durability};
    if (auto error = measure(*store, report_of_run, io)) return report(io, "bench append", *error);
    if (auto closed = store->close(); !closed) return report(io, "bench append", closed.error());
    if (io.stop()) return kInterrupted;
    report_of_run.print(io, json);
    return kOk;
  }

 private:
  // Threads start together, and each has its share of the appends; a stream belongs to no thread.
  std::optional<Error> measure(Store& store, BenchReport& result, const Io& io) const {
    const std::string payload = make_payload(size);
    const std::uint64_t appends = (events + batch - 1) / batch;
    std::mutex mutex;  // guards `result` and `error`
    std::optional<Error> error;
    Clock::time_point start;
    Clock::time_point end;
    std::barrier ready(static_cast<std::ptrdiff_t>(threads), [&start]() noexcept { start = Clock::now(); });
    std::barrier finished(static_cast<std::ptrdiff_t>(threads), [&end]() noexcept { end = Clock::now(); });
    {
      std::vector<std::jthread> running;
      running.reserve(threads);
      for (std::uint64_t thread = 0; thread < threads; ++thread) {
        running.emplace_back([&, thread] {
          LatencyHistogram latency;
          ready.arrive_and_wait();
          auto failed = append_share(store, payload, thread, appends, latency, io);
          finished.arrive_and_wait();
          const std::lock_guard guard(mutex);
          result.latency.add(latency);
          if (failed) error = failed;
        });
      }
    }
    result.events = std::min(events, result.latency.count() * batch);
    result.bytes = result.events * size;
    result.time = end - start;
    return error;
  }

  std::optional<Error> append_share(Store& store, std::string_view payload, std::uint64_t thread, std::uint64_t appends,
                                    LatencyHistogram& latency, const Io& io) const {
    std::vector<std::string> names;
    names.reserve(streams);
    for (std::uint64_t i = 0; i < streams; ++i) names.push_back(fmt::format("stream-{}", i));
    const std::vector<NewEvent> full(batch, NewEvent{.type = "Measured", .payload = payload});

    Clock::time_point before = Clock::now();
    for (std::uint64_t i = thread; i < appends && !io.stop(); i += threads) {
      const std::uint64_t count = std::min(batch, events - i * batch);
      auto appended = store.append(names[i % streams], Expect::any(), std::span(full).first(count));
      if (!appended) return appended.error();
      const Clock::time_point after = Clock::now();
      latency.record(static_cast<std::uint64_t>((after - before).count()));
      before = after;
    }
    return std::nullopt;
  }
};

}  // namespace

constinit const Command kBenchAppend{"bench append", "measure appending", "", declare_command<BenchAppend>};

}  // namespace daybook::tools
