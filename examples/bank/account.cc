#include "account.h"

#include <limits>

namespace bank {
namespace {

using daybook::refuse;
using daybook::Result;

Result<void> check_amount(Cents cents) {
  if (cents <= 0) return refuse("the amount must be positive");
  return {};
}

Result<void> check_open(const daybook::Aggregate<Account>& account) {
  if (!account.exists()) return refuse("there is no account " + account.id());
  return {};
}

Result<void> check_room(const daybook::Aggregate<Account>& account, Cents cents) {
  if (cents > std::numeric_limits<Cents>::max() - account->cents) return refuse("the account cannot hold that much");
  return {};
}

Result<void> check_funds(const daybook::Aggregate<Account>& account, Cents cents) {
  if (account->cents < cents) return refuse("insufficient funds");
  return {};
}

}  // namespace

Result<void> open(daybook::Aggregate<Account>& account, const std::string& owner, Cents cents) {
  if (account.exists()) return refuse("the account is open already");
  if (cents < 0) return refuse("the amount must not be negative");
  account.emit(AccountOpened{.owner = owner, .cents = cents});
  return {};
}

Result<void> deposit(daybook::Aggregate<Account>& account, Cents cents, const std::string& method) {
  DAYBOOK_TRY(check_open(account));
  DAYBOOK_TRY(check_amount(cents));
  DAYBOOK_TRY(check_room(account, cents));
  account.emit(MoneyDeposited{.cents = cents, .method = method});
  return {};
}

Result<void> withdraw(daybook::Aggregate<Account>& account, Cents cents, const std::string& method) {
  DAYBOOK_TRY(check_open(account));
  DAYBOOK_TRY(check_amount(cents));
  DAYBOOK_TRY(check_funds(account, cents));
  account.emit(MoneyWithdrawn{.cents = cents, .method = method});
  return {};
}

Result<void> transfer(daybook::Aggregate<Account>& from, daybook::Aggregate<Account>& to, Cents cents) {
  if (from.id() == to.id()) return refuse("a transfer needs two accounts");
  DAYBOOK_TRY(check_open(from));
  DAYBOOK_TRY(check_open(to));
  DAYBOOK_TRY(check_amount(cents));
  DAYBOOK_TRY(check_funds(from, cents));
  DAYBOOK_TRY(check_room(to, cents));
  from.emit(TransferSent{.to = to.id(), .cents = cents});
  to.emit(TransferReceived{.from = from.id(), .cents = cents});
  return {};
}

}  // namespace bank
