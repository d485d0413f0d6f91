// Failures that are no event's: whatever SQLite does to the transaction, nothing is lost and nothing is half there.
#include <sqlite3.h>

#include "projection/sqlite_fixture.h"

namespace daybook::test {
namespace {

int failing_at = 0;              // the apply() from which on it happens; 0 = never
void (*what_happens)(sqlite3*);  // in the midst of it

struct Failing : AccountTable {
  Result<void> apply(SqliteDatabase& db, const Opened& event, const EventView& at) {
    return fail_or_take(db, event, at);
  }
  Result<void> apply(SqliteDatabase& db, const Moved& event, const EventView& at) {
    return fail_or_take(db, event, at);
  }

  static Result<void> fail_or_take(SqliteDatabase& db, const auto& event, const EventView& at) {
    if (failing_at != 0 && --failing_at == 0) {
      what_happens(db.handle());
      DAYBOOK_TRY(take(db, event.cents, at));
      return daybook::fail({.code = Errc::bad_event, .what = "after what happened"});
    }
    return take(db, event.cents, at);
  }
};

class SqliteFailureTest : public SqliteProjectionTest {
 protected:
  void TearDown() override { failing_at = 0; }
  // With OnError::skip, which must not take it for the event's fault.
  SqliteProjection<Failing> failing() {
    return projection<Failing>({.batch_events = 32, .visibility = Visibility::published, .on_error = OnError::skip});
  }
};

// The whole transaction is gone, as SQLite does it for some errors: what comes after it must not be committed by itself.
TEST_F(SqliteFailureTest, ATransactionThatIsGoneTakesTheBatchWithIt) {
  append_story(0, 200);
  what_happens = [](sqlite3* db) { sqlite3_exec(db, "ROLLBACK", nullptr, nullptr, nullptr); };
  for (const int at : {1, 10, 32, 33, 60, 100}) {
    failing_at = at;
    auto projection = failing();
    EXPECT_TRUE(fails_with(projection.catch_up(), Errc::io, 0, "SQLite has rolled back the transaction")) << at;
    EXPECT_TRUE(are_exact(tables(), store())) << at;
    EXPECT_TRUE(projection.skipped().empty());
    std::filesystem::remove(database());
    std::filesystem::remove(database() + "-wal");
    std::filesystem::remove(database() + "-shm");
  }
  failing_at = 0;
  ASSERT_TRUE(is_ok(failing().catch_up()));
  EXPECT_TRUE(are_exact(tables(), store()));
  EXPECT_EQ(tables().seen, 150u);
}

// A full disk, by SQLite's own limit: folding stops with no_space, and goes on when there is room.
TEST_F(SqliteFailureTest, AFullDiskStopsAndLosesNothing) {
  append_story(0, 4'000);
  what_happens = [](sqlite3* db) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(db, "PRAGMA page_count", -1, &statement, nullptr);
    sqlite3_step(statement);
    const std::string limit = "PRAGMA max_page_count = " + std::to_string(sqlite3_column_int(statement, 0) + 2);
    sqlite3_finalize(statement);
    sqlite3_exec(db, limit.c_str(), nullptr, nullptr, nullptr);
  };
  failing_at = 500;
  auto projection = failing();
  EXPECT_TRUE(fails_with(projection.catch_up(), Errc::no_space));
  const TableState full = tables();
  EXPECT_GE(full.seen, 480u);
  EXPECT_LT(full.seen, 3'000u);
  // The one event that said bad_event was skipped, the rest are there.
  ASSERT_EQ(projection.skipped().size(), 1u);
  ASSERT_TRUE(is_ok(projection.catch_up())) << "a new connection has no limit";
  EXPECT_EQ(tables().seen, 3'000u - 1);
}

TEST_F(SqliteFailureTest, WhoeverHoldsTheWriteLockIsWaitedForAndThenNamed) {
  append_story(0, 10);
  ASSERT_TRUE(is_ok(failing().catch_up()));
  auto other = SqliteDatabase::open(database(), SqliteDatabase::Open::read_write);
  ASSERT_TRUE(is_ok(other->run("BEGIN IMMEDIATE")));
  append_story(10, 20);
  auto projection = failing();
  EXPECT_TRUE(fails_with(projection.catch_up(), Errc::locked));
  ASSERT_TRUE(is_ok(other->run("COMMIT")));
  ASSERT_TRUE(is_ok(projection.catch_up()));
  EXPECT_TRUE(are_exact(tables(), store()));
}

TEST_F(SqliteFailureTest, ADamagedCheckpointIsRefused) {
  append_story(0, 10);
  ASSERT_TRUE(is_ok(failing().catch_up()));
  auto db = SqliteDatabase::open(database(), SqliteDatabase::Open::read_write);
  ASSERT_TRUE(is_ok(db->run("UPDATE daybook_projection SET log = x'0011'")));
  EXPECT_TRUE(fails_with(failing().catch_up(), Errc::corrupt));
  ASSERT_TRUE(is_ok(db->run("DELETE FROM daybook_projection")));
  EXPECT_TRUE(fails_with(failing().catch_up(), Errc::corrupt));
}

}  // namespace
}  // namespace daybook::test
