// Walks the frames of a segment and checks everything: what recovery, verify and dump stand on.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <daybook/types.h>

#include "format/frame.h"
#include "io/directory.h"
#include "segment/segment.h"

namespace daybook::segment {

// The longest valid prefix of a segment: decided frames, one behind the other, positions without a gap.
struct Prefix {
  std::uint64_t end = format::kDataStart;         // behind the last decided frame; a pad counts
  std::uint64_t frames_end = format::kDataStart;  // behind the last one that is not a pad
  std::uint64_t frames = 0;                       // published ones
  std::uint64_t rejected = 0;
  std::uint64_t events = 0;  // in published frames
  std::int64_t recorded_first = 0;
  std::int64_t recorded_last = 0;
  format::Address floor{};   // the largest that a frame carries
  format::FrameStatus stop;  // what stands at `end`; meaningless when the prefix is complete
  bool complete = false;     // reaches the end of the data
};

// Steps through a prefix frame by frame; stops for good where the next frame is missing, undecided or wrong.
class SegmentScanner {
 public:
  // `base` is the position before the first event; nothing = take it from the first frame.
  SegmentScanner(const Segment& segment, std::optional<Position> base) noexcept : segment_(segment), base_(base) {}

  // The next published or rejected frame, or null at the end of the prefix. Pads are passed over.
  const format::FrameHeader* next() noexcept;

  [[nodiscard]] const Prefix& prefix() const noexcept { return prefix_; }
  [[nodiscard]] format::Word word() const noexcept { return word_; }       // of the frame that next() returned
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }  // of it

 private:
  bool admit(const format::FrameHeader& frame, format::Word word) noexcept;

  const Segment& segment_;
  std::optional<Position> base_;
  Prefix prefix_;
  format::Word word_{};
  std::uint64_t offset_ = 0;
  bool stopped_ = false;
};

// What lies behind a prefix: pages that reached the disk out of order, the rest of a torn frame, or damage.
struct Beyond {
  std::uint64_t bytes = 0;   // that are not zero, in words of 8
  std::uint64_t frames = 0;  // whole frames among them
  format::Address floor{};   // the largest that one of those carries
};
Beyond scan_beyond(const Segment& segment, std::uint64_t from) noexcept;

// Bytes of a file that may be something else than zero: what lies between them are holes.
struct DataRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};
// Of the first `size` bytes, ascending. Before anything there is read by a mapping: a file system counts what it has
// cached of a hole as data.
std::vector<DataRange> find_data(const io::File& file, std::uint64_t size);
// The same as above for one who knows where a segment has data.
Beyond scan_beyond(const Segment& segment, std::uint64_t from, std::span<const DataRange> ranges) noexcept;

}  // namespace daybook::segment
