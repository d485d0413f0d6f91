// What is behind SnapshotStore: folder, index, and the locks that keep them together.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string_view>
#include <vector>

#include <daybook/snapshot.h>

#include "io/directory.h"
#include "log/segment_set.h"
#include "store/snapshot_folder.h"
#include "store/snapshot_index.h"

namespace daybook {

// Opens the folder when it is first asked for something. Lifetime: shared by the Store and everybody who has a
// SnapshotStore of it.
//
// Locks: `writing_` for whoever changes anything, held while records are written; inside it `mutex_`, shared by readers and held
// alone for changes of folder and index, which takes no write of a record and no sync. A reader in the process that
// writes never waits for the log or the disk but when it looks at a snapshot for the first time.
class SnapshotShelf {
 public:
  struct Plan {
    bool writable = false;
    std::uint32_t keep = 0;  // OpenOptions::snapshots_keep
  };

  SnapshotShelf(std::shared_ptr<io::Directory> store, std::shared_ptr<log::SegmentSet> segments, Plan plan);

  Result<void> save(const NewSnapshot& snapshot);
  Result<std::optional<Snapshot>> latest(std::string_view key, std::uint64_t fingerprint, const SnapshotBounds& bounds);
  Result<std::vector<SnapshotEntry>> list(std::string_view prefix);
  Result<SnapshotInfo> info();
  Result<void> prune(std::uint32_t keep);
  Result<void> remove(std::string_view key);

  // Nothing is written any more: the lock of the store goes next. What was written is synced, if that works.
  void close() noexcept;

 private:
  // The folder is open, and what other processes have written is known.
  Result<void> ready();
  Result<void> check_writable() const;  // holds writing_
  [[nodiscard]] SnapshotFolder::Visit add_to_index();

  // The newest good one that is known of; holds mutex_. Sets `passed_removed` when it has passed over a removed one.
  [[nodiscard]] std::optional<Snapshot> find(std::string_view key, std::uint64_t fingerprint,
                                             const SnapshotBounds& bounds, bool& passed_removed) const;

  // Of a generation of the index; holds mutex_ or writing_. Looks at it once.
  // An error: the log cannot be read there just now.
  Result<SnapshotCondition> judge(const Generation& generation) const;
  Result<SnapshotCondition> look_at(const Generation& generation) const;
  [[nodiscard]] bool is_good(const Generation& generation) const;
  [[nodiscard]] bool is_saved(const NewSnapshot& snapshot, std::uint64_t epoch) const;
  Result<void> write(const NewSnapshot& snapshot, std::uint64_t epoch, Timestamp recorded_at);
  Result<void> run_pruner(std::uint32_t keep);
  void prune_when_grown();

  const std::shared_ptr<log::SegmentSet> segments_;
  const Plan plan_;

  std::mutex writing_;
  bool closed_ = false;           // guarded by writing_
  std::uint64_t pruned_to_ = 0;   // bytes; guarded by writing_
  std::vector<std::byte> bytes_;  // of the record that is written; guarded by writing_

  mutable std::shared_mutex mutex_;
  std::atomic<bool> open_ = false;
  SnapshotFolder folder_;  // guarded by mutex_, and so is the rest
  SnapshotIndex index_;
};

}  // namespace daybook
