// What a Store holds.
#pragma once

#include <memory>
#include <optional>

#include <daybook/store.h>

#include "io/directory.h"
#include "log/log_index.h"
#include "log/segment_set.h"
#include "log/writer.h"
#include "store/log_view.h"
#include "store/snapshot_shelf.h"

namespace daybook {

// Either a writer, or a reader's view of the segments.
struct Store::Impl {
  std::shared_ptr<io::Directory> directory;
  std::unique_ptr<log::Writer> writer;  // null when read-only
  std::shared_ptr<log::SegmentSet> segments;
  std::shared_ptr<log::LogIndex> index;
  std::shared_ptr<SnapshotShelf> shelf;
  std::optional<SnapshotStore> snapshots;
  Durability durability = Durability::sync;
  RecoveryReport no_recovery;

  // Before the writer goes, and with it the lock of the store: nobody writes snapshots after that.
  ~Impl() {
    if (shelf != nullptr && segments->check_process()) shelf->close();
  }

  [[nodiscard]] LogView view() const { return {segments, index}; }
};

}  // namespace daybook
