// Several workers: order per stream, back-pressure, acknowledgement of prefixes, and parking behind a parked event.
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <daybook/subscription.h>

#include "consumers/consumer_fixture.h"
#include "store/worker_window.h"

namespace daybook::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kLong = 120s;

class WorkerGroupTest : public ConsumersTest {
 protected:
  static SubscriptionOptions group(unsigned workers = 4) {
    SubscriptionOptions options{.workers = workers, .retry = {.attempts = 2, .first_delay = 1ms}};
    options.consumer.visibility = Visibility::published;
    return options;
  }
};

// One stream stands still: its event, and whatever is behind it in the log, is not acknowledged, though the others go on
// as far as the queue reaches. After a stop, exactly that prefix is saved.
TEST_F(WorkerGroupTest, AcknowledgesThePrefixAndHoldsTheReaderBack) {
  for (int i = 0; i < 1'000; ++i) append_to("s" + std::to_string(i % 10), "x");
  std::atomic<bool> blocked = true;
  std::atomic<int> handled = 0;
  auto options = group();
  options.queue_events = 64;
  auto subscription = store().subscribe("a", options, [&](const EventView& event) -> Result<void> {
    if (event.position == 11) {
      while (blocked) std::this_thread::sleep_for(1ms);
    }
    ++handled;
    return {};
  });
  ASSERT_TRUE(is_ok(subscription));
  ASSERT_TRUE(is_ok(subscription->wait_for(10, kLong)));
  EXPECT_TRUE(fails_with(subscription->wait_for(11, 50ms), Errc::timed_out));
  EXPECT_EQ(subscription->position(), 10u);
  EXPECT_LE(handled, 10 + 64);  // the window begins with the event that is stuck
  blocked = false;
  ASSERT_TRUE(is_ok(subscription->wait_for(1'000, kLong)));
  ASSERT_TRUE(is_ok(subscription->stop()));
  EXPECT_EQ(handled, 1'000);
  EXPECT_EQ(open("a").position(), 1'000u);
}

// Views are not copied: the bytes must stay while a worker has them, though the reader is many segments ahead.
TEST_F(WorkerGroupTest, BytesStayWhileAWorkerHasThem) {
  const std::string large(8'000, 'x');
  for (int i = 0; i < 600; ++i) append_to("s" + std::to_string(i % 7), large + std::to_string(i));
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  auto opened = Store::open(path(), read_only());
  ASSERT_TRUE(is_ok(opened));
  for (const Query& query : {Query{}, Query::type("T")}) {
    auto options = group(3);
    options.consumer.query = query;
    std::atomic<int> good = 0;
    auto subscription = opened->subscribe(options, [&](const EventView& event) -> Result<void> {
      if (event.position % 50 == 1) std::this_thread::sleep_for(2ms);
      if (event.payload.text() == large + std::to_string(event.position - 1)) ++good;
      return {};
    });
    ASSERT_TRUE(is_ok(subscription));
    ASSERT_TRUE(is_ok(subscription->wait_for(600, kLong)));
    EXPECT_EQ(good, 600);
  }
}

// With park_stream a bad event takes the later ones of its stream along, and replay puts them back in order.
TEST_F(WorkerGroupTest, KeepsTheOrderOfAStreamBehindAParkedEvent) {
  for (int i = 0; i < 60; ++i) append_to("s" + std::to_string(i % 3), "x");
  for (const unsigned workers : {1u, 4u}) {
    const std::string name = "a" + std::to_string(workers);
    auto options = group(workers);
    options.park_stream = true;
    std::atomic<bool> bad = true;
    std::mutex mutex;
    std::map<std::string, std::vector<Version>> seen;
    auto subscription = store().subscribe(name, options, [&](const EventView& event) -> Result<void> {
      if (bad && event.stream == "s1" && event.version == 5) return refuse("no");
      const std::lock_guard lock(mutex);
      seen[std::string(event.stream)].push_back(event.version);
      return {};
    });
    ASSERT_TRUE(is_ok(subscription));
    const Position end = store().published_position();
    ASSERT_TRUE(is_ok(subscription->wait_for(end, kLong)));
    EXPECT_EQ(seen["s0"].size(), store().head("s0").value().version);
    EXPECT_EQ(seen["s1"], positions(1, 4));
    const auto parked = subscription->parked();
    ASSERT_EQ(parked.size(), store().head("s1").value().version - 4);
    EXPECT_EQ(parked[0].attempts, 2u);
    EXPECT_EQ(parked[1].attempts, 0u);
    EXPECT_EQ(parked[1].error, "an earlier event of the stream is parked");
    EXPECT_EQ(subscription->replay_parked().value().left, parked.size() - 1);
    bad = false;
    EXPECT_EQ(subscription->replay_parked().value().done, parked.size());
    append_to("s1", "x");
    ASSERT_TRUE(is_ok(subscription->wait_for(store().published_position(), kLong)));
    ASSERT_TRUE(is_ok(subscription->stop()));
    EXPECT_EQ(seen["s1"], positions(1, store().head("s1").value().version));
  }
}

// The same while events come: whatever was parked when, each stream is seen in order.
TEST_F(WorkerGroupTest, ReplayRacesWithNewEventsOfTheStream) {
  auto options = group(2);
  options.park_stream = true;
  options.retry.attempts = 1;
  options.parked_max = 1'000'000;
  std::mutex mutex;
  std::map<std::string, std::vector<Version>> seen;
  std::atomic<int> calls = 0;
  auto subscription = store().subscribe("a", options, [&](const EventView& event) -> Result<void> {
    if (++calls % 97 == 0) return refuse("now and then");
    const std::lock_guard lock(mutex);
    seen[std::string(event.stream)].push_back(event.version);
    return {};
  });
  ASSERT_TRUE(is_ok(subscription));
  std::atomic<bool> done = false;
  std::thread appender([&] {
    for (int i = 0; i < 5'000; ++i) append_to("s" + std::to_string(i % 4), "x");
    done = true;
  });
  while (!done) ASSERT_TRUE(is_ok(subscription->replay_parked()));
  appender.join();
  ASSERT_TRUE(is_ok(subscription->wait_for(5'000, kLong)));
  while (!subscription->parked().empty()) ASSERT_TRUE(is_ok(subscription->replay_parked()));
  ASSERT_TRUE(is_ok(subscription->stop()));
  for (const auto& [stream, versions] : seen) EXPECT_EQ(versions, positions(1, 1'250)) << stream;
  EXPECT_EQ(seen.size(), 4u);
}

// --- the window alone ---

using consumers::WorkerWindow;

EventView event_of(std::string_view stream, Position position) {
  EventView event;
  event.stream = stream;
  event.position = position;
  return event;
}

TEST(WorkerWindowTest, AcknowledgesInOrderWhateverIsFinishedFirst) {
  WorkerWindow window(1, 8);
  for (Position p = 1; p <= 3; ++p) ASSERT_TRUE(window.push(event_of("s", p), nullptr, {.position = p}));
  const auto* const first = window.take(0);
  const auto* const second = window.take(0);
  const auto* const third = window.take(0);
  EXPECT_FALSE(window.finish(*second).end);
  ASSERT_TRUE(window.push_place({.position = 9}));
  const auto two = window.finish(*first);
  ASSERT_TRUE(two.end);
  EXPECT_EQ(two.end->position, 2u);
  EXPECT_EQ(two.events, 2u);
  EXPECT_FALSE(two.whole);
  const auto all = window.finish(*third);
  ASSERT_TRUE(all.end);
  EXPECT_EQ(all.end->position, 9u);
  EXPECT_EQ(all.events, 1u);
  EXPECT_TRUE(all.whole);
}

TEST(WorkerWindowTest, LetsGoOfBytesAsSoonAsTheyAreAcknowledged) {
  WorkerWindow window(1, 8);
  auto bytes = std::make_shared<int>(1);
  ASSERT_TRUE(window.push(event_of("s", 1), bytes, {.position = 1}));
  EXPECT_EQ(bytes.use_count(), 2);
  (void)window.finish(*window.take(0));
  EXPECT_EQ(bytes.use_count(), 1);
}

TEST(WorkerWindowTest, ClosedItGivesOutWhatItHasAndTakesNoMore) {
  WorkerWindow window(1, 2);
  ASSERT_TRUE(window.push(event_of("s", 1), nullptr, {.position = 1}));
  ASSERT_TRUE(window.push(event_of("s", 2), nullptr, {.position = 2}));
  std::thread reader([&] { EXPECT_FALSE(window.push(event_of("s", 3), nullptr, {.position = 3})); });  // no room
  window.close();
  reader.join();
  EXPECT_EQ(window.take(0)->event.position, 1u);
  EXPECT_EQ(window.take(0)->event.position, 2u);
  EXPECT_EQ(window.take(0), nullptr);
  EXPECT_FALSE(window.push_place({.position = 4}));
}

}  // namespace
}  // namespace daybook::test
