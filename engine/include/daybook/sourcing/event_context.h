// Where an event comes from: the metadata that the sourcing layer writes beside a payload.
#pragma once

#include <map>
#include <string>

#include <daybook/error.h>
#include <daybook/event.h>
#include <daybook/export.h>

namespace daybook {

// Stored as a JSON object in the metadata of each event of an append; what is empty is left out. The names are
// KurrentDB's $correlationId and $causationId without the ornament.
struct EventContext {
  std::string correlation{};  // the business transaction that it belongs to, unchanged from step to step
  std::string causation{};    // what led to it: the id of a command, or the position of an event
  std::string actor{};        // on whose behalf
  std::map<std::string, std::string> extra{};  // whatever else the application wants to say

  friend bool operator==(const EventContext&, const EventContext&) = default;

  [[nodiscard]] bool empty() const {
    return correlation.empty() && causation.empty() && actor.empty() && extra.empty();
  }
};

// The context as metadata bytes; nothing for an empty one. Errc::invalid_argument when a text is not UTF-8.
DAYBOOK_EXPORT Result<std::string> encode_context(const EventContext& context);

// The context in an event's metadata. Members that are not strings are left out of `extra`; metadata that is empty gives
// an empty context, and metadata that is no JSON object is Errc::bad_event.
DAYBOOK_EXPORT Result<EventContext> decode_context(const EventView& event);

// The context of what is done because of an event: the same correlation (or, when it has none, the event itself) and
// actor, caused by the event.
DAYBOOK_EXPORT Result<EventContext> caused_by(const EventView& event);

}  // namespace daybook
