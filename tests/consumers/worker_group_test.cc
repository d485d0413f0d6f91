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

bool push(WorkerWindow& window, std::string_view stream, Position position,
          const std::shared_ptr<const void>& pin = nullptr) {
  WorkerWindow::Entry entry{.event = {}, .pin = pin, .token = {.position = position}};
  entry.event.stream = stream;
  entry.event.position = position;
  return window.push({&entry, 1});
}

bool push_place(WorkerWindow& window, Position position) {
  WorkerWindow::Entry entry{.event = {}, .pin = nullptr, .token = {.position = position}};
  return window.push({&entry, 1});
}

TEST(WorkerWindowTest, AcknowledgesInOrderWhateverIsFinishedFirst) {
  WorkerWindow window(1, 8);
  for (Position p = 1; p <= 3; ++p) ASSERT_TRUE(push(window, "s", p));
  std::vector<WorkerWindow::Number> given;
  ASSERT_TRUE(window.take(0, given));
  ASSERT_EQ(given.size(), 3u);
  for (Position p = 1; p <= 3; ++p) EXPECT_EQ(window.event(given[p - 1]).position, p);
  window.finish(given[1]);
  EXPECT_FALSE(window.pass().end);
  ASSERT_TRUE(push_place(window, 9));
  window.finish(given[0]);
  const auto two = window.pass();
  ASSERT_TRUE(two.end);
  EXPECT_EQ(two.end->position, 2u);
  EXPECT_EQ(two.events, 2u);
  EXPECT_FALSE(two.whole);
  window.finish(given[2]);
  const auto all = window.pass();
  ASSERT_TRUE(all.end);
  EXPECT_EQ(all.end->position, 9u);
  EXPECT_EQ(all.events, 1u);
  EXPECT_TRUE(all.whole);
}

// Of a segment, say: kept once for many events, and until the last of them is acknowledged.
TEST(WorkerWindowTest, LetsGoOfBytesAsSoonAsTheyAreAcknowledged) {
  WorkerWindow window(1, 8);
  const auto first = std::make_shared<int>(1);
  const auto second = std::make_shared<int>(2);
  ASSERT_TRUE(push(window, "s", 1, first));
  ASSERT_TRUE(push(window, "s", 2, first));
  ASSERT_TRUE(push(window, "s", 3, second));
  EXPECT_EQ(first.use_count(), 2);
  std::vector<WorkerWindow::Number> given;
  ASSERT_TRUE(window.take(0, given));
  window.finish(given[0]);
  (void)window.pass();
  EXPECT_EQ(first.use_count(), 2);
  window.finish(given[1]);
  (void)window.pass();
  EXPECT_EQ(first.use_count(), 1);
  EXPECT_EQ(second.use_count(), 2);
  window.finish(given[2]);
  (void)window.pass();
  EXPECT_EQ(second.use_count(), 1);
  // Places in the ring are used again.
  for (Position p = 4; p <= 20; ++p) {
    ASSERT_TRUE(push(window, "s", p, p % 2 == 0 ? first : second));
    ASSERT_TRUE(window.take(0, given));
    ASSERT_EQ(given.size(), 1u);
    EXPECT_EQ(window.event(given[0]).position, p);
    window.finish(given[0]);
    EXPECT_EQ(window.pass().end->position, p);
  }
  EXPECT_EQ(first.use_count() + second.use_count(), 2);
}

TEST(WorkerWindowTest, WaitsForRoom) {
  WorkerWindow window(1, 2);
  ASSERT_TRUE(push(window, "s", 1));
  ASSERT_TRUE(push(window, "s", 2));
  std::atomic<bool> pushed = false;
  std::thread reader([&] {
    EXPECT_TRUE(push(window, "s", 3));
    pushed = true;
  });
  std::vector<WorkerWindow::Number> given;
  ASSERT_TRUE(window.take(0, given));
  EXPECT_FALSE(pushed);
  window.finish(given[0]);
  (void)window.pass();
  reader.join();
  ASSERT_TRUE(window.take(0, given));
  EXPECT_EQ(window.event(given[0]).position, 3u);
}

TEST(WorkerWindowTest, ClosedItGivesOutWhatItHasAndTakesNoMore) {
  WorkerWindow window(1, 2);
  ASSERT_TRUE(push(window, "s", 1));
  ASSERT_TRUE(push(window, "s", 2));
  std::thread reader([&] { EXPECT_FALSE(push(window, "s", 3)); });  // no room
  window.close();
  reader.join();
  std::vector<WorkerWindow::Number> given;
  ASSERT_TRUE(window.take(0, given));
  EXPECT_EQ(given.size(), 2u);
  EXPECT_FALSE(window.take(0, given));
  EXPECT_FALSE(push_place(window, 4));
}

}  // namespace
}  // namespace daybook::test
