// Calling what a state has to say about an event.
#pragma once

#include <daybook/event.h>

namespace daybook {

// Applies a typed event to a state (or calls whatever else has apply() overloads), with its place in the log or, when apply()
// leaves that parameter out, without.
template <typename State, typename Event>
void apply_to(State& state, const Event& event, const EventView& at) {
  if constexpr (requires { state.apply(event, at); }) {
    state.apply(event, at);
  } else {
    static_assert(
        requires { state.apply(event); },
        "Events names an event that there is no apply(const Event&) or apply(const Event&, const EventView&) for");
    state.apply(event);
  }
}

}  // namespace daybook
