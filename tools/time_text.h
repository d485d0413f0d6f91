// Times as people and JSON write them (RFC 3339), and points in time given on the command line.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <daybook/types.h>

namespace daybook::tools {

// "2014-02-07T17:16:58Z", with 3, 6 or 9 decimals where they are needed to say it exactly.
std::string format_time(Timestamp time);

// RFC 3339 with any offset, to the nanosecond. Nothing when it is malformed or a Timestamp cannot hold it. A leap second
// is the second after it.
std::optional<Timestamp> parse_time(std::string_view text);

// parse_time, or a distance back from `now`: "-90s", "-15m", "-2h", "-3d", "-1w".
std::optional<Timestamp> parse_time_or_ago(std::string_view text, Timestamp now);

}  // namespace daybook::tools
