// Projections into SQLite: a read model in tables, with its checkpoint in the same transaction.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <daybook/export.h>
#include <daybook/sourcing/catalog.h>
#include <daybook/sourcing/decoder.h>
#include <daybook/sourcing/event_query.h>
#include <daybook/sourcing/projector.h>
#include <daybook/sourcing/sqlite_database.h>
#include <daybook/store.h>

namespace daybook {

// What a projection into SQLite is made of: a struct that says which tables there are and what each event does to them.
//
//   struct AccountTable {
//     static constexpr std::string_view kName = "accounts";
//     static constexpr std::uint32_t kVersion = 1;    // another version is built anew, see SqliteProjectionBase::start
//     static constexpr const char* kSchema = "CREATE TABLE account (id TEXT PRIMARY KEY, cents INTEGER NOT NULL)";
//     using Events = daybook::EventSet<AccountOpened, MoneyDeposited>;
//     daybook::Result<void> apply(daybook::SqliteDatabase& db, const AccountOpened& event, const daybook::EventView& at);
//     ...
//   };
//
// apply() only writes to the database: it keeps nothing in the struct (a batch may be rolled back), begins and ends no
// transaction, and does not throw. Names of tables that begin with "daybook_" are taken.
template <typename Tables>
concept SqliteTables = std::default_initializable<Tables> && requires {
  typename Tables::Events;
  { Tables::kName } -> std::convertible_to<std::string_view>;
  { Tables::kVersion } -> std::convertible_to<std::uint32_t>;
  { Tables::kSchema } -> std::convertible_to<std::string>;
};

struct SqliteProjectionOptions {
  const Catalog* catalog = nullptr;  // as ProjectionOptions
  std::optional<Query> query{};      // as ProjectionOptions
  ProjectorOptions projector{};
};

// The part of a SqliteProjection that does not depend on its tables.
class DAYBOOK_EXPORT SqliteProjectionBase {
 public:
  SqliteProjectionBase(const SqliteProjectionBase&) = delete;
  SqliteProjectionBase& operator=(const SqliteProjectionBase&) = delete;
  ~SqliteProjectionBase();  // stops

  // Goes on from the checkpoint in the background. Outdated tables (of another kVersion, or folded from other events) are left
  // as they are and go on serving as of where they were, while new ones are built beside them; see rebuild(). What that comes
  // to: wait_for(), rebuild_progress(), error(). Errors: those of SqliteDatabase; stale_token (the tables are ahead of a log
  // that has lost events: rebuild() makes them anew); invalid_argument (tables of another projection); wrong_version (the
  // tables were right, and a program of another version has replaced them since).
  Result<void> start();

  // Ends folding, also that of a rebuild, which then begins anew with the next start.
  void stop();

  // Takes everything that is there, in the calling thread (when it is not started). Outdated tables are built anew first.
  // Errors: as start(); those of Projector::catch_up.
  Result<void> catch_up();

  // As Projector::wait_for, of the tables that serve. Who waits while they are replaced waits for the new ones.
  Result<void> wait_for(Position position, std::chrono::nanoseconds timeout) const;

  // Builds the tables from the first event in a database beside this one (its name and ".rebuild"), while these serve and,
  // unless they are outdated, go on; then puts it in their place, in one transaction. Returns when that is done. Cut off by
  // a crash, it has changed nothing. Errors: those of start() and of folding, and closed (stop()): the old tables serve.
  Result<void> rebuild();

  [[nodiscard]] Position position() const;  // of the tables that serve, since they were started; 0 before
  [[nodiscard]] Result<ProjectionProgress> progress() const;
  // How far a rebuild is; empty when there is none.
  [[nodiscard]] Result<std::optional<ProjectionProgress>> rebuild_progress() const;
  [[nodiscard]] std::optional<Error> error() const;
  [[nodiscard]] std::vector<SkippedEvent> skipped() const;

 protected:
  struct Definition {
    std::string name;
    std::uint32_t version = 0;
    std::string schema;
    Query query{};
    std::function<Result<void>(SqliteDatabase&, const EventView&)> apply{};
  };
  SqliteProjectionBase(const Store& store, const std::string& path, Definition definition,
                       const ProjectorOptions& options);

  // The connection that looks, inside one transaction; one caller at a time.
  Result<void> look(const std::function<Result<void>(SqliteDatabase&)>& look) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Tables of an SQLite database of their own, kept up to date with the log: each batch of events and how far the log has been
// read are one transaction, so that every event is in the tables exactly once, whatever crashes when.
// Any number of processes may read the database (with any SQLite client); only one may fold. Of two that do, one finds at
// its next batch that somebody else has taken what it was about to take, and stops with Errc::locked: nothing is taken twice.
// Thread safety: every method from any thread at any time, but destruction, which must come after every other call has
// returned. The store must live as long. Neither copied nor moved.
template <SqliteTables Tables>
class SqliteProjection : public SqliteProjectionBase {
 public:
  SqliteProjection(const Store& store, const std::string& path, const SqliteProjectionOptions& options = {})
      : SqliteProjectionBase(store, path, definition(options), options.projector) {}
  ~SqliteProjection() { stop(); }

  // Calls `look(SqliteDatabase&)` with a connection of its own, as of one commit, and returns what it returns (a Result).
  // One at a time, while folding goes on. Look, do not write. Errors: io, when nothing has been folded yet.
  template <typename Look>
  auto read(Look&& look) const -> std::invoke_result_t<Look&, SqliteDatabase&> {
    using Answer = std::invoke_result_t<Look&, SqliteDatabase&>;
    std::optional<Answer> answer;
    const auto looked = this->look([&](SqliteDatabase& db) -> Result<void> {
      answer.emplace(look(db));
      return {};
    });
    if (!looked) return daybook::fail(looked.error());
    return std::move(*answer);
  }

 private:
  static Definition definition(const SqliteProjectionOptions& options) {
    Definition definition{.name = std::string(Tables::kName), .version = Tables::kVersion, .schema = Tables::kSchema};
    definition.query = narrow(options.query.value_or(Query()), type_names(typename Tables::Events(), options.catalog));
    using Decoder = EventDecoder<typename Tables::Events>;
    definition.apply = [decoder = Decoder(options.catalog), tables = Tables()](SqliteDatabase& db,
                                                                               const EventView& event) mutable {
      const auto decoded = decoder.decode(
          event,
          [&](const auto& typed, const EventView& at) -> Result<void> {
            if constexpr (requires { tables.apply(db, typed, at); }) {
              return tables.apply(db, typed, at);
            } else {
              return tables.apply(db, typed);
            }
          },
          UnknownEvents::skip);
      return decoded ? Result<void>() : Result<void>(daybook::fail(decoded.error()));
    };
    return definition;
  }
};

}  // namespace daybook
