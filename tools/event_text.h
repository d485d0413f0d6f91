// Events as text for people.
#pragma once

#include <string>

#include <daybook/event.h>

#include "command.h"

namespace daybook::tools {

// One line: position, time, stream@version, type, payload, tags. Everything from the store is escaped; cut to the
// terminal's width, if there is one.
void append_event_line(const EventView& event, const Io& io, std::string& text);

// Every field on a line of its own, payload and metadata whole.
void append_event_details(const EventView& event, std::string& text);

}  // namespace daybook::tools
