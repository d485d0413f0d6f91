// The event of the benchmarks of typed events: a JSON object of three fields and 61 bytes, as most events are.
#pragma once

#include <cstdint>
#include <string>

#include <boost/describe.hpp>

#include <daybook/sourcing.h>
#include <daybook/sourcing/json.h>

namespace daybook::bench {

struct Deposited {
  static constexpr EventType kEventType{.name = "MoneyDeposited", .schema_version = 2};
  std::int64_t cents = 0;
  std::string account;
  std::string note;
};
BOOST_DESCRIBE_STRUCT(Deposited, (), (cents, account, note))

inline Deposited deposit() { return {.cents = 125'000, .account = "account-17", .note = "rent for May"}; }

}  // namespace daybook::bench
