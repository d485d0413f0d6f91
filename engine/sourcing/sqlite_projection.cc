#include <daybook/sourcing/sqlite_projection.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <thread>

#include "sourcing/sqlite_target.h"

namespace daybook {
namespace {

constexpr std::chrono::nanoseconds kAsLongAsItTakes = std::chrono::nanoseconds::max();

void remove_database(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
    std::error_code ignored;
    std::filesystem::remove(path + suffix, ignored);
  }
}

}  // namespace

// The tables that serve ("blue"), and during a rebuild those that will ("green").
struct SqliteProjectionBase::Impl {
  const Store* store;
  Definition definition;
  ProjectorOptions options;
  std::shared_ptr<sourcing::SqliteTarget> blue_target;

  mutable std::mutex mutex;  // of what follows
  mutable std::condition_variable changed;
  std::shared_ptr<Projector> blue;
  std::shared_ptr<Projector> green;  // while a rebuild fills it
  bool rebuilding = false;
  bool stopping = false;
  std::optional<Error> rebuild_error;  // of the rebuild that start() began

  std::mutex rebuild_mutex;  // one at a time
  std::thread rebuilder;     // of start(), for tables of another version

  mutable std::mutex look_mutex;
  mutable std::optional<SqliteDatabase> looking;

  std::shared_ptr<sourcing::SqliteTarget> make_target(const std::string& path) const {
    return std::make_shared<sourcing::SqliteTarget>(path, definition.name, definition.version, definition.schema,
                                                    definition.apply);
  }
  std::shared_ptr<Projector> make_projector(const std::shared_ptr<sourcing::SqliteTarget>& target) const {
    return std::make_shared<Projector>(*store, definition.query, target, options);
  }
  std::shared_ptr<Projector> serving() const {
    const std::lock_guard lock(mutex);
    return blue;
  }
  Result<bool> is_outdated();
  Result<void> build(const std::shared_ptr<sourcing::SqliteTarget>& target);
  Result<void> replace_blue(const std::shared_ptr<sourcing::SqliteTarget>& target, bool run);
  Result<void> rebuild(bool run);
};

// Whether blue's tables are of another version.
Result<bool> SqliteProjectionBase::Impl::is_outdated() {
  const auto version = blue_target->stored_version();
  if (!version) return fail(version.error());
  return *version && **version != definition.version;
}

// Folds everything that is there into green.
Result<void> SqliteProjectionBase::Impl::build(const std::shared_ptr<sourcing::SqliteTarget>& target) {
  const auto projector = make_projector(target);
  {
    const std::lock_guard lock(mutex);
    if (stopping) return fail({.code = Errc::closed, .what = "rebuild was stopped"});
    green = projector;
  }
  const Position goal =
      options.visibility == Visibility::durable ? store->durable_position() : store->published_position();
  Result<void> done = projector->start();
  if (done) done = projector->wait_for(goal, kAsLongAsItTakes);
  projector->stop();
  // What blue has taken meanwhile, so that nobody sees less than before.
  const auto old = serving();
  const bool running = old->running();
  if (done) old->stop();
  if (done) done = projector->catch_up();
  if (!done && running) static_cast<void>(old->start());
  const std::lock_guard lock(mutex);
  green.reset();
  return done;
}

// Blue rests here: its tables are replaced, and go on from green's checkpoint.
Result<void> SqliteProjectionBase::Impl::replace_blue(const std::shared_ptr<sourcing::SqliteTarget>& target, bool run) {
  DAYBOOK_TRY(blue_target->take_over(*target));
  const auto next = make_projector(blue_target);
  Result<void> started;
  if (run) started = next->start();
  const std::lock_guard lock(mutex);
  blue = next;
  return started;
}

Result<void> SqliteProjectionBase::Impl::rebuild(bool run) {
  const std::lock_guard one_at_a_time(rebuild_mutex);
  {
    const std::lock_guard lock(mutex);
    rebuilding = true;
  }
  const std::string path = blue_target->path() + ".rebuild";
  remove_database(path);  // of a rebuild that was cut off
  const auto target = make_target(path);
  Result<void> done = target->open_scratch();
  if (done) done = build(target);
  if (done) done = replace_blue(target, run);
  target->close();
  remove_database(path);
  const std::lock_guard lock(mutex);
  rebuilding = false;
  changed.notify_all();
  return done;
}

SqliteProjectionBase::SqliteProjectionBase(const Store& store, std::string path, Definition definition,
                                           const ProjectorOptions& options)
    : impl_(std::make_unique<Impl>()) {
  impl_->store = &store;
  impl_->definition = std::move(definition);
  impl_->options = options;
  impl_->blue_target = impl_->make_target(path);
  impl_->blue = impl_->make_projector(impl_->blue_target);
}

SqliteProjectionBase::~SqliteProjectionBase() { stop(); }

Result<void> SqliteProjectionBase::start() {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->rebuilding || impl_->blue->running()) return {};
  }
  const auto outdated = impl_->is_outdated();
  if (!outdated) return fail(outdated.error());
  stop();  // joins a rebuilder that has ended
  const std::lock_guard lock(impl_->mutex);
  impl_->stopping = false;
  impl_->rebuild_error.reset();
  if (!*outdated) return impl_->blue->start();
  impl_->rebuilding = true;
  impl_->rebuilder = std::thread([impl = impl_.get()] {
    const Result<void> done = impl->rebuild(true);
    const std::lock_guard ended(impl->mutex);
    if (!done && !impl->stopping) impl->rebuild_error = done.error();
  });
  return {};
}

void SqliteProjectionBase::stop() {
  std::thread rebuilder;
  std::shared_ptr<Projector> green;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    rebuilder = std::move(impl_->rebuilder);
    green = impl_->green;
  }
  if (green) green->stop();
  if (rebuilder.joinable()) rebuilder.join();
  impl_->serving()->stop();
}

Result<void> SqliteProjectionBase::catch_up() {
  const auto outdated = impl_->is_outdated();
  if (!outdated) return fail(outdated.error());
  if (*outdated) DAYBOOK_TRY(impl_->rebuild(false));
  return impl_->serving()->catch_up();
}

Result<void> SqliteProjectionBase::rebuild() {
  const bool run = impl_->serving()->running();
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = false;
  }
  return impl_->rebuild(run);
}

// Who waits while the tables are replaced waits for the new ones.
Result<void> SqliteProjectionBase::wait_for(Position position, std::chrono::nanoseconds timeout) const {
  constexpr std::chrono::nanoseconds kForever = std::chrono::hours(24 * 365);
  const auto deadline = std::chrono::steady_clock::now() + std::min(timeout, kForever);
  while (true) {
    const auto projector = impl_->serving();
    const auto left = deadline - std::chrono::steady_clock::now();
    const auto done = projector->wait_for(position, std::max(left, std::chrono::nanoseconds(0)));
    if (done || done.error().code != Errc::closed) return done;
    std::unique_lock lock(impl_->mutex);
    const auto replaced = [&] { return impl_->blue != projector || !impl_->rebuilding; };
    if (!impl_->changed.wait_until(lock, deadline, replaced)) {
      return fail({.code = Errc::timed_out, .what = "rebuild of a projection", .expected = position});
    }
    if (impl_->blue == projector) return impl_->rebuild_error ? Result<void>(fail(*impl_->rebuild_error)) : done;
  }
}

Position SqliteProjectionBase::position() const { return impl_->serving()->position(); }

Result<ProjectionProgress> SqliteProjectionBase::progress() const {
  std::shared_ptr<Projector> projector;
  {
    const std::lock_guard lock(impl_->mutex);
    projector = impl_->green != nullptr && !impl_->blue->running() ? impl_->green : impl_->blue;
  }
  return projector->progress();
}

std::optional<Error> SqliteProjectionBase::error() const {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->rebuild_error) return impl_->rebuild_error;
  }
  return impl_->serving()->error();
}

std::vector<SkippedEvent> SqliteProjectionBase::skipped() const { return impl_->serving()->skipped(); }

Result<void> SqliteProjectionBase::look(const std::function<Result<void>(SqliteDatabase&)>& look) const {
  const std::lock_guard lock(impl_->look_mutex);
  if (!impl_->looking) {
    auto db = SqliteDatabase::open(impl_->blue_target->path(), SqliteDatabase::Open::read_only);
    if (!db) return fail(db.error());
    impl_->looking.emplace(std::move(*db));
  }
  DAYBOOK_TRY(impl_->looking->run("BEGIN"));
  const auto looked = look(*impl_->looking);
  DAYBOOK_TRY(impl_->looking->run("COMMIT"));
  return looked;
}

}  // namespace daybook
