#include "sourcing/sqlite_target.h"

#include <cstring>
#include <utility>

namespace daybook::sourcing {
namespace {

constexpr const char* kCheckpointTable =
    "CREATE TABLE IF NOT EXISTS daybook_projection (id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL, "
    "version INTEGER NOT NULL, log BLOB NOT NULL, epoch INTEGER NOT NULL, position INTEGER NOT NULL)";

}  // namespace

SqliteTarget::SqliteTarget(std::string path, std::string name, std::uint32_t version, std::string schema, Apply apply)
    : path_(std::move(path)),
      name_(std::move(name)),
      version_(version),
      schema_(std::move(schema)),
      apply_(std::move(apply)) {}

Result<void> SqliteTarget::connect() {
  if (db_) return {};
  auto db = SqliteDatabase::open(path_, SqliteDatabase::Open::read_write);
  if (!db) return fail(db.error());
  db_.emplace(std::move(*db));
  return {};
}

Result<std::optional<std::uint32_t>> SqliteTarget::stored_version() {
  DAYBOOK_TRY(connect());
  DAYBOOK_TRY(db_->run(kCheckpointTable));
  std::optional<std::uint32_t> version;
  std::string name;
  DAYBOOK_TRY(db_->query("SELECT version, name FROM daybook_projection", {}, [&](const SqliteRow& row) {
    version = static_cast<std::uint32_t>(row.integer(0));
    name = row.text(1);
  }));
  if (version && name != name_) {
    return fail({.code = Errc::invalid_argument,
                 .what = "database of another projection",
                 .detail = ErrorText(path_ + ": expected " + name_ + ", found " + name)});
  }
  return version;
}

Result<void> SqliteTarget::open_scratch() {
  DAYBOOK_TRY(connect());
  return db_->run("PRAGMA synchronous = OFF");
}

Result<void> SqliteTarget::create_tables() {
  DAYBOOK_TRY(db_->run("BEGIN IMMEDIATE"));
  Result<void> created = db_->run_script(schema_);
  if (created) {
    constexpr Uuid kNoLog{};
    created = db_->run("INSERT INTO daybook_projection VALUES (1, ?, ?, ?, 0, 0)",
                       {name_, version_, Bytes(std::as_bytes(std::span(kNoLog)))});
  }
  if (!created) return roll_back(created.error());
  return db_->run("COMMIT");
}

Result<ResumeToken> SqliteTarget::load_token() {
  ResumeToken token;
  bool found = false;
  DAYBOOK_TRY(db_->query("SELECT log, epoch, position FROM daybook_projection", {}, [&](const SqliteRow& row) {
    found = row.blob(0).size() == token.log.size();
    if (found) std::memcpy(token.log.data(), row.blob(0).data(), token.log.size());
    token.epoch = static_cast<std::uint64_t>(row.integer(1));
    token.position = static_cast<Position>(row.integer(2));
  }));
  if (!found) return fail({.code = Errc::corrupt, .what = "checkpoint of a projection", .detail = ErrorText(path_)});
  return token;
}

Result<ResumeToken> SqliteTarget::open() {
  db_.reset();  // whatever a failed batch has left open
  const auto version = stored_version();
  if (!version) return fail(version.error());
  if (!*version) DAYBOOK_TRY(create_tables());
  auto token = load_token();
  if (token) committed_ = *token;
  return token;
}

// The write lock first: then nobody else can fold these events between the look at the checkpoint and the commit.
Result<void> SqliteTarget::begin() {
  DAYBOOK_TRY(db_->run("BEGIN IMMEDIATE"));
  const auto token = load_token();
  if (!token) return roll_back(token.error());
  if (token->position != committed_.position) {
    return roll_back({.code = Errc::locked,
                      .what = "somebody else folds into this database",
                      .expected = committed_.position,
                      .actual = token->position});
  }
  return {};
}

Result<void> SqliteTarget::apply(const EventView& event) {
  DAYBOOK_TRY(db_->run("SAVEPOINT daybook_event"));
  const auto applied = apply_(*db_, event);
  if (!applied) DAYBOOK_TRY(db_->run("ROLLBACK TO daybook_event"));
  DAYBOOK_TRY(db_->run("RELEASE daybook_event"));
  return applied;
}

Result<void> SqliteTarget::commit(const ResumeToken& token) {
  Result<void> done = db_->run("UPDATE daybook_projection SET log = ?, epoch = ?, position = ?",
                               {Bytes(std::as_bytes(std::span(token.log))), token.epoch, token.position});
  if (done) done = db_->run("COMMIT");
  if (!done) return roll_back(done.error());
  committed_ = token;
  return {};
}

Result<void> SqliteTarget::roll_back(const Error& why) {
  static_cast<void>(db_->run("ROLLBACK"));  // SQLite may have done so itself
  return fail(why);
}

Result<void> SqliteTarget::take_over(SqliteTarget& other) {
  DAYBOOK_TRY(connect());
  DAYBOOK_TRY(other.connect());
  return db_->copy_from(*other.db_);
}

}  // namespace daybook::sourcing
