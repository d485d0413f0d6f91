// An account: its state is a fold of its events, and its rules decide which events may come next.
#pragma once

#include <string>
#include <string_view>

#include <daybook/sourcing.h>

#include "events.h"

namespace bank {

struct Account {
  static constexpr std::string_view kCategory = "account";
  using Events = bank::Events;

  void apply(const AccountOpened& event) {
    owner = event.owner;
    cents = event.cents;
  }
  void apply(const MoneyDeposited& event) { cents += event.cents; }
  void apply(const MoneyWithdrawn& event) { cents -= event.cents; }
  void apply(const TransferSent& event) { cents -= event.cents; }
  void apply(const TransferReceived& event) { cents += event.cents; }

  std::string owner;
  Cents cents = 0;

  friend bool operator==(const Account&, const Account&) = default;
};
BOOST_DESCRIBE_STRUCT(Account, (), (owner, cents))  // so that it can be kept in snapshots

// The rules. Each looks at the state, and emits events or refuses.
daybook::Result<void> open(daybook::Aggregate<Account>& account, const std::string& owner, Cents cents);
daybook::Result<void> deposit(daybook::Aggregate<Account>& account, Cents cents, const std::string& method);
daybook::Result<void> withdraw(daybook::Aggregate<Account>& account, Cents cents, const std::string& method);
daybook::Result<void> transfer(daybook::Aggregate<Account>& from, daybook::Aggregate<Account>& to, Cents cents);

}  // namespace bank
