#include "log/sealed_segment.h"

namespace daybook::log {

std::optional<index::CheckpointSegment> describe_sealed(const segment::Segment& segment) noexcept {
  const auto footer = segment.footer();
  if (!footer || footer->kind != format::SegmentFooter::sealed) return std::nullopt;
  return index::CheckpointSegment{.number = segment.number(),
                                  .segment = segment.header().segment,
                                  .epoch = segment.header().epoch,
                                  .base_position = footer->base_position,
                                  .events = footer->events,
                                  .valid_end = footer->valid_end,
                                  .recorded_first = footer->recorded_first,
                                  .recorded_last = footer->recorded_last};
}

bool is_as_covered(const segment::Segment& segment, const index::CheckpointSegment& covered) noexcept {
  auto sealed = describe_sealed(segment);
  if (!sealed) return false;
  sealed->occurred_first = covered.occurred_first;
  sealed->occurred_last = covered.occurred_last;
  return *sealed == covered;
}

}  // namespace daybook::log
