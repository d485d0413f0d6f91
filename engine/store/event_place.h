// Whether a position is what it was: for everything that remembers one beside the log.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <daybook/error.h>
#include <daybook/types.h>

#include "log/segment_set.h"

namespace daybook {

// What tells an event from another one that took its position after a crash.
struct EventPlace {
  std::uint64_t epoch = 0;  // of the segment that holds it
  Timestamp recorded_at{};
};

// Nothing: no event is published at `position` (of which 0 is none). An error: the log cannot be read there.
Result<std::optional<EventPlace>> find_event(const std::shared_ptr<log::SegmentSet>& segments, Position position);

}  // namespace daybook
