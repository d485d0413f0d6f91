// What the article shows, block by block, with what is here instead. The table is docs/from-the-article.md.
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "article/bank_fixture.h"
#include "examples/bank/balances.h"
#include "examples/bank/check.h"

namespace bank::test {
namespace {

using daybook::AsOf;
using daybook::EventView;
using daybook::Expect;
using daybook::Query;
using daybook::Timestamp;
using Types = std::vector<std::string>;

class ArticleTest : public BankTest {};

// "Event Sourcing: Store events, derive state".
TEST_F(ArticleTest, StateIsDerivedFromEvents) {
  ASSERT_TRUE(is_ok(send(OpenAccount{"1", "Ada", 500})));
  ASSERT_TRUE(is_ok(send(Deposit{"1", 250, "cheque"})));
  ASSERT_TRUE(is_ok(send(Withdraw{"1", 100})));
  Account folded;
  const auto read =
      bank_->accounts().history("1", {}, [&](const auto& event, const EventView&) { folded.apply(event); });
  ASSERT_TRUE(is_ok(read));
  EXPECT_EQ(folded, (Account{"Ada", 650}));
  EXPECT_EQ(history("1"), (Types{"AccountOpened", "MoneyDeposited", "MoneyWithdrawn"}));
}

// EventStore.append, get_events_for_aggregate, get_all_events.
TEST_F(ArticleTest, EventsAreReadByAggregateAndByTime) {
  ASSERT_TRUE(is_ok(send(OpenAccount{"1", "Ada", 500})));
  ASSERT_TRUE(is_ok(send(OpenAccount{"2", "Bob", 500})));
  ASSERT_TRUE(is_ok(send(Deposit{"1", 1})));
  EXPECT_EQ(history("1", {.from_version = 2}), (Types{"MoneyDeposited"}));

  daybook::Cursor all = store().read();
  std::vector<Timestamp> times;
  while (const EventView* event = all.next()) times.push_back(event->recorded_at);
  ASSERT_EQ(times.size(), 3u);
  const auto since = store().count({.recorded_from = times[0] + std::chrono::nanoseconds(1)});
  ASSERT_TRUE(is_ok(since));
  EXPECT_EQ(*since, std::uint64_t{2} - (times[1] == times[0]) - (times[2] == times[0]));
}

// EventStore.subscribe: the read model is told of every event, in order.
TEST_F(ArticleTest, ReadersFollowTheLog) {
  daybook::Cursor follower = store().read();
  EXPECT_EQ(follower.next(), nullptr);
  ASSERT_TRUE(is_ok(send(OpenAccount{"1", "Ada", 500})));
  ASSERT_TRUE(follower.wait(std::chrono::minutes(1)));
  const EventView* event = follower.next();
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->type, "AccountOpened");
}

// AggregateRoot: pending events, version, load_from_history.
TEST_F(ArticleTest, AnAggregateKeepsWhatIsDecidedUntilItIsSaved) {
  auto account = bank_->accounts().load("1");
  ASSERT_TRUE(is_ok(account));
  ASSERT_TRUE(is_ok(open(*account, "Ada", 500)));
  ASSERT_TRUE(is_ok(deposit(*account, 250, "cash")));
  EXPECT_EQ(account->pending().size(), 2u);
  EXPECT_EQ(account->version(), 0u);
  EXPECT_EQ((*account)->cents, 750);
  ASSERT_TRUE(is_ok(bank_->accounts().save(*account)));
  EXPECT_TRUE(account->pending().empty());
  EXPECT_EQ(account->version(), 2u);
  const auto loaded = bank_->accounts().load("1");
  ASSERT_TRUE(is_ok(loaded));
  EXPECT_EQ(loaded->version(), 2u);
  EXPECT_EQ(**loaded, **account);
}

// AccountProjection: get_account, get_accounts_by_owner, get_all_accounts.
TEST_F(ArticleTest, AccountsAreFoundInTheReadModel) {
  ASSERT_TRUE(is_ok(send(OpenAccount{"1", "Ada", 500})));
  ASSERT_TRUE(is_ok(send(OpenAccount{"2", "Bob", 0})));
  ASSERT_TRUE(is_ok(send(OpenAccount{"3", "Ada", 7})));
  ASSERT_TRUE(is_ok(send(Transfer{"1", "2", 120})));
  ASSERT_NO_FATAL_FAILURE(wait_for_read_model());
  const auto of_ada = bank_->queries().ask(AccountsOf{"Ada"});
  ASSERT_TRUE(is_ok(of_ada));
  EXPECT_EQ(*of_ada, (std::vector<AccountRow>{{"1", "Ada", 380}, {"3", "Ada", 7}}));
  const auto bob = bank_->queries().ask(GetAccount{"2"});
  ASSERT_TRUE(is_ok(bob));
  EXPECT_EQ(*bob, (AccountRow{"2", "Bob", 120}));
  EXPECT_TRUE(fails_with(bank_->queries().ask(GetAccount{"4"}), daybook::Errc::refused));
}

// TemporalQueryService.get_balance_at.
TEST_F(ArticleTest, BalancesAreKnownAsOfAnyMoment) {
  ASSERT_TRUE(is_ok(send(OpenAccount{"1", "Ada", 500})));
  ASSERT_TRUE(is_ok(send(Deposit{"1", 50})));
  ASSERT_TRUE(is_ok(send(Withdraw{"1", 20})));
  const Cents expected[] = {0, 500, 550, 530};
  for (const daybook::Version version : {0, 1, 2, 3}) {
    EXPECT_EQ(balance("1", AsOf::version(version)), expected[version]);
    EXPECT_EQ(balance("1", AsOf::position(version)), expected[version]);
  }
  daybook::Cursor cursor = store().read_stream("account-1");
  Timestamp last{};
  while (const EventView* event = cursor.next()) {
    // Recorded times never decrease, and may be equal.
    if (event->recorded_at > last && last != Timestamp()) {
      EXPECT_EQ(balance("1", AsOf::recorded(last)), expected[event->version - 1]);
    }
    last = event->recorded_at;
  }
  EXPECT_EQ(balance("1", AsOf::recorded(last)), 530);
  EXPECT_EQ(balance("1", AsOf::recorded(Timestamp())), 0);
}

// When it happened and when it became known are two times; the article has one.
TEST_F(ArticleTest, WhatIsBookedLateCountsFromWhenItOccurred) {
  const auto day = [](int number) { return Timestamp(std::chrono::hours(24 * number)); };
  const auto at = [&](std::string_view type, std::string_view payload, int number) {
    return store().append("account-1", Expect::any(),
                          {{.type = type,
                            .payload = payload,
                            .schema_version = type == "AccountOpened" ? 2u : 1u,
                            .occurred_at = day(number)}});
  };
  ASSERT_TRUE(is_ok(at("AccountOpened", R"({"owner":"Ada","cents":100})", 1)));
  ASSERT_TRUE(is_ok(at("MoneyDeposited", R"({"cents":10,"method":"cash"})", 5)));
  ASSERT_TRUE(is_ok(at("MoneyDeposited", R"({"cents":3,"method":"cheque"})", 3)));
  EXPECT_EQ(balance("1", AsOf::occurred(day(0))), 0);
  EXPECT_EQ(balance("1", AsOf::occurred(day(2))), 100);
  EXPECT_EQ(balance("1", AsOf::occurred(day(4))), 103);
  EXPECT_EQ(balance("1", AsOf::occurred(day(5))), 113);
}

// TemporalQueryService.get_account_history.
TEST_F(ArticleTest, AHistoryHasBounds) {
  ASSERT_TRUE(is_ok(send(OpenAccount{"1", "Ada", 500})));
  ASSERT_TRUE(is_ok(send(Deposit{"1", 50})));
  ASSERT_TRUE(is_ok(send(Withdraw{"1", 20})));
  EXPECT_EQ(history("1", {.from_version = 2, .to_version = 2}), (Types{"MoneyDeposited"}));
  daybook::Cursor cursor = store().read_stream("account-1");
  const EventView* first = cursor.next();
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(history("1", {.from = first->recorded_at}).size(), 3u);
  EXPECT_EQ(history("1", {.to = first->recorded_at - std::chrono::nanoseconds(1)}), Types());
}

// CommandHandler, QueryHandler.
TEST_F(ArticleTest, CommandsAndQueriesFindTheirHandlers) {
  const auto opened = send(OpenAccount{"1", "Ada", 500});
  ASSERT_TRUE(is_ok(opened));
  EXPECT_EQ(opened->last_position, 1u);
  EXPECT_EQ(balance("1"), 500);
  struct Unheard {};
  EXPECT_TRUE(fails_with(bank_->commands().send(Unheard{}), daybook::Errc::not_found, 0));
  EXPECT_TRUE(fails_with(send(Withdraw{"1", 501}), daybook::Errc::refused));
  EXPECT_TRUE(fails_with(send(Withdraw{"2", 1}), daybook::Errc::refused));
}

// SnapshotStore, SnapshottingAggregate: every 100 events, and the state is the same with and without.
TEST_F(ArticleTest, SnapshotsChangeNoAnswer) {
  ASSERT_TRUE(is_ok(send(OpenAccount{"1", "Ada", 0})));
  for (int i = 0; i < 250; ++i) ASSERT_TRUE(is_ok(send(Deposit{"1", 1})));
  const auto snapshot = store().snapshots().latest("account-1", daybook::state_fingerprint<Account>(), {});
  ASSERT_TRUE(is_ok(snapshot));
  ASSERT_TRUE(snapshot->has_value());
  EXPECT_GE((*snapshot)->version, 200u);
  daybook::Repository<Account> plain(store(), {.catalog = &catalog()});
  for (const daybook::Version version : {1, 99, 100, 101, 200, 250, 251}) {
    EXPECT_EQ(balance("1", AsOf::version(version)), static_cast<Cents>(version) - 1);
    EXPECT_EQ((*plain.load_at("1", AsOf::version(version)))->cents, static_cast<Cents>(version) - 1);
  }
}

// "Index events by aggregate_id and timestamp", and by whatever else is asked for.
TEST_F(ArticleTest, EventsAreFoundByTypeAndTag) {
  for (const char* id : {"1", "2", "3"}) ASSERT_TRUE(is_ok(send(OpenAccount{id, "Ada", 500})));
  ASSERT_TRUE(is_ok(send(Transfer{"1", "2", 5})));
  ASSERT_TRUE(is_ok(send(Transfer{"3", "2", 5})));
  EXPECT_EQ(store().count(Query::type("TransferSent")).value_or(0), 2u);
  EXPECT_EQ(store().count({.items = {{.streams = {"account-2"}, .tags = {"counterparty:3"}}}}).value_or(0), 1u);
}

// Everything again after the end of the process: nothing is kept but the log and what is derived from it.
TEST_F(ArticleTest, TheBankIsTheSameAfterItIsOpenedAgain) {
  ASSERT_TRUE(is_ok(send(OpenAccount{"1", "Ada", 500})));
  ASSERT_TRUE(is_ok(send(OpenAccount{"2", "Bob", 500})));
  ASSERT_TRUE(is_ok(send(Transfer{"1", "2", 5})));
  ASSERT_TRUE(is_ok(bank_->close()));
  open_bank();
  EXPECT_EQ(balance("1"), 495);
  EXPECT_EQ(balance("2"), 505);
  EXPECT_EQ(check(*bank_), 0);
}

}  // namespace
}  // namespace bank::test
