// What is wrong in the article, a to n, and is not here. Each test fails if the fault were copied; the table is
// docs/from-the-article.md. (k), upcasting, is in upcasting_test.cc.
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "article/bank_fixture.h"
#include "examples/bank/balances.h"
#include "examples/bank/check.h"

namespace bank::test {
namespace {

using daybook::AsOf;
using daybook::Errc;
using daybook::EventView;
using daybook::Expect;
using daybook::Timestamp;
using Types = std::vector<std::string>;

class DefectsTest : public BankTest {
 protected:
  // Opens "1" and "2" with 500 each.
  void open_two() {
    ASSERT_TRUE(is_ok(send(OpenAccount{"1", "Ada", 500})));
    ASSERT_TRUE(is_ok(send(OpenAccount{"2", "Bob", 500})));
  }

  void save_snapshot(daybook::Version version, daybook::Position position, const Account& state) {
    std::string bytes;
    ASSERT_TRUE(is_ok(daybook::Codec<Account>::encode(state, bytes)));
    ASSERT_TRUE(is_ok(store().snapshots().save({.key = "account-1",
                                                .version = version,
                                                .position = position,
                                                .fingerprint = daybook::state_fingerprint<Account>(),
                                                .state = bytes})));
  }
};

// (a) A field without a default behind fields with one: its events cannot even be defined. Here a struct has what it has;
// identity, time and version are the log's, and no field of it.
TEST_F(DefectsTest, A_EveryEventCanBeMadeAndComesBackWhole) {
  auto sender = bank_->accounts().load("1");
  ASSERT_TRUE(is_ok(sender));
  sender->emit(AccountOpened{"Ada", 500});
  sender->emit(MoneyDeposited{1, "cheque"});
  sender->emit(MoneyWithdrawn{2, "machine"});
  sender->emit(TransferSent{"2", 3});
  sender->emit(TransferReceived{"2", 4});
  ASSERT_TRUE(is_ok(bank_->accounts().save(*sender)));
  daybook::Cursor cursor = store().read_stream("account-1");
  std::vector<std::string> payloads;
  while (const EventView* event = cursor.next()) {
    payloads.emplace_back(event->payload.text());
    EXPECT_EQ(event->version, payloads.size());
    EXPECT_EQ(event->position, payloads.size());
    EXPECT_NE(event->recorded_at, Timestamp());
  }
  EXPECT_EQ(payloads,
            (Types{R"({"owner":"Ada","cents":500})", R"({"cents":1,"method":"cheque"})",
                   R"({"cents":2,"method":"machine"})", R"({"to":"2","cents":3})", R"({"from":"2","cents":4})"}));
}

// (b) The version is set by the aggregate, so events that came another way have none; and 0 means "no bound".
TEST_F(DefectsTest, B_TheLogCountsVersionsWhoeverAppends) {
  ASSERT_TRUE(
      is_ok(store().append("account-1", Expect::any(),
                           {{.type = "AccountOpened", .payload = R"({"owner":"Ada","cents":5})", .schema_version = 2},
                            {.type = "MoneyDeposited", .payload = R"({"cents":1,"method":"cash"})"}})));
  ASSERT_TRUE(is_ok(send(Deposit{"1", 10})));
  EXPECT_EQ(history("1", {.from_version = 2}), (Types{"MoneyDeposited", "MoneyDeposited"}));
  EXPECT_EQ(history("1", {.from_version = 3}), (Types{"MoneyDeposited"}));
}

TEST_F(DefectsTest, B_TheFirstMomentIsAMomentAndNotNoBound) {
  ASSERT_NO_FATAL_FAILURE(open_two());
  EXPECT_EQ(balance("1", AsOf::version(0)), 0);
  EXPECT_EQ(balance("1", AsOf::position(0)), 0);
  EXPECT_EQ(balance("1", AsOf::recorded(Timestamp())), 0);
  EXPECT_EQ(balance("1", AsOf::occurred(Timestamp())), 0);
  EXPECT_EQ(history("1", {.to = Timestamp()}), Types());
  EXPECT_EQ(history("1", {.from = Timestamp()}), (Types{"AccountOpened"}));
  EXPECT_EQ(store().count({.recorded_before = Timestamp()}).value_or(1), 0u);
}

// (c) Sorted by a clock that may go back, and nothing notices that somebody else was first.
TEST_F(DefectsTest, C_OrderIsThatOfTheLogWhateverTheClocksSay) {
  const Timestamp noon(std::chrono::hours(12));
  ASSERT_TRUE(is_ok(store().append(
      "account-1", Expect::no_stream(),
      {{.type = "AccountOpened", .payload = R"({"owner":"Ada","cents":5})", .schema_version = 2, .occurred_at = noon},
       {.type = "MoneyDeposited",
        .payload = R"({"cents":7,"method":"cash"})",
        .occurred_at = noon - std::chrono::hours(1)}})));
  EXPECT_EQ(history("1"), (Types{"AccountOpened", "MoneyDeposited"}));
  EXPECT_EQ(balance("1"), 12);
}

TEST_F(DefectsTest, C_NoUpdateIsLost) {
  ASSERT_NO_FATAL_FAILURE(open_two());
  auto first = bank_->accounts().load("1");
  auto second = bank_->accounts().load("1");
  ASSERT_TRUE(is_ok(first));
  ASSERT_TRUE(is_ok(second));
  ASSERT_TRUE(is_ok(withdraw(*first, 400, "cash")));
  ASSERT_TRUE(is_ok(withdraw(*second, 400, "cash")));  // each by itself is covered
  ASSERT_TRUE(is_ok(bank_->accounts().save(*first)));
  const auto saved = bank_->accounts().save(*second);
  ASSERT_TRUE(fails_with(saved, Errc::wrong_version));
  EXPECT_EQ(saved.error().expected, 1u);
  EXPECT_EQ(saved.error().actual, 2u);
  EXPECT_EQ(balance("1"), 100);
}

// (d) The handler appends one event after the other: a failure between them leaves half a command.
TEST_F(DefectsTest, D_ACommandIsRecordedWholeOrNotAtAll) {
  ASSERT_NO_FATAL_FAILURE(open_two());
  auto from = bank_->accounts().load("1");
  auto to = bank_->accounts().load("2");
  ASSERT_TRUE(is_ok(from));
  ASSERT_TRUE(is_ok(to));
  ASSERT_TRUE(is_ok(transfer(*from, *to, 100)));
  ASSERT_TRUE(is_ok(send(Deposit{"2", 1})));  // the second stream has moved on, the first has not
  daybook::UnitOfWork work(store());
  ASSERT_TRUE(fails_with(work.add(bank_->accounts(), *from).add(bank_->accounts(), *to).save(), Errc::wrong_version));
  EXPECT_EQ(history("1"), (Types{"AccountOpened"}));
  EXPECT_EQ(balance("1") + balance("2"), 1'001);
  // Two events of one account: the second cannot be stored, so the first is not.
  auto account = bank_->accounts().load("1");
  ASSERT_TRUE(is_ok(account));
  account->emit(MoneyDeposited{5, "cash"});
  account->emit(MoneyDeposited{5, "\xff"});
  ASSERT_TRUE(fails_with(bank_->accounts().save(*account), Errc::bad_event));
  EXPECT_EQ(history("1"), (Types{"AccountOpened"}));
}

// (e) What is pending is forgotten before it is stored.
TEST_F(DefectsTest, E_WhatCouldNotBeSavedIsStillPending) {
  ASSERT_NO_FATAL_FAILURE(open_two());
  auto account = bank_->accounts().load("1");
  ASSERT_TRUE(is_ok(account));
  ASSERT_TRUE(is_ok(deposit(*account, 100, "cash")));
  daybook::UnitOfWork impossible(store());
  impossible.add(bank_->accounts(), *account).require("account-none", Expect::exists());
  ASSERT_TRUE(fails_with(impossible.save(), Errc::wrong_version));
  ASSERT_EQ(account->pending().size(), 1u);
  EXPECT_EQ(account->version(), 1u);
  ASSERT_TRUE(is_ok(bank_->accounts().save(*account)));
  EXPECT_TRUE(account->pending().empty());
  EXPECT_EQ(balance("1"), 600);
}

// (f) Subscribers run inside append: one that throws makes the caller believe that nothing was stored.
TEST_F(DefectsTest, F_AReaderThatFailsIsNoWritersTrouble) {
  ASSERT_NO_FATAL_FAILURE(open_two());
  daybook::Projection<Balances> balances(store(), {.catalog = &catalog()});
  ASSERT_TRUE(is_ok(balances.start()));
  ASSERT_TRUE(is_ok(balances.wait_for(2, std::chrono::minutes(1))));
  ASSERT_TRUE(is_ok(store().append("account-3", Expect::any(), {{.type = "MoneyDeposited", .payload = "?"}})));
  EXPECT_TRUE(fails_with(balances.wait_for(3, std::chrono::minutes(1)), Errc::bad_event));
  EXPECT_TRUE(is_ok(send(Deposit{"1", 5})));
  ASSERT_TRUE(balances.error().has_value());
  EXPECT_NE(balances.error()->detail.view().find("account-3"), std::string_view::npos);
  EXPECT_EQ(balances.position(), 2u);  // it has stopped at the event, and not behind it
  EXPECT_EQ(balance("1"), 505);
}

// (f) And one that subscribes late has missed what was before.
TEST_F(DefectsTest, F_AReaderThatComesLateCatchesUp) {
  ASSERT_NO_FATAL_FAILURE(open_two());
  ASSERT_TRUE(is_ok(send(Transfer{"1", "2", 20})));
  daybook::Projection<Balances> late(store(), {.catalog = &catalog()});
  ASSERT_TRUE(is_ok(late.start()));
  ASSERT_TRUE(is_ok(late.wait_for(4, std::chrono::minutes(1))));
  EXPECT_EQ(late.read([](const Balances& now) { return now.cents; }),
            (std::map<std::string, Cents>{{"1", 480}, {"2", 520}}));
}

// (g) get_balance_at forgets what was paid in at the opening, and credits transfers to their sender.
TEST_F(DefectsTest, G_APastBalanceCountsTheOpeningAndEachSideOfATransfer) {
  ASSERT_NO_FATAL_FAILURE(open_two());
  ASSERT_TRUE(is_ok(send(Transfer{"1", "2", 120})));
  EXPECT_EQ(balance("1", AsOf::version(1)), 500);
  EXPECT_EQ(balance("1", AsOf::version(2)), 380);
  EXPECT_EQ(balance("2", AsOf::version(1)), 500);
  EXPECT_EQ(balance("2", AsOf::version(2)), 620);
}

// (h) The read model has never heard of transfers.
TEST_F(DefectsTest, H_ReadModelsKnowTransfers) {
  ASSERT_NO_FATAL_FAILURE(open_two());
  ASSERT_TRUE(is_ok(send(Transfer{"1", "2", 120})));
  ASSERT_NO_FATAL_FAILURE(wait_for_read_model());
  EXPECT_EQ(bank_->queries().ask(GetAccount{"1"}).value_or(AccountRow()).cents, 380);
  EXPECT_EQ(bank_->queries().ask(GetAccount{"2"}).value_or(AccountRow()).cents, 620);
  daybook::Projection<Balances> balances(store(), {.catalog = &catalog()});
  ASSERT_TRUE(is_ok(balances.catch_up()));
  EXPECT_EQ(balances.read([](const Balances& now) { return now.cents; }),
            (std::map<std::string, Cents>{{"1", 380}, {"2", 620}}));
}

// (i) A transfer is stored with its sender only: who gets the money never learns of it.
TEST_F(DefectsTest, I_BothAccountsHaveTheTransferInTheirHistory) {
  ASSERT_NO_FATAL_FAILURE(open_two());
  const auto sent = send(Transfer{"1", "2", 120});
  ASSERT_TRUE(is_ok(sent));
  EXPECT_EQ(sent->last_position, sent->first_position + 1);  // one append
  EXPECT_EQ(history("1"), (Types{"AccountOpened", "TransferSent"}));
  EXPECT_EQ(history("2"), (Types{"AccountOpened", "TransferReceived"}));
  const auto receiver = bank_->accounts().load("2");
  ASSERT_TRUE(is_ok(receiver));
  EXPECT_EQ((*receiver)->cents, 620);
}

// (j) With a snapshot all events are read all the same ...
TEST_F(DefectsTest, J_WhatIsBeforeTheSnapshotIsNotRead) {
  // Were the first event read, it could not be decoded.
  ASSERT_TRUE(is_ok(
      store().append("account-1", Expect::any(), {{.type = "AccountOpened", .payload = "?", .schema_version = 2}})));
  ASSERT_TRUE(is_ok(store().append("account-1", Expect::any(),
                                   {{.type = "MoneyDeposited", .payload = R"({"cents":5,"method":"cash"})"}})));
  ASSERT_TRUE(fails_with(bank_->accounts().load("1"), Errc::bad_event));
  ASSERT_NO_FATAL_FAILURE(save_snapshot(1, 1, {"Ada", 1'000}));
  const auto account = bank_->accounts().load("1");
  ASSERT_TRUE(is_ok(account));
  EXPECT_EQ(**account, (Account{"Ada", 1'005}));
}

// ... and the version stays that of the snapshot, so the next events take versions that are taken.
TEST_F(DefectsTest, J_TheVersionIsThatOfTheLastEventWhereverTheStateCameFrom) {
  ASSERT_NO_FATAL_FAILURE(open_two());
  auto account = bank_->accounts().load("1");
  ASSERT_TRUE(is_ok(account));
  ASSERT_TRUE(is_ok(bank_->accounts().save_snapshot(*account)));
  ASSERT_TRUE(is_ok(send(Deposit{"1", 5})));
  ASSERT_TRUE(is_ok(send(Deposit{"1", 6})));
  auto loaded = bank_->accounts().load("1");
  ASSERT_TRUE(is_ok(loaded));
  EXPECT_EQ(loaded->version(), 3u);
  ASSERT_TRUE(is_ok(withdraw(*loaded, 1, "cash")));
  const auto saved = bank_->accounts().save(*loaded);
  ASSERT_TRUE(is_ok(saved));
  EXPECT_EQ(saved->last_version, 4u);
  EXPECT_EQ(history("1").size(), 4u);
}

// (l) A transfer of -20 fills the sender's account.
TEST_F(DefectsTest, L_ATransferOfNothingOrLessIsRefused) {
  ASSERT_NO_FATAL_FAILURE(open_two());
  for (const Cents cents : {Cents{0}, Cents{-20}, std::numeric_limits<Cents>::min()}) {
    EXPECT_TRUE(fails_with(send(Transfer{"1", "2", cents}), Errc::refused));
  }
  EXPECT_TRUE(fails_with(send(Transfer{"1", "1", 5}), Errc::refused));
  EXPECT_TRUE(fails_with(send(Transfer{"1", "3", 5}), Errc::refused));
  EXPECT_TRUE(fails_with(send(Transfer{"1", "2", 501}), Errc::refused));
  EXPECT_EQ(balance("1"), 500);
  EXPECT_EQ(balance("2"), 500);
  EXPECT_EQ(store().published_position(), 2u);
}

// (m) The answer to a deposit is whatever a loop variable held last.
TEST_F(DefectsTest, M_TheAnswerToACommandIsWhereItWasRecorded) {
  ASSERT_NO_FATAL_FAILURE(open_two());
  const auto type_at = [&](daybook::Position position) {
    daybook::Cursor cursor = store().read({.after = position - 1, .limit = 1});
    const EventView* event = cursor.next();
    return event == nullptr ? std::string() : std::string(event->stream) + " " + std::string(event->type);
  };
  const auto deposited = send(Deposit{"2", 5});
  ASSERT_TRUE(is_ok(deposited));
  EXPECT_EQ(type_at(deposited->last_position), "account-2 MoneyDeposited");
  EXPECT_EQ(deposited->last_version, 2u);
  const auto transferred = send(Transfer{"2", "1", 5});
  ASSERT_TRUE(is_ok(transferred));
  EXPECT_EQ(type_at(transferred->first_position), "account-2 TransferSent");
  EXPECT_EQ(type_at(transferred->last_position), "account-1 TransferReceived");
  // A decision that leads to no event has an answer, too.
  const auto nothing = bank_->accounts().update("1", [](auto&) {});
  ASSERT_TRUE(is_ok(nothing));
  EXPECT_EQ(nothing->last_position, 0u);
}

// (n) One snapshot for each account, the newest: of no use for the past.
TEST_F(DefectsTest, N_ThePastStartsAtTheNearestOlderSnapshot) {
  ASSERT_NO_FATAL_FAILURE(open_two());
  for (const Cents cents : {1, 2, 3, 4}) ASSERT_TRUE(is_ok(send(Deposit{"1", cents})));
  // States that no event leads to show where a load has started.
  ASSERT_NO_FATAL_FAILURE(save_snapshot(2, 3, {"Ada", 10'000}));
  ASSERT_NO_FATAL_FAILURE(save_snapshot(4, 5, {"Ada", 20'000}));
  EXPECT_EQ(balance("1", AsOf::version(1)), 500);
  EXPECT_EQ(balance("1", AsOf::version(2)), 10'000);
  EXPECT_EQ(balance("1", AsOf::version(3)), 10'002);
  EXPECT_EQ(balance("1", AsOf::version(4)), 20'000);
  EXPECT_EQ(balance("1", AsOf::position(4)), 10'002);
  EXPECT_EQ(balance("1"), 20'004);
}

}  // namespace
}  // namespace bank::test
