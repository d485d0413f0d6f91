#include "quantity.h"

#include <array>

#include <fmt/format.h>

namespace daybook::tools {

std::string format_count(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string format_duration(std::chrono::nanoseconds time) {
  const auto nanos = static_cast<double>(time.count());
  if (nanos < 1e3) return fmt::format("{} ns", time.count());
  if (nanos < 1e6) return fmt::format("{:.2f} us", nanos / 1e3);
  if (nanos < 1e9) return fmt::format("{:.2f} ms", nanos / 1e6);
  return fmt::format("{:.2f} s", nanos / 1e9);
}

double per_second(std::uint64_t count, std::chrono::nanoseconds time) {
  if (time.count() <= 0) return 0;
  return static_cast<double>(count) * 1e9 / static_cast<double>(time.count());
}

}  // namespace daybook::tools
