// (k) `migrate` returns an event as it is when a step is missing, and the upcaster takes one step only: half-migrated events
// reach code that cannot know. Here steps chain to the end, and a gap is an error that names the event.
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "article/bank_fixture.h"
#include "examples/bank/check.h"
#include "examples/bank/events.h"

namespace bank::test {
namespace {

using daybook::Catalog;
using daybook::Errc;
using daybook::Expect;

// Before AccountCreated v1 there was a v0 that knew no owner; and then whole dollars under another name.
struct AccountCreatedV0 {
  static constexpr daybook::EventType kEventType{.name = "AccountCreated", .schema_version = 0};
  std::int64_t dollars = 0;
};
BOOST_DESCRIBE_STRUCT(AccountCreatedV0, (), (dollars))

constexpr std::string_view kV0 = R"({"dollars":12})";
constexpr std::string_view kV1 = R"({"owner":"Ada","initial_balance":125.5})";

class UpcastingTest : public BankTest {
 protected:
  void append_old(const std::string& id, std::uint32_t schema_version, std::string_view payload) {
    ASSERT_TRUE(
        is_ok(store().append("account-" + id, Expect::no_stream(),
                             {{.type = "AccountCreated", .payload = payload, .schema_version = schema_version}})));
  }

  static void add_step_from_v1(Catalog& catalog) {
    catalog.upcast<AccountCreatedV1>([](const AccountCreatedV1& old) {
      return AccountOpened{.owner = old.owner, .cents = std::llround(old.initial_balance * 100)};
    });
  }
};

// The bank knows AccountCreated v1; every reader sees today's event.
TEST_F(UpcastingTest, K_EveryReaderSeesOldEventsInTodaysForm) {
  ASSERT_NO_FATAL_FAILURE(append_old("1", 1, kV1));
  ASSERT_TRUE(is_ok(send(Deposit{"1", 50})));
  EXPECT_EQ(balance("1"), 12'600);
  ASSERT_NO_FATAL_FAILURE(wait_for_read_model());
  EXPECT_EQ(bank_->queries().ask(GetAccount{"1"}).value_or(AccountRow()), (AccountRow{"1", "Ada", 12'600}));
  EXPECT_EQ(check(*bank_), 0);
}

TEST_F(UpcastingTest, K_StepsChainToTheEnd) {
  ASSERT_NO_FATAL_FAILURE(append_old("1", 0, kV0));
  Catalog catalog;
  catalog.add(Events());
  catalog.upcast<AccountCreatedV0>([](const AccountCreatedV0& old) {
    return AccountCreatedV1{.owner = "unknown", .initial_balance = static_cast<double>(old.dollars)};
  });
  add_step_from_v1(catalog);
  ASSERT_TRUE(is_ok(catalog.check()));
  daybook::Repository<Account> accounts(store(), {.catalog = &catalog});
  const auto account = accounts.load("1");
  ASSERT_TRUE(is_ok(account));
  EXPECT_EQ(**account, (Account{"unknown", 1'200}));
}

// A step is missing: nobody gets an event of yesterday, and nobody goes on without it.
TEST_F(UpcastingTest, K_AMissingStepIsAnError) {
  ASSERT_NO_FATAL_FAILURE(append_old("1", 0, kV0));
  const auto account = bank_->accounts().load("1");
  ASSERT_TRUE(fails_with(account, Errc::bad_event, 0, account ? "" : account.error().what));
  EXPECT_NE(account.error().detail.view().find("account-1"), std::string_view::npos) << account.error().detail.view();
  EXPECT_NE(account.error().detail.view().find("AccountCreated"), std::string_view::npos);
  // The read model stops at it, and says so.
  ASSERT_TRUE(is_ok(store().sync()));
  EXPECT_TRUE(
      fails_with(bank_->read_model().wait_for(1, std::chrono::minutes(1)), Errc::bad_event, 0, account.error().what));
}

// Before anything is read: the catalog is incomplete in itself, or for what the store has.
TEST_F(UpcastingTest, K_GapsAreFoundBeforeTheyMatter) {
  Catalog half;
  half.add(daybook::EventSet<MoneyDeposited>());
  add_step_from_v1(half);
  EXPECT_TRUE(fails_with(half.check(), Errc::bad_event, 0, half.check() ? "" : half.check().error().what))
      << "it leads to AccountOpened, which is not added";

  ASSERT_NO_FATAL_FAILURE(append_old("1", 1, kV1));
  EXPECT_EQ(catalog().check(store()).value_or(std::vector<daybook::CatalogGap>(9)).size(), 0u);
  ASSERT_NO_FATAL_FAILURE(append_old("2", 0, kV0));
  const auto gaps = catalog().check(store());
  ASSERT_TRUE(is_ok(gaps));
  ASSERT_EQ(gaps->size(), 1u);
  EXPECT_EQ(gaps->front().type.name, "AccountCreated");
  EXPECT_EQ(gaps->front().type.schema_version, 0u);
  EXPECT_EQ(gaps->front().events, 1u);
}

}  // namespace
}  // namespace bank::test
