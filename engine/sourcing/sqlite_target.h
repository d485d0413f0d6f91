// The target of a projection into SQLite: tables, and in the same transaction how far the log has been read.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <daybook/sourcing/projector.h>
#include <daybook/sourcing/sqlite_database.h>

namespace daybook::sourcing {

class SqliteTarget final : public ProjectionTarget {
 public:
  using Apply = std::function<Result<void>(SqliteDatabase&, const EventView&)>;

  SqliteTarget(std::string path, std::string name, std::uint32_t version, std::string schema, Apply apply);

  // The version of the tables that are in the file; nothing when there are none yet. Opens the file.
  Result<std::optional<std::uint32_t>> stored_version();

  // A new database that may be lost to a crash: faster, for a rebuild, which then begins again.
  Result<void> open_scratch();

  // Takes what `other` holds, in one transaction.
  Result<void> take_over(SqliteTarget& other);

  // Closes the connection; open() opens it again.
  void close() { db_.reset(); }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  Result<ResumeToken> open() override;
  Result<void> begin() override;
  Result<void> apply(const EventView& event) override;
  Result<void> commit(const ResumeToken& token) override;

 private:
  Result<void> connect();
  Result<void> create_tables();
  Result<ResumeToken> load_token();
  Result<void> roll_back(const Error& why);

  std::string path_;
  std::string name_;
  std::uint32_t version_;
  std::string schema_;
  Apply apply_;
  std::optional<SqliteDatabase> db_;
  ResumeToken committed_;
};

}  // namespace daybook::sourcing
