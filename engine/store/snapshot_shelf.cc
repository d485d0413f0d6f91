#include "store/snapshot_shelf.h"

#include <algorithm>
#include <chrono>
#include <ranges>
#include <string>
#include <tuple>
#include <utility>

#include "io/system.h"
#include "store/event_place.h"
#include "store/snapshot_pruner.h"

namespace daybook {
namespace {

constexpr std::uint64_t kPruneFrom = 64u << 20;
constexpr std::size_t kBufferKept = 1u << 20;

io::Directory::OpenMode mode_of(bool writable) {
  return writable ? io::Directory::OpenMode::read_write : io::Directory::OpenMode::read;
}

Timestamp time_of(std::int64_t nanoseconds) { return Timestamp(std::chrono::nanoseconds(nanoseconds)); }

bool is_within(const Generation& generation, const SnapshotBounds& bounds) noexcept {
  if (bounds.version != 0 && generation.version > bounds.version) return false;
  if (bounds.position != 0 && generation.position > bounds.position) return false;
  return !bounds.recorded_at || generation.recorded_at <= bounds.recorded_at->time_since_epoch().count();
}

Snapshot show(std::string_view key, const Generation& generation) {
  const format::SnapshotRecord& record = generation.record();
  return {.key = std::string(key),
          .version = generation.version,
          .position = generation.position,
          .recorded_at = time_of(generation.recorded_at),
          .saved_at = time_of(record.saved_at),
          .fingerprint = generation.fingerprint,
          .state = Bytes(format::snapshot_state(record)),
          .pin = generation.file->mapping()};
}

Result<void> check(const NewSnapshot& snapshot) {
  const std::size_t key_size = snapshot.key.size();
  if (key_size == 0 || key_size > kSnapshotKeySizeMax) {
    return fail(Error{.code = Errc::invalid_argument,
                      .what = "size of a snapshot's key",
                      .expected = kSnapshotKeySizeMax,
                      .actual = key_size});
  }
  if (snapshot.state.size() <= kSnapshotStateSizeMax) return {};
  return fail(Error{.code = Errc::too_large,
                    .what = "size of a snapshot's state",
                    .expected = kSnapshotStateSizeMax,
                    .actual = snapshot.state.size()});
}

}  // namespace

SnapshotShelf::SnapshotShelf(std::shared_ptr<io::Directory> store, std::shared_ptr<log::SegmentSet> segments, Plan plan)
    : segments_(std::move(segments)),
      plan_(plan),
      folder_(std::move(store), segments_->log(), mode_of(plan.writable)) {}

SnapshotFolder::Visit SnapshotShelf::add_to_index() {
  return [this](SnapshotFile& file, std::uint64_t offset, const format::SnapshotRecord& record) {
    index_.add(format::snapshot_key(record), make_generation(file, offset, record));
  };
}

Result<void> SnapshotShelf::ready() {
  DAYBOOK_TRY(segments_->check_process());
  if (open_.load()) {
    if (plan_.writable) return {};
    const std::shared_lock lock(mutex_);
    if (!folder_.is_behind()) return {};
  }
  const std::unique_lock lock(mutex_);
  if (open_.load()) {
    if (plan_.writable || !folder_.is_behind()) return {};
    return folder_.catch_up(add_to_index(), [this](const SnapshotFile& gone) { index_.forget(gone); });
  }
  DAYBOOK_TRY(folder_.open(add_to_index()));
  open_.store(true);
  return {};
}

Result<SnapshotCondition> SnapshotShelf::judge(const Generation& generation) const {
  if (const auto known = generation.verdict.get()) return *known;
  const auto found = look_at(generation);
  if (found) generation.verdict.set(*found);
  return found;
}

Result<SnapshotCondition> SnapshotShelf::look_at(const Generation& generation) const {
  const format::SnapshotRecord& record = generation.record();
  if (format::snapshot_state_crc(format::snapshot_state(record)) != record.state_crc) {
    return SnapshotCondition::damaged;
  }
  if (generation.in_log) return SnapshotCondition::good;
  const auto event = find_event(segments_, generation.position);
  if (!event) return fail(event.error());
  const bool same = event->has_value() && (*event)->epoch == generation.epoch &&
                    (*event)->recorded_at == time_of(generation.recorded_at);
  return same ? SnapshotCondition::good : SnapshotCondition::stale;
}

bool SnapshotShelf::is_good(const Generation& generation) const {
  const auto condition = judge(generation);
  return condition && *condition == SnapshotCondition::good;
}

// A pruning removes a snapshot after the one that stays was saved. A reader that has passed over a removed one may have
// looked for new ones before, so it looks again; not for ever, since an end that is damaged always looks as if there were
// more.
Result<std::optional<Snapshot>> SnapshotShelf::latest(std::string_view key, std::uint64_t fingerprint,
                                                      const SnapshotBounds& bounds) {
  constexpr int kLooksMax = 16;
  for (int looks = 1;; ++looks) {
    DAYBOOK_TRY(ready());
    const std::shared_lock lock(mutex_);
    bool passed_removed = false;
    auto found = find(key, fingerprint, bounds, passed_removed);
    if (!passed_removed || plan_.writable || looks == kLooksMax || !folder_.is_behind()) return found;
  }
}

std::optional<Snapshot> SnapshotShelf::find(std::string_view key, std::uint64_t fingerprint,
                                            const SnapshotBounds& bounds, bool& passed_removed) const {
  const SnapshotIndex::Generations* const all = index_.find(key);
  if (all == nullptr) return std::nullopt;
  for (const Generation& generation : std::views::reverse(*all)) {
    if (generation.fingerprint != fingerprint || !is_within(generation, bounds)) continue;
    if (generation.file->is_removed(generation.offset)) {
      passed_removed = true;
    } else if (is_good(generation)) {
      return show(key, generation);
    }
  }
  return std::nullopt;
}

Result<void> SnapshotShelf::check_writable() const {
  if (closed_) return fail(Error{.code = Errc::closed, .what = "store is closed"});
  return {};
}

Result<void> SnapshotShelf::save(const NewSnapshot& snapshot) {
  if (!plan_.writable) return fail(Error{.code = Errc::read_only, .what = "save a snapshot"});
  DAYBOOK_TRY(check(snapshot));
  DAYBOOK_TRY(segments_->check_process());
  const auto event = find_event(segments_, snapshot.position);
  if (!event) return fail(event.error());
  if (!*event) {
    return fail(Error{.code = Errc::not_found, .what = "position of a snapshot", .actual = snapshot.position});
  }
  const std::lock_guard lock(writing_);
  DAYBOOK_TRY(check_writable());
  DAYBOOK_TRY(ready());
  if (is_saved(snapshot, (*event)->epoch)) return {};
  DAYBOOK_TRY(write(snapshot, (*event)->epoch, (*event)->recorded_at));
  prune_when_grown();
  return {};
}

bool SnapshotShelf::is_saved(const NewSnapshot& snapshot, std::uint64_t epoch) const {
  const SnapshotIndex::Generations* const all = index_.find(snapshot.key);
  if (all == nullptr) return false;
  const Generation wanted{
      .position = snapshot.position, .version = snapshot.version, .epoch = epoch, .fingerprint = snapshot.fingerprint};
  const auto [first, last] = std::ranges::equal_range(*all, snapshot.position, {}, &Generation::position);
  return std::any_of(first, last,
                     [&](const Generation& generation) { return generation.repeats(wanted) && is_good(generation); });
}

Result<void> SnapshotShelf::write(const NewSnapshot& snapshot, std::uint64_t epoch, Timestamp recorded_at) {
  bytes_.resize(format::snapshot_record_size(snapshot.key.size(), snapshot.state.size()));
  SnapshotFile* file = nullptr;
  {
    const std::unique_lock lock(mutex_);
    const auto room = folder_.make_room(bytes_.size());
    if (!room) return fail(room.error());
    file = *room;
  }
  format::SnapshotRecord record{};
  record.position = snapshot.position;
  record.version = snapshot.version;
  record.epoch = epoch;
  record.fingerprint = snapshot.fingerprint;
  record.recorded_at = recorded_at.time_since_epoch().count();
  record.saved_at = io::coarse_now();
  const format::SnapshotPlace place = file->next_place();
  format::encode_snapshot(record, snapshot.key, snapshot.state, place, bytes_);
  const auto written = file->write(bytes_);
  const std::unique_lock lock(mutex_);
  if (!written) {
    folder_.abandon();
    return written;
  }
  file->advance(bytes_.size());
  // Its bytes are still to be looked at: what latest() returns was read back, whoever wrote it.
  Generation saved = make_generation(*file, place.offset, record);
  saved.in_log = true;
  index_.add(snapshot.key, saved);
  if (bytes_.capacity() > kBufferKept) bytes_ = {};
  return {};
}

Result<void> SnapshotShelf::run_pruner(std::uint32_t keep) {
  SnapshotPruner pruner(folder_, index_, mutex_, [this](const Generation& generation) { return judge(generation); });
  auto done = pruner.run(keep);
  pruned_to_ = folder_.used();  // after an error, too: the next attempt comes when the folder has grown again
  return done;
}

// An error is no error of the save, which is done.
void SnapshotShelf::prune_when_grown() {
  const std::uint64_t used = folder_.used();
  if (plan_.keep != 0 && used >= kPruneFrom && used >= 2 * pruned_to_) (void)run_pruner(plan_.keep);
}

Result<void> SnapshotShelf::prune(std::uint32_t keep) {
  if (!plan_.writable) return fail(Error{.code = Errc::read_only, .what = "prune snapshots"});
  if (keep == 0) return fail(Error{.code = Errc::invalid_argument, .what = "generations to keep", .expected = 1});
  DAYBOOK_TRY(segments_->check_process());  // before a lock that a thread of the parent may have had
  const std::lock_guard lock(writing_);
  DAYBOOK_TRY(check_writable());
  DAYBOOK_TRY(ready());
  return run_pruner(keep);
}

Result<void> SnapshotShelf::remove(std::string_view key) {
  if (!plan_.writable) return fail(Error{.code = Errc::read_only, .what = "remove snapshots"});
  DAYBOOK_TRY(segments_->check_process());
  const std::lock_guard lock(writing_);
  DAYBOOK_TRY(check_writable());
  DAYBOOK_TRY(ready());
  const SnapshotIndex::Generations* const all = index_.find(key);
  if (all == nullptr) return {};
  for (const Generation& generation : *all) DAYBOOK_TRY(generation.file->mark_removed(generation.offset));
  {
    const std::unique_lock alone(mutex_);
    index_.erase(key);
  }
  // All of them: a pruning may have marked or removed more of the key, and not synced that.
  for (const auto& file : folder_.files()) DAYBOOK_TRY(file->sync());
  return folder_.directory()->sync();
}

Result<std::vector<SnapshotEntry>> SnapshotShelf::list(std::string_view prefix) {
  DAYBOOK_TRY(ready());
  std::vector<SnapshotEntry> entries;
  const std::shared_lock lock(mutex_);
  for (const auto& [key, all] : index_) {
    if (!key.starts_with(prefix)) continue;
    for (const Generation& generation : all) {
      if (generation.file->is_removed(generation.offset)) continue;
      const format::SnapshotRecord& record = generation.record();
      const auto condition = judge(generation);
      if (!condition) return fail(condition.error());
      entries.push_back({.key = key,
                         .version = generation.version,
                         .position = generation.position,
                         .recorded_at = time_of(generation.recorded_at),
                         .saved_at = time_of(record.saved_at),
                         .fingerprint = generation.fingerprint,
                         .state_size = record.state_size,
                         .condition = *condition});
    }
  }
  std::ranges::stable_sort(entries, [](const SnapshotEntry& a, const SnapshotEntry& b) {
    return std::tie(a.key, a.position) < std::tie(b.key, b.position);
  });
  return entries;
}

Result<SnapshotInfo> SnapshotShelf::info() {
  DAYBOOK_TRY(ready());
  SnapshotInfo info;
  const std::shared_lock lock(mutex_);
  info.keys = index_.size();
  for (const auto& [key, all] : index_) {
    for (const Generation& generation : all) {
      ++info.snapshots;
      const auto verdict = generation.verdict.get();
      if (verdict == SnapshotCondition::damaged) ++info.damaged;
      if (verdict == SnapshotCondition::stale) ++info.stale;
    }
  }
  info.files = folder_.files().size();
  info.bytes = folder_.used();
  info.foreign_files = folder_.foreign();
  for (const auto& file : folder_.files()) info.cut_files += file->ending() == SnapshotFile::Ending::cut ? 1 : 0;
  return info;
}

void SnapshotShelf::close() noexcept {
  const std::lock_guard lock(writing_);
  if (closed_ || !plan_.writable) return;
  closed_ = true;
  {
    const std::unique_lock alone(mutex_);
    folder_.only_read();  // also when it is opened later
  }
  if (SnapshotFile* const current = folder_.current()) {
    (void)current->sync();
    (void)folder_.directory()->sync();
  }
}

}  // namespace daybook
