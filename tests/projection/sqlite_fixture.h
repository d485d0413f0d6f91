// Tables of the story, and how they are held against the log.
#pragma once

#include <string>

#include <daybook/sourcing/sqlite_projection.h>

#include "projection/projection_fixture.h"

namespace daybook::test {

inline constexpr std::int64_t kRefused = 666'666;  // an amount that apply() refuses when it has written half of it

// `seen` has a row for every event that was taken: one that is taken twice breaks its key, one that is missing is seen.
struct AccountTable {
  static constexpr std::string_view kName = "accounts";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr const char* kSchema =
      "CREATE TABLE account (id TEXT PRIMARY KEY, cents INTEGER NOT NULL, events INTEGER NOT NULL);"
      "CREATE TABLE seen (position INTEGER PRIMARY KEY);";
  using Events = EventSet<Opened, Moved>;

  Result<void> apply(SqliteDatabase& db, const Opened& event, const EventView& at) { return take(db, event.cents, at); }
  Result<void> apply(SqliteDatabase& db, const Moved& event, const EventView& at) { return take(db, event.cents, at); }

  static Result<void> take(SqliteDatabase& db, std::int64_t cents, const EventView& at) {
    DAYBOOK_TRY(db.run("INSERT INTO seen VALUES (?)", {at.position}));
    DAYBOOK_TRY(db.run("INSERT INTO account VALUES (?, 0, 0) ON CONFLICT DO NOTHING", {at.stream}));
    if (cents == kRefused) return refuse("half of it is written");
    return db.run("UPDATE account SET cents = cents + ?, events = events + 1 WHERE id = ?", {cents, at.stream});
  }
};

struct TableState {
  std::map<std::string, std::int64_t> cents;
  std::uint64_t events = 0;  // that the accounts have counted
  std::uint64_t seen = 0;    // rows of it
  Position last_seen = 0;    // the greatest
  Position checkpoint = 0;   // that is committed with them

  friend bool operator==(const TableState&, const TableState&) = default;
};

inline Result<TableState> look(SqliteDatabase& db) {
  TableState state;
  DAYBOOK_TRY(db.query("SELECT id, cents, events FROM account", {}, [&](const SqliteRow& row) {
    state.cents[std::string(row.text(0))] = row.integer(1);
    state.events += static_cast<std::uint64_t>(row.integer(2));
  }));
  DAYBOOK_TRY(db.query("SELECT count(*), coalesce(max(position), 0) FROM seen", {}, [&](const SqliteRow& row) {
    state.seen = static_cast<std::uint64_t>(row.integer(0));
    state.last_seen = static_cast<Position>(row.integer(1));
  }));
  const auto checkpoint = db.integer("SELECT position FROM daybook_projection");
  if (!checkpoint) return fail(checkpoint.error());
  state.checkpoint = static_cast<Position>(*checkpoint);
  return state;
}

// What the tables have to be, as of their own checkpoint.
inline TableState expected_tables(const Store& store, Position checkpoint) {
  TableState state{.checkpoint = checkpoint};
  const Totals totals = fold(store, [&](const EventView& event) {
    std::int64_t cents = 0;
    std::memcpy(&cents, event.payload.data(), sizeof(cents));
    const bool counts = event.position <= checkpoint && cents != kRefused;
    if (counts) state.last_seen = event.position;
    return counts;
  });
  state.cents = totals.cents;
  state.events = state.seen = totals.events;
  return state;
}

// The tables are those of the log up to their checkpoint, and nothing of what comes behind it.
inline ::testing::AssertionResult are_exact(const TableState& state, const Store& store) {
  const TableState expected = expected_tables(store, state.checkpoint);
  if (state == expected) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "at " << state.checkpoint << ": " << state.seen << " seen, " << state.events
                                       << " counted, last " << state.last_seen << "; expected " << expected.seen
                                       << ", last " << expected.last_seen;
}

class SqliteProjectionTest : public ProjectionTest {
 protected:
  static constexpr ProjectorOptions kSeen{.batch_events = 64, .visibility = Visibility::published};

  [[nodiscard]] std::string database() const { return (temp_ / "read.db").string(); }

  template <typename Tables = AccountTable>
  SqliteProjection<Tables> projection(const ProjectorOptions& options = kSeen) {
    return SqliteProjection<Tables>(store(), database(), {.projector = options});
  }
  // Through a connection that has nothing to do with any projection.
  TableState tables() {
    auto db = SqliteDatabase::open(database(), SqliteDatabase::Open::read_only);
    EXPECT_TRUE(is_ok(db));
    const auto state = look(*db);
    EXPECT_TRUE(is_ok(state));
    return state.value_or(TableState());
  }
};

}  // namespace daybook::test
