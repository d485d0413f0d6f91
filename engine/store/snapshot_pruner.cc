#include "store/snapshot_pruner.h"

#include <algorithm>
#include <mutex>
#include <ranges>

namespace daybook {
namespace {

// Files below it are put together when others are written anew: many short sessions do not leave many files.
constexpr std::uint64_t kSmallFile = 1u << 20;

bool holds(const SnapshotIndex::Generations& all, const Generation& wanted) {
  return std::ranges::any_of(
      all, [&](const Generation& one) { return one.file == wanted.file && one.offset == wanted.offset; });
}

}  // namespace

Result<void> SnapshotPruner::run(std::uint32_t keep) {
  DAYBOOK_TRY(choose(keep));
  if (!choose_files()) return {};
  DAYBOOK_TRY(copy_kept());
  remove_files();
  for (auto& [key, kept] : kept_) kept = take_away_rest(key, kept);
  const std::unique_lock lock(mutex_);
  for (auto& [key, known] : kept_) index_.replace(key, std::move(known));
  for (const auto& [file, fate] : fates_) {
    if (fate.gone) folder_.drop(*file);
  }
  return {};
}

Result<void> SnapshotPruner::choose(std::uint32_t keep) {
  for (const auto& file : folder_.files()) fates_[file.get()] = {};
  for (const auto& [key, all] : index_) {
    auto kept = newest_good(all, keep);
    if (!kept) return fail(kept.error());
    drops_any_ = drops_any_ || kept->size() < all.size();
    for (const Generation& generation : *kept) fates_[generation.file].kept += generation.size();
    kept_.emplace_back(key, *std::move(kept));
  }
  return {};
}

Result<SnapshotIndex::Generations> SnapshotPruner::newest_good(const SnapshotIndex::Generations& all,
                                                               std::uint32_t keep) const {
  SnapshotIndex::Generations kept;
  for (const Generation& generation : std::views::reverse(all)) {
    if (kept.size() >= keep) break;
    if (std::ranges::any_of(kept, [&](const Generation& other) { return other.repeats(generation); })) continue;
    const auto condition = judge_(generation);
    if (!condition) return fail(condition.error());
    if (*condition == SnapshotCondition::good) kept.push_back(generation);
  }
  std::ranges::reverse(kept);
  return kept;
}

bool SnapshotPruner::choose_files() {
  bool any = false;
  for (const auto& file : folder_.files()) {
    Fate& fate = fates_[file.get()];
    const bool is_idle = file.get() != folder_.current() && fate.kept == 0;
    fate.rewrite = fate.kept * 2 < file->used() || is_idle || file->ending() == SnapshotFile::Ending::cut;
    any = any || fate.rewrite;
  }
  if (!any) return drops_any_;
  for (const auto& file : folder_.files()) {
    Fate& fate = fates_[file.get()];
    fate.rewrite = fate.rewrite || (file->used() < kSmallFile && file->used() > 0);
  }
  return true;
}

Result<void> SnapshotPruner::copy_kept() {
  if (std::ranges::none_of(fates_, [](const auto& entry) { return entry.second.rewrite; })) return {};
  const std::uint64_t before = folder_.files().back()->number();
  {
    const std::unique_lock lock(mutex_);
    DAYBOOK_TRY(folder_.begin_file());
  }
  for (auto& [key, generations] : kept_) {
    for (Generation& generation : generations) {
      if (!fates_[generation.file].rewrite) continue;
      const auto copied = copy(key, generation);
      if (!copied) return fail(copied.error());
      generation = *copied;
    }
  }
  return sync_copies(before);
}

Result<Generation> SnapshotPruner::copy(std::string_view key, const Generation& from) {
  const format::SnapshotRecord& record = from.record();
  std::vector<std::byte> bytes(from.size());
  SnapshotFile* file = nullptr;
  {
    const std::unique_lock lock(mutex_);
    const auto room = folder_.make_room(bytes.size());
    if (!room) return fail(room.error());
    file = *room;
  }
  const format::SnapshotPlace place = file->next_place();
  format::encode_snapshot(record, key, format::snapshot_state(record), place, bytes);
  if (const auto written = file->write(bytes); !written) {
    const std::unique_lock lock(mutex_);
    folder_.abandon();
    return fail(written.error());
  }
  const std::unique_lock lock(mutex_);
  file->advance(bytes.size());
  Generation copied = make_generation(*file, place.offset, file->record(place.offset));
  // Looked at again when it is wanted: the bytes may have changed on the way, and then their checksum says something new.
  if (copied.record().state_crc != record.state_crc) copied.verdict.set(SnapshotCondition::damaged);
  index_.add(key, copied);  // twice until the end; and if there is no end, removing the key removes both
  return copied;
}

Result<void> SnapshotPruner::sync_copies(std::uint64_t first_number) {
  for (const auto& file : folder_.files()) {
    if (file->number() > first_number) DAYBOOK_TRY(file->sync());
  }
  return folder_.directory()->sync();
}

// Nothing depends on it that this, and what follows, succeeds: what stays is old, and goes with the next pruning.
void SnapshotPruner::remove_files() {
  for (const auto& file : folder_.files()) {
    const auto fate = fates_.find(file.get());
    if (fate == fates_.end() || !fate->second.rewrite) continue;
    fate->second.gone = folder_.remove_file(file->number()).has_value();
  }
}

SnapshotIndex::Generations SnapshotPruner::take_away_rest(std::string_view key,
                                                          const SnapshotIndex::Generations& kept) {
  SnapshotIndex::Generations known = kept;
  for (const Generation& generation : *index_.find(key)) {
    if (holds(kept, generation) || fates_[generation.file].gone) continue;
    if (!generation.file->writable() || !generation.file->mark_removed(generation.offset)) known.push_back(generation);
  }
  std::ranges::stable_sort(known, {}, &Generation::position);
  return known;
}

}  // namespace daybook
