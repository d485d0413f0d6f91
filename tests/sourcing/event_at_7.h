// An event as it would come out of a log: version 7 of account-1, at position 123.
#pragma once

#include <cstdint>
#include <string_view>

#include <daybook/event.h>

namespace daybook::testing {

inline EventView event_at_7(std::string_view type, std::uint32_t schema_version, std::string_view payload) {
  EventView event;
  event.position = 123;
  event.version = 7;
  event.stream = "account-1";
  event.type = type;
  event.schema_version = schema_version;
  event.payload = payload;
  return event;
}

}  // namespace daybook::testing
