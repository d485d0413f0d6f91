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

class SnapshotShelf;

inline constexpr std::size_t kSnapshotKeySizeMax = 255;                         // 1..255 bytes
inline constexpr std::uint64_t kSnapshotStateSizeMax = std::uint64_t{1} << 30;  // of one state, bytes

// State to save. Views: everything it points to must live until save() returns.
struct NewSnapshot {
  std::string_view key;           // whose state: a stream id, or "projection/<name>"; 1..255 bytes
  Version version = 0;            // of the stream, after the last event that is in the state; 0 for projections
  Position position = 0;          // of the last event that is in the state
  std::uint64_t fingerprint = 0;  // of the schema of the state: bytes of another one are never returned
  Bytes state{};
};

// A snapshot that was saved. The state stays valid as long as the object lives (or a copy of `pin`), also when the snapshot
// is pruned meanwhile, and after the Store is gone.
struct Snapshot {
  std::string key;
  Version version = 0;
  Position position = 0;
  Timestamp recorded_at{};  // of the event at `position`
  Timestamp saved_at{};
  std::uint64_t fingerprint = 0;
  Bytes state{};                      // its first byte is 8-aligned in memory
  std::shared_ptr<const void> pin{};  // what keeps the bytes
};

// Which snapshot is wanted: the newest that is not behind any of the bounds. 0 or unset = no bound.
struct SnapshotBounds {
  Version version = 0;
  Position position = 0;
  std::optional<Timestamp> recorded_at{};  // state as of then: no event recorded later is in it
};

// How many generations of a key to keep, whatever their fingerprints.
struct SnapshotPruning {
  std::uint32_t keep_newest = 2;  // at least 1
};

// Whether a snapshot that is there can be used.
enum class SnapshotCondition : std::uint8_t {
  good,
  damaged,  // the bytes of its state are not those that were saved
  stale,    // of an event that is not in the log: a crash has cut it off
};

// A snapshot without its state.
struct SnapshotEntry {
  std::string key;
  Version version = 0;
  Position position = 0;
  Timestamp recorded_at{};  // of the event at `position`
  Timestamp saved_at{};
  std::uint64_t fingerprint = 0;
  std::uint64_t state_size = 0;  // bytes
  SnapshotCondition condition = SnapshotCondition::good;
};

// What there is, as far as it has been looked at: latest() looks at what it comes to, list("") at everything.
struct SnapshotInfo {
  std::uint64_t keys = 0;
  std::uint64_t snapshots = 0;
  std::uint64_t damaged = 0;  // of them, found so and passed over
  std::uint64_t stale = 0;    // of them, found so and passed over
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;  // of snapshots in those files, with what is not needed any more
  std::uint64_t cut_files =
      0;  // of the files, those that end in bytes that are no snapshot; what follows there is lost
  std::uint64_t foreign_files = 0;  // of another log, of a newer version, or not readable at all: left alone
};

// The snapshots of a store, in files below its directory (`snapshots/`), many in a file. They are derived: a snapshot that is
// damaged, of another schema, or of events that a crash has cut off is passed over for an older one, and in the end there is
// none. Deleting the folder loses nothing but time.
//
// Obtained from Store::snapshots(). A copy is the same store of snapshots, and may outlive the Store: then it can be read.
// Thread safety: all methods, any thread, any time. Saving, pruning and removing wait for each other, reading waits for
// none of them for longer than a new file takes to be made. Fork: a child of the writer gets Errc::closed.
// Errors of all methods: io when the folder cannot be read; closed.
class DAYBOOK_EXPORT SnapshotStore {
 public:
  SnapshotStore(const SnapshotStore&) noexcept;
  SnapshotStore& operator=(const SnapshotStore&) noexcept;
  SnapshotStore(SnapshotStore&&) noexcept;
  SnapshotStore& operator=(SnapshotStore&&) noexcept;
  ~SnapshotStore();

  // Saves; visible when it returns, here and to other processes, durable some time later and at Store::close() (losing a
  // snapshot loses time only). What is saved already, by key, version, position and fingerprint, is not saved again.
  // Now and then it prunes: see OpenOptions::snapshots_keep.
  // Errc::read_only, no_space, invalid_argument (size of the key), too_large (state), not_found (no event is published at
  // that position), closed. After an error nothing of it is there.
  Result<void> save(const NewSnapshot& snapshot);

  // The newest snapshot of the key within the bounds, with that fingerprint. Empty when there is none. Damaged and stale
  // ones are passed over, and counted in info(). Of what was looked at before, it costs a look-up in memory.
  Result<std::optional<Snapshot>> latest(std::string_view key, std::uint64_t fingerprint,
                                         const SnapshotBounds& bounds = {}) const;

  // All of them, of the keys that begin with `prefix`, in the order of keys and positions. Reads every state that has not
  // been read before, to say whether it is good.
  Result<std::vector<SnapshotEntry>> list(std::string_view prefix = {}) const;

  Result<SnapshotInfo> info() const;

  // Removes older generations, and what is damaged or stale; writes files anew that hold little else, durably before the
  // old ones go. Errc::read_only, no_space, invalid_argument (keep_newest is 0). After an error, or a crash at any step, every
  // snapshot that was to be kept is there (but for one beside a place that was being written, on a disk that then leaves
  // noise there).
  Result<void> prune(const SnapshotPruning& pruning = {});

  // Removes every snapshot of the key, durably. Their bytes stay in the files until prune() writes those anew.
  // Errc::read_only, io: some may be left.
  Result<void> remove(std::string_view key);

 private:
  friend class Store;
  friend struct StoreAccess;
  explicit SnapshotStore(std::shared_ptr<SnapshotShelf> shelf) noexcept;

  std::shared_ptr<SnapshotShelf> shelf_;
};

}  // namespace daybook
