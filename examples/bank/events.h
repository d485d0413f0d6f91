// What happens in a bank: facts, in the past tense, each a plain struct.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <daybook/sourcing.h>
#include <daybook/sourcing/json.h>

namespace bank {

using Cents = std::int64_t;  // money is counted, not measured: never a floating-point number

struct AccountOpened {
  static constexpr daybook::EventType kEventType{.name = "AccountOpened", .schema_version = 2};
  std::string owner;
  Cents cents = 0;  // paid in when it was opened
};
BOOST_DESCRIBE_STRUCT(AccountOpened, (), (owner, cents))

struct MoneyDeposited {
  static constexpr daybook::EventType kEventType{.name = "MoneyDeposited"};
  Cents cents = 0;
  std::string method;
};
BOOST_DESCRIBE_STRUCT(MoneyDeposited, (), (cents, method))

struct MoneyWithdrawn {
  static constexpr daybook::EventType kEventType{.name = "MoneyWithdrawn"};
  Cents cents = 0;
  std::string method;
};
BOOST_DESCRIBE_STRUCT(MoneyWithdrawn, (), (cents, method))

// A transfer is two facts, one in each account's stream, appended together: each account's history is complete.
struct TransferSent {
  static constexpr daybook::EventType kEventType{.name = "TransferSent"};
  std::string to;
  Cents cents = 0;
  [[nodiscard]] std::vector<std::string> tags() const { return {"counterparty:" + to}; }
};
BOOST_DESCRIBE_STRUCT(TransferSent, (), (to, cents))

struct TransferReceived {
  static constexpr daybook::EventType kEventType{.name = "TransferReceived"};
  std::string from;
  Cents cents = 0;
  [[nodiscard]] std::vector<std::string> tags() const { return {"counterparty:" + from}; }
};
BOOST_DESCRIBE_STRUCT(TransferReceived, (), (from, cents))

using Events = daybook::EventSet<AccountOpened, MoneyDeposited, MoneyWithdrawn, TransferSent, TransferReceived>;

// How accounts were opened by the first release of this program: under another name, and in dollars. Such events are still
// in the log, and always will be; nobody but catalog() needs to know.
struct AccountCreatedV1 {
  static constexpr daybook::EventType kEventType{.name = "AccountCreated", .schema_version = 1};
  std::string owner;
  double initial_balance = 0;
};
BOOST_DESCRIBE_STRUCT(AccountCreatedV1, (), (owner, initial_balance))

// The events of today, and how those of yesterday become them.
const daybook::Catalog& catalog();

}  // namespace bank
