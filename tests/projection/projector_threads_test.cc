#include <thread>

#include "projection/projection_fixture.h"
#include "projection/recording_target.h"
#include "support/rng.h"

namespace daybook::test {
namespace {

const Query kMoney{.items = {{.types = {"Opened", "Moved"}}}};
constexpr ProjectorOptions kSeen{.batch_events = 64, .visibility = Visibility::published};

using ProjectorThreadsTest = ProjectionTest;

// A stop that is overlooked would sleep for a day: before the first sleep, in it, and between two.
TEST_F(ProjectorThreadsTest, StopsWhereverItIs) {
  const auto target = std::make_shared<RecordingTarget>();
  Projector projector(store(), kMoney, target, kSeen);
  Rng rng(7);
  for (std::uint64_t round = 0; round < 300; ++round) {
    const Position last = append_nth(store(), round);
    ASSERT_TRUE(is_ok(projector.start()));
    if (rng.coin()) {
      ASSERT_TRUE(is_ok(projector.wait_for(last, kLong)));
    }
    if (rng.coin()) std::this_thread::yield();
    projector.stop();
    ASSERT_FALSE(projector.running());
  }
  ASSERT_TRUE(is_ok(projector.catch_up()));
  EXPECT_EQ(target->taken(), matching(store()));
}

// Who is told that it has stopped can start it, or catch up, at once: neither is answered "it runs".
TEST_F(ProjectorThreadsTest, CanBeStartedAgainAsSoonAsAnErrorIsSeen) {
  const auto target = std::make_shared<RecordingTarget>();
  const Position poison = append_poison();
  std::atomic<int> failures = 0;
  target->on_event = [&](const EventView&) -> Result<void> {
    ++failures;
    return refuse("no");
  };
  Projector projector(store(), kMoney, target, kSeen);
  for (int round = 1; round <= 200; ++round) {
    ASSERT_TRUE(is_ok(projector.start()));
    ASSERT_TRUE(fails_with(projector.wait_for(poison, kLong), Errc::refused));
    ASSERT_EQ(failures.load(), round);
  }
}

TEST_F(ProjectorThreadsTest, EndsWhenItIsDestroyedInTheMiddle) {
  append_story(0, 2'000);
  const auto target = std::make_shared<RecordingTarget>();
  for (int round = 0; round < 50; ++round) {
    Projector projector(store(), kMoney, target, kSeen);
    ASSERT_TRUE(is_ok(projector.start()));
    if (round % 2 == 1) append_nth(store(), 2'000);
  }
  Projector projector(store(), kMoney, target, kSeen);
  ASSERT_TRUE(is_ok(projector.catch_up()));
  EXPECT_EQ(target->taken(), matching(store()));
}

// Everybody calls everything. What was taken is each event once, in order; and whoever waited saw what it waited for.
TEST_F(ProjectorThreadsTest, StartStopCatchUpAndWaitFromManyThreads) {
  const auto target = std::make_shared<RecordingTarget>();
  Projector projector(store(), kMoney, target, kSeen);
  std::atomic<bool> over = false;
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    for (std::uint64_t i = 0; i < 1'500; ++i) append_nth(store(), i);
    over = true;
  });
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    threads.emplace_back([&, rng = Rng(seed)]() mutable {
      while (!over) {
        switch (rng.below(5)) {
          case 0: EXPECT_TRUE(is_ok(projector.start())); break;
          case 1: projector.stop(); break;
          case 2: {
            const auto done = projector.catch_up();
            EXPECT_TRUE(done || done.error().code == Errc::invalid_argument || done.error().code == Errc::closed);
            break;
          }
          case 3: EXPECT_TRUE(is_ok(projector.progress())); break;
          default: {
            const Position wanted = store().published_position();
            if (!projector.wait_for(wanted, 50ms)) break;
            EXPECT_GE(target->taken().size(), matching(store(), wanted).size());
          }
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  projector.stop();
  ASSERT_TRUE(is_ok(projector.catch_up()));
  EXPECT_EQ(target->taken(), matching(store()));
  EXPECT_EQ(projector.progress()->applied, target->taken().size());
  ASSERT_TRUE(is_ok(projector.start()));
  EXPECT_TRUE(is_ok(projector.wait_for(append_nth(store(), 0), kLong))) << "and it still runs";
}

// catch_up() takes what is there when it is called: it must end though others append for ever.
TEST_F(ProjectorThreadsTest, CatchesUpWhileOthersAppend) {
  std::atomic<bool> over = false;
  std::thread appender([&] {
    for (std::uint64_t i = 0; !over; ++i) append_nth(store(), i);
  });
  const auto target = std::make_shared<RecordingTarget>();
  // One event for each that is appended meanwhile: it would never get to the end.
  target->on_event = [&](const EventView&) -> Result<void> {
    const Position before = store().published_position();
    while (store().published_position() < before + 2) std::this_thread::yield();
    return {};
  };
  while (store().published_position() < 200) std::this_thread::yield();
  Projector projector(store(), kMoney, target, kSeen);
  EXPECT_TRUE(is_ok(projector.catch_up()));
  over = true;
  appender.join();
  EXPECT_LT(target->taken().size(), matching(store()).size());
}

TEST_F(ProjectorThreadsTest, StopEndsACatchUp) {
  append_story(0, 1'000);
  const auto target = std::make_shared<RecordingTarget>();
  Projector projector(store(), kMoney, target, {.batch_events = 10, .visibility = Visibility::published});
  std::optional<std::thread> stopper;
  std::atomic<bool> stopped = false;
  std::uint64_t seen = 0;
  target->on_event = [&](const EventView&) -> Result<void> {
    if (++seen == 101) {
      stopper.emplace([&] {
        projector.stop();
        stopped = true;
      });
      // It cannot return before the catching up has ended, and that ends at the end of this batch, or of a later one.
    }
    if (seen > 101) std::this_thread::sleep_for(1ms);
    return {};
  };
  EXPECT_TRUE(fails_with(projector.catch_up(), Errc::closed));
  stopper->join();
  EXPECT_TRUE(stopped);
  EXPECT_LT(target->taken().size(), 750u);
  EXPECT_EQ(target->taken().size() % 10, 0u) << "whole batches";
  target->on_event = nullptr;
  ASSERT_TRUE(is_ok(projector.catch_up()));
  EXPECT_EQ(target->taken(), matching(store()));
}

// A waiter of an event that is appended durably must not be told of it before it is folded: durable_position() must not
// run ahead of what cursors show.
TEST_F(ProjectorThreadsTest, WhatIsDurableIsFoldedWhenTheWaitReturns) {
  const auto target = std::make_shared<RecordingTarget>();
  std::atomic<Position> folded = 0;
  target->on_event = [&](const EventView& event) -> Result<void> {
    folded = event.position;
    return {};
  };
  Projector projector(store(), Query::type("Moved"), target, {.visibility = Visibility::durable});
  ASSERT_TRUE(is_ok(projector.start()));
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 300; ++i) {
        const Position at =
            append_event(store(), "account-" + std::to_string(thread), "Moved", 1, {.durability = Durability::sync});
        ASSERT_TRUE(is_ok(projector.wait_for(at, kLong)));
        ASSERT_GE(folded.load(), at);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace daybook::test
