// Snapshots: saved state of an aggregate or a projection, so that a replay need not begin at the first event.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/error.h>
#include <daybook/export.h>
#include <daybook/types.h>

namespace daybook {

// State to save. Views: everything it points to must live until save() returns.
struct NewSnapshot {
  std::string_view key;           // whose state: a stream id, or "projection/<name>"; 1..255 bytes
  Version version = 0;            // of the stream, after the last event that is in the state; 0 for projections
  Position position = 0;          // of the last event that is in the state
  std::uint64_t fingerprint = 0;  // of the schema of the state: bytes of another one are never returned
  Bytes state{};
};

// A snapshot that was saved. The state stays valid as long as the object lives, also when it is pruned meanwhile.
struct Snapshot {
  std::string key;
  Version version = 0;
  Position position = 0;
  Timestamp recorded_at{};  // of the event at `position`
  Timestamp saved_at{};
  std::uint64_t fingerprint = 0;
  Bytes state{};
  std::shared_ptr<const void> pin{};  // what keeps the bytes
};

// Which snapshot is wanted: the newest that is not behind any of the bounds. 0 or unset = no bound.
struct SnapshotBounds {
  Version version = 0;
  Position position = 0;
  std::optional<Timestamp> recorded_at{};  // state as of then: no event recorded later is in it
};

// How many generations of a key to keep.
struct SnapshotPruning {
  std::uint32_t keep_newest = 2;      // at least 1
};

// The snapshots of a store, in files below its directory (`snapshots/`), many in a file. They are derived: a snapshot that is
// damaged, of another schema, or of events that a crash has cut off is passed over for an older one, and in the end there is
// none. Deleting the folder loses nothing but time.
//
// Obtained from Store::snapshots(); may outlive the Store. Thread safety: any thread, any time.
class DAYBOOK_EXPORT SnapshotStore {
 public:
  SnapshotStore(SnapshotStore&&) noexcept;
  SnapshotStore& operator=(SnapshotStore&&) noexcept;
  ~SnapshotStore();

  // Saves; visible to this process when it returns, durable some time later (losing a snapshot loses time only).
  // Errc::read_only, no_space, invalid_argument (key), not_found (no such position), closed.
  Result<void> save(const NewSnapshot& snapshot);

  // The newest snapshot of the key within the bounds, with that fingerprint. Empty when there is none. Damaged ones are
  // passed over, and counted in info().
  Result<std::optional<Snapshot>> latest(std::string_view key, std::uint64_t fingerprint,
                                         const SnapshotBounds& bounds = {}) const;

  // All of them, without their state: of the keys that begin with `prefix`, in the order of keys and positions.
  Result<std::vector<Snapshot>> list(std::string_view prefix = {}) const;

  // Removes older generations, and files that hold nothing else.
  Result<void> prune(const SnapshotPruning& pruning = {});

  // Removes every snapshot of the key.
  Result<void> remove(std::string_view key);

 private:
  struct Impl;
  friend class Store;
  explicit SnapshotStore(std::shared_ptr<Impl> impl);

  std::shared_ptr<Impl> impl_;
};

}  // namespace daybook
