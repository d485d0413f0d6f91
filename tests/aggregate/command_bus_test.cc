// Commands and queries find their handlers by type.
#include <daybook/sourcing/command_bus.h>

#include "aggregate/counter.h"

namespace daybook::test {
namespace {

struct Add {
  std::string id;
  std::int64_t amount = 0;
  using Result = Appended;
};
struct Reset {};
struct SumOf {
  std::string id;
  using Result = std::int64_t;
};

using CommandBusTest = SourcingTest;

TEST_F(CommandBusTest, CarriesCommandsToTheirHandlersAndResultsBack) {
  Repository<Counter> counters(store());
  CommandBus commands;
  ASSERT_TRUE(is_ok(commands.handle<Add>([&](const Add& add, const CommandContext& context) {
    return counters.update(
        add.id, [&](auto& counter) { counter.emit(Added{add.amount}); }, context);
  })));
  bool reset = false;
  ASSERT_TRUE(is_ok(commands.handle<Reset>([&](const Reset&) -> Result<void> {
    reset = true;
    return {};
  })));
  QueryBus queries;
  ASSERT_TRUE(is_ok(queries.handle<SumOf>(
      [&](const SumOf& question) -> Result<std::int64_t> { return counters.load(question.id)->state().sum; })));

  EXPECT_EQ(commands.send(Add{"7", 5})->last_position, 1u);
  EXPECT_EQ(commands.send(Add{"7", 6}, {.id = CommandId{1}})->last_position, 2u);
  EXPECT_TRUE(commands.send(Add{"7", 6}, {.id = CommandId{1}})->repeated);
  EXPECT_TRUE(is_ok(commands.send(Reset())));
  EXPECT_TRUE(reset);
  EXPECT_EQ(*queries.ask(SumOf{"7"}), 11);
}

TEST_F(CommandBusTest, WhatNobodyHandlesIsAnError) {
  const CommandBus commands;
  const auto sent = commands.send(Reset());
  ASSERT_TRUE(fails_with(sent, Errc::not_found));
  EXPECT_NE(sent.error().detail.view().find("Reset"), std::string_view::npos);
  EXPECT_TRUE(fails_with(QueryBus().ask(SumOf{"7"}), Errc::not_found));
}

TEST_F(CommandBusTest, ASecondHandlerIsRefused) {
  CommandBus commands;
  ASSERT_TRUE(is_ok(commands.handle<Reset>([](const Reset&) -> Result<void> { return {}; })));
  EXPECT_TRUE(fails_with(commands.handle<Reset>([](const Reset&) -> Result<void> { return refuse("second"); }),
                         Errc::invalid_argument));
  EXPECT_TRUE(is_ok(commands.send(Reset())));  // the first
}

TEST_F(CommandBusTest, AConflictIsTriedAgainARefusalIsNot) {
  CommandBus commands({.attempts = 3, .first_delay = std::chrono::nanoseconds(1)});
  int conflicts = 0;
  ASSERT_TRUE(is_ok(commands.handle<Reset>([&](const Reset&) -> Result<void> {
    if (++conflicts < 3) return fail({.code = Errc::condition_failed});
    return {};
  })));
  EXPECT_TRUE(is_ok(commands.send(Reset())));
  EXPECT_EQ(conflicts, 3);
  int refusals = 0;
  ASSERT_TRUE(is_ok(commands.handle<Add>([&](const Add&) -> Result<Appended> {
    ++refusals;
    return refuse("no");
  })));
  EXPECT_TRUE(fails_with(commands.send(Add()), Errc::refused));
  EXPECT_EQ(refusals, 1);
}

}  // namespace
}  // namespace daybook::test
