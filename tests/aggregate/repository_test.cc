// Load, decide, save.
#include <daybook/sourcing/repository.h>

#include <chrono>
#include <thread>
#include <vector>

#include "aggregate/counter.h"

namespace daybook::test {
namespace {

using RepositoryTest = SourcingTest;

TEST_F(RepositoryTest, WhatIsSavedIsLoadedAgain) {
  Repository<Counter> counters(store());
  Aggregate<Counter> counter("7");
  EXPECT_EQ(counter.stream(), "counter-7");
  EXPECT_FALSE(counter.exists());
  counter.emit(Started{"Ada"});
  counter.emit(Added{5});
  EXPECT_EQ(counter->sum, 5);
  EXPECT_EQ(counter.version(), 0u);
  const auto saved = counters.save(counter);
  ASSERT_TRUE(is_ok(saved));
  EXPECT_EQ(saved->last_position, 2u);
  EXPECT_EQ(counter.version(), 2u);
  EXPECT_EQ(counter.position(), 2u);
  EXPECT_TRUE(counter.pending().empty());

  open();
  Repository<Counter> again(store());
  const auto loaded = again.load("7");
  ASSERT_TRUE(is_ok(loaded));
  EXPECT_EQ(loaded->state(), (Counter{"Ada", 5}));
  EXPECT_EQ(loaded->version(), 2u);
  EXPECT_TRUE(loaded->exists());
  EXPECT_FALSE(again.load("8")->exists());
}

TEST_F(RepositoryTest, TagsOfTheStructAndOfTheCallAreStored) {
  Repository<Counter> counters(store());
  Aggregate<Counter> counter("7");
  const auto when = Timestamp(std::chrono::nanoseconds(1'000'000'007));
  counter.emit(Added{-1}, {.tags = {"batch"}, .id = EventId{1, 2, 3}, .occurred_at = when});
  ASSERT_TRUE(is_ok(counters.save(counter)));
  Cursor cursor = store().read();
  const EventView* const event = cursor.next();
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(std::vector<std::string>(event->tags.begin(), event->tags.end()),
            (std::vector<std::string>{"minus", "batch"}));
  ASSERT_NE(event->id, nullptr);
  EXPECT_EQ(*event->id, (EventId{1, 2, 3}));
  EXPECT_EQ(event->occurred_at, when);
  EXPECT_EQ(event->type, "Added");
  EXPECT_EQ(event->payload.text(), R"({"amount":-1})");
}

TEST_F(RepositoryTest, AConflictSavesNothingAndKeepsWhatIsPending) {
  Repository<Counter> counters(store());
  add(counters, "7", 1);
  auto first = counters.load("7");
  auto second = counters.load("7");
  first->emit(Added{10});
  second->emit(Added{100});
  ASSERT_TRUE(is_ok(counters.save(*first)));
  const auto refused = counters.save(*second);
  ASSERT_TRUE(fails_with(refused, Errc::wrong_version, 0, "expected version"));
  EXPECT_EQ(refused.error().expected, 1u);
  EXPECT_EQ(refused.error().actual, 2u);
  EXPECT_EQ(second->pending().size(), 1u);
  EXPECT_EQ(second->version(), 1u);
  EXPECT_EQ(counters.load("7")->state().sum, 11);
}

TEST_F(RepositoryTest, AnEventThatCannotBeEncodedFailsTheSaveByName) {
  Repository<Counter> counters(store());
  Aggregate<Counter> counter("7");
  counter.emit(Started{"\xff"});
  counter.emit(Added{1});
  const auto saved = counters.save(counter);
  ASSERT_FALSE(saved);
  EXPECT_NE(describe(saved.error()).find("counter-7: Started"), std::string::npos) << describe(saved.error());
  EXPECT_NE(describe(saved.error()).find("owner"), std::string::npos) << describe(saved.error());
  EXPECT_EQ(store().published_position(), 0u);
  EXPECT_EQ(counter.pending().size(), 2u);
}

TEST_F(RepositoryTest, AnEventThatDoesNotDecodeIsNamed) {
  ASSERT_TRUE(is_ok(store().append("counter-7", Expect::any(), {{.type = "Added", .payload = R"({"amount":"x"})"}})));
  ASSERT_TRUE(is_ok(store().append("counter-8", Expect::any(), {{.type = "Unheard", .payload = "{}"}})));
  Repository<Counter> counters(store());
  const auto bad = counters.load("7");
  ASSERT_TRUE(fails_with(bad, Errc::bad_event, 0, "cannot decode"));
  for (const char* part : {"counter-7", "version 1", "Added", "amount"}) {
    EXPECT_NE(bad.error().detail.view().find(part), std::string_view::npos) << bad.error().detail.view();
  }
  EXPECT_TRUE(fails_with(counters.load("8"), Errc::bad_event));
}

struct Tolerant : Counter {
  static constexpr bool kSkipsUnknownEvents = true;
};

TEST_F(RepositoryTest, AStateMaySayThatItSkipsUnknownEvents) {
  ASSERT_TRUE(is_ok(store().append("counter-8", Expect::any(), {{.type = "Unheard", .payload = "{}"}})));
  const auto loaded = Repository<Tolerant>(store()).load("8");
  ASSERT_TRUE(is_ok(loaded));
  EXPECT_EQ(loaded->version(), 1u);  // it may be saved
}

TEST_F(RepositoryTest, UpdateTriesAgainOnTheStateAsItIsThen) {
  Repository<Counter> counters(store());
  add(counters, "7", 1);
  int calls = 0;
  const auto updated = counters.update("7", [&](auto& counter) {
    if (++calls <= 2) {
      ASSERT_TRUE(
          is_ok(store().append("counter-7", Expect::any(), {{.type = "Added", .payload = R"({"amount":10})"}})));
    }
    counter.emit(Added{counter->sum * 1000});
  });
  ASSERT_TRUE(is_ok(updated));
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(counters.load("7")->state().sum, 21 + 21'000);
}

TEST_F(RepositoryTest, UpdateGivesUpWithTheConflict) {
  Repository<Counter> counters(store());
  int calls = 0;
  const auto updated = counters.update(
      "7",
      [&](auto& counter) {
        ++calls;
        ASSERT_TRUE(
            is_ok(store().append("counter-7", Expect::any(), {{.type = "Added", .payload = R"({"amount":1})"}})));
        counter.emit(Added{1});
      },
      {}, {.attempts = 4, .first_delay = std::chrono::nanoseconds(1)});
  EXPECT_TRUE(fails_with(updated, Errc::wrong_version, 0, "expected version"));
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(store().published_position(), 4u);
}

TEST_F(RepositoryTest, ARefusalSavesNothingAndIsNotTriedAgain) {
  Repository<Counter> counters(store());
  int calls = 0;
  const auto updated = counters.update("7", [&](auto& counter) -> Result<void> {
    ++calls;
    counter.emit(Added{1});
    return refuse("not today");
  });
  ASSERT_TRUE(fails_with(updated, Errc::refused));
  EXPECT_EQ(updated.error().detail.view(), "not today");
  EXPECT_EQ(describe(updated.error()), "refused: not today");
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(store().published_position(), 0u);
}

TEST_F(RepositoryTest, ADecisionForNothingAppendsNothing) {
  Repository<Counter> counters(store());
  const auto updated = counters.update("7", [](const auto&) {});
  ASSERT_TRUE(is_ok(updated));
  EXPECT_EQ(updated->last_position, 0u);
  EXPECT_EQ(store().published_position(), 0u);
}

TEST_F(RepositoryTest, ManyThreadsUpdateOneAggregateWithoutLosingOne) {
  Repository<Counter> counters(store(), {.snapshots = {.every_events = 50}, .cache = 4});
  constexpr int kThreads = 4;
  constexpr int kEach = 200;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        EXPECT_TRUE(
            is_ok(counters.update("7", [](auto& counter) { counter.emit(Added{1}); }, {}, {.attempts = 100'000})));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counters.load("7")->state().sum, kThreads * kEach);
  EXPECT_EQ(Repository<Counter>(store()).load("7")->state().sum, kThreads * kEach);
  EXPECT_FALSE(counters.snapshot_error());
}

TEST_F(RepositoryTest, ACommandIsRecordedOnce) {
  const CommandContext command{.id = CommandId{42}};
  const auto add_ten = [](auto& counter) { counter.emit(Added{10}); };
  Position position = 0;
  {
    Repository<Counter> counters(store());
    add(counters, "7", 3);
    const auto first = counters.update("7", add_ten, command);
    ASSERT_TRUE(is_ok(first));
    EXPECT_FALSE(first->repeated);
    position = first->last_position;
    add(counters, "7", 1);
    const auto second = counters.update("7", add_ten, command);
    ASSERT_TRUE(is_ok(second));
    EXPECT_TRUE(second->repeated);
    EXPECT_EQ(second->first_position, position);
    EXPECT_EQ(second->last_position, position);
    EXPECT_EQ(second->last_version, 4u);
  }
  open();
  Repository<Counter> counters(store());
  EXPECT_TRUE(counters.update("7", add_ten, command)->repeated);
  EXPECT_FALSE(counters.update("7", add_ten, {.id = CommandId{43}})->repeated);
  EXPECT_EQ(counters.load("7")->state().sum, 24);
}

// Also when the second time it would be refused, or lead to something else.
TEST_F(RepositoryTest, ARecordedCommandIsNotDecidedAgain) {
  Repository<Counter> counters(store());
  const CommandContext command{.id = CommandId{42}};
  ASSERT_TRUE(is_ok(counters.update(
      "7",
      [](auto& counter) {
        counter.emit(Added{1});
        counter.emit(Added{2});
      },
      command)));
  const auto again = counters.update(
      "7", [](auto&) -> Result<void> { return refuse("no"); }, command);
  ASSERT_TRUE(is_ok(again));
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->first_position, 1u);
  EXPECT_EQ(again->last_position, 2u);
  EXPECT_EQ(again->last_version, 2u);
}

// Recorded by somebody else between the look for it and the decision, which then sees its result.
TEST_F(RepositoryTest, ACommandThatIsRecordedMeanwhileIsNotRefused) {
  Repository<Counter> counters(store());
  const CommandContext command{.id = CommandId{42}};
  const auto done = counters.update(
      "7",
      [&](auto&) -> Result<void> {
        DAYBOOK_TRY(counters.update(
            "7", [](auto& counter) { counter.emit(Added{1}); }, command));
        return refuse("nothing is left");
      },
      command);
  ASSERT_TRUE(is_ok(done));
  EXPECT_TRUE(done->repeated);
  EXPECT_EQ(done->first_position, 1u);
  EXPECT_EQ(counters.load("7")->state().sum, 1);
}

TEST_F(RepositoryTest, ACommandSentByManyThreadsIsRecordedOnce) {
  Repository<Counter> counters(store());
  constexpr int kThreads = 4;
  for (std::uint8_t round = 0; round < 50; ++round) {
    const CommandContext command{.id = CommandId{1, round}};
    std::atomic<int> fresh = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        const auto done = counters.update(
            "7", [](auto& counter) { counter.emit(Added{1}); }, command);
        ASSERT_TRUE(is_ok(done));
        if (!done->repeated) ++fresh;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(fresh, 1);
  }
  EXPECT_EQ(counters.load("7")->state().sum, 50);
}

TEST_F(RepositoryTest, AnAggregateSavedForARecordedCommandIsWhatTheStoreHas) {
  Repository<Counter> counters(store());
  const CommandContext command{.id = CommandId{42}};
  auto first = counters.load("7");
  auto second = counters.load("7");
  first->emit(Added{1});
  second->emit(Added{1});
  ASSERT_TRUE(is_ok(counters.save(*first, command)));
  add(counters, "7", 1);
  const auto saved = counters.save(*second, command);
  ASSERT_TRUE(is_ok(saved));
  EXPECT_TRUE(saved->repeated);
  EXPECT_EQ(second->version(), 2u);
  EXPECT_EQ(second->state().sum, 2);
  EXPECT_TRUE(second->pending().empty());
}

TEST_F(RepositoryTest, TheContextIsInTheMetadataOfEveryEvent) {
  Repository<Counter> counters(store());
  const EventContext context{
      .correlation = "order-17", .causation = "click \"buy\"", .actor = "Ada", .extra = {{"tenant", "north"}}};
  ASSERT_TRUE(is_ok(counters.update("7",
                                    [](auto& counter) {
                                      counter.emit(Started{"Ada"});
                                      counter.emit(Added{1});
                                    },
                                    {.event = context})));
  Cursor cursor = store().read();
  for (int i = 0; i < 2; ++i) {
    const EventView* const event = cursor.next();
    ASSERT_NE(event, nullptr);
    const auto decoded = decode_context(*event);
    ASSERT_TRUE(is_ok(decoded));
    EXPECT_EQ(*decoded, context);
    const auto next = caused_by(*event);
    ASSERT_TRUE(is_ok(next));
    EXPECT_EQ(*next, (EventContext{.correlation = "order-17", .causation = std::to_string(i + 1), .actor = "Ada"}));
  }
  ASSERT_TRUE(is_ok(store().append("s", Expect::any(), {{.type = "T", .metadata = "[1]"}, {.type = "T"}})));
  EXPECT_TRUE(fails_with(decode_context(*cursor.next()), Errc::bad_event));
  const EventView* const plain = cursor.next();
  EXPECT_EQ(*decode_context(*plain), EventContext());
  EXPECT_EQ(caused_by(*plain)->correlation, "4");
  EXPECT_FALSE(encode_context({.actor = "\xff"}));
}

}  // namespace
}  // namespace daybook::test
