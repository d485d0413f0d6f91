// A writer that is killed again and again, and readers that must not notice more than a pause.
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include <daybook/store.h>

#include "process/reader_process.h"
#include "process/shared_page.h"
#include "process/workload.h"
#include "process/writer_process.h"
#include "support/child.h"
#include "support/result_matchers.h"
#include "support/rng.h"
#include "support/temp_dir.h"

namespace daybook::test {
namespace {

using namespace std::chrono_literals;

// Killed by everybody: by the test, and with it.
std::unique_ptr<Child> start(const std::function<void()>& body) {
  return std::make_unique<Child>([&body] {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    body();
  });
}

// One store, its writers one after the other, and three readers all the time.
class KillLoop {
 public:
  explicit KillLoop(std::uint64_t seed) : rng_(seed) {
    for (std::size_t i = 0; i < kReaders; ++i) start_reader(i);
  }

  // A writer from its start to its death. What it was doing is left to chance.
  void cycle() {
    page_->opened.store(false);
    const WriterPlan plan{.store = path(),
                          .options = {.durability = Durability::memory, .segment_size = 256 << 10},
                          .threads = 1 + rng_.below(kThreadsMax),
                          .seed = rng_.next()};
    const auto writer = start([&] { run_writer(plan, *page_); });
    if (rng_.below(4) == 0) {
      sleep_us(rng_.below(6000));  // as a rule it is still opening the store then
      if (!page_->opened.load()) ++killed_in_open_;
    } else {
      wait_for("the writer to open", [&] { return page_->opened.load(); });
      sleep_us(1000 + rng_.below(50'000));
    }
    if (rng_.below(8) == 0) {
      ::kill(writer->id(), SIGSTOP);
      sleep_us(rng_.below(30'000));
      if (rng_.coin()) {
        ::kill(writer->id(), SIGCONT);
        sleep_us(rng_.below(5000));
      }
    }
    writer->kill();
    if (rng_.below(20) == 0) start_reader(rng_.below(kReaders));  // the one before it is killed, too
  }

  // With nobody writing, the readers come to the last event that was published; and all that was acknowledged was.
  void expect_readers_to_catch_up() {
    auto store = Store::open(path(), {.mode = Mode::read_only});
    if (!store && store.error().code == Errc::not_found) return;  // no writer has lived long enough to make it
    ASSERT_TRUE(is_ok(store));
    const Position published = store->published_position();
    ASSERT_GE(published, page_->acked.load());
    wait_for("the readers to catch up",
             [&] { return page_->readers[0].seen.load() >= published && page_->readers[1].seen.load() >= published; });
  }

  // Recovers the store a last time, and compares all of it with what everybody saw.
  void finish() {
    auto store = Store::open(path(), {.durability = Durability::memory});
    ASSERT_TRUE(is_ok(store));
    const Position last = store->published_position();
    ASSERT_GE(last, page_->acked.load());
    wait_for("all readers to see everything", [&] {
      return std::ranges::all_of(page_->readers, [&](const auto& reader) { return reader.seen.load() == last; });
    });
    auto cursor = store->read({.verify = true});
    Position position = 0;
    while (const EventView* const event = cursor.next()) {
      ASSERT_EQ(event->position, ++position);
      for (const ReaderProcess& reader : page_->readers) {
        ASSERT_EQ(reader.hashes[position].load(), hash_event(*event)) << "position " << position;
      }
    }
    ASSERT_FALSE(cursor.error().has_value()) << to_text(*cursor.error());
    ASSERT_EQ(position, last);
    for (std::size_t i = 0; i < kThreadsMax; ++i) {
      const Version version = store->head(stream_name(i)).value().version;
      ASSERT_GE(version, page_->threads[i].acked.load());
      ASSERT_LE(version, page_->threads[i].attempted.load());
    }
    events_ = last;
    ASSERT_TRUE(is_ok(store->close()));
  }

  void expect_no_failure() { ASSERT_EQ(page_->failures.load(), 0u) << page_->first_failure.data(); }

  [[nodiscard]] std::uint64_t events() const { return events_; }
  [[nodiscard]] std::uint64_t killed_in_open() const { return killed_in_open_; }
  [[nodiscard]] std::uint64_t resumed() const {
    std::uint64_t sum = 0;
    for (const ReaderProcess& reader : page_->readers) sum += reader.resumed.load();
    return sum;
  }

 private:
  [[nodiscard]] std::filesystem::path path() const { return temp_ / "store"; }

  void start_reader(std::size_t number) {
    const ReaderPlan plan{.store = path(),
                          .number = number,
                          .visibility = number == 2 ? Visibility::durable : Visibility::published,
                          .seed = rng_.next()};
    readers_[number] = nullptr;
    readers_[number] = start([&] { run_reader(plan, *page_); });
  }

  static void sleep_us(std::uint64_t time) { std::this_thread::sleep_for(std::chrono::microseconds(time)); }

  template <typename Condition>
  void wait_for(const char* what, Condition condition) {
    const auto until = std::chrono::steady_clock::now() + 60s;
    while (!condition() && page_->failures.load() == 0) {
      ASSERT_LT(std::chrono::steady_clock::now(), until) << "waiting for " << what;
      sleep_us(200);
    }
  }

  TempDir temp_;
  SharedMemory page_;
  Rng rng_;
  std::array<std::unique_ptr<Child>, kReaders> readers_;
  std::uint64_t events_ = 0;
  std::uint64_t killed_in_open_ = 0;
};

TEST(KillLoopTest, NothingAcknowledgedIsLostAndNothingReadChanges) {
  constexpr std::uint64_t kStores = 20;
  constexpr int kCycles = 26;  // of each store: 520 in all
  std::uint64_t events = 0;
  std::uint64_t killed_in_open = 0;
  std::uint64_t resumed = 0;
  for (std::uint64_t seed = 1; seed <= kStores; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    KillLoop loop(seed);
    for (int i = 0; i < kCycles; ++i) {
      ASSERT_NO_FATAL_FAILURE(loop.cycle());
      ASSERT_NO_FATAL_FAILURE(loop.expect_no_failure());
      if (i % 4 == 3) {
        ASSERT_NO_FATAL_FAILURE(loop.expect_readers_to_catch_up());
      }
    }
    ASSERT_NO_FATAL_FAILURE(loop.finish());
    ASSERT_NO_FATAL_FAILURE(loop.expect_no_failure());
    events += loop.events();
    killed_in_open += loop.killed_in_open();
    resumed += loop.resumed();
  }
  std::printf("[   info   ] %llu kills, %llu of them while opening; %llu events, %llu resumes\n",
              static_cast<unsigned long long>(kStores * kCycles), static_cast<unsigned long long>(killed_in_open),
              static_cast<unsigned long long>(events), static_cast<unsigned long long>(resumed));
  // A loop that kills nobody at work shows nothing.
  EXPECT_GE(events, 100'000u);
  EXPECT_GE(killed_in_open, 20u);
  EXPECT_GE(resumed, 100u);
}

}  // namespace
}  // namespace daybook::test
