// Rebuilding while the old state serves: nobody sees less than before, nor a state that is half built.
#include <thread>

#include "projection/projection_fixture.h"

namespace daybook::test {
namespace {

// What apply() does can be changed while the program runs: a rebuild is for that.
std::atomic<std::int64_t> factor = 1;
std::atomic<int> delay_us = 0;

struct Scaled : Totals {
  using Events = EventSet<Opened, Moved>;
  void apply(const Opened& event, const EventView& at) { scale(event.cents, at); }
  void apply(const Moved& event, const EventView& at) { scale(event.cents, at); }
  void scale(std::int64_t amount, const EventView& at) {
    if (const int us = delay_us; us > 0) std::this_thread::sleep_for(std::chrono::microseconds(us));
    take(at, amount);
    sum += amount * factor;
  }
  std::int64_t sum = 0;
};
BOOST_DESCRIBE_STRUCT(Scaled, (Totals), (sum))

class RebuildTest : public ProjectionTest {
 protected:
  void SetUp() override {
    ProjectionTest::SetUp();
    factor = 1;
    delay_us = 0;
  }
  static std::int64_t sum(const Projection<Scaled>& projection) {
    return projection.read([](const Scaled& state) { return state.sum; });
  }
  std::int64_t expected(std::int64_t times) {
    std::int64_t all = 0;
    for (const auto& [stream, cents] : fold(store()).cents) all += cents;
    return all * times;
  }
};

TEST_F(RebuildTest, TakesThePlaceOfTheOldOne) {
  append_story(0, 500);
  Projection<Scaled> projection(store());
  ASSERT_TRUE(is_ok(projection.catch_up()));
  EXPECT_EQ(sum(projection), expected(1));
  factor = 3;
  ASSERT_TRUE(is_ok(projection.rebuild()));
  EXPECT_EQ(sum(projection), expected(3));
  EXPECT_EQ(projection.position(), 500u);
  EXPECT_TRUE(fails_with(projection.wait_for(501, kLong), Errc::closed)) << "it did not run, and does not";
  append_story(500, 600);
  ASSERT_TRUE(is_ok(projection.catch_up()));
  EXPECT_EQ(sum(projection), expected(3));
}

// A snapshot of the old one would bring it back at the next start.
TEST_F(RebuildTest, TheOldSnapshotsGo) {
  append_story(0, 500);
  {
    Projection<Scaled> projection(store());
    ASSERT_TRUE(is_ok(projection.catch_up()));
    ASSERT_TRUE(is_ok(projection.save_snapshot()));
    factor = 3;
    ASSERT_TRUE(is_ok(projection.rebuild()));
  }
  append_story(500, 600);
  reopen();
  Projection<Scaled> projection(store());
  ASSERT_TRUE(is_ok(projection.catch_up()));
  EXPECT_EQ(sum(projection), expected(3));
  EXPECT_EQ(projection.progress()->applied, 75u) << "and a new one is there";
}

TEST_F(RebuildTest, WhileOthersAppendReadAndWait) {
  append_story(0, 2'000);
  Projection<Scaled> projection(store(), {.projector = {.batch_events = 50, .visibility = Visibility::published}});
  ASSERT_TRUE(is_ok(projection.start()));
  ASSERT_TRUE(is_ok(projection.wait_for(2'000, kLong)));
  std::atomic<bool> over = false;
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    for (std::uint64_t i = 2'000; !over; ++i) {
      const Position at = append_nth(store(), i);
      ASSERT_TRUE(is_ok(projection.wait_for(at, kLong)));
      const std::uint64_t events = projection.read([](const Scaled& state) { return state.events; });
      ASSERT_GE(events, fold(store(), at).events) << "what was waited for is there";
    }
  });
  threads.emplace_back([&] {
    std::uint64_t before = 1'500;
    Position position = 0;
    while (!over) {
      const std::uint64_t events = projection.read([](const Scaled& state) { return state.events; });
      ASSERT_GE(events, before) << "less than before";
      before = events;
      const Position now = projection.position();
      ASSERT_GE(now, position);
      position = now;
    }
  });
  for (int round = 0; round < 15; ++round) ASSERT_TRUE(is_ok(projection.rebuild()));
  over = true;
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(is_ok(projection.wait_for(store().published_position(), kLong)));
  EXPECT_EQ(projection.read([](const Scaled& state) { return state.digest; }), fold(store()).digest);
}

TEST_F(RebuildTest, OneThatFailsChangesNothing) {
  append_story(0, 300);
  Projection<Scaled> projection(store());
  ASSERT_TRUE(is_ok(projection.start()));
  ASSERT_TRUE(is_ok(projection.wait_for(300, kLong)));
  projection.stop();
  append_poison();
  EXPECT_TRUE(fails_with(projection.rebuild(), Errc::bad_event));
  EXPECT_EQ(sum(projection), expected(1));
  EXPECT_FALSE(projection.error()) << "of the one that serves";
  EXPECT_FALSE(*projection.rebuild_progress());
}

// Who waits while a rebuild fails is told what becomes of the old one, which goes on.
TEST_F(RebuildTest, WaitersOutliveARebuildThatFails) {
  append_story(0, 100);
  Projection<Scaled> projection(store());
  ASSERT_TRUE(is_ok(projection.start()));
  ASSERT_TRUE(is_ok(projection.wait_for(100, kLong)));
  const Position poison = append_poison();
  EXPECT_TRUE(fails_with(projection.rebuild(), Errc::bad_event));
  EXPECT_TRUE(fails_with(projection.wait_for(poison, kLong), Errc::bad_event));
}

TEST_F(RebuildTest, StopEndsIt) {
  append_story(0, 4'000);
  Projection<Scaled> projection(store(), {.projector = {.batch_events = 10, .visibility = Visibility::published}});
  ASSERT_TRUE(is_ok(projection.start()));
  ASSERT_TRUE(is_ok(projection.wait_for(4'000, kLong)));
  delay_us = 1'000;
  std::thread stopper([&] {
    while (true) {
      const auto progress = projection.rebuild_progress();
      ASSERT_TRUE(is_ok(progress));
      if (*progress && (*progress)->applied > 0) {
        EXPECT_EQ((*progress)->head, 4'000u);
        EXPECT_GT((*progress)->remaining, 0u);
        break;
      }
      std::this_thread::sleep_for(1ms);
    }
    projection.stop();
  });
  EXPECT_TRUE(fails_with(projection.rebuild(), Errc::closed));
  stopper.join();
  EXPECT_EQ(sum(projection), expected(1));
  EXPECT_TRUE(fails_with(projection.wait_for(4'001, kLong), Errc::closed));
  delay_us = 0;
  ASSERT_TRUE(is_ok(projection.start()));
  ASSERT_TRUE(is_ok(projection.rebuild()));
  EXPECT_EQ(sum(projection), expected(1));
}

TEST_F(RebuildTest, ManyAtOnceWithStartsAndStops) {
  append_story(0, 500);
  Projection<Scaled> projection(store(), {.projector = {.batch_events = 20, .visibility = Visibility::published}});
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 2; ++thread) {
    threads.emplace_back([&] {
      for (int round = 0; round < 30; ++round) {
        const auto done = projection.rebuild();
        ASSERT_TRUE(done || done.error().code == Errc::closed);
      }
    });
  }
  threads.emplace_back([&] {
    for (int round = 0; round < 100; ++round) {
      ASSERT_TRUE(is_ok(projection.start()));
      append_nth(store(), static_cast<std::uint64_t>(500 + round));
      projection.stop();
    }
  });
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(is_ok(projection.catch_up()));
  EXPECT_EQ(projection.read([](const Scaled& state) { return state.digest; }), fold(store()).digest);
}

}  // namespace
}  // namespace daybook::test
