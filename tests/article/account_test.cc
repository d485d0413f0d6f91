// The rules of an account, without a store: given what has happened, when somebody wants something, then this.
#include <limits>

#include <gtest/gtest.h>

#include <daybook/sourcing/testing.h>

#include "examples/bank/account.h"

namespace bank::test {
namespace {

using daybook::given;

constexpr Cents kMost = std::numeric_limits<Cents>::max();

TEST(AccountTest, IsOpenedOnce) {
  const auto open_it = [](auto& account) { return open(account, "Ada", 500); };
  EXPECT_TRUE(given<Account>().when(open_it).then(AccountOpened{"Ada", 500}));
  EXPECT_TRUE(given<Account>(AccountOpened{"Bob", 0}).when(open_it).then_refused("the account is open already"));
  EXPECT_TRUE(given<Account>()
                  .when([](auto& account) { return open(account, "Ada", -1); })
                  .then_refused("the amount must not be negative"));
}

TEST(AccountTest, TakesMoneyThatIsMoney) {
  const auto opened = given<Account>(AccountOpened{"Ada", 500});
  EXPECT_TRUE(opened.when([](auto& a) { return deposit(a, 1, "cash"); }).then(MoneyDeposited{1, "cash"}));
  for (const Cents cents : {Cents{0}, Cents{-1}}) {
    EXPECT_TRUE(
        opened.when([&](auto& a) { return deposit(a, cents, "cash"); }).then_refused("the amount must be positive"));
    EXPECT_TRUE(
        opened.when([&](auto& a) { return withdraw(a, cents, "cash"); }).then_refused("the amount must be positive"));
  }
  EXPECT_TRUE(opened.when([](auto& a) { return deposit(a, kMost - 499, "cash"); })
                  .then_refused("the account cannot hold that much"));
  EXPECT_TRUE(
      opened.when([](auto& a) { return deposit(a, kMost - 500, "cash"); }).then_state([](const Account& account) {
        return account.cents == kMost;
      }));
}

TEST(AccountTest, GivesWhatItHas) {
  const auto opened = given<Account>(AccountOpened{"Ada", 500}, MoneyWithdrawn{200, "cash"});
  EXPECT_TRUE(opened.when([](auto& a) { return withdraw(a, 300, "cash"); }).then(MoneyWithdrawn{300, "cash"}));
  EXPECT_TRUE(opened.when([](auto& a) { return withdraw(a, 301, "cash"); }).then_refused("insufficient funds"));
}

TEST(AccountTest, ThatIsNotOpenTakesAndGivesNothing) {
  EXPECT_TRUE(
      given<Account>().when([](auto& a) { return deposit(a, 1, "cash"); }).then_refused("there is no account 1"));
  EXPECT_TRUE(
      given<Account>().when([](auto& a) { return withdraw(a, 1, "cash"); }).then_refused("there is no account 1"));
}

}  // namespace
}  // namespace bank::test
