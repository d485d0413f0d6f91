// Appends that are made again, known by the ids of their events.
#include <array>
#include <string>
#include <vector>

#include "crash/stepped_append.h"
#include "store/store_fixture.h"

namespace daybook::test {
namespace {

EventId id_of(std::uint32_t number) {
  EventId id{};
  for (std::size_t i = 0; i < 4; ++i) id[i] = static_cast<std::uint8_t>(number >> 8 * i);
  id[15] = 0x5a;
  return id;
}
NewEvent event_of(std::uint32_t number, Bytes payload = "payload") {
  return {.type = "T", .payload = payload, .id = id_of(number)};
}

class IdempotenceTest : public StoreTest {
 protected:
  Result<Appended> append_ids(std::string_view stream, Expect expect, std::vector<std::uint32_t> numbers) {
    std::vector<NewEvent> events;
    for (const std::uint32_t number : numbers) events.push_back(event_of(number));
    return store().append(stream, expect, events);
  }

  static void expect_repeat(const Result<Appended>& again, const Appended& first) {
    ASSERT_TRUE(is_ok(again));
    EXPECT_TRUE(again->repeated);
    EXPECT_EQ(again->first_position, first.first_position);
    EXPECT_EQ(again->last_position, first.last_position);
    EXPECT_EQ(again->last_version, first.last_version);
  }
};

TEST_F(IdempotenceTest, WhateverIsExpected) {
  append("before");
  const auto first = append_ids("s", Expect::exactly(1), {1, 2, 3});
  ASSERT_TRUE(is_ok(first));
  EXPECT_FALSE(first->repeated);
  append("after");
  for (const Expect expect : {Expect::any(), Expect::exactly(1), Expect::exactly(4), Expect::exactly(5),
                              Expect::no_stream(), Expect::exists(), Expect::exactly(99)}) {
    expect_repeat(append_ids("s", expect, {1, 2, 3}), *first);
  }
  EXPECT_EQ(store().published_position(), 5u);
}

TEST_F(IdempotenceTest, AfterARestart) {
  const auto first = append_ids("s", Expect::no_stream(), {1});
  append("after");
  reopen();
  expect_repeat(append_ids("s", Expect::no_stream(), {1}), *first);
  for (int i = 0; i < 30; ++i) append(std::string(20'000, 'x'));
  reopen();
  expect_repeat(append_ids("s", Expect::no_stream(), {1}), *first);
}

TEST_F(IdempotenceTest, AnyOtherUseIsADuplicate) {
  ASSERT_TRUE(is_ok(append_ids("s", Expect::any(), {1, 2})));
  ASSERT_TRUE(is_ok(append_ids("s", Expect::any(), {3})));
  const auto duplicate = [this](std::string_view stream, std::vector<std::uint32_t> numbers, std::uint32_t index,
                                Position position) {
    const auto appended = append_ids(stream, Expect::any(), numbers);
    ASSERT_TRUE(fails_with(appended, Errc::duplicate_id));
    EXPECT_EQ(appended.error().index, index);
    EXPECT_EQ(appended.error().actual, position);
  };
  duplicate("s", {1}, 0, 1);         // fewer
  duplicate("s", {2}, 0, 2);         //
  duplicate("s", {1, 2, 3}, 0, 1);   // more
  duplicate("s", {2, 1}, 0, 2);      // another order
  duplicate("other", {1, 2}, 0, 1);  // another stream
  duplicate("s", {9, 3}, 1, 3);      // at another place
  duplicate("s", {1, 9}, 0, 1);      // with another one
  duplicate("s", {7, 8, 7}, 2, 0);   // in itself
  EXPECT_EQ(store().published_position(), 3u);
  const std::array<NewEvent, 2> one_without{event_of(1), NewEvent{.type = "T"}};
  EXPECT_TRUE(fails_with(store().append("s", Expect::any(), one_without), Errc::duplicate_id));
}

TEST_F(IdempotenceTest, SeveralStreams) {
  const std::array<NewEvent, 2> events{event_of(1), NewEvent{.type = "T"}};
  const std::array<NewEvent, 1> other{event_of(2)};
  std::array streams{StreamAppend{"a", Expect::no_stream(), events}, StreamAppend{"check", Expect::no_stream()},
                     StreamAppend{"b", Expect::no_stream(), other}};
  ASSERT_TRUE(is_ok(store().append(streams)));
  append_to("a");
  append_to("check");
  for (StreamAppend& stream : streams) stream.last_version = 77;
  const auto again = store().append(streams);
  ASSERT_TRUE(is_ok(again));
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->last_position, 3u);
  EXPECT_EQ(streams[0].last_version, 2u);
  EXPECT_EQ(streams[1].last_version, 0u);
  EXPECT_EQ(streams[2].last_version, 1u);
  std::swap(streams[0], streams[2]);
  EXPECT_TRUE(fails_with(store().append(streams), Errc::duplicate_id));
}

TEST_F(IdempotenceTest, WithACondition) {
  const std::array<NewEvent, 1> events{event_of(1)};
  const AppendCondition none{Query::type("T")};
  const auto first = store().append("s", Expect::any(), events, none);
  ASSERT_TRUE(is_ok(first));
  expect_repeat(store().append("s", Expect::any(), events, none), *first);
}

TEST_F(IdempotenceTest, EventsWithoutIdsAreNeverTheSame) {
  append("x");
  append("x");
  EXPECT_EQ(store().published_position(), 2u);
}

TEST_F(IdempotenceTest, Horizon) {
  reopen({.durability = Durability::memory, .segment_size = kSmallest, .id_horizon = 5});
  const auto first = append_ids("s", Expect::any(), {1});
  for (int i = 0; i < 4; ++i) append("x");
  expect_repeat(append_ids("s", Expect::any(), {1}), *first);
  append("x");
  const auto forgotten = append_ids("s", Expect::any(), {1});
  ASSERT_TRUE(is_ok(forgotten));
  EXPECT_FALSE(forgotten->repeated);
  expect_repeat(append_ids("s", Expect::any(), {1}), *forgotten);
  reopen({.durability = Durability::memory, .segment_size = kSmallest, .id_horizon = 0});
  const auto unchecked = append_ids("s", Expect::any(), {1});
  ASSERT_TRUE(is_ok(unchecked));
  EXPECT_FALSE(unchecked->repeated);
  reopen();
  expect_repeat(append_ids("s", Expect::any(), {1}), *unchecked);
}

// The other one is published between the look and the claim.
TEST_F(IdempotenceTest, OfTwoAtOnceOneIsAppended) {
  std::uint32_t number = 0;
  const auto race = [&](Expect expect, const std::array<NewEvent, 1>& own, const std::array<NewEvent, 1>& other) {
    std::array streams{StreamAppend{"s", expect, own}};
    Appended winner;
    const auto loser = append_in_steps(store(), streams, [&](log::Step step) {
      if (step != log::Step::begun) return;
      auto hook = std::exchange(SteppedEnv::hook, nullptr);
      const auto appended = store().append("s", expect, other);
      EXPECT_TRUE(is_ok(appended));
      winner = appended.value_or(Appended{});
      append("behind it");
      SteppedEnv::hook = std::move(hook);
    });
    return std::pair(loser, winner);
  };
  for (int i = 0; i < 20; ++i) {
    const std::array<NewEvent, 1> event{event_of(++number)};
    const Version version = store().head("s").value().version;
    const auto [loser, winner] = race(i % 2 == 0 ? Expect::any() : Expect::exactly(version), event, event);
    expect_repeat(loser, winner);
  }
  EXPECT_EQ(store().published_position(), 40u);
}

}  // namespace
}  // namespace daybook::test
