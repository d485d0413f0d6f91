#include <daybook/sourcing/sqlite_projection.h>

#include <filesystem>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include <daybook/sourcing/serving_projector.h>

#include "sourcing/sqlite_target.h"

namespace daybook {
namespace {

void remove_database(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
    std::error_code ignored;
    std::filesystem::remove(path + suffix, ignored);
  }
}

}  // namespace

// The tables that serve, and during a rebuild those that will, in a database of their own.
struct SqliteProjectionBase::Impl {
  Impl(const Store& of, const std::string& path, Definition what, const ProjectorOptions& how)
      : store(&of),
        definition(std::move(what)),
        options(how),
        target(make_target(path)),
        projector(make_projector(target)) {}

  std::shared_ptr<sourcing::SqliteTarget> make_target(const std::string& path) const {
    const sourcing::TablesVersion version{.version = definition.version, .query = fingerprint(definition.query)};
    return std::make_shared<sourcing::SqliteTarget>(path, definition.name, version, definition.schema,
                                                    definition.apply);
  }
  std::shared_ptr<Projector> make_projector(const std::shared_ptr<sourcing::SqliteTarget>& of) const {
    return std::make_shared<Projector>(*store, definition.query, of, options);
  }
  [[nodiscard]] std::string rebuild_path() const { return target->path() + ".rebuild"; }
  Result<void> rebuild(const ServingProjector::Announced& announced);
  // Whether what was done has failed for tables that are to be built anew. Those that were right when they were opened
  // are not: a newer program has replaced them, and this one would do the same again, by turns.
  bool finds_outdated(const Result<void>& done);

  const Store* const store;
  const Definition definition;
  const ProjectorOptions options;
  const std::shared_ptr<sourcing::SqliteTarget> target;  // of what serves
  ServingProjector projector;

  std::mutex control;     // start() and stop(), one at a time
  std::thread rebuilder;  // of start(), for outdated tables

  mutable std::mutex mutex;  // of what follows
  bool rebuilder_runs = false;
  bool was_right = false;             // the tables were of this version once
  std::vector<SkippedEvent> skipped;  // by a rebuild whose tables serve

  std::mutex rebuild_mutex;  // one at a time: they use the same file

  mutable std::mutex look_mutex;
  mutable std::optional<SqliteDatabase> looking;
};

bool SqliteProjectionBase::Impl::finds_outdated(const Result<void>& done) {
  const std::lock_guard lock(mutex);
  if (done) was_right = true;
  return !was_right && done.error().code == Errc::wrong_version;
}

Result<void> SqliteProjectionBase::Impl::rebuild(const ServingProjector::Announced& announced) {
  const std::lock_guard one_at_a_time(rebuild_mutex);
  remove_database(rebuild_path());  // of a rebuild that was cut off
  const auto scratch = make_target(rebuild_path());
  const auto next = make_projector(scratch);
  const auto take_over = [&]() -> Result<std::shared_ptr<Projector>> {
    DAYBOOK_TRY(target->take_over(*scratch));
    const std::lock_guard lock(mutex);
    skipped = next->skipped();
    return make_projector(target);
  };
  Result<void> done = projector.replace(announced, next, take_over);
  scratch->close();
  remove_database(rebuild_path());
  if (done) static_cast<void>(finds_outdated(done));
  return done;
}

SqliteProjectionBase::SqliteProjectionBase(const Store& store, const std::string& path, Definition definition,
                                           const ProjectorOptions& options)
    : impl_(std::make_unique<Impl>(store, path, std::move(definition), options)) {}

SqliteProjectionBase::~SqliteProjectionBase() { stop(); }

Result<void> SqliteProjectionBase::start() {
  const std::lock_guard control(impl_->control);
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->rebuilder_runs) return {};
  }
  if (impl_->rebuilder.joinable()) impl_->rebuilder.join();  // it has ended by itself
  const auto started = impl_->projector.start();
  if (!impl_->finds_outdated(started)) return started;
  const std::lock_guard lock(impl_->mutex);
  impl_->rebuilder_runs = true;
  impl_->rebuilder = std::thread([impl = impl_.get(), announced = impl_->projector.announce(true)] {
    static_cast<void>(impl->rebuild(announced));  // an error is in `projector`
    const std::lock_guard ended(impl->mutex);
    impl->rebuilder_runs = false;
  });
  return {};
}

void SqliteProjectionBase::stop() {
  const std::lock_guard control(impl_->control);
  impl_->projector.stop();  // and with it a rebuild
  if (impl_->rebuilder.joinable()) impl_->rebuilder.join();
}

Result<void> SqliteProjectionBase::catch_up() {
  const auto done = impl_->projector.catch_up();
  if (!impl_->finds_outdated(done)) return done;
  DAYBOOK_TRY(rebuild());
  return impl_->projector.catch_up();
}

Result<void> SqliteProjectionBase::rebuild() { return impl_->rebuild(impl_->projector.announce()); }

Result<void> SqliteProjectionBase::wait_for(Position position, std::chrono::nanoseconds timeout) const {
  return impl_->projector.wait_for(position, timeout);
}

Position SqliteProjectionBase::position() const { return impl_->projector.serving()->position(); }

Result<ProjectionProgress> SqliteProjectionBase::progress() const { return impl_->projector.serving()->progress(); }

Result<std::optional<ProjectionProgress>> SqliteProjectionBase::rebuild_progress() const {
  return impl_->projector.rebuild_progress();
}

std::optional<Error> SqliteProjectionBase::error() const { return impl_->projector.error(); }

std::vector<SkippedEvent> SqliteProjectionBase::skipped() const {
  std::vector<SkippedEvent> all;
  {
    const std::lock_guard lock(impl_->mutex);
    all = impl_->skipped;
  }
  const auto since = impl_->projector.serving()->skipped();
  all.insert(all.end(), since.begin(), since.end());
  return all;
}

Result<void> SqliteProjectionBase::look(const std::function<Result<void>(SqliteDatabase&)>& look) const {
  const std::lock_guard lock(impl_->look_mutex);
  if (!impl_->looking) {
    auto db = SqliteDatabase::open(impl_->target->path(), SqliteDatabase::Open::read_only);
    if (!db) return fail(db.error());
    impl_->looking.emplace(std::move(*db));
  }
  DAYBOOK_TRY(impl_->looking->run("BEGIN"));
  const auto looked = look(*impl_->looking);
  DAYBOOK_TRY(impl_->looking->run("COMMIT"));
  return looked;
}

}  // namespace daybook
