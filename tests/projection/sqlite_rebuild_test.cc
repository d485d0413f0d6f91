#include <filesystem>
#include <thread>

#include "projection/sqlite_fixture.h"

namespace daybook::test {
namespace {

std::atomic<int> delay_us = 0;

// Of tomorrow: another schema, and another meaning.
struct AccountTable2 {
  static constexpr std::string_view kName = "accounts";
  static constexpr std::uint32_t kVersion = 2;
  static constexpr const char* kSchema =
      "CREATE TABLE account (id TEXT PRIMARY KEY, cents INTEGER NOT NULL, events INTEGER NOT NULL, doubled INTEGER);"
      "CREATE TABLE seen (position INTEGER PRIMARY KEY);";
  using Events = EventSet<Opened, Moved>;

  Result<void> apply(SqliteDatabase& db, const Opened& event, const EventView& at) { return take(db, event.cents, at); }
  Result<void> apply(SqliteDatabase& db, const Moved& event, const EventView& at) { return take(db, event.cents, at); }
  static Result<void> take(SqliteDatabase& db, std::int64_t cents, const EventView& at) {
    if (const int us = delay_us; us > 0) std::this_thread::sleep_for(std::chrono::microseconds(us));
    DAYBOOK_TRY(db.run("INSERT INTO seen VALUES (?)", {at.position}));
    DAYBOOK_TRY(db.run("INSERT INTO account VALUES (?, 0, 0, 0) ON CONFLICT DO NOTHING", {at.stream}));
    return db.run(
        "UPDATE account SET cents = cents + ?1, doubled = doubled + 2 * ?1, events = events + 1 WHERE id = ?2",
        {cents, at.stream});
  }
};

// The same tables from fewer events.
struct OnlyMoved : AccountTable {
  using Events = EventSet<Moved>;
};

class SqliteRebuildTest : public SqliteProjectionTest {
 protected:
  void SetUp() override {
    SqliteProjectionTest::SetUp();
    delay_us = 0;
  }
  [[nodiscard]] bool is_new() {
    auto db = SqliteDatabase::open(database(), SqliteDatabase::Open::read_only);
    return *db->integer("SELECT version FROM daybook_projection") == 2 &&
           *db->integer("SELECT count(*) FROM account WHERE doubled <> 2 * cents") == 0;
  }
  [[nodiscard]] bool rebuild_is_gone() const {
    return !std::filesystem::exists(database() + ".rebuild") && !std::filesystem::exists(database() + ".rebuild-wal");
  }
};

TEST_F(SqliteRebuildTest, TakesThePlaceOfTheOldTables) {
  append_story(0, 500);
  auto projection = this->projection();
  ASSERT_TRUE(is_ok(projection.catch_up()));
  {  // somebody has meddled with them
    auto db = SqliteDatabase::open(database(), SqliteDatabase::Open::read_write);
    ASSERT_TRUE(is_ok(db->run("UPDATE account SET cents = 0")));
  }
  ASSERT_TRUE(is_ok(projection.rebuild()));
  EXPECT_TRUE(are_exact(tables(), store()));
  EXPECT_EQ(projection.position(), 500u);
  EXPECT_TRUE(rebuild_is_gone());
  append_story(500, 600);
  ASSERT_TRUE(is_ok(projection.catch_up()));
  EXPECT_TRUE(are_exact(tables(), store()));
  EXPECT_EQ(tables().seen, 450u);
}

TEST_F(SqliteRebuildTest, OutdatedTablesServeUntilTheNewOnesAreThere) {
  append_story(0, 600);
  ASSERT_TRUE(is_ok(projection().catch_up()));
  const TableState old = tables();
  append_story(600, 700);
  delay_us = 200;
  auto projection = this->projection<AccountTable2>();
  ASSERT_TRUE(is_ok(projection.start()));
  bool seen_progress = false;
  while (!is_new()) {
    const TableState now = tables();
    if (!is_new()) {
      ASSERT_EQ(now, old) << "neither half built, nor gone on with by code of another version";
    }
    const auto progress = projection.rebuild_progress();
    ASSERT_TRUE(is_ok(progress));
    if (*progress && (*progress)->applied > 0 && (*progress)->remaining > 0) {
      seen_progress = true;
      EXPECT_EQ((*progress)->remaining + (*progress)->applied, 525u);
    }
  }
  EXPECT_TRUE(seen_progress);
  ASSERT_TRUE(is_ok(projection.wait_for(700, kLong)));
  EXPECT_TRUE(are_exact(tables(), store()));
  const Position at = append_event(store(), "account-0", "Moved", 5);
  ASSERT_TRUE(is_ok(projection.wait_for(at, kLong))) << "it goes on in the background";
  EXPECT_TRUE(are_exact(tables(), store()));
}

// Whoever waits right after the start, waits for the new tables.
TEST_F(SqliteRebuildTest, WaitsForTablesThatAreBuilt) {
  append_story(0, 300);
  ASSERT_TRUE(is_ok(projection().catch_up()));
  for (int round = 0; round < 10; ++round) {
    auto projection = this->projection<AccountTable2>();
    ASSERT_TRUE(is_ok(projection.start()));
    ASSERT_TRUE(is_ok(projection.wait_for(300, kLong)));
    ASSERT_TRUE(is_new());
    projection.stop();
    ASSERT_TRUE(is_ok(this->projection<AccountTable>().catch_up())) << "and back again";
    ASSERT_FALSE(is_new());
  }
}

TEST_F(SqliteRebuildTest, TablesOfOtherEventsAreOutdated) {
  append_story(0, 100);
  ASSERT_TRUE(is_ok(projection<OnlyMoved>().catch_up()));
  EXPECT_EQ(tables().seen, 69u);
  ASSERT_TRUE(is_ok(projection().catch_up()));
  EXPECT_EQ(tables().seen, 75u) << "those that were not asked for before are there";
  EXPECT_TRUE(are_exact(tables(), store()));
}

// An older program that is still running when a newer one has built its tables: it must not write into them, nor build
// its own in their place.
TEST_F(SqliteRebuildTest, TheOldVersionDoesNotGoOnInNewTables) {
  append_story(0, 100);
  auto old = projection();
  ASSERT_TRUE(is_ok(old.catch_up()));
  ASSERT_TRUE(is_ok(projection<AccountTable2>().catch_up()));
  ASSERT_EQ(tables().checkpoint, 99u) << "where the old one is, too";
  append_story(100, 200);
  EXPECT_TRUE(fails_with(old.catch_up(), Errc::wrong_version));
  EXPECT_TRUE(fails_with(old.catch_up(), Errc::wrong_version));
  EXPECT_TRUE(fails_with(old.start(), Errc::wrong_version));
  EXPECT_EQ(tables().seen, 75u);
  EXPECT_TRUE(is_new());
}

TEST_F(SqliteRebuildTest, OneThatIsStoppedChangesNothingAndBeginsAnew) {
  append_story(0, 600);
  ASSERT_TRUE(is_ok(projection().catch_up()));
  const TableState old = tables();
  delay_us = 500;
  {
    auto projection = this->projection<AccountTable2>({.batch_events = 8, .visibility = Visibility::published});
    ASSERT_TRUE(is_ok(projection.start()));
    while (true) {
      const auto progress = projection.rebuild_progress();
      if (*progress && (*progress)->applied > 20) break;
      std::this_thread::sleep_for(1ms);
    }
    projection.stop();
    EXPECT_EQ(tables(), old);
    EXPECT_TRUE(rebuild_is_gone());
    EXPECT_TRUE(fails_with(projection.wait_for(601, kLong), Errc::closed));
    EXPECT_FALSE(projection.error());
    ASSERT_TRUE(is_ok(projection.start()));
  }  // and destroyed while it builds
  EXPECT_EQ(tables(), old);
  delay_us = 0;
  ASSERT_TRUE(is_ok(projection<AccountTable2>().catch_up()));
  EXPECT_TRUE(is_new());
  EXPECT_TRUE(are_exact(tables(), store()));
}

TEST_F(SqliteRebuildTest, WhatACrashLeftOfARebuildIsInNobodysWay) {
  append_story(0, 100);
  ASSERT_TRUE(is_ok(projection().catch_up()));
  for (const char* suffix : {".rebuild", ".rebuild-wal", ".rebuild-shm"}) {
    std::FILE* const file = std::fopen((database() + suffix).c_str(), "w");
    std::fputs("cut off", file);
    std::fclose(file);
  }
  auto projection = this->projection();
  ASSERT_TRUE(is_ok(projection.rebuild()));
  EXPECT_TRUE(are_exact(tables(), store()));
  EXPECT_TRUE(rebuild_is_gone());
}

TEST_F(SqliteRebuildTest, OneThatFailsSaysWhy) {
  append_story(0, 100);
  ASSERT_TRUE(is_ok(projection().catch_up()));
  const TableState old = tables();
  append_poison();
  auto projection = this->projection<AccountTable2>();
  ASSERT_TRUE(is_ok(projection.start()));
  EXPECT_TRUE(fails_with(projection.wait_for(101, kLong), Errc::bad_event));
  EXPECT_EQ(projection.error()->code, Errc::bad_event);
  EXPECT_EQ(tables(), old);
}

TEST_F(SqliteRebuildTest, WhileOthersAppendReadAndWait) {
  append_story(0, 400);
  auto projection = this->projection();
  ASSERT_TRUE(is_ok(projection.start()));
  ASSERT_TRUE(is_ok(projection.wait_for(400, kLong)));
  std::atomic<bool> over = false;
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    for (std::uint64_t i = 400; !over; ++i) {
      const Position at = append_nth(store(), i);
      ASSERT_TRUE(is_ok(projection.wait_for(at, kLong)));
      const auto state = projection.read([](SqliteDatabase& db) { return look(db); });
      ASSERT_TRUE(is_ok(state));
      ASSERT_GE(state->seen, expected_tables(store(), at).seen) << "what was waited for is there";
    }
  });
  threads.emplace_back([&] {
    Position before = 0;
    while (!over) {
      const auto state = projection.read([](SqliteDatabase& db) { return look(db); });
      ASSERT_TRUE(is_ok(state));
      ASSERT_TRUE(are_exact(*state, store()));
      ASSERT_GE(state->checkpoint, before) << "less than before";
      before = state->checkpoint;
    }
  });
  for (int round = 0; round < 8; ++round) ASSERT_TRUE(is_ok(projection.rebuild()));
  over = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace daybook::test
