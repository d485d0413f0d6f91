// A segment that this process appends to, or will, or did: its writable mapping, the words that appenders share, and the
// file descriptions that make it durable.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include <daybook/error.h>

#include "format/frame.h"
#include "io/directory.h"
#include "segment/atomics.h"
#include "segment/claims.h"
#include "segment/segment.h"
#include "segment/segment_scanner.h"

namespace daybook::segment {

// A frame in a mapping, as Publisher sees it.
class FrameRef {
 public:
  FrameRef(std::byte* segment, std::uint64_t offset) noexcept : header_(&format::frame_at(segment, offset)) {}

  [[nodiscard]] std::uint64_t& word() const noexcept { return header_->word; }
  [[nodiscard]] std::uint64_t& position() const noexcept { return header_->position; }
  [[nodiscard]] std::int64_t& recorded_at() const noexcept { return header_->recorded_at; }
  [[nodiscard]] std::uint64_t& assigned(std::uint32_t stream) const noexcept {
    return format::assigned_at(*header_, stream);
  }
  [[nodiscard]] Expect expect(std::uint32_t streams, std::uint32_t stream) const noexcept {
    return format::expectation(format::stream_entries(*header_, streams)[stream]);
  }
  [[nodiscard]] std::uint32_t event_count(std::uint32_t streams, std::uint32_t stream) const noexcept {
    return format::stream_entries(*header_, streams)[stream].event_count;
  }
  [[nodiscard]] const format::FrameHeader& header() const noexcept { return *header_; }

  // Writes the checksum of a decision whose versions are recorded.
  [[gnu::always_inline]] void store_checksum(std::uint64_t salt, std::uint64_t offset, format::Word decided,
                                             std::uint64_t at, std::int64_t time) const noexcept {
    const std::uint32_t crc = format::decision_crc(
        {decided, at, time, header_->content_crc}, offset, salt,
        [this](std::uint32_t stream) { return StdAtomics::load(assigned(stream), StdAtomics::relaxed); });
    StdAtomics::store(header_->decision_crc, crc, StdAtomics::relaxed);
  }

 private:
  format::FrameHeader* header_;
};

// Two, so that two syncs can be in flight and each sees every error: an error is reported once to each description.
inline constexpr std::size_t kSyncFiles = 2;

// Thread safety: claims(), next, previous and base from any thread; the rest from the thread that owns what it touches.
// Lifetime: as long as the log is open; appenders keep plain pointers.
class ActiveSegment {
 public:
  struct Spec {
    std::uint64_t number = 0;
    Uuid log{};
    std::uint64_t epoch = 0;
    std::uint64_t size = 0;
    std::uint64_t zeroed = 0;  // how many bytes are to be written with zeros beforehand, for fast syncs
    // A page that is touched may come with those around it, up to 2 MiB in one folio. That is quicker, but a sync writes
    // whole folios.
    bool large_folios = false;
  };

  // Makes a new segment file: allocated, headed, zeroed, synced under a temporary name, and only then named. A failure
  // leaves nothing behind but, at worst, the temporary file, which the next open removes.
  static Result<std::unique_ptr<ActiveSegment>> create(io::Directory& segments, const Spec& spec);

  // Goes on in the last segment of a log that was closed cleanly, behind the frames that are there. Zeroes the footer
  // first, durably, so that a crash from now on cannot be taken for a clean close.
  static Result<std::unique_ptr<ActiveSegment>> reopen(io::Directory& segments, std::uint64_t number,
                                                       const Prefix& before, bool large_folios);

  [[nodiscard]] Claims<StdAtomics>& claims() noexcept { return claims_; }
  [[nodiscard]] const Claims<StdAtomics>& claims() const noexcept { return claims_; }
  [[nodiscard]] FrameRef frame(std::uint64_t offset) const noexcept { return {bytes_, offset}; }

  [[nodiscard]] const std::shared_ptr<Segment>& shared() const noexcept { return segment_; }
  [[nodiscard]] std::uint64_t number() const noexcept { return segment_->number(); }
  [[nodiscard]] std::uint64_t salt() const noexcept { return salt_; }
  [[nodiscard]] std::byte* bytes() const noexcept { return bytes_; }

  // fdatasync through one of the descriptions; one thread at a time for each.
  Result<void> sync(std::size_t file) { return files_[file]->sync(); }
  // Closes one; the caller is the only one who uses it, and everything here is durable.
  void close_file(std::size_t file) noexcept { files_[file].reset(); }
  [[nodiscard]] io::File& file(std::size_t file) const noexcept { return *files_[file]; }

  // The frames that were there before this session. Nobody in it has read them: they may be damaged.
  [[nodiscard]] const Prefix& before() const noexcept { return before_; }

  // Fills bytes with a pad from `offset` to the end of the data.
  void pad(std::uint64_t offset) noexcept;

  std::atomic<ActiveSegment*> next = nullptr;  // prepared, or null
  ActiveSegment* previous = nullptr;           // of this session; set before it becomes the next of that one
  std::atomic<std::uint64_t> base = 0;         // position before the first event here; final once publishing is here

 private:
  ActiveSegment(std::shared_ptr<Segment> segment, std::array<std::unique_ptr<io::File>, kSyncFiles> files,
                const Prefix& before, bool large_folios);

  const std::shared_ptr<Segment> segment_;
  std::byte* const bytes_;
  const std::uint64_t salt_;
  const Prefix before_;
  std::array<std::unique_ptr<io::File>, kSyncFiles> files_;
  Claims<StdAtomics> claims_;
};

}  // namespace daybook::segment
