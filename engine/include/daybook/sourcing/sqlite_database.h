// A connection to an SQLite database: just what a projection needs, with errors as Results.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <daybook/error.h>
#include <daybook/export.h>
#include <daybook/types.h>

struct sqlite3;
struct sqlite3_stmt;

namespace daybook {

namespace sourcing {
class SqliteTarget;
}

// A value to bind to a `?` of a statement. A view: text and bytes must live until the call returns.
class SqliteValue {
 public:
  SqliteValue(std::nullptr_t) noexcept {}
  SqliteValue(double value) noexcept : value_(value) {}
  SqliteValue(std::string_view text) noexcept : value_(text) {}
  SqliteValue(const std::string& text) noexcept : value_(std::string_view(text)) {}
  SqliteValue(const char* text) noexcept : value_(std::string_view(text)) {}
  SqliteValue(Bytes bytes) noexcept : value_(bytes) {}
  SqliteValue(Timestamp time) noexcept : value_(std::int64_t{time.time_since_epoch().count()}) {}
  // SQLite's integers are signed and have 64 bits: a larger value is refused by the statement (invalid_argument).
  template <std::integral Integer>
  SqliteValue(Integer value) noexcept {
    if (std::in_range<std::int64_t>(value)) {
      value_ = static_cast<std::int64_t>(value);
    } else {
      value_ = TooLarge();
    }
  }
  SqliteValue(bool value) noexcept : value_(std::int64_t{value}) {}
  template <typename T>
  SqliteValue(const std::optional<T>& value) noexcept {
    if (value) value_ = SqliteValue(*value).value_;
  }

 private:
  friend class SqliteDatabase;
  struct TooLarge {};

  std::variant<std::monostate, std::int64_t, double, std::string_view, Bytes, TooLarge> value_;
};

// A row of a result, by column from 0. SQLite converts between its types. Views are valid until the callback returns.
class DAYBOOK_EXPORT SqliteRow {
 public:
  [[nodiscard]] int columns() const noexcept;
  [[nodiscard]] bool is_null(int column) const noexcept;
  [[nodiscard]] std::int64_t integer(int column) const noexcept;
  [[nodiscard]] double real(int column) const noexcept;
  [[nodiscard]] std::string_view text(int column) const noexcept;
  [[nodiscard]] Bytes blob(int column) const noexcept;

 private:
  friend class SqliteDatabase;
  explicit SqliteRow(sqlite3_stmt* statement) noexcept : statement_(statement) {}

  sqlite3_stmt* statement_;
};

// Statements are prepared once and kept: bind values instead of writing them into the SQL. Errors: corrupt (not a database,
// or a damaged one), locked (somebody else is writing, for longer than 5 s), no_space, read_only, refused (a constraint of
// the schema), invalid_argument (SQL that does not compile, or more than one statement of it, a value that does not fit), io
// for the rest; Error::actual is SQLite's extended result code, Error::detail its message.
// Thread safety: none; one thread per object at a time.
class DAYBOOK_EXPORT SqliteDatabase {
 public:
  enum class Open : std::uint8_t { read_write, read_only };

  // Opens, or (read_write) creates. Write-ahead logging, so that readers and the writer do not wait for each other.
  static Result<SqliteDatabase> open(const std::string& path, Open mode);

  SqliteDatabase(SqliteDatabase&&) noexcept;
  SqliteDatabase& operator=(SqliteDatabase&&) noexcept;
  ~SqliteDatabase();

  // Runs one statement and ignores its rows: db.run("UPDATE account SET cents = cents + ? WHERE id = ?", {cents, id}).
  Result<void> run(std::string_view sql, std::initializer_list<SqliteValue> values = {});

  // Runs one statement and calls `row(const SqliteRow&)` for each of its rows.
  template <typename Row>
  Result<void> query(std::string_view sql, std::initializer_list<SqliteValue> values, Row&& row) {
    auto started = bind(sql, values);
    if (!started) return fail(started.error());
    while (true) {
      const auto stepped = step(*started);
      if (!stepped) return fail(stepped.error());
      if (!*stepped) return {};
      row(SqliteRow(*started));
    }
  }

  // The first column of the first row as an integer; not_found when there is no row.
  Result<std::int64_t> integer(std::string_view sql, std::initializer_list<SqliteValue> values = {});

  // Runs several statements, divided by ";": a schema.
  Result<void> run_script(const std::string& sql);

  // Rows that the last statement changed.
  [[nodiscard]] std::int64_t changes() const noexcept;

  // Makes this database what `source` is, in one transaction of this one: whoever reads it sees the old one or the new one.
  Result<void> copy_from(SqliteDatabase& source);

  // SQLite's own handle, for what is not here.
  [[nodiscard]] sqlite3* handle() const noexcept;

 private:
  friend class sourcing::SqliteTarget;
  struct Impl;
  // From now on statements outside of a transaction are refused (Errc::io), because SQLite rolls one back by itself for some
  // errors, and would commit what comes then statement by statement.
  void require_transaction(bool required) noexcept;
  explicit SqliteDatabase(std::unique_ptr<Impl> impl);
  Result<sqlite3_stmt*> bind(std::string_view sql, std::initializer_list<SqliteValue> values);
  Result<bool> step(sqlite3_stmt* statement);  // true: a row; otherwise the statement is reset

  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook
