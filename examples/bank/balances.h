// The balances of all accounts, in memory: a projection of every stream of the bank.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <daybook/sourcing.h>

#include "events.h"

namespace bank {

struct Balances {
  static constexpr std::string_view kName = "balances";
  using Events = bank::Events;

  void apply(const AccountOpened& event, const daybook::EventView& at) { pay_in(at, event.cents); }
  void apply(const MoneyDeposited& event, const daybook::EventView& at) { pay_in(at, event.cents); }
  void apply(const MoneyWithdrawn& event, const daybook::EventView& at) { pay_in(at, -event.cents); }
  void apply(const TransferSent& event, const daybook::EventView& at) { cents[id(at)] -= event.cents; }
  void apply(const TransferReceived& event, const daybook::EventView& at) { cents[id(at)] += event.cents; }

  std::map<std::string, Cents> cents;  // by account
  Cents paid_in = 0;                   // less what was withdrawn: what all accounts together must hold

 private:
  static std::string id(const daybook::EventView& at) { return std::string(at.stream.substr(at.stream.find('-') + 1)); }
  void pay_in(const daybook::EventView& at, Cents amount) {
    cents[id(at)] += amount;
    paid_in += amount;
  }
};
BOOST_DESCRIBE_STRUCT(Balances, (), (cents, paid_in))

}  // namespace bank
