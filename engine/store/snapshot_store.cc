#include <daybook/snapshot.h>

#include <utility>

#include "store/snapshot_shelf.h"

namespace daybook {

SnapshotStore::SnapshotStore(std::shared_ptr<SnapshotShelf> shelf) noexcept : shelf_(std::move(shelf)) {}
SnapshotStore::SnapshotStore(const SnapshotStore&) noexcept = default;
SnapshotStore& SnapshotStore::operator=(const SnapshotStore&) noexcept = default;
SnapshotStore::SnapshotStore(SnapshotStore&&) noexcept = default;
SnapshotStore& SnapshotStore::operator=(SnapshotStore&&) noexcept = default;
SnapshotStore::~SnapshotStore() = default;

Result<void> SnapshotStore::save(const NewSnapshot& snapshot) { return shelf_->save(snapshot); }

Result<std::optional<Snapshot>> SnapshotStore::latest(std::string_view key, std::uint64_t fingerprint,
                                                      const SnapshotBounds& bounds) const {
  return shelf_->latest(key, fingerprint, bounds);
}

Result<std::vector<SnapshotEntry>> SnapshotStore::list(std::string_view prefix) const { return shelf_->list(prefix); }
Result<SnapshotInfo> SnapshotStore::info() const { return shelf_->info(); }
Result<void> SnapshotStore::prune(const SnapshotPruning& pruning) { return shelf_->prune(pruning.keep_newest); }
Result<void> SnapshotStore::remove(std::string_view key) { return shelf_->remove(key); }

}  // namespace daybook
