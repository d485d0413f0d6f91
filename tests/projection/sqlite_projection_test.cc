#include <filesystem>
#include <thread>

#include "projection/sqlite_fixture.h"

namespace daybook::test {
namespace {

TEST_F(SqliteProjectionTest, TheTablesAreTheFoldOfTheLog) {
  append_story(0, 1'000);
  auto projection = this->projection();
  ASSERT_TRUE(is_ok(projection.catch_up()));
  EXPECT_EQ(tables(), expected_tables(store(), 999)) << "the 1,000th is of no type it asks for";
  EXPECT_EQ(projection.position(), 1'000u);
  const auto seen = projection.read([](SqliteDatabase& db) { return look(db); });
  ASSERT_TRUE(is_ok(seen));
  EXPECT_EQ(*seen, tables());
}

TEST_F(SqliteProjectionTest, GoesOnFromItsCheckpoint) {
  append_story(0, 300);
  ASSERT_TRUE(is_ok(projection().catch_up()));
  append_story(300, 700);
  reopen();
  auto again = projection();
  ASSERT_TRUE(is_ok(again.catch_up()));
  EXPECT_EQ(again.progress()->applied, 300u);
  EXPECT_TRUE(are_exact(tables(), store()));
  EXPECT_EQ(tables().seen, 525u);
}

TEST_F(SqliteProjectionTest, ReadsWhatOneHasWritten) {
  auto projection = this->projection();
  ASSERT_TRUE(is_ok(projection.start()));
  std::int64_t sum = 0;
  for (std::int64_t i = 1; i <= 100; ++i) {
    sum += i;
    const Position at = append_event(store(), "mine", "Moved", i);
    ASSERT_TRUE(is_ok(projection.wait_for(at, kLong)));
    const auto cents = projection.read(
        [](SqliteDatabase& db) { return db.integer("SELECT cents FROM account WHERE id = ?", {"mine"}); });
    ASSERT_TRUE(is_ok(cents));
    ASSERT_EQ(*cents, sum);
  }
}

// Any look, at any moment, is as of one commit: the tables and the checkpoint belong together.
TEST_F(SqliteProjectionTest, EveryLookIsAsOfOneCommit) {
  auto projection = this->projection({.batch_events = 10, .visibility = Visibility::published});
  ASSERT_TRUE(is_ok(projection.start()));
  append_story(0, 1);
  ASSERT_TRUE(is_ok(projection.wait_for(1, kLong)));
  std::atomic<bool> over = false;
  std::thread appender([&] {
    append_story(1, 2'000);
    over = true;
  });
  while (!over) {
    const auto state = projection.read([](SqliteDatabase& db) { return look(db); });
    ASSERT_TRUE(is_ok(state));
    ASSERT_TRUE(are_exact(*state, store()));
  }
  appender.join();
}

TEST_F(SqliteProjectionTest, DurableByDefault) {
  append_story(0, 100);
  ASSERT_TRUE(is_ok(store().sync()));
  append_story(100, 200);
  SqliteProjection<AccountTable> projection(store(), database());
  ASSERT_TRUE(is_ok(projection.catch_up()));
  EXPECT_EQ(tables().checkpoint, 99u) << "the 100th is of no type it asks for";
  EXPECT_TRUE(are_exact(tables(), store()));
}

TEST_F(SqliteProjectionTest, StopsAtAPoisonEventAndLeavesNothingOfIt) {
  append_story(0, 100);
  const Position refused = append_event(store(), "account-0", "Moved", kRefused);
  append_story(100, 200);
  auto projection = this->projection();
  EXPECT_TRUE(fails_with(projection.catch_up(), Errc::refused));
  EXPECT_EQ(projection.error()->detail.view(), "half of it is written");
  const TableState state = tables();
  EXPECT_EQ(state.checkpoint, refused - 2) << "the event before it that matches";
  EXPECT_TRUE(are_exact(state, store()));
  EXPECT_TRUE(fails_with(projection.catch_up(), Errc::refused)) << "again";
  EXPECT_EQ(tables(), state);
}

TEST_F(SqliteProjectionTest, SkipsPoisonEventsWithoutATrace) {
  std::vector<Position> poison;
  for (std::uint64_t i = 0; i < 10; ++i) {
    append_story(i * 30, i * 30 + 30);
    poison.push_back(i % 2 == 0 ? append_event(store(), "account-" + std::to_string(i), "Moved", kRefused)
                                : append_poison());
  }
  auto projection =
      this->projection({.batch_events = 16, .visibility = Visibility::published, .on_error = OnError::skip});
  ASSERT_TRUE(is_ok(projection.catch_up()));
  std::vector<Position> skipped;
  for (const SkippedEvent& event : projection.skipped()) skipped.push_back(event.position);
  EXPECT_EQ(skipped, poison);
  TableState state = tables();
  EXPECT_EQ(state.checkpoint, poison.back());
  EXPECT_TRUE(are_exact(state, store()));
}

// Two that fold into one database: nothing is taken twice, and one of them is told.
TEST_F(SqliteProjectionTest, ASecondOneThatFoldsIsRefused) {
  append_story(0, 100);
  auto first = projection();
  auto second = projection();
  ASSERT_TRUE(is_ok(first.catch_up()));
  ASSERT_TRUE(is_ok(second.catch_up())) << "there is nothing to take";
  append_story(100, 200);
  ASSERT_TRUE(is_ok(second.catch_up()));
  EXPECT_TRUE(fails_with(first.catch_up(), Errc::locked, 0, "somebody else folds into this database"));
  EXPECT_TRUE(are_exact(tables(), store()));
  ASSERT_TRUE(is_ok(first.catch_up())) << "the other one rests: it goes on from where that is";
  EXPECT_EQ(tables().seen, 150u);
}

TEST_F(SqliteProjectionTest, TwoThatFoldAllTheTimeTakeNothingTwice) {
  auto first = projection({.batch_events = 3, .visibility = Visibility::published});
  auto second = projection({.batch_events = 5, .visibility = Visibility::published});
  std::thread appender([&] { append_story(0, 600); });
  const auto insist = [&](SqliteProjection<AccountTable>& projection) {
    while (projection.position() < 600) {
      const auto done = projection.catch_up();
      ASSERT_TRUE(done || done.error().code == Errc::locked) << describe(done.error());
    }
  };
  std::thread other([&] { insist(second); });
  insist(first);
  appender.join();
  other.join();
  EXPECT_TRUE(are_exact(tables(), store()));
  EXPECT_EQ(tables().seen, 450u);
}

struct OtherTable : AccountTable {
  static constexpr std::string_view kName = "others";
};

TEST_F(SqliteProjectionTest, TheDatabaseOfAnotherProjectionIsLeftAlone) {
  append_story(0, 100);
  ASSERT_TRUE(is_ok(projection().catch_up()));
  const TableState before = tables();
  auto other = projection<OtherTable>();
  EXPECT_TRUE(fails_with(other.start(), Errc::invalid_argument, 0, "database of another projection"));
  EXPECT_TRUE(fails_with(other.catch_up(), Errc::invalid_argument));
  EXPECT_EQ(tables(), before);
}

struct BadSchema : AccountTable {
  static constexpr const char* kSchema = "CREATE TABLE account (id TEXT); CREATE TABEL seen (position INTEGER)";
};

TEST_F(SqliteProjectionTest, ASchemaThatDoesNotCompileLeavesNothing) {
  append_story(0, 10);
  EXPECT_TRUE(fails_with(projection<BadSchema>().catch_up(), Errc::invalid_argument));
  ASSERT_TRUE(is_ok(projection().catch_up())) << "the right one finds an empty database";
  EXPECT_TRUE(are_exact(tables(), store()));
}

TEST_F(SqliteProjectionTest, OfAnotherLogIsStale) {
  append_story(0, 50);
  ASSERT_TRUE(is_ok(projection().catch_up()));
  auto other = Store::open(temp_ / "other", small_segments());
  ASSERT_TRUE(is_ok(other));
  test::append_story(*other, 0, 50);
  SqliteProjection<AccountTable> of_other(*other, database(), {.projector = kSeen});
  EXPECT_TRUE(fails_with(of_other.catch_up(), Errc::stale_token));
  EXPECT_EQ(tables().seen, 38u);
  ASSERT_TRUE(is_ok(of_other.rebuild())) << "said aloud, the tables are made anew from this log";
  EXPECT_TRUE(are_exact(tables(), *other));
}

}  // namespace
}  // namespace daybook::test
