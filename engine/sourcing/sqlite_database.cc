#include <daybook/sourcing/sqlite_database.h>

#include <unordered_map>

#include <sqlite3.h>

namespace daybook {
namespace {

constexpr int kBusyTimeoutMs = 5'000;

Errc code_of(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Errc::corrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Errc::locked;
    case SQLITE_FULL: return Errc::no_space;
    case SQLITE_READONLY: return Errc::read_only;
    case SQLITE_CONSTRAINT: return Errc::refused;
    case SQLITE_ERROR:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH: return Errc::invalid_argument;
    default: return Errc::io;
  }
}

Error sqlite_error(sqlite3* db, const char* what, const std::string& path) {
  const int code = db == nullptr ? SQLITE_NOMEM : sqlite3_extended_errcode(db);
  return {.code = code_of(code),
          .what = what,
          .actual = static_cast<std::uint64_t>(code),
          .detail = ErrorText(path + ": " + (db == nullptr ? "out of memory" : sqlite3_errmsg(db)))};
}

// Of a database that is open: it knows its file.
Error sqlite_error(sqlite3* db, const char* what) { return sqlite_error(db, what, sqlite3_db_filename(db, "main")); }

struct Closer {
  void operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
};
struct Finalizer {
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalizer>;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
};

}  // namespace

struct SqliteDatabase::Impl {
  Result<Statement> prepare(std::string_view sql) const;
  Result<void> check_transaction() const;

  bool requires_transaction = false;
  std::unique_ptr<sqlite3, Closer> db;
  std::unordered_map<std::string, Statement, TextHash, std::equal_to<>> statements;  // dies before db
};

Result<void> SqliteDatabase::Impl::check_transaction() const {
  if (!requires_transaction || sqlite3_get_autocommit(db.get()) == 0) return {};
  return fail({.code = Errc::io, .what = "SQLite has rolled back the transaction"});
}

// SQLite takes the first statement and leaves the rest, in silence.
Result<Statement> SqliteDatabase::Impl::prepare(std::string_view sql) const {
  sqlite3_stmt* prepared = nullptr;
  const char* rest = nullptr;
  if (sqlite3_prepare_v3(db.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &prepared,
                         &rest) != SQLITE_OK) {
    return fail(sqlite_error(db.get(), "SQL"));
  }
  Statement statement(prepared);
  if (!statement) return fail({.code = Errc::invalid_argument, .what = "no SQL statement"});
  const std::string_view behind = sql.substr(static_cast<std::size_t>(rest - sql.data()));
  if (behind.find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    return fail({.code = Errc::invalid_argument, .what = "several SQL statements", .detail = ErrorText(behind)});
  }
  return statement;
}

int SqliteRow::columns() const noexcept { return sqlite3_column_count(statement_); }
bool SqliteRow::is_null(int column) const noexcept { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
std::int64_t SqliteRow::integer(int column) const noexcept { return sqlite3_column_int64(statement_, column); }
double SqliteRow::real(int column) const noexcept { return sqlite3_column_double(statement_, column); }
std::string_view SqliteRow::text(int column) const noexcept {
  const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return text == nullptr ? std::string_view()
                         : std::string_view(text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}
Bytes SqliteRow::blob(int column) const noexcept {
  const auto* const bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column));
  return std::span(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

SqliteDatabase::SqliteDatabase(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqliteDatabase::SqliteDatabase(SqliteDatabase&&) noexcept = default;
SqliteDatabase& SqliteDatabase::operator=(SqliteDatabase&&) noexcept = default;
SqliteDatabase::~SqliteDatabase() = default;

Result<SqliteDatabase> SqliteDatabase::open(const std::string& path, Open mode) {
  const int flags = mode == Open::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* db = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  auto impl = std::make_unique<Impl>();
  impl->db.reset(db);
  if (opened != SQLITE_OK) return fail(sqlite_error(db, "open SQLite database", path));
  sqlite3_busy_timeout(db, kBusyTimeoutMs);
  SqliteDatabase database(std::move(impl));
  if (mode == Open::read_write) {
    DAYBOOK_TRY(database.run("PRAGMA journal_mode = WAL"));
    // A crash of the machine may take the last commits, and then their checkpoint with them: they are folded again.
    DAYBOOK_TRY(database.run("PRAGMA synchronous = NORMAL"));
  }
  return database;
}

Result<sqlite3_stmt*> SqliteDatabase::bind(std::string_view sql, std::initializer_list<SqliteValue> values) {
  DAYBOOK_TRY(impl_->check_transaction());
  auto found = impl_->statements.find(sql);
  if (found == impl_->statements.end()) {
    auto prepared = impl_->prepare(sql);
    if (!prepared) return fail(prepared.error());
    found = impl_->statements.emplace(std::string(sql), std::move(*prepared)).first;
  }
  sqlite3_stmt* const statement = found->second.get();
  if (static_cast<std::size_t>(sqlite3_bind_parameter_count(statement)) != values.size()) {
    return fail({.code = Errc::invalid_argument,
                 .what = "values of an SQL statement",
                 .expected = static_cast<std::uint64_t>(sqlite3_bind_parameter_count(statement)),
                 .actual = values.size()});
  }
  int index = 0;
  for (const SqliteValue& value : values) {
    ++index;
    int bound = SQLITE_OK;
    if (const auto* integer = std::get_if<std::int64_t>(&value.value_)) {
      bound = sqlite3_bind_int64(statement, index, *integer);
    } else if (const auto* real = std::get_if<double>(&value.value_)) {
      bound = sqlite3_bind_double(statement, index, *real);
    } else if (const auto* text = std::get_if<std::string_view>(&value.value_)) {
      bound = sqlite3_bind_text64(statement, index, text->data() == nullptr ? "" : text->data(), text->size(),
                                  SQLITE_STATIC, SQLITE_UTF8);
    } else if (const auto* bytes = std::get_if<Bytes>(&value.value_)) {
      bound = sqlite3_bind_blob64(statement, index, bytes->data(), bytes->size(), SQLITE_STATIC);
    } else if (std::holds_alternative<std::monostate>(value.value_)) {
      bound = sqlite3_bind_null(statement, index);
    } else {
      return fail({.code = Errc::invalid_argument,
                   .what = "integer for SQLite is over 2^63 - 1",
                   .index = static_cast<std::uint32_t>(index - 1)});
    }
    if (bound != SQLITE_OK) return fail(sqlite_error(handle(), "SQL value"));
  }
  return statement;
}

Result<bool> SqliteDatabase::step(sqlite3_stmt* statement) {
  const int stepped = sqlite3_step(statement);
  if (stepped == SQLITE_ROW) return true;
  const Error error = stepped == SQLITE_DONE ? Error{} : sqlite_error(handle(), "SQL");
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  if (stepped != SQLITE_DONE) return fail(error);
  return false;
}

Result<void> SqliteDatabase::run(std::string_view sql, std::initializer_list<SqliteValue> values) {
  return query(sql, values, [](const SqliteRow&) {});
}

Result<std::int64_t> SqliteDatabase::integer(std::string_view sql, std::initializer_list<SqliteValue> values) {
  std::optional<std::int64_t> first;
  DAYBOOK_TRY(query(sql, values, [&](const SqliteRow& row) {
    if (!first) first = row.integer(0);
  }));
  if (!first) return fail({.code = Errc::not_found, .what = "no row"});
  return *first;
}

Result<void> SqliteDatabase::run_script(const std::string& sql) {
  DAYBOOK_TRY(impl_->check_transaction());
  if (sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return fail(sqlite_error(handle(), "SQL script"));
  }
  return {};
}

void SqliteDatabase::require_transaction(bool required) noexcept { impl_->requires_transaction = required; }

std::int64_t SqliteDatabase::changes() const noexcept { return sqlite3_changes64(handle()); }

Result<void> SqliteDatabase::copy_from(SqliteDatabase& source) {
  impl_->statements.clear();  // none of them may be under way
  sqlite3_backup* const backup = sqlite3_backup_init(handle(), "main", source.handle(), "main");
  if (backup == nullptr) return fail(sqlite_error(handle(), "copy of an SQLite database"));
  const int stepped = sqlite3_backup_step(backup, -1);
  const int finished = sqlite3_backup_finish(backup);
  if (stepped != SQLITE_DONE || finished != SQLITE_OK) {
    Error error = sqlite_error(handle(), "copy of an SQLite database");
    if (error.actual == SQLITE_OK)
      error = {.code = code_of(stepped), .what = error.what, .actual = static_cast<std::uint64_t>(stepped)};
    return fail(error);
  }
  return {};
}

sqlite3* SqliteDatabase::handle() const noexcept { return impl_->db.get(); }

}  // namespace daybook
