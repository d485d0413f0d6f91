// What is known of a sealed segment without its frames, by its footer or by a checkpoint.
#pragma once

#include <optional>

#include "index/checkpoint_layout.h"
#include "segment/segment.h"

namespace daybook::log {

// What a checkpoint would say of a segment by its header and footer; times of occurrence are not in those. Nothing: it
// is not sealed.
std::optional<index::CheckpointSegment> describe_sealed(const segment::Segment& segment) noexcept;

// Whether a segment is sealed, and the one that a checkpoint has covered: to the clock of its events. A copy of a store
// that went another way has the same log, and the same segments to begin with. Said of the last segment that is
// covered, it goes for those before it, too: a log never goes another way behind a sealed segment.
bool is_as_covered(const segment::Segment& segment, const index::CheckpointSegment& covered) noexcept;

}  // namespace daybook::log
