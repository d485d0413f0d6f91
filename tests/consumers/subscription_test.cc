// Subscriptions: every event at least once, in order, through whatever happens; and no work when there is none.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <daybook/subscription.h>

#include "consumers/consumer_fixture.h"

namespace daybook::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kLong = 120s;  // nothing waits so long unless it is broken

// What a handler has seen. Thread safety: all methods.
class Seen {
 public:
  void add(const EventView& event) {
    const std::lock_guard lock(mutex_);
    positions_.push_back(event.position);
    versions_[std::string(event.stream)].push_back(event.version);
  }
  [[nodiscard]] std::vector<Position> positions() const {
    const std::lock_guard lock(mutex_);
    return positions_;
  }
  [[nodiscard]] std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return positions_.size();
  }
  // Of every stream, each version once, in order.
  void expect_each_stream_whole() const {
    const std::lock_guard lock(mutex_);
    for (const auto& [stream, versions] : versions_) {
      for (std::size_t i = 0; i < versions.size(); ++i) ASSERT_EQ(versions[i], i + 1) << stream;
    }
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Position> positions_;
  std::map<std::string, std::vector<Version>> versions_;
};

class SubscriptionTest : public ConsumersTest {
 protected:
  static SubscriptionOptions options(unsigned workers = 1) {
    SubscriptionOptions options{.workers = workers, .retry = {.attempts = 3, .first_delay = 1ms}};
    options.consumer.visibility = Visibility::published;
    return options;
  }
  EventHandler see() {
    return [this](const EventView& event) -> Result<void> {
      seen_.add(event);
      return {};
    };
  }
  Subscription subscribe(std::string_view name, const SubscriptionOptions& options, EventHandler handler) {
    auto subscription = store().subscribe(name, options, std::move(handler));
    EXPECT_TRUE(is_ok(subscription));
    if (!subscription) std::abort();
    return std::move(*subscription);
  }

  Seen seen_;
};

TEST_F(SubscriptionTest, HandsOverWhatIsThereAndWhatComes) {
  append_many(100);
  auto subscription = subscribe("a", options(), see());
  ASSERT_TRUE(is_ok(subscription.wait_for(100, kLong)));
  append_many(50);
  ASSERT_TRUE(is_ok(subscription.wait_for(150, kLong)));
  EXPECT_EQ(seen_.positions(), positions(1, 150));
  EXPECT_EQ(subscription.position(), 150u);
  EXPECT_EQ(subscription.lag().value(), 0u);
  ASSERT_TRUE(is_ok(subscription.stop()));
  append_many(10);
  EXPECT_EQ(subscription.lag().value(), 10u);
  EXPECT_TRUE(fails_with(subscription.wait_for(160, kLong), Errc::closed));

  auto next = subscribe("a", options(4), see());
  ASSERT_TRUE(is_ok(next.wait_for(160, kLong)));
  ASSERT_TRUE(is_ok(next.stop()));
  EXPECT_EQ(seen_.positions(), positions(1, 160));
}

TEST_F(SubscriptionTest, WithoutANameNothingIsSaved) {
  append_many(10);
  for (int i = 0; i < 2; ++i) {
    auto subscription = store().subscribe(options(), see());
    ASSERT_TRUE(is_ok(subscription));
    ASSERT_TRUE(is_ok(subscription->wait_for(10, kLong)));
    ASSERT_TRUE(is_ok(subscription->stop()));
  }
  EXPECT_EQ(seen_.count(), 20u);
  EXPECT_FALSE(std::filesystem::exists(path() / "consumers"));
}

TEST_F(SubscriptionTest, BadOptionsAreRefused) {
  EXPECT_TRUE(fails_with(store().subscribe("a", options(), nullptr), Errc::invalid_argument));
  EXPECT_TRUE(fails_with(store().subscribe("a", options(0), see()), Errc::invalid_argument));
  EXPECT_TRUE(fails_with(store().subscribe("a", options(257), see()), Errc::invalid_argument));
  auto no_queue = options();
  no_queue.queue_events = 0;
  EXPECT_TRUE(fails_with(store().subscribe("a", no_queue, see()), Errc::invalid_argument));
  auto no_attempt = options();
  no_attempt.retry.attempts = 0;
  EXPECT_TRUE(fails_with(store().subscribe("a", no_attempt, see()), Errc::invalid_argument));
  EXPECT_TRUE(fails_with(store().subscribe("a/b", options(), see()), Errc::invalid_argument));
  auto subscription = subscribe("a", options(), see());
  EXPECT_TRUE(fails_with(store().subscribe("a", options(), see()), Errc::locked, EAGAIN));
}

// From behind to live while several threads append: nothing is missed where the one becomes the other, and nothing comes
// twice.
TEST_F(SubscriptionTest, CatchesUpWithRacingAppendsWithoutGapOrDuplicate) {
  for (const unsigned workers : {1u, 4u}) {
    const Position before = store().published_position();
    Seen seen;
    constexpr int kThreads = 3;
    constexpr int kEach = 40'000;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          const std::string stream = std::to_string(workers) + "-" + std::to_string((t * 7 + i) % 50);
          ASSERT_TRUE(is_ok(store().append(stream, Expect::any(), {{.type = "T", .payload = "p"}})));
        }
      });
    }
    auto from = options(workers);
    from.consumer.start = StartAt::after(before);
    auto subscription =
        subscribe("racing-" + std::to_string(workers), from, [&](const EventView& event) -> Result<void> {
          seen.add(event);
          return {};
        });
    for (std::thread& thread : threads) thread.join();
    const Position end = before + kThreads * kEach;
    ASSERT_TRUE(is_ok(subscription.wait_for(end, kLong)));
    ASSERT_TRUE(is_ok(subscription.stop()));
    auto found = seen.positions();
    if (workers > 1) std::ranges::sort(found);
    EXPECT_EQ(found, positions(before + 1, end));
    seen.expect_each_stream_whole();
  }
}

// A stop is clean: what was seen is acknowledged, so the next one begins with the next event.
TEST_F(SubscriptionTest, StoppedAndOpenedAgainNothingComesTwice) {
  for (const unsigned workers : {1u, 3u}) {
    Seen seen;
    const std::string name = "a" + std::to_string(workers);
    std::atomic<bool> done = false;
    std::thread appender([&] {
      for (int i = 0; i < 20'000; ++i) append_to("s" + std::to_string(i % 20), "x");
      done = true;
    });
    while (!done) {
      auto subscription = subscribe(name, options(workers), [&](const EventView& event) -> Result<void> {
        seen.add(event);
        return {};
      });
      std::this_thread::yield();
      ASSERT_TRUE(is_ok(subscription.stop()));
    }
    appender.join();
    const Position end = store().published_position();
    auto last = subscribe(name, options(workers), [&](const EventView& event) -> Result<void> {
      seen.add(event);
      return {};
    });
    ASSERT_TRUE(is_ok(last.wait_for(end, kLong)));
    ASSERT_TRUE(is_ok(last.stop()));
    auto found = seen.positions();
    std::ranges::sort(found);
    EXPECT_EQ(found, positions(1, end));
  }
}

TEST_F(SubscriptionTest, WaitsForPositionsThatTheQueryDoesNotMatch) {
  for (const unsigned workers : {1u, 3u}) {
    auto filtered = options(workers);
    filtered.consumer.query = Query::stream("wanted");
    auto subscription = subscribe("a" + std::to_string(workers), filtered, see());
    append_to("wanted", "x");
    append_to("other", "x");
    const Position end = store().published_position();
    ASSERT_TRUE(is_ok(subscription.wait_for(end, kLong)));
    EXPECT_GE(subscription.position(), end);
    // One that is appended only later.
    std::thread waiter([&] { EXPECT_TRUE(is_ok(subscription.wait_for(end + 1, kLong))); });
    append_to("other", "x");
    waiter.join();
    EXPECT_TRUE(fails_with(subscription.wait_for(end + 2, 1ms), Errc::timed_out));
    // A stop ends a wait that nothing else would.
    std::thread stopped([&] { EXPECT_TRUE(fails_with(subscription.wait_for(end + 2, kLong), Errc::closed)); });
    ASSERT_TRUE(is_ok(subscription.stop()));
    stopped.join();
  }
}

TEST_F(SubscriptionTest, SeesDurableEventsByDefault) {
  append_many(5);
  auto subscription = store().subscribe("a", {}, see());
  ASSERT_TRUE(is_ok(subscription));
  EXPECT_TRUE(fails_with(subscription->wait_for(1, 1ms), Errc::timed_out));
  ASSERT_TRUE(is_ok(store().sync()));
  ASSERT_TRUE(is_ok(subscription->wait_for(5, kLong)));
  EXPECT_EQ(seen_.positions(), positions(1, 5));
}

TEST_F(SubscriptionTest, PausesAndResumes) {
  auto subscription = subscribe("a", options(), see());
  append_many(10);
  ASSERT_TRUE(is_ok(subscription.wait_for(10, kLong)));
  subscription.pause();
  append_many(10);
  EXPECT_TRUE(fails_with(subscription.wait_for(20, 20ms), Errc::timed_out));
  // One event may have been taken before the pause was seen; no more.
  EXPECT_LE(subscription.position(), 11u);
  subscription.resume();
  ASSERT_TRUE(is_ok(subscription.wait_for(20, kLong)));
  subscription.pause();
  ASSERT_TRUE(is_ok(subscription.stop()));
  EXPECT_EQ(seen_.positions(), positions(1, 20));
}

TEST_F(SubscriptionTest, AStopFromInsideTheHandlerIsTaken) {
  append_many(100);
  for (const unsigned workers : {1u, 3u}) {
    std::atomic<Subscription*> self = nullptr;
    std::atomic<bool> asked = false;
    auto subscription =
        subscribe("a" + std::to_string(workers), options(workers), [&](const EventView&) -> Result<void> {
          while (self == nullptr) std::this_thread::yield();
          if (!asked.exchange(true)) {
            EXPECT_TRUE(is_ok(self.load()->stop()));
          }
          return {};
        });
    self = &subscription;
    EXPECT_TRUE(fails_with(subscription.wait_for(1'000, kLong), Errc::closed));
    ASSERT_TRUE(is_ok(subscription.stop()));
    EXPECT_GE(subscription.position(), 1u);
  }
}

// Retries end with success, or with the event set aside; either way the rest goes on.
TEST_F(SubscriptionTest, RetriesAndThenParks) {
  append_many(10);
  std::atomic<int> tries_of_3 = 0;
  std::atomic<int> tries_of_5 = 0;
  auto subscription = subscribe("a", options(), [&](const EventView& event) -> Result<void> {
    if (event.position == 3 && ++tries_of_3 < 3) return refuse("not yet");
    if (event.position == 5 && ++tries_of_5 > 0) throw std::runtime_error("never");
    seen_.add(event);
    return {};
  });
  ASSERT_TRUE(is_ok(subscription.wait_for(10, kLong)));
  EXPECT_EQ(seen_.positions(), (std::vector<Position>{1, 2, 3, 4, 6, 7, 8, 9, 10}));
  EXPECT_EQ(tries_of_3, 3);
  EXPECT_EQ(tries_of_5, 3);
  const auto parked = subscription.parked();
  ASSERT_EQ(parked.size(), 1u);
  EXPECT_EQ(parked[0].position, 5u);
  EXPECT_EQ(parked[0].attempts, 3u);
  EXPECT_EQ(parked[0].error, "refused: exception of a handler: never");
  EXPECT_EQ(store().parked("a").value().size(), 1u);  // saved at once
  EXPECT_TRUE(fails_with(store().replay_parked("a", see()), Errc::locked, EAGAIN));

  EXPECT_EQ(subscription.replay_parked().value().failed, 1u);
  EXPECT_EQ(subscription.parked()[0].attempts, 4u);
  EXPECT_TRUE(fails_with(subscription.discard_parked(4), Errc::not_found));
  ASSERT_TRUE(is_ok(subscription.discard_parked(5)));
  EXPECT_TRUE(store().parked("a").value().empty());
  ASSERT_TRUE(is_ok(subscription.stop()));
  EXPECT_TRUE(is_ok(store().replay_parked("a", see())));
}

TEST_F(SubscriptionTest, AStopEndsThePauseBetweenAttempts) {
  append_many(3);
  auto patient = options();
  patient.retry = {.attempts = 100, .first_delay = 24h, .delay_max = 24h};
  std::atomic<bool> tried = false;
  auto subscription = subscribe("a", patient, [&](const EventView& event) -> Result<void> {
    if (event.position == 2) {
      tried = true;
      return refuse("no");
    }
    return {};
  });
  while (!tried) std::this_thread::yield();
  ASSERT_TRUE(is_ok(subscription.stop()));
  EXPECT_EQ(subscription.position(), 1u);
  EXPECT_TRUE(subscription.parked().empty());
  EXPECT_EQ(open("a").position(), 1u);
}

// When everything fails it is not the events' fault: the subscription ends, and loses none.
TEST_F(SubscriptionTest, EndsWhenTooManyEventsWouldBeParked) {
  append_many(20);
  for (const unsigned workers : {1u, 3u}) {
    auto few = options(workers);
    few.parked_max = 4;
    const std::string name = "a" + std::to_string(workers);
    auto subscription = subscribe(name, few, [](const EventView&) -> Result<void> { return refuse("no"); });
    const auto ended = subscription.wait_for(20, kLong);
    ASSERT_TRUE(fails_with(ended, Errc::refused));
    EXPECT_EQ(ended.error().detail.view(), "no");
    EXPECT_TRUE(subscription.error().has_value());
    EXPECT_TRUE(fails_with(subscription.stop(), Errc::refused));
    EXPECT_EQ(subscription.parked().size(), 4u);
    EXPECT_EQ(subscription.position(), 4u);
    EXPECT_EQ(open(name).position(), 4u);
  }
}

TEST_F(SubscriptionTest, DamageToTheLogEndsItAtTheEventBefore) {
  append_many(3'000);
  ASSERT_TRUE(is_ok(store().close()));
  const auto info = store().info();
  ASSERT_GT(info->segments.size(), 2u);
  store_.reset();
  {
    std::fstream segment(path() / "segments" / "00000000000000000002.seg",
                         std::ios::in | std::ios::out | std::ios::binary);
    segment.seekp(30'000);
    for (int i = 0; i < 200; ++i) segment.put('#');
  }
  auto reader = Store::open(path(), read_only());
  ASSERT_TRUE(is_ok(reader));
  for (const unsigned workers : {1u, 3u}) {
    const std::string name = "a" + std::to_string(workers);
    auto subscription = reader->subscribe(name, options(workers), see());
    ASSERT_TRUE(is_ok(subscription));
    EXPECT_TRUE(fails_with(subscription->wait_for(3'000, kLong), Errc::corrupt));
    EXPECT_TRUE(subscription->error().has_value());
    EXPECT_TRUE(fails_with(subscription->stop(), Errc::corrupt));
    // What came before the damage is done and saved.
    EXPECT_GE(subscription->position(), info->segments[0].last_position);
    EXPECT_LT(subscription->position(), info->segments[1].last_position);
    EXPECT_EQ(reader->consumers().value().back().position, subscription->position());
  }
}

// The threads of this process, and how often each has gone to sleep.
std::map<int, long> sleeps_of_threads() {
  std::map<int, long> sleeps;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream status(entry.path() / "status");
    for (std::string word; status >> word;) {
      if (word == "voluntary_ctxt_switches:") status >> sleeps[std::stoi(entry.path().filename())];
    }
  }
  return sleeps;
}

// Sleeps are sleeps: a subscription with nothing to do does not run. Counted, not timed: each wake-up ends in a sleep.
TEST_F(SubscriptionTest, IdleThreadsDoNotWakeUp) {
  append_many(10);
  const auto others = sleeps_of_threads();
  auto filtered = options(3);
  filtered.consumer.query = Query::type("X");
  auto alone = subscribe("a", options(), see());
  auto group = subscribe("b", options(3), see());
  auto query = subscribe("c", filtered, see());
  ASSERT_TRUE(is_ok(alone.wait_for(10, kLong)));
  ASSERT_TRUE(is_ok(group.wait_for(10, kLong)));
  ASSERT_TRUE(is_ok(query.wait_for(10, kLong)));
  const auto own = [&] {
    auto sleeps = sleeps_of_threads();
    std::erase_if(sleeps, [&](const auto& entry) { return others.contains(entry.first); });
    return sleeps;
  };
  auto before = own();
  ASSERT_EQ(before.size(), 1u + 4u + 4u);
  for (;;) {  // until all of them are asleep
    std::this_thread::sleep_for(100ms);
    if (auto now = own(); now != std::exchange(before, now)) continue;
    break;
  }
  std::this_thread::sleep_for(500ms);
  EXPECT_EQ(own(), before);
  append_many(1);
  ASSERT_TRUE(is_ok(group.wait_for(11, kLong)));
  EXPECT_NE(own(), before);
}

}  // namespace
}  // namespace daybook::test
