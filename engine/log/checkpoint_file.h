// Checkpoints as files: <store>/checkpoints/<position, 20 digits>.ckpt. The two newest are kept, so that damage to one is
// no loss; all of them may be deleted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include <daybook/error.h>
#include <daybook/types.h>

#include "index/checkpoint.h"
#include "io/directory.h"

namespace daybook::log {

class CheckpointFile {
 public:
  // The newest good one of the log; null: there is none. What it covers is for the caller to compare with the log.
  static std::unique_ptr<CheckpointFile> open_newest(io::Directory& checkpoints, const Uuid& log);

  [[nodiscard]] const index::Checkpoint& checkpoint() const noexcept { return checkpoint_; }

 private:
  CheckpointFile(std::unique_ptr<io::Mapping> mapping, const index::Checkpoint& checkpoint) noexcept
      : mapping_(std::move(mapping)), checkpoint_(checkpoint) {}

  std::unique_ptr<io::Mapping> mapping_;
  index::Checkpoint checkpoint_;
};

// Writes one that covers the log up to `position`: under a temporary name, synced, renamed, the directory synced. Then
// removes all but the two newest.
Result<void> write_checkpoint(io::Directory& checkpoints, Position position, std::span<const std::byte> bytes);

}  // namespace daybook::log
