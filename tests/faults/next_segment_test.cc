// The next segment cannot be prepared: appends go on to the end of the one there is, then say why not; and when the
// reason is gone they go on, in the same Store.
#include <array>
#include <atomic>
#include <chrono>
#include <list>
#include <thread>

#include "faults/faulty_store.h"

namespace daybook::test {
namespace {

struct Cell {
  IoCall call;
  int error_number;
  const char* error_name;
  Durability durability = Durability::memory;
  std::uint64_t done = 0;
};

std::string name_of(const ::testing::TestParamInfo<Cell>& info) {
  const Cell& cell = info.param;
  return std::string(name(cell.call)) + "_" + cell.error_name + (cell.durability == Durability::sync ? "_sync" : "") +
         (cell.done != 0 ? "_short" : "");
}

#define CELL(call, error, ...) \
  Cell { IoCall::call, error, #error __VA_OPT__(, ) __VA_ARGS__ }

class NextSegmentTest : public FaultyStoreTest, public ::testing::WithParamInterface<Cell> {
 protected:
  static Errc code() { return io_error(GetParam().call, GetParam().error_number).code; }
  static IoFaults::Fault fault(Repeat repeat) {
    const Cell& cell = GetParam();
    return {.call = cell.call, .error_number = cell.error_number, .repeat = repeat, .done = cell.done};
  }
};

TEST_P(NextSegmentTest, FailsForAWhile) {
  start(GetParam().durability);
  faults_->add(fault(Repeat::for_ever));
  const auto error = append_until_error();
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, code()) << to_text(*error);
  EXPECT_EQ(error->sys_errno, GetParam().error_number);
  EXPECT_STREQ(error->what, "prepare the next segment");
  EXPECT_EQ(error->segment, 2u);
  EXPECT_GE(acked_, 170u) << "to the end of the segment";

  for (int i = 0; i < 3; ++i) EXPECT_TRUE(fails_with(append(), code(), GetParam().error_number));
  expect_readable();
  EXPECT_EQ(store().head("s").value().version, acked_);
  EXPECT_TRUE(is_ok(store().sync()));

  faults_->clear();
  EXPECT_EQ(store().info()->segments.front().last_position, acked_);
  ASSERT_TRUE(is_ok(append())) << "without opening again";
  EXPECT_FALSE(append_until_error(500).has_value());
  EXPECT_EQ(store().published_position(), acked_);
  expect_readable();
  ASSERT_TRUE(is_ok(store().close()));
  expect_whole_after_reopen(false);
}

// The preparation begins long before it is needed, and is begun again: nobody who appends sees it fail.
TEST_P(NextSegmentTest, FailsOnce) {
  start(GetParam().durability);
  faults_->add(fault(Repeat::once));
  const auto error = append_until_error(1000);
  EXPECT_FALSE(error.has_value()) << to_text(*error);
  expect_readable();
  ASSERT_TRUE(is_ok(store().close()));
  expect_whole_after_reopen(false);
}

TEST_P(NextSegmentTest, FailsUntilTheStoreIsClosed) {
  start(GetParam().durability);
  faults_->add(fault(Repeat::for_ever));
  ASSERT_TRUE(append_until_error().has_value());
  faults_->clear();  // a close has calls of its own that may fail, see close_test.cc
  ASSERT_TRUE(is_ok(store().close()));
  expect_whole_after_reopen(false);
}

INSTANTIATE_TEST_SUITE_P(
    Cells, NextSegmentTest,
    ::testing::Values(CELL(create, EMFILE), CELL(create, ENFILE), CELL(create, EACCES), CELL(create, EROFS),
                      CELL(create, ENOSPC), CELL(create, EDQUOT), CELL(create, ENOMEM), CELL(create, EIO),
                      CELL(allocate, ENOSPC), CELL(allocate, EDQUOT), CELL(allocate, EFBIG), CELL(allocate, EIO),
                      CELL(allocate, ENOSPC, Durability::memory, 8192), CELL(allocate, ENOSPC, Durability::sync),
                      CELL(write, ENOSPC), CELL(write, EIO), CELL(write, ENOSPC, Durability::memory, 100),
                      CELL(write, EIO, Durability::memory, 4095), CELL(write_zeros, ENOSPC, Durability::sync),
                      CELL(write_zeros, EIO, Durability::sync), CELL(write_zeros, EDQUOT, Durability::sync),
                      CELL(write_zeros, ENOSPC, Durability::sync, 12'345), CELL(map, ENOMEM), CELL(map, EAGAIN),
                      CELL(map, ENODEV), CELL(map, ENOMEM, Durability::sync), CELL(open, EMFILE), CELL(open, ENFILE),
                      CELL(open, ENOMEM), CELL(rename, EIO), CELL(rename, ENOSPC), CELL(rename, EEXIST),
                      CELL(rename, EXDEV), CELL(directory_sync, EIO), CELL(directory_sync, ENOSPC)),
    name_of);

// --- many who wait for it

class ManyThreadsTest : public FaultyStoreTest {};

TEST_F(ManyThreadsTest, AllAreToldAndAllGoOn) {
  constexpr int kThreads = 8;
  start(Durability::memory);
  faults_->add({.call = IoCall::allocate, .error_number = ENOSPC, .repeat = Repeat::for_ever});
  std::atomic<int> told = 0;
  std::atomic<int> went_on = 0;
  std::atomic<std::uint64_t> acked = 0;
  {
    std::list<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        const std::string stream = "s" + std::to_string(thread);
        bool was_told = false;
        for (int after = 0; after < 300;) {
          const auto appended = store().append(stream, Expect::any(), {{.type = "T"}});
          if (appended) {
            ++acked;
            if (was_told) ++after;
            continue;
          }
          ASSERT_TRUE(fails_with(appended, Errc::no_space, ENOSPC, "prepare the next segment"));
          if (!was_told) ++told;
          was_told = true;
        }
        ++went_on;
      });
    }
    while (told.load() < kThreads) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    faults_->clear();
  }
  EXPECT_EQ(told.load(), kThreads);
  EXPECT_EQ(went_on.load(), kThreads);
  acked_ = acked.load();
  EXPECT_EQ(store().published_position(), acked_) << "refused ones leave nothing";
  expect_readable();
  ASSERT_TRUE(is_ok(store().close()));
  expect_whole_after_reopen(false);
}

}  // namespace
}  // namespace daybook::test
