#include "process/writer_process.h"

#include <chrono>
#include <list>
#include <thread>
#include <vector>

#include <daybook/store.h>

#include "process/workload.h"
#include "support/rng.h"

namespace daybook::test {
namespace {

// One thread of it: appends to its own stream, so that it knows every version, and now and then with the stream that
// all threads share, in one frame.
class Appender {
 public:
  Appender(Store& store, SharedPage& page, std::size_t thread, std::uint64_t seed)
      : store_(store), page_(page), thread_(page.threads[thread]), stream_(stream_name(thread)), rng_(seed) {}

  void run() {
    const auto head = store_.head(stream_);
    if (!head) return page_.fail(describe(head.error()));
    Version version = head->version;
    last_ = head->last_position;
    const Version acked = thread_.acked.load();
    const Version attempted = thread_.attempted.load();
    if (version < acked || version > attempted) {
      return page_.fail(stream_ + ": acknowledged " + std::to_string(acked) + ", attempted " +
                        std::to_string(attempted) + ", found " + std::to_string(version));
    }
    thread_.acked.store(version);
    for (;;) {
      for (std::uint64_t burst = rng_.below(40); burst > 0; --burst) {
        const Version next = append(version);
        if (next == version) return;
        version = next;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(rng_.below(100)));
    }
  }

 private:
  // The version after it; the same as before = it failed.
  Version append(Version version) {
    const Version last = version + 1 + (rng_.below(8) == 0 ? rng_.below(20) : 0);
    std::vector<std::string> payloads;
    for (Version v = version + 1; v <= last; ++v) payloads.push_back(payload_of(stream_, v));
    std::vector<NewEvent> events;
    for (const std::string& payload : payloads) events.push_back({.type = "T", .payload = payload});
    const NewEvent shared{.type = "shared"};
    std::vector<StreamAppend> streams{{stream_, Expect::exactly(version), events}};
    if (rng_.below(10) == 0) streams.push_back({"shared", Expect::any(), {&shared, 1}});

    // Nobody else writes to the own stream, whatever process was killed in between.
    std::vector<AppendCondition> conditions;
    if (rng_.below(10) == 0) conditions.push_back({Query::stream(stream_), last_});

    AppendOptions options;
    if (rng_.below(100) == 0) options.durability = Durability::sync;
    thread_.attempted.store(last);
    const auto appended = store_.append(streams, conditions, options);
    if (!appended) {
      page_.fail("append: " + describe(appended.error()));
      return version;
    }
    last_ = appended->first_position + events.size() - 1;
    thread_.acked.store(last);
    Position acked = page_.acked.load();
    while (acked < appended->last_position && !page_.acked.compare_exchange_weak(acked, appended->last_position)) {
    }
    return last;
  }

  Store& store_;
  SharedPage& page_;
  WriterThread& thread_;
  const std::string stream_;
  Rng rng_;
  Position last_ = 0;  // of the stream
};

}  // namespace

void run_writer(const WriterPlan& plan, SharedPage& page) {
  auto store = Store::open(plan.store, plan.options);
  if (!store) return page.fail("open for writing: " + describe(store.error()));
  if (store->published_position() < page.acked.load()) {
    return page.fail("acknowledged " + std::to_string(page.acked.load()) + ", found " +
                     std::to_string(store->published_position()));
  }
  page.opened.store(true);
  std::list<std::jthread> threads;
  for (std::size_t i = 0; i < plan.threads; ++i) {
    threads.emplace_back([&, i] { Appender(*store, page, i, plan.seed + i).run(); });
  }
}

}  // namespace daybook::test
