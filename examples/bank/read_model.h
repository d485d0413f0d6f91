// The accounts as a table, for whoever wants to ask in SQL.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <daybook/sourcing/sqlite_projection.h>

#include "events.h"

namespace bank {

struct AccountTable {
  static constexpr std::string_view kName = "accounts";
  static constexpr std::uint32_t kVersion = 1;  // when the tables change, count it up: they are built anew from the log
  static constexpr const char* kSchema = R"(
    CREATE TABLE account (id TEXT PRIMARY KEY, owner TEXT NOT NULL, cents INTEGER NOT NULL, opened_at INTEGER NOT NULL);
    CREATE INDEX account_owner ON account (owner);
  )";
  using Events = bank::Events;

  daybook::Result<void> apply(daybook::SqliteDatabase& db, const AccountOpened& event, const daybook::EventView& at) {
    return db.run("INSERT INTO account VALUES (?, ?, ?, ?)", {id(at), event.owner, event.cents, at.occurred_at});
  }
  daybook::Result<void> apply(daybook::SqliteDatabase& db, const MoneyDeposited& event, const daybook::EventView& at) {
    return add(db, at, event.cents);
  }
  daybook::Result<void> apply(daybook::SqliteDatabase& db, const MoneyWithdrawn& event, const daybook::EventView& at) {
    return add(db, at, -event.cents);
  }
  daybook::Result<void> apply(daybook::SqliteDatabase& db, const TransferSent& event, const daybook::EventView& at) {
    return add(db, at, -event.cents);
  }
  daybook::Result<void> apply(daybook::SqliteDatabase& db, const TransferReceived& event,
                              const daybook::EventView& at) {
    return add(db, at, event.cents);
  }

 private:
  // "account-7" is the stream of account "7".
  static std::string_view id(const daybook::EventView& at) { return at.stream.substr(at.stream.find('-') + 1); }

  static daybook::Result<void> add(daybook::SqliteDatabase& db, const daybook::EventView& at, Cents cents) {
    return db.run("UPDATE account SET cents = cents + ? WHERE id = ?", {cents, id(at)});
  }
};

}  // namespace bank
