// A sync that fails is final: one error for everybody, no second attempt, nothing acknowledged; reading goes on.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <list>
#include <thread>
#include <vector>

#include "faults/faulty_store.h"

namespace daybook::test {
namespace {

class SyncTest : public FaultyStoreTest, public ::testing::WithParamInterface<int> {
 protected:
  // `alone`: no segment is being prepared, which takes a sync, too.
  void expect_poisoned(int error_number, const char* what, bool alone = true) {
    const Position durable = store().durable_position();
    const Position published = store().published_position();
    const std::uint64_t syncs = faults_->count(IoCall::sync);
    for (const auto durability : {Durability::memory, Durability::interval, Durability::sync}) {
      const auto refused = store().append("s", Expect::any(), {{.type = "T"}}, {.durability = durability});
      EXPECT_TRUE(fails_with(refused, Errc::poisoned, error_number, what));
    }
    EXPECT_EQ(store().published_position(), published);
    EXPECT_EQ(store().durable_position(), durable) << "the mark stands still";
    if (published > durable) {
      EXPECT_TRUE(fails_with(store().sync(), Errc::poisoned, error_number, what));
    }
    EXPECT_TRUE(is_ok(store().sync(durable))) << "what is durable stays so";
    expect_readable();
    EXPECT_TRUE(fails_with(store().close(), Errc::poisoned, error_number, what));
    if (alone) {
      EXPECT_EQ(faults_->count(IoCall::sync), syncs) << "not tried again";
    }
  }

  // Until every segment that is full is sealed, or the fault has struck.
  void wait_for_sealer() {
    const auto waits = [this] {
      const auto info = store().info();
      if (!info || faults_->struck()) return false;
      std::size_t open = 0;
      for (const SegmentInfo& segment : info->segments) open += segment.first_position != 0 && !segment.sealed;
      return open > 1;
    };
    for (int i = 0; i < 1'000 && waits(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
};

constexpr int kErrors[] = {EIO, ENOSPC, EDQUOT};

// With the fault gone at once: were the sync tried again, it would succeed, as in the kernel.
TEST_P(SyncTest, OfAnAppend) {
  start(Durability::sync);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(is_ok(append()));
  faults_->add({.call = IoCall::sync, .error_number = GetParam()});
  EXPECT_TRUE(fails_with(append(), Errc::poisoned, GetParam(), "fdatasync"));
  EXPECT_EQ(store().published_position(), 6u) << "visible it is, acknowledged it is not";
  EXPECT_EQ(store().durable_position(), 5u);
  expect_poisoned(GetParam(), "fdatasync");
  expect_whole_after_reopen(true);
}

TEST_P(SyncTest, OfAPosition) {
  start(Durability::memory);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(is_ok(append()));
  faults_->add({.call = IoCall::sync, .error_number = GetParam()});
  EXPECT_TRUE(fails_with(store().sync(3), Errc::poisoned, GetParam(), "fdatasync"));
  EXPECT_EQ(store().durable_position(), 0u);
  expect_poisoned(GetParam(), "fdatasync");
  expect_whole_after_reopen(true);
}

TEST_P(SyncTest, InTheBackground) {
  auto opened = open(
      {.durability = Durability::interval, .sync_interval = std::chrono::milliseconds(2), .segment_size = kSmallest});
  ASSERT_TRUE(is_ok(opened));
  store_.emplace(std::move(*opened));
  faults_->add({.call = IoCall::sync, .error_number = GetParam()});
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::optional<Error> error;
  while (!error && std::chrono::steady_clock::now() < until) {
    if (const auto appended = append(10); !appended) error = appended.error();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, Errc::poisoned);
  EXPECT_EQ(error->sys_errno, GetParam());
  expect_poisoned(GetParam(), "fdatasync");
  expect_whole_after_reopen(true);
}

// Everything that a full segment goes through: its sync, its footer and the footer's sync, losing the right to write.
// (The sync of the segment after it may be the one that fails: that segment is made again.)
TEST_P(SyncTest, WhileASegmentIsSealed) {
  std::size_t poisoned = 0;
  // Other threads sync as well, sidecars for example: which sync is the nth is not the same in each run.
  for (std::uint64_t run = 0; run < 12 || (poisoned < 4 && run < 60); ++run) {
    const std::uint64_t nth = 1 + run % 12;
    SCOPED_TRACE(nth);
    std::filesystem::remove_all(path());
    acked_ = 0;
    start(Durability::memory);
    faults_->add({.call = IoCall::sync, .nth = nth, .error_number = GetParam()});
    std::optional<Error> error;
    for (int i = 0; i < 6 && !error; ++i) {
      error = append_until_error(150);
      wait_for_sealer();
    }
    if (error) {
      ++poisoned;
      EXPECT_EQ(error->code, Errc::poisoned) << to_text(*error);
      EXPECT_EQ(error->sys_errno, GetParam());
      expect_poisoned(GetParam(), "fdatasync", false);
      expect_whole_after_reopen(true);
    } else {
      expect_readable();
      expect_whole_after_reopen();
    }
  }
  EXPECT_GE(poisoned, 4u);
}

INSTANTIATE_TEST_SUITE_P(Errors, SyncTest, ::testing::ValuesIn(kErrors), [](const auto& test) {
  return test.param == EIO ? "EIO" : test.param == ENOSPC ? "ENOSPC" : "EDQUOT";
});

// Each waiter is told once, and nobody is told that what failed is durable.
TEST_F(SyncTest, OfManyWaiters) {
  constexpr int kThreads = 8;
  for (std::uint64_t nth = 1; nth <= 40; nth += 3) {
    SCOPED_TRACE(nth);
    std::filesystem::remove_all(path());
    start(Durability::sync, 1 << 20);  // a quarter of it is not reached
    faults_->add({.call = IoCall::sync, .nth = nth});
    std::atomic<int> told = 0;
    std::atomic<Position> acked = 0;
    {
      std::list<std::jthread> threads;
      for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
          const std::string stream = "s" + std::to_string(thread);
          for (int i = 0; i < 10'000; ++i) {
            const auto appended = store().append(stream, Expect::any(), {{.type = "T"}});
            if (!appended) {
              EXPECT_TRUE(fails_with(appended, Errc::poisoned, EIO, "fdatasync"));
              ++told;
              return;
            }
            Position now = acked.load();
            while (now < appended->last_position && !acked.compare_exchange_weak(now, appended->last_position)) {
            }
          }
        });
      }
    }
    EXPECT_EQ(told.load(), kThreads);
    EXPECT_LE(acked.load(), store().durable_position());
    acked_ = acked.load();
    expect_poisoned(EIO, "fdatasync");
    expect_whole_after_reopen(true);
  }
}

// --- what is no sync, and ends the log all the same

TEST_F(SyncTest, PagesThatCannotBeBacked) {
  for (const int error_number : {EFAULT, ENOMEM}) {
    std::filesystem::remove_all(path());
    faults_->add({.call = IoCall::populate, .error_number = error_number, .repeat = Repeat::for_ever});
    start(Durability::memory);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    Result<Appended> appended;
    acked_ = 0;
    do {
      appended = append(10);
    } while (appended && std::chrono::steady_clock::now() < until);
    EXPECT_TRUE(fails_with(appended, Errc::poisoned, error_number, "madvise"));
    faults_->clear();
    expect_poisoned(error_number, "madvise", false);
    expect_whole_after_reopen(true);
  }
}

TEST_F(SyncTest, SealedSegmentThatCannotBeProtected) {
  start(Durability::memory);
  faults_->add({.call = IoCall::protect, .error_number = ENOMEM});
  const auto error = append_until_error(100'000);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, Errc::poisoned);
  EXPECT_EQ(error->sys_errno, ENOMEM);
  expect_poisoned(ENOMEM, "mprotect", false);
  expect_whole_after_reopen(true);
}

// A sync of what is being appended to interrupts whoever appends, once for each page. Were it to take all that is published,
// the events behind the full segment would be durable with it.
TEST_F(FaultyStoreTest, TheSyncOfAFullSegmentGoesNoFurther) {
  std::atomic<bool> go_on = false;
  faults_->before_each_call([&](IoCall call) {
    while (call == IoCall::protect && !go_on) std::this_thread::yield();  // comes before that sync
  });
  start(Durability::memory);
  const log::LogState& state = StoreAccess::writer(store()).state();
  const std::uint64_t first = state.publishing.load()->number();
  while (state.publishing.load()->number() == first) ASSERT_TRUE(is_ok(append()));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(is_ok(append()));
  const Position full = state.publishing.load()->base.load();
  go_on = true;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (store().durable_position() == 0 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_EQ(store().durable_position(), full);
  EXPECT_GE(store().published_position(), full + 10);
  EXPECT_TRUE(is_ok(store().sync()));
  EXPECT_EQ(store().durable_position(), store().published_position());
  store_.reset();  // before what the hook refers to
}

}  // namespace
}  // namespace daybook::test
