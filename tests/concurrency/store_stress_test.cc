// The whole store under load: group sync, sealing, tailing readers, closing and opening.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <daybook/store.h>

#include "concurrency/freezing.h"
#include "concurrency/whole_log.h"
#include "store/store_access.h"
#include "support/result_matchers.h"
#include "support/rng.h"
#include "support/temp_dir.h"

namespace daybook::concurrency {
namespace {

using test::is_ok;

#if defined(__SANITIZE_THREAD__)
constexpr int kSome = 3;
#else
constexpr int kSome = 4;
#endif

constexpr std::uint64_t kSmall = 64u << 10;

NewEvent event_with(std::string_view payload) { return {.type = "stress", .payload = Bytes(payload)}; }

TEST(StoreStress, DurableAppendsShareSyncs) {
  test::TempDir directory;
  auto store = Store::open(directory / "log", {.segment_size = kSmall});
  ASSERT_TRUE(is_ok(store));
  constexpr int kWriters = 8;
  constexpr int kEach = 100 * kSome;
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      const std::string payload(300, 'p');
      for (int i = 0; i < kEach; ++i) {
        const auto appended = store->append("writer-" + std::to_string(writer),
                                            Expect::exactly(static_cast<Version>(i)), {event_with(payload)});
        ASSERT_TRUE(is_ok(appended));
        ASSERT_GE(store->durable_position(), appended->last_position);
        if (i % 10 == 0) {
          ASSERT_TRUE(is_ok(store->sync()));
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(check_log(*store), std::uint64_t{kWriters} * kEach);
  EXPECT_TRUE(is_ok(store->close()));
}

TEST(StoreStress, DurabilitiesMixAndReadersTail) {
  test::TempDir directory;
  auto store = Store::open(
      directory / "log",
      {.durability = Durability::memory, .sync_interval = std::chrono::milliseconds(1), .segment_size = kSmall});
  ASSERT_TRUE(is_ok(store));
  constexpr int kWriters = 4;
  constexpr int kEach = 2'000 * kSome;
  constexpr Position kAll = Position{kWriters} * kEach;
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      test::Rng rng(static_cast<std::uint64_t>(writer) + 1);
      const std::string payload(300, 'p');
      for (int i = 0; i < kEach; ++i) {
        const auto durability = rng.below(200) == 0  ? Durability::sync
                                : rng.below(20) == 0 ? Durability::interval
                                                     : Durability::memory;
        const auto appended = store->append("stream-" + std::to_string(rng.below(50)), Expect::any(),
                                            {event_with(std::string_view(payload).substr(0, rng.below(300)))},
                                            {.durability = durability});
        ASSERT_TRUE(is_ok(appended));
        if (durability == Durability::sync) {
          ASSERT_GE(store->durable_position(), appended->last_position);
        }
      }
    });
  }
  for (const auto visibility : {Visibility::published, Visibility::durable}) {
    threads.emplace_back([&, visibility] {
      Position seen = 0;
      Cursor cursor = store->read({.visibility = visibility});
      while (seen < kAll && !::testing::Test::HasFailure()) {
        while (const EventView* event = cursor.next()) ASSERT_EQ(event->position, ++seen);
        ASSERT_FALSE(cursor.error().has_value()) << describe(*cursor.error());
        if (seen < kAll) (void)cursor.wait(std::chrono::milliseconds(100));
        if (visibility == Visibility::durable && store->published_position() == kAll) {
          ASSERT_TRUE(is_ok(store->sync()));
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(check_log(*store), kAll);
  EXPECT_TRUE(is_ok(store->close()));
}

TEST(StoreStress, ClosesAndOpensAgain) {
  test::TempDir directory;
  constexpr int kRounds = 25;
  constexpr int kWriters = 4;
  std::uint64_t events = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto durability = round % 2 == 0 ? Durability::memory : Durability::sync;
    const std::uint64_t each = durability == Durability::sync ? 20 : 150;
    auto store = Store::open(directory / "log", {.durability = durability, .segment_size = kSmall});
    ASSERT_TRUE(is_ok(store));
    EXPECT_FALSE(store->recovery().unclean);
    ASSERT_EQ(store->published_position(), events);
    ASSERT_EQ(store->durable_position(), events);
    std::vector<std::thread> threads;
    for (int writer = 0; writer < kWriters; ++writer) {
      threads.emplace_back([&, writer] {
        const std::string payload(100, 'p');
        for (std::uint64_t i = 0; i < each; ++i) {
          ASSERT_TRUE(is_ok(store->append("stream-" + std::to_string(writer), Expect::any(), {event_with(payload)})));
        }
      });
    }
    for (auto& thread : threads) thread.join();
    events += each * kWriters;
    if (round % 3 != 0) continue;  // the destructor closes
    EXPECT_TRUE(is_ok(store->close()));
  }
  auto store = Store::open(directory / "log", {.segment_size = kSmall});
  ASSERT_TRUE(is_ok(store));
  EXPECT_EQ(check_log(*store), events);
}

// Segments are sealed, and lose the right to be written to, as fast as they fill; with helpers that stop for a moment at
// every step and go on in memory that would be gone if they were not counted.
TEST(StoreStress, SealsBehindLateHelpers) {
  test::TempDir directory;
  auto store = Store::open(directory / "log", {.durability = Durability::memory, .segment_size = kSmall});
  ASSERT_TRUE(is_ok(store));
  log::LogState& state = StoreAccess::writer(*store).state();
  constexpr int kWriters = 3;
  constexpr std::uint64_t kEach = 400 * kSome;
  std::atomic<std::uint64_t> appended = 0;
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      test::Rng rng(static_cast<std::uint64_t>(writer) + 1);
      FreezingAppender appender(state, 1u << 20);
      const std::string payload(2'000, 'p');
      for (std::uint64_t i = 0; i < kEach; ++i) {
        Freezer late(static_cast<log::Step>(rng.below(static_cast<std::uint64_t>(log::Step::published) + 1)),
                     static_cast<std::uint32_t>(rng.below(3)));
        std::thread thaw;
        if (rng.below(16) == 0) {
          freezer = &late;
          thaw = std::thread([&late] {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
            late.thaw();
          });
        }
        const NewEvent event = event_with(payload);
        std::array append{StreamAppend{.stream = "shared", .events = {&event, 1}}};
        format::Address end;
        const auto outcome = appender.append(append, {}, end);
        freezer = nullptr;
        if (thaw.joinable()) thaw.join();
        ASSERT_TRUE(is_ok(outcome));
        ++appended;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(appended, kWriters * kEach);
  EXPECT_EQ(check_log(*store), kWriters * kEach);
  // The last ones may have to wait for the next look of the sealer; the first twenty have been left long ago.
  const auto sealed = [&] {
    const auto info = store->info();
    EXPECT_TRUE(is_ok(info));
    return info && info->segments.size() > 20 &&
           std::all_of(info->segments.begin(), info->segments.begin() + 20, [](const auto& one) { return one.sealed; });
  };
  bool done = sealed();
  for (int i = 0; i < 1'000 && !done; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    done = sealed();
  }
  EXPECT_TRUE(done);
  EXPECT_TRUE(is_ok(store->close()));
}

}  // namespace
}  // namespace daybook::concurrency
