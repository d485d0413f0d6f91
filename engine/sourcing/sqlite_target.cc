#include "sourcing/sqlite_target.h"

#include <bit>
#include <cstring>
#include <utility>

namespace daybook::sourcing {
namespace {

constexpr const char* kCheckpointTable =
    "CREATE TABLE IF NOT EXISTS daybook_projection (id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL, "
    "version INTEGER NOT NULL, query INTEGER NOT NULL, log BLOB NOT NULL, epoch INTEGER NOT NULL, "
    "position INTEGER NOT NULL)";

}  // namespace

SqliteTarget::SqliteTarget(std::string path, std::string name, TablesVersion version, std::string schema, Apply apply)
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

Result<std::optional<SqliteTarget::Checkpoint>> SqliteTarget::load() {
  std::optional<Checkpoint> found;
  bool damaged = false;
  DAYBOOK_TRY(db_->query("SELECT name, version, query, log, epoch, position FROM daybook_projection", {},
                         [&](const SqliteRow& row) {
                           Checkpoint& at = found.emplace();
                           at.name = row.text(0);
                           at.version = {.version = static_cast<std::uint32_t>(row.integer(1)),
                                         .query = std::bit_cast<std::uint64_t>(row.integer(2))};
                           const Bytes log = row.blob(3);
                           damaged = log.size() != at.token.log.size();
                           if (!damaged) std::memcpy(at.token.log.data(), log.data(), log.size());
                           at.token.epoch = static_cast<std::uint64_t>(row.integer(4));
                           at.token.position = static_cast<Position>(row.integer(5));
                         }));
  if (damaged) return fail({.code = Errc::corrupt, .what = "checkpoint of a projection", .detail = ErrorText(path_)});
  return found;
}

// Of these tables, and no others.
Result<ResumeToken> SqliteTarget::load_token() {
  const auto found = load();
  if (!found) return fail(found.error());
  if (!*found) return fail({.code = Errc::corrupt, .what = "checkpoint of a projection", .detail = ErrorText(path_)});
  const Checkpoint& at = **found;
  if (at.name != name_) {
    return fail({.code = Errc::invalid_argument,
                 .what = "database of another projection",
                 .detail = ErrorText(path_ + ": expected " + name_ + ", found " + at.name)});
  }
  if (at.version != version_) {
    return fail({.code = Errc::wrong_version,
                 .what = "tables of another version, or of other events",
                 .expected = version_.version,
                 .actual = at.version.version,
                 .detail = ErrorText(path_)});
  }
  return at.token;
}

Result<void> SqliteTarget::create_tables() {
  DAYBOOK_TRY(db_->run("BEGIN IMMEDIATE"));
  Result<void> created = db_->run(kCheckpointTable);
  const auto found = created ? load() : Result<std::optional<Checkpoint>>(fail(created.error()));
  if (!found) return roll_back(found.error());
  if (!*found) {  // else somebody else has been faster
    constexpr Uuid kNoLog{};
    created = db_->run_script(schema_);
    if (created) {
      created = db_->run("INSERT INTO daybook_projection VALUES (1, ?, ?, ?, ?, 0, 0)",
                         {name_, version_.version, std::bit_cast<std::int64_t>(version_.query),
                          Bytes(std::as_bytes(std::span(kNoLog)))});
    }
  }
  if (created) created = db_->run("COMMIT");
  return created ? created : roll_back(created.error());
}

Result<ResumeToken> SqliteTarget::open() {
  close();  // whatever a failed batch has left open
  DAYBOOK_TRY(connect());
  const auto tables = db_->integer("SELECT count(*) FROM sqlite_master WHERE name = 'daybook_projection'");
  if (!tables) return fail(tables.error());
  if (*tables == 0) DAYBOOK_TRY(create_tables());
  auto token = load_token();
  if (token) committed_ = *token;
  return token;
}

// The write lock first: then nobody else can fold these events between the look at the checkpoint and the commit.
Result<void> SqliteTarget::begin() {
  broken_.reset();
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
  if (broken_) return fail(*broken_);
  DAYBOOK_TRY(db_->run("SAVEPOINT daybook_event"));
  db_->require_transaction(true);
  const auto applied = apply_(*db_, event);
  db_->require_transaction(false);
  if (!applied) return undo_event(applied.error());
  const auto released = db_->run("RELEASE daybook_event");
  if (!released) broken_ = released.error();
  return released;
}

// Some failures make SQLite roll back the whole transaction by itself: what would come then, would be outside of one.
Result<void> SqliteTarget::undo_event(const Error& why) {
  Result<void> undone = db_->run("ROLLBACK TO daybook_event");
  if (undone) undone = db_->run("RELEASE daybook_event");
  if (!undone) broken_ = why;
  return fail(why);
}

Result<void> SqliteTarget::commit(const ResumeToken& token) {
  if (broken_) return roll_back(*broken_);
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
