// A run of frames of one segment, with the index of their events: what a query is evaluated over. A sealed segment is
// one part, over its sidecar where it has a good one, and is opened when it is first needed; a segment that is still
// written is a part that grows, behind the part over the sidecar of its last clean close, if it has that.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <utility>

#include <daybook/error.h>
#include <daybook/types.h>

#include "index/checkpoint_layout.h"
#include "index/memory_index.h"
#include "index/sidecar.h"
#include "io/directory.h"
#include "log/segment_set.h"

namespace daybook::log {

// The sidecar of a segment, when there is a good one. Any flaw means none: it is made again.
class SidecarFile {
 public:
  static std::unique_ptr<SidecarFile> open(io::Directory& segments, const segment::Segment& segment);
  [[nodiscard]] const index::Sidecar& sidecar() const noexcept { return *sidecar_; }

 private:
  SidecarFile(std::unique_ptr<io::Mapping> mapping, std::unique_ptr<index::Sidecar> sidecar) noexcept
      : mapping_(std::move(mapping)), sidecar_(std::move(sidecar)) {}

  std::unique_ptr<io::Mapping> mapping_;
  std::unique_ptr<index::Sidecar> sidecar_;
};

// Writes the sidecar of what `memory` has of a segment, in place of one that may be there: under a temporary name, synced,
// renamed, the directory synced. Errors leave the segment as it was.
Result<void> write_sidecar(io::Directory& segments, const segment::Segment& segment, const index::MemoryIndex& memory,
                           Position base, std::uint64_t valid_end);

// Walks the frames of a segment into an index, as far as they are decided.
class IndexWalk {
 public:
  IndexWalk(const segment::Segment& segment, std::uint64_t offset) noexcept : segment_(segment), offset_(offset) {}

  // Goes on, over at most `frames` frames. What it found wrong is an error: the index then ends before it.
  Result<void> run(index::MemoryIndex& index, std::uint64_t frames);

  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }  // behind the last frame walked
  [[nodiscard]] bool at_end() const noexcept { return offset_ >= segment_.data_end(); }
  // Position before the first event walked; 0 when there was none yet.
  [[nodiscard]] std::optional<Position> base() const noexcept { return base_; }
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }  // by an undecided frame, or the end

 private:
  void add(index::MemoryIndex& index, const format::FrameHeader& frame, format::Word word);

  const segment::Segment& segment_;
  std::uint64_t offset_;
  std::optional<Position> base_;
  bool stopped_ = false;
};

// Thread safety: all methods, from any thread.
class Part {
 public:
  // Of a sealed segment, by what a checkpoint or its footer says of it. It is not open.
  explicit Part(const index::CheckpointSegment& sealed);
  // Over a sidecar.
  Part(std::shared_ptr<ReadSegment> segment, std::unique_ptr<SidecarFile> file);
  // Grows, from the frame at `offset` on.
  Part(std::shared_ptr<ReadSegment> segment, std::uint64_t offset, Position base);

  // Opens the segment and its sidecar; where that is not good, the segment is indexed in memory, and who comes
  // meanwhile waits. True: this call did that, and a sidecar should be made. An error says that nothing could be
  // opened, and the next call tries again; damage to the segment is another matter, see damage(). Parts that are not of
  // a sealed segment are always open.
  Result<bool> open(SegmentSet& segments);
  [[nodiscard]] bool is_open() const noexcept { return open_.load(std::memory_order_acquire); }

  // Takes in what is decided by now, so many frames at most. An error is of the frame behind what could be taken in.
  Result<void> catch_up(std::uint64_t frames = ~std::uint64_t{0});

  // Of a part that is open, here and below, but for what says otherwise.
  //
  // Its sealed segment is damaged behind what could be taken in, and has no sidecar: whoever needs this part gets the
  // error.
  [[nodiscard]] const std::optional<Error>& damage() const noexcept { return damage_; }

  // Writes what a part without a sidecar has taken in, from the beginning of its segment, as the sidecar of its frames up to
  // `valid_end`. An error, and no file, when it has not taken in all of those.
  Result<void> write_sidecar(io::Directory& segments, std::uint64_t valid_end) const;

  [[nodiscard]] const segment::Segment& segment() const noexcept { return *segment_->segment; }
  [[nodiscard]] const std::shared_ptr<ReadSegment>& shared_segment() const noexcept { return segment_; }
  // The number of its segment; also of a part that is not open.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  // The sealed segment that it is all of, also when it is not open; nothing for other parts.
  [[nodiscard]] const std::optional<index::CheckpointSegment>& sealed() const noexcept { return sealed_; }
  // The position of the event with ordinal o is base() + 1 + o. Also of a part that is not open.
  [[nodiscard]] Position base() const noexcept { return base_.load(std::memory_order_acquire); }
  // Its segment has no frames behind those of this part. Also of a part that is not open.
  [[nodiscard]] bool complete() const noexcept { return complete_.load(std::memory_order_acquire); }
  // The offset of the segment that it begins at.
  [[nodiscard]] std::uint64_t begin() const noexcept { return begin_; }
  // Everything before this offset of the segment has been taken in.
  [[nodiscard]] std::uint64_t end() const noexcept { return end_.load(std::memory_order_acquire); }

  // Calls `use` with the index, which does not change meanwhile; what `use` keeps of it must be copied.
  template <typename Use>
  auto with_index(Use use) const {
    if (file_ != nullptr) return use(static_cast<const index::SegmentIndex&>(file_->sidecar()));
    std::unique_lock turn(turn_);
    const std::shared_lock lock(mutex_);
    turn.unlock();
    return use(static_cast<const index::SegmentIndex&>(*memory_));
  }
  // Its sidecar: what with_index() hands out is that, never changes, and lives as long as the part. Or null: its index is in
  // memory.
  [[nodiscard]] const index::Sidecar* sidecar() const noexcept {
    return file_ == nullptr ? nullptr : &file_->sidecar();
  }
  // How many events it has; as was said of its segment, where that is damaged.
  [[nodiscard]] std::uint64_t events(const index::SegmentIndex& index) const noexcept;

 private:
  void index_sealed();

  const std::optional<index::CheckpointSegment> sealed_;
  const std::uint64_t number_;
  const std::uint64_t begin_;

  // Set once, before open_.
  std::shared_ptr<ReadSegment> segment_;
  std::unique_ptr<SidecarFile> file_;
  std::optional<Error> damage_;
  std::atomic<bool> open_;

  // memory_ and walk_: shared by queries, alone to grow. Everybody takes turns to ask for it, or queries that overlap all
  // the time would keep the index from growing for ever. Opening is done under turn_, too.
  mutable std::shared_mutex mutex_;
  mutable std::mutex turn_;
  std::unique_ptr<index::MemoryIndex> memory_;
  std::optional<IndexWalk> walk_;
  std::atomic<Position> base_;
  std::atomic<std::uint64_t> end_;
  std::atomic<bool> complete_ = false;
};

}  // namespace daybook::log
