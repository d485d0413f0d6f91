// The target of a projection into SQLite: tables, and in the same transaction how far the log has been read.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <daybook/sourcing/projector.h>
#include <daybook/sourcing/sqlite_database.h>

namespace daybook::sourcing {

// What tables are made of. A change of either makes them outdated.
struct TablesVersion {
  std::uint32_t version = 0;
  std::uint64_t query = 0;  // fingerprint: other events make other tables

  friend bool operator==(const TablesVersion&, const TablesVersion&) = default;
};

class SqliteTarget final : public ProjectionTarget {
 public:
  using Apply = std::function<Result<void>(SqliteDatabase&, const EventView&)>;

  SqliteTarget(std::string path, std::string name, TablesVersion version, std::string schema, Apply apply);

  // Takes what `other` holds, in one transaction.
  Result<void> take_over(SqliteTarget& other);

  // Closes the connection; open() opens it again.
  void close() { db_.reset(); }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  // Makes the tables when there are none. wrong_version: there are outdated ones. invalid_argument: those of another
  // projection.
  Result<ResumeToken> open() override;
  Result<void> begin() override;
  Result<void> apply(const EventView& event) override;
  Result<void> commit(const ResumeToken& token) override;

 private:
  struct Checkpoint {
    std::string name;
    TablesVersion version;
    ResumeToken token;
  };

  Result<void> connect();
  Result<void> create_tables();
  // Nothing: there are no tables.
  Result<std::optional<Checkpoint>> load();
  Result<ResumeToken> load_token();
  Result<void> roll_back(const Error& why);
  Result<void> undo_event(const Error& why);

  std::string path_;
  std::string name_;
  TablesVersion version_;
  std::string schema_;
  Apply apply_;
  std::optional<SqliteDatabase> db_;
  ResumeToken committed_;
  std::optional<Error> broken_;  // the batch cannot be committed any more, and why
};

}  // namespace daybook::sourcing
