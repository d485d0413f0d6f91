// Makes checkpoints, from sidecars, as the log grows: part of the indexer's work.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <daybook/error.h>

#include "index/checkpoint.h"
#include "io/directory.h"
#include "log/segment_set.h"

namespace daybook::log {

// Thread safety: none.
class Checkpointer {
 public:
  struct Period {
    std::uint64_t bytes = 0;  // of sealed segments that no checkpoint covers; 0 = no checkpoints
    std::chrono::seconds time{};
  };

  // `checkpoints` is null when the directory cannot be had; then nothing is ever due.
  Checkpointer(std::shared_ptr<SegmentSet> segments, std::unique_ptr<io::Directory> checkpoints, Period period);

  // Writes a checkpoint if one is due: over the sealed segments from the first on, as far as all of them have sidecars.
  // `stopping` is asked now and then. An error leaves the checkpoints as they were.
  //
  // Returns the number of a sealed segment whose sidecar is no good, and in the way of those behind it; 0 = none.
  Result<std::uint64_t> run(const std::function<bool()>& stopping);

 private:
  // One key of one segment.
  struct Key {
    index::KeyKind kind{};
    std::uint32_t segment = 0;  // its ordinal in the table
    std::uint64_t hash = 0;
    Version version = 0;
    Position last_position = 0;
  };

  // With so many more segments covered.
  [[nodiscard]] bool due(std::size_t added) const;
  // A segment is sealed, and there is a file of its name that should be its sidecar.
  [[nodiscard]] bool is_indexed(std::uint64_t segment) const;
  // Takes in a sealed segment; false: its sidecar is no good.
  Result<bool> add(std::uint64_t number, std::vector<index::CheckpointSegment>& table, std::vector<Key>& keys) const;
  static Result<std::vector<std::byte>> encode(const Uuid& log, const std::vector<index::CheckpointSegment>& table,
                                               const index::Checkpoint* before, std::vector<Key>& keys);

  const std::shared_ptr<SegmentSet> segments_;
  const std::unique_ptr<io::Directory> checkpoints_;
  const Period period_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace daybook::log
