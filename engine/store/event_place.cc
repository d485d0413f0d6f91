#include "store/event_place.h"

#include "log/cursor.h"

namespace daybook {

Result<std::optional<EventPlace>> find_event(const std::shared_ptr<log::SegmentSet>& segments, Position position) {
  if (position == 0) return std::nullopt;
  log::Cursor at(segments, {.after = position - 1, .limit = 1});
  const EventView* const event = at.next();
  if (event == nullptr && at.error()) return fail(*at.error());
  if (event == nullptr || event->position != position) return std::nullopt;
  return EventPlace{at.token().epoch, event->recorded_at};
}

}  // namespace daybook
