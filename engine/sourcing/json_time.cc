#include "sourcing/json_time.h"

#include <chrono>
#include <cstdint>
#include <cstdio>

namespace daybook::json {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// Takes `count` digits off the front; -1 when there are none.
int take_number(std::string_view& text, std::size_t count) {
  if (text.size() < count) return -1;
  int number = 0;
  for (const char digit : text.substr(0, count)) {
    if (digit < '0' || digit > '9') return -1;
    number = number * 10 + (digit - '0');
  }
  text.remove_prefix(count);
  return number;
}

bool take(std::string_view& text, char expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(1);
  return true;
}

// ".5" is 500,000,000; nothing is 0; -1 when it is no fraction.
int take_fraction(std::string_view& text) {
  if (!take(text, '.')) return 0;
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || digits > 9) return -1;
  int fraction = take_number(text, digits);
  for (std::size_t i = digits; i < 9; ++i) fraction *= 10;
  return fraction;
}

}  // namespace

void append_time(Timestamp time, std::string& out) {
  // In seconds, because the day in which the smallest time is begins before it, where nanoseconds do not reach.
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const auto second = static_cast<int>((seconds - day).count());
  char text[32];
  std::snprintf(text, sizeof(text), "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), second / 3600, second / 60 % 60,
                second % 60);
  out += text;
  const std::int64_t fraction = (time.time_since_epoch().count() % kSecond + kSecond) % kSecond;
  if (fraction != 0) {
    std::snprintf(text, sizeof(text), ".%09d", static_cast<int>(fraction));
    std::string_view digits = text;
    digits = digits.substr(0, digits.find_last_not_of('0') + 1);
    out += digits;
  }
  out += 'Z';
}

std::optional<Timestamp> parse_time(std::string_view text) {
  const int year = take_number(text, 4);
  const bool first_dash = take(text, '-');
  const int month = take_number(text, 2);
  const bool second_dash = take(text, '-');
  const int day = take_number(text, 2);
  if (year < 0 || month < 0 || day < 0 || !first_dash || !second_dash || !take(text, 'T')) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  const int hour = take_number(text, 2);
  const bool first_colon = take(text, ':');
  const int minute = take_number(text, 2);
  const bool second_colon = take(text, ':');
  const int second = take_number(text, 2);
  const int fraction = take_fraction(text);
  if (!date.ok() || !first_colon || !second_colon || fraction < 0 || text != "Z") return std::nullopt;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return std::nullopt;

  const std::int64_t seconds = std::chrono::sys_days(date).time_since_epoch().count() * std::int64_t{86'400} +
                               std::int64_t{hour} * 3600 + std::int64_t{minute} * 60 + second;
  // Below the epoch the nanoseconds count up from the second before; so near the smallest time the product alone
  // overflows.
  std::int64_t nanoseconds = 0;
  const bool below = seconds < 0 && fraction != 0;
  if (__builtin_mul_overflow(below ? seconds + 1 : seconds, kSecond, &nanoseconds)) return std::nullopt;
  if (__builtin_add_overflow(nanoseconds, below ? fraction - kSecond : std::int64_t{fraction}, &nanoseconds)) {
    return std::nullopt;
  }
  return Timestamp(std::chrono::nanoseconds(nanoseconds));
}

}  // namespace daybook::json
