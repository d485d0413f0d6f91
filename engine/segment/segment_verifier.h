// Checks a whole segment file, also what reading and recovery pass over: what `daybook verify` stands on.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <daybook/error.h>
#include <daybook/types.h>

#include "format/layout.h"
#include "io/directory.h"
#include "segment/segment.h"
#include "segment/segment_scanner.h"

namespace daybook::segment {

// One thing that is not as it was written.
struct Finding {
  std::uint64_t offset = 0;  // in the file
  const char* what = "";     // the rule, a string literal
  std::uint64_t expected = 0;
  std::uint64_t actual = 0;
  // No event is affected: what was there can be made again from the rest of the file, or is never read.
  bool repairable = false;
};

struct Verification {
  enum class Ending : std::uint8_t {
    open,    // no footer: the active segment, or one whose writer did not get further
    closed,  // cleanly
    sealed,
  };
  Ending ending = Ending::open;
  Prefix prefix;  // the frames that are whole, from the first on
  std::optional<format::SegmentFooter> footer;
  // Open only: what lies behind the prefix. Recovery cuts it; while a writer is at work it is what is being appended.
  Beyond tail;
  format::Address floor{};        // the most that anything here says was durable when it was written
  std::vector<Finding> findings;  // by offset
};

// `base` is the position before the first event, as the segments before say; nothing = not known.
// Thread safety: any; also while the segment is being appended to.
Verification verify_segment(const Segment& segment, std::optional<Position> base);

// The same for a file, read with pread. An error: it cannot be read, or neither copy of its header is whole.
Result<Verification> verify_segment(io::Directory& segments, std::uint64_t number, std::optional<Position> base);

}  // namespace daybook::segment
