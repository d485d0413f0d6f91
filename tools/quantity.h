// Counts, sizes and durations for people.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace daybook::tools {

std::string format_count(std::uint64_t count);               // 1,234,567
std::string format_bytes(std::uint64_t bytes);               // 512 B, 3.1 MiB
std::string format_duration(std::chrono::nanoseconds time);  // 84 ns, 1.2 us, 3.4 ms, 5.06 s

// Events (or bytes) per second; 0 when no time has passed.
double per_second(std::uint64_t count, std::chrono::nanoseconds time);

}  // namespace daybook::tools
