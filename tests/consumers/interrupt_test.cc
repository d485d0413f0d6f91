// Waking a reader that sleeps.
#include <chrono>
#include <thread>

#include "consumers/consumer_fixture.h"
#include "support/child.h"

namespace daybook::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kForEver = 24h;

using InterruptTest = ConsumersTest;

TEST_F(InterruptTest, EndsTheWaitOfAnotherThread) {
  append_many(1);
  auto cursor = store().read({.after = 1});
  bool something = true;
  std::thread reader([&] { something = cursor.wait(kForEver); });
  cursor.interrupt();
  reader.join();
  EXPECT_FALSE(something);
  EXPECT_FALSE(cursor.error());
}

// Interrupted before it waits: that counts once.
TEST_F(InterruptTest, EndsTheNextWaitWhenNobodyIsInOne) {
  append_many(1);
  auto cursor = store().read({.after = 1});
  cursor.interrupt();
  cursor.interrupt();
  EXPECT_FALSE(cursor.wait(kForEver));
  append_many(1);
  EXPECT_TRUE(cursor.wait(kForEver));
  EXPECT_NE(cursor.next(), nullptr);
}

// Many times, so that the interruption falls on every step of falling asleep. One that is missed would hang the test.
TEST_F(InterruptTest, IsNeverMissed) {
  append_many(1);
  for (const bool by_query : {false, true}) {
    auto cursor = by_query ? store().read(Query::stream("s"), {.after = 1}) : store().read({.after = 1});
    constexpr int kTimes = 20'000;
    std::atomic<int> waited = 0;
    std::thread reader([&] {
      for (int i = 0; i < kTimes; ++i) {
        EXPECT_FALSE(cursor.wait(kForEver));
        ++waited;
      }
    });
    for (int i = 0; i < kTimes; ++i) {
      cursor.interrupt();
      while (waited <= i) std::this_thread::yield();
    }
    reader.join();
  }
}

TEST_F(InterruptTest, WakesReadersOfReadOnlyStores) {
  append_many(1);
  auto reader = Store::open(path(), read_only());
  ASSERT_TRUE(is_ok(reader));
  auto consumer = reader->consumer("a", {.start = StartAt::end(), .visibility = Visibility::published});
  ASSERT_TRUE(is_ok(consumer));
  std::thread thread([&] { EXPECT_FALSE(consumer->wait(kForEver)); });
  consumer->interrupt();
  thread.join();
  append_many(1);
  EXPECT_TRUE(consumer->wait(kForEver));
}

}  // namespace
}  // namespace daybook::test
