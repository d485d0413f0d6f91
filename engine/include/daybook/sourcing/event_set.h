// The event structs that a part of a program works with.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include <daybook/sourcing/event_type.h>
#include <daybook/types.h>

namespace daybook {

// Whether a stored event of one name could be of two of the structs: two have a name or an alias in common.
template <EventStruct... Es>
[[nodiscard]] consteval bool names_are_distinct() {
  const std::array<EventType, sizeof...(Es)> types{event_type<Es>...};
  for (std::size_t i = 0; i < types.size(); ++i) {
    for (std::size_t j = i + 1; j < types.size(); ++j) {
      if (types[j].is_called(types[i].name)) return false;
      for (const std::string_view alias : types[i].aliases) {
        if (!alias.empty() && types[j].is_called(alias)) return false;
      }
    }
  }
  return true;
}

// Whether the name and every alias of a struct keep the limits of the log.
template <EventStruct E>
[[nodiscard]] consteval bool names_are_valid() {
  const EventType type = event_type<E>;
  for (const std::string_view alias : type.aliases) {
    if (alias.size() > kEventTypeSizeMax) return false;
  }
  return !type.name.empty() && type.name.size() <= kEventTypeSizeMax;
}

// Whether the struct was stored under other names.
template <EventStruct E>
[[nodiscard]] consteval bool has_aliases() {
  const EventType type = event_type<E>;
  for (const std::string_view alias : type.aliases) {
    if (!alias.empty()) return true;
  }
  return false;
}

// A list of event structs, each with a name of its own:
//
//   using AccountEvents = daybook::EventSet<AccountOpened, MoneyDeposited, AccountClosed>;
//
// An old form of an event is no member beside the new one, which has the same name: older forms belong in a Catalog.
template <EventStruct... Es>
struct EventSet {
  static_assert(names_are_distinct<Es...>(),
                "two event structs of an EventSet have the same name or alias: a stored event could be either");
  static_assert((names_are_valid<Es>() && ...), "the name of an event struct has 1..255 bytes, and so has an alias");
};

}  // namespace daybook
