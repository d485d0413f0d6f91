// Times in JSON: RFC 3339 in UTC, to the nanosecond.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <daybook/types.h>

namespace daybook::json {

// Appends "2026-11-25T20:40:48.5Z": as many digits of the fraction as it takes, none for whole seconds.
void append_time(Timestamp time, std::string& out);

// Nothing, when the text is no such time, or one that nanoseconds in 64 bits do not reach (1677 to 2262).
std::optional<Timestamp> parse_time(std::string_view text);

}  // namespace daybook::json
