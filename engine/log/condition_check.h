// Conditions against decided frames: what publishing decides a conditional frame by, and what an append that was rejected
// tells its caller.
#pragma once

#include <cstdint>
#include <optional>

#include <daybook/event.h>

#include "format/frame.h"
#include "log/frame_reader.h"
#include "segment/active_segment.h"

namespace daybook::log {

// Calls visit(event) for the published events from `from` on, up to the frame at `offset` of `end`, until it returns
// true. Whether it did. All frames in between must be decided: everything below the mark is. They may be in segments that
// are sealed already; those of this session stay mapped.
template <typename Visit>
bool visit_decided(const segment::ActiveSegment& end, std::uint64_t offset, format::Address from, Visit visit) {
  const segment::ActiveSegment* at = &end;
  while (at->number() > from.segment && at->previous != nullptr) at = at->previous;
  for (std::uint64_t start = from.offset;; start = format::kDataStart) {
    const std::uint64_t stop = at == &end ? offset : at->claims().data_end();
    while (start < stop) {
      const format::Word word = format::load_word(at->bytes() + start);
      if (word.has_events() && word.state() == format::FrameState::published) {
        FrameReader reader(format::frame_at(at->bytes(), start), word);
        EventView event;
        while (reader.next(event)) {
          if (visit(event)) return true;
        }
      }
      start += word.size();
    }
    if (at == &end) return false;
    at = at->next.load(std::memory_order_acquire);
  }
}

// Why the conditional frame at `offset` must be rejected, its expectations apart; nothing = it need not. A pure function of
// the frame and of those below it from its `looked` on, which are all decided: whoever asks, whenever, gets the same.
// The first event in log order that stands against it decides; if there are several reasons, the id.
std::optional<format::Refusal> find_refusal(const segment::ActiveSegment& segment, std::uint64_t offset) noexcept;

// The first event below it, from `looked` on, that has the id of one of its own.
std::optional<format::Refusal> find_used_id(const segment::ActiveSegment& segment, std::uint64_t offset) noexcept;

}  // namespace daybook::log
