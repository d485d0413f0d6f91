// What an event struct is called in the log.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace daybook {

// The name under which events of a struct are stored, and the schema version of what is written now. Declared in the
// struct:
//
//   struct MoneyDeposited {
//     static constexpr daybook::EventType kEventType{.name = "MoneyDeposited", .schema_version = 2};
//     std::int64_t cents = 0;
//   };
struct EventType {
  std::string_view name;             // 1..255 bytes
  std::uint32_t schema_version = 1;  // of the payload; grows when old payloads no longer decode
  // Names that events of this type were stored under before it was renamed, with the same schema versions.
  std::array<std::string_view, 8> aliases{};

  [[nodiscard]] constexpr bool is_called(std::string_view type) const noexcept {
    if (type == name) return true;
    for (const std::string_view alias : aliases) {
      if (!alias.empty() && type == alias) return true;
    }
    return false;
  }
};

// Where to look it up. Specialise it for structs that you cannot change.
template <typename Event>
struct EventTypeOf {};

template <typename Event>
requires requires { Event::kEventType; }
struct EventTypeOf<Event> {
  static constexpr EventType value = Event::kEventType;
};

template <typename T>
concept EventStruct = std::default_initializable<T> && std::movable<T> && requires {
  { EventTypeOf<T>::value } -> std::convertible_to<EventType>;
};

template <EventStruct Event>
inline constexpr EventType event_type = EventTypeOf<Event>::value;

// An event struct may say which tags its events carry: `std::vector<std::string> tags() const`.
template <typename Event>
concept TaggedEvent = EventStruct<Event> && requires(const Event& event) {
  { event.tags() } -> std::convertible_to<std::vector<std::string>>;
};

}  // namespace daybook
