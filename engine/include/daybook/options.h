// Options: every one has a default with a reason.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include <daybook/types.h>

namespace daybook {

// What an acknowledged append survives. Publishing (being visible) and being durable are two things.
enum class Durability : std::uint8_t {
  memory,    // returns when published: survives the death of the process, not of the machine
  interval,  // as memory, and a background thread syncs every OpenOptions::sync_interval
  sync,      // returns when on stable storage: survives power loss (group commit across threads)
};

enum class Mode : std::uint8_t {
  read_write,  // one process at a time; created when missing
  read_only,   // any number of processes, also while one writes; takes no lock, creates no file
};

struct OpenOptions {
  Mode mode = Mode::read_write;

  // The default of every append. Durable unless the caller decides otherwise. Room is made for what most appends are: in
  // Durability::memory in large pages, quickly, of which a sync writes up to 2 MiB for every byte; else in small ones, and
  // hundreds of megabytes a second without a sync in between take 1.6 (sync) to 3.4 times (interval) as long.
  Durability durability = Durability::sync;

  // How long a crash of the machine may reach back in Durability::interval.
  std::chrono::milliseconds sync_interval{100};

  // Size of each segment file in bytes: a multiple of 4096, 64 KiB .. 512 MiB. An append must fit in one
  // segment. Fixed when a store is created; 0 = the store's own, or 128 MiB for a new one.
  std::uint64_t segment_size = 0;

  // Largest payload of one event, in bytes.
  std::uint32_t payload_size_max = 16u << 20;

  // How many of the newest events an event id is looked for in. Among them an id is of one event: an append that was
  // made before returns its first result (Appended::repeated), any other use of the id is Errc::duplicate_id. 0 = ids
  // are stored and not checked. Costs nothing for events without ids.
  std::uint64_t id_horizon = 1'000'000;

  // false: open fails with Errc::not_found instead of creating a store (read_write only).
  bool create = true;

  // When a checkpoint is written (in the background, over sealed segments): after so many bytes of log, or when so much
  // time has passed and a segment was sealed in it. With a checkpoint, the first append to a stream after opening opens
  // only the segments that may have the stream. 0 bytes = never.
  std::uint64_t checkpoint_bytes = 512u << 20;
  std::chrono::seconds checkpoint_interval{600};

  // How many generations of snapshots are kept of each key when the snapshots are pruned by themselves: in the course of a
  // save, when their files have grown to 64 MiB and to twice what the last pruning left. 0 = only by
  // SnapshotStore::prune().
  std::uint32_t snapshots_keep = 4;

  // Daybook refuses to write on file systems that it does not know to keep its promises (network and FUSE
  // file systems). True: take them anyway.
  bool any_file_system = false;
};

struct AppendOptions {
  std::optional<Durability> durability{};  // unset = the store's
};

enum class Visibility : std::uint8_t {
  published,  // everything that is visible
  durable,    // only what survives power loss
};

enum class Direction : std::uint8_t { forward, backward };

struct ReadOptions {
  // Only events behind this position. Forward, reading starts there; 0 = at the first event.
  Position after = 0;

  // Only events before this position. Backward, reading starts there; 0 = at the last event that is visible when reading
  // starts (forward: no bound).
  Position before = 0;

  // Return at most so many events; 0 = all. Then the cursor is at its end for good.
  std::uint64_t limit = 0;

  // Forward: skip to the first event recorded at or after this time (and behind `after`).
  // Backward: start at the last event recorded at or before it.
  std::optional<Timestamp> recorded_at{};

  Direction direction = Direction::forward;

  Visibility visibility = Visibility::published;

  // Verify the checksums of every frame before showing its events. Unset = off for what this process has written
  // since it opened the store, on for everything else: open() does not read what a crash cannot have touched.
  std::optional<bool> verify{};
};

struct StreamReadOptions {
  // Only versions from the first to the second, both included; 0 = to the last. Backward, reading starts at `to_version`.
  Version from_version = 1;
  Version to_version = 0;

  Direction direction = Direction::forward;
  std::uint64_t limit = 0;  // return at most so many events; 0 = all
  Visibility visibility = Visibility::published;
  std::optional<bool> verify{};  // as ReadOptions::verify
};

// after < position < before; 0 = no bound.
struct PositionRange {
  Position after = 0;
  Position before = 0;
};

}  // namespace daybook
