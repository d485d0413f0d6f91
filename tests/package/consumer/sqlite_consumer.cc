// A program of somebody else that keeps a table of what its events say: links daybook::sqlite.
#include <cstdint>
#include <cstdio>
#include <string>

#include <daybook/daybook.h>
#include <daybook/sourcing.h>
#include <daybook/sourcing/raw.h>
#include <daybook/sourcing/sqlite_projection.h>

struct MoneyDeposited {
  static constexpr daybook::EventType kEventType{.name = "MoneyDeposited"};
  std::int64_t cents = 0;
};

template <>
struct daybook::Codec<MoneyDeposited> : daybook::RawCodec<MoneyDeposited> {};

struct AccountTable {
  static constexpr std::string_view kName = "accounts";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr const char* kSchema = "CREATE TABLE account (id TEXT PRIMARY KEY, cents INTEGER NOT NULL)";
  using Events = daybook::EventSet<MoneyDeposited>;
  daybook::Result<void> apply(daybook::SqliteDatabase& db, const MoneyDeposited& event, const daybook::EventView& at) {
    return db.run("INSERT INTO account VALUES (?1, ?2)", {at.stream, event.cents});
  }
};

int fail(const daybook::Error& error) {
  std::fprintf(stderr, "sqlite_consumer: %s\n", daybook::describe(error).c_str());
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto store = daybook::Store::open(argv[1]);
  if (!store) return fail(store.error());
  std::string payload;
  if (auto done = daybook::Codec<MoneyDeposited>::encode({.cents = 1250}, payload); !done) return fail(done.error());
  const auto appended =
      store->append("account-1", daybook::Expect::any(), {{.type = "MoneyDeposited", .payload = payload}});
  if (!appended) return fail(appended.error());
  daybook::SqliteProjection<AccountTable> accounts(*store, std::string(argv[1]) + "/accounts.db");
  if (auto done = accounts.catch_up(); !done) return fail(done.error());
  return accounts.position() == appended->last_position ? 0 : 1;
}
