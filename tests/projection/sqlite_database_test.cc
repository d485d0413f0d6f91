#include <limits>

#include <daybook/sourcing/sqlite_database.h>

#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace daybook::test {
namespace {

class SqliteDatabaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = SqliteDatabase::open((temp_ / "test.db").string(), SqliteDatabase::Open::read_write);
    ASSERT_TRUE(is_ok(opened));
    db_.emplace(std::move(*opened));
    ASSERT_TRUE(is_ok(db_->run_script("CREATE TABLE t (a, b TEXT UNIQUE); CREATE TABLE u (x INTEGER CHECK (x > 0));")));
  }
  SqliteDatabase& db() { return *db_; }

  TempDir temp_;
  std::optional<SqliteDatabase> db_;
};

TEST_F(SqliteDatabaseTest, ValuesComeBackAsTheyWere) {
  const std::string bytes("\0\x01x", 3);
  ASSERT_TRUE(is_ok(db().run("INSERT INTO t VALUES (?, ?)", {std::numeric_limits<std::int64_t>::min(), "it's"})));
  ASSERT_TRUE(is_ok(db().run("INSERT INTO t VALUES (?, ?)", {Bytes(bytes), nullptr})));
  ASSERT_TRUE(is_ok(db().run("INSERT INTO t VALUES (?, ?)", {0.5, std::optional<std::string_view>("there")})));
  ASSERT_TRUE(is_ok(db().run("INSERT INTO t VALUES (?, ?)", {true, std::optional<std::string_view>()})));
  int row_number = 0;
  ASSERT_TRUE(is_ok(db().query("SELECT a, b FROM t ORDER BY rowid", {}, [&](const SqliteRow& row) {
    ASSERT_EQ(row.columns(), 2);
    switch (row_number++) {
      case 0:
        EXPECT_EQ(row.integer(0), std::numeric_limits<std::int64_t>::min());
        EXPECT_EQ(row.text(1), "it's");
        break;
      case 1:
        EXPECT_EQ(row.blob(0).text(), bytes);
        EXPECT_TRUE(row.is_null(1));
        break;
      case 2:
        EXPECT_EQ(row.real(0), 0.5);
        EXPECT_EQ(row.text(1), "there");
        break;
      default: EXPECT_EQ(row.integer(0), 1); EXPECT_TRUE(row.is_null(1));
    }
  })));
  EXPECT_EQ(row_number, 4);
}

TEST_F(SqliteDatabaseTest, SaysWhatIsWrong) {
  EXPECT_TRUE(fails_with(db().run("SELEKT"), Errc::invalid_argument));
  EXPECT_TRUE(fails_with(db().run(""), Errc::invalid_argument));
  EXPECT_TRUE(fails_with(db().run("INSERT INTO t VALUES (?, ?)", {1}), Errc::invalid_argument));
  EXPECT_TRUE(fails_with(db().run("INSERT INTO t VALUES (?, 'x')", {~std::uint64_t{0}}), Errc::invalid_argument));
  EXPECT_TRUE(fails_with(db().integer("SELECT a FROM t"), Errc::not_found));
  EXPECT_TRUE(fails_with(db().run("INSERT INTO u VALUES (-1)"), Errc::refused)) << "a constraint";
  EXPECT_TRUE(is_ok(db().run("INSERT INTO t VALUES (1, 'same')")));
  const auto twice = db().run("INSERT INTO t VALUES (2, 'same')");
  EXPECT_TRUE(fails_with(twice, Errc::refused));
  EXPECT_NE(twice.error().detail.view().find("t.b"), std::string_view::npos);
  EXPECT_EQ(*db().integer("SELECT count(*) FROM t"), 1);
}

// SQLite would run the first and forget the second.
TEST_F(SqliteDatabaseTest, OneStatementAtATime) {
  EXPECT_TRUE(fails_with(db().run("INSERT INTO t VALUES (1, 'a'); INSERT INTO t VALUES (2, 'b')"),
                         Errc::invalid_argument, 0, "several SQL statements"));
  EXPECT_EQ(*db().integer("SELECT count(*) FROM t"), 0);
  EXPECT_TRUE(is_ok(db().run("INSERT INTO t VALUES (1, 'a'); \n")));
  EXPECT_EQ(db().changes(), 1);
}

TEST_F(SqliteDatabaseTest, AFileThatIsNoDatabaseIsCorrupt) {
  const std::string path = (temp_ / "text").string();
  std::FILE* const file = std::fopen(path.c_str(), "w");
  for (int i = 0; i < 1'000; ++i) std::fputs("not a database\n", file);
  std::fclose(file);
  const auto opened = SqliteDatabase::open(path, SqliteDatabase::Open::read_write);
  ASSERT_TRUE(fails_with(opened, Errc::corrupt));
  EXPECT_EQ(opened.error().detail.view(), path + ": file is not a database");
  EXPECT_TRUE(
      fails_with(SqliteDatabase::open((temp_ / "none" / "x.db").string(), SqliteDatabase::Open::read_write), Errc::io));
}

TEST_F(SqliteDatabaseTest, ReadOnlyDoesNotWrite) {
  auto reader = SqliteDatabase::open((temp_ / "test.db").string(), SqliteDatabase::Open::read_only);
  ASSERT_TRUE(is_ok(reader));
  EXPECT_TRUE(fails_with(reader->run("INSERT INTO t VALUES (1, 'a')"), Errc::read_only));
}

// Whoever is inside a transaction goes on seeing the old one; the next sees the new one, whole.
TEST_F(SqliteDatabaseTest, ACopyIsOneTransaction) {
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(is_ok(db().run("INSERT INTO t VALUES (?, ?)", {i, std::to_string(i)})));
  auto other = SqliteDatabase::open((temp_ / "other.db").string(), SqliteDatabase::Open::read_write);
  ASSERT_TRUE(is_ok(other->run_script("CREATE TABLE t (a, b); INSERT INTO t VALUES (7, 'seven')")));
  auto reader = SqliteDatabase::open((temp_ / "test.db").string(), SqliteDatabase::Open::read_only);
  ASSERT_TRUE(is_ok(reader->run("BEGIN")));
  EXPECT_EQ(*reader->integer("SELECT count(*) FROM t"), 1'000);
  ASSERT_TRUE(is_ok(db().copy_from(*other)));
  EXPECT_EQ(*reader->integer("SELECT count(*) FROM t"), 1'000);
  ASSERT_TRUE(is_ok(reader->run("COMMIT")));
  EXPECT_EQ(*reader->integer("SELECT count(*) FROM t"), 1);
  EXPECT_EQ(*db().integer("SELECT a FROM t"), 7);
}

}  // namespace
}  // namespace daybook::test
