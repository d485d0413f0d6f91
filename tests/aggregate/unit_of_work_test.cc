// Several aggregates in one append.
#include <daybook/sourcing/unit_of_work.h>

#include "aggregate/counter.h"

namespace daybook::test {
namespace {

class UnitOfWorkTest : public SourcingTest {
 protected:
  UnitOfWorkTest() : counters_(store()) {
    add(counters_, "a", 2);
    add(counters_, "b", 3);
  }

  Repository<Counter> counters_;
};

TEST_F(UnitOfWorkTest, AllAreSavedTogether) {
  auto a = *counters_.load("a");
  auto b = *counters_.load("b");
  a.emit(Added{-10});
  a.emit(Added{-1});
  b.emit(Added{11});
  UnitOfWork work(store());
  const auto saved = work.add(counters_, a).add(counters_, b).save();
  ASSERT_TRUE(is_ok(saved));
  EXPECT_EQ(saved->first_position, 6u);
  EXPECT_EQ(saved->last_position, 8u);
  EXPECT_EQ(a.version(), 4u);
  EXPECT_EQ(a.position(), 7u);
  EXPECT_EQ(b.version(), 4u);
  EXPECT_EQ(b.position(), 8u);
  EXPECT_EQ(counters_.load("a")->state().sum, -9);
  EXPECT_EQ(counters_.load("b")->state().sum, 14);
}

TEST_F(UnitOfWorkTest, AConflictInOneSavesNone) {
  auto a = *counters_.load("a");
  auto b = *counters_.load("b");
  a.emit(Added{-10});
  b.emit(Added{10});
  add(counters_, "b", 1);
  UnitOfWork work(store());
  const auto saved = work.add(counters_, a).add(counters_, b).save();
  ASSERT_TRUE(fails_with(saved, Errc::wrong_version, 0, "expected version"));
  EXPECT_EQ(saved.error().index, 1u);
  EXPECT_EQ(a.pending().size(), 1u);
  EXPECT_EQ(b.pending().size(), 1u);
  EXPECT_EQ(counters_.load("a")->state().sum, 2);
}

// An aggregate that a decision has only looked at must not have moved either.
TEST_F(UnitOfWorkTest, OneThatWasOnlyLookedAtIsChecked) {
  auto a = *counters_.load("a");
  auto b = *counters_.load("b");
  a.emit(Added{-10});
  add(counters_, "b", 1);
  UnitOfWork work(store());
  EXPECT_TRUE(fails_with(work.add(counters_, a).add(counters_, b).save(), Errc::wrong_version, 0, "expected version"));
  b = *counters_.load("b");
  UnitOfWork again(store());
  EXPECT_TRUE(is_ok(again.add(counters_, a).add(counters_, b).save()));
  EXPECT_EQ(b.version(), 4u);
}

TEST_F(UnitOfWorkTest, ConditionsAndExpectationsAreRequired) {
  auto a = *counters_.load("a");
  a.emit(Added{-10});
  {
    UnitOfWork work(store());
    work.add(counters_, a).require(AppendCondition{.fail_if = Query::tag("minus"), .after = 0});
    ASSERT_TRUE(is_ok(work.save()));
  }
  a.emit(Added{-10});
  {
    UnitOfWork work(store());
    work.add(counters_, a).require(AppendCondition{.fail_if = Query::tag("minus"), .after = 0});
    const auto refused = work.save();
    ASSERT_TRUE(fails_with(refused, Errc::condition_failed));
    EXPECT_EQ(refused.error().actual, 6u);
  }
  {
    UnitOfWork work(store());
    work.add(counters_, a).require("counter-b", Expect::exactly(2));
    EXPECT_TRUE(fails_with(work.save(), Errc::wrong_version, 0, "expected version"));
  }
  UnitOfWork work(store());
  work.add(counters_, a).require("counter-b", Expect::exactly(3)).require("counter-c", Expect::no_stream());
  EXPECT_TRUE(is_ok(work.save()));
  EXPECT_EQ(a.version(), 4u);
}

TEST_F(UnitOfWorkTest, OfTwoCommandsWithOneIdTheSecondIsTheFirst) {
  const UnitOfWork::Options options{.command = {.id = CommandId{9}}};
  const auto move = [&](std::int64_t amount) {
    auto a = *counters_.load("a");
    auto b = *counters_.load("b");
    a.emit(Added{-amount});
    b.emit(Added{amount});
    UnitOfWork work(store(), options);
    return work.add(counters_, a).add(counters_, b).save();
  };
  const auto first = move(5);
  ASSERT_TRUE(is_ok(first));
  const auto second = move(7);
  ASSERT_TRUE(is_ok(second));
  EXPECT_TRUE(second->repeated);
  EXPECT_EQ(second->first_position, first->first_position);
  EXPECT_EQ(second->last_position, first->last_position);
  EXPECT_EQ(counters_.load("a")->state().sum, -3);
  const auto found = find_command(store(), CommandId{9});
  ASSERT_TRUE(is_ok(found));
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->last_position, first->last_position);
  // Of the first stream, though the second one's version follows it.
  EXPECT_EQ((*found)->last_version, 3u);
  EXPECT_FALSE(find_command(store(), CommandId{10})->has_value());
}

// Ids are on disk: the function may never change.
TEST(EventIdOfTest, IsSetInStone) {
  const CommandId command{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                          0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
  EXPECT_NE(event_id_of(command, 0), event_id_of(command, 1));
  EXPECT_EQ(event_id_of(command, 0), event_id_of(command, 0));
  std::string hex;
  for (const std::uint8_t byte : event_id_of(command, 7)) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  EXPECT_EQ(hex, "fa69044f116424cf5cab6011e6b42196");
}

}  // namespace
}  // namespace daybook::test
