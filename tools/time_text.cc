#include "time_text.h"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <limits>

#include <fmt/format.h>

namespace daybook::tools {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::int64_t kSecond = 1'000'000'000;

// Reads fields of fixed width from the front of a text; once one is wrong, everything is.
class FieldReader {
 public:
  explicit FieldReader(std::string_view text) : text_(text) {}

  int digits(std::size_t count) {
    if (text_.size() < count) return fail();
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (text_[i] < '0' || text_[i] > '9') return fail();
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(count);
    return value;
  }

  // Takes the next character if it is one of `characters`; 0 if not.
  char one_of(std::string_view characters) {
    if (text_.empty() || characters.find(text_.front()) == std::string_view::npos) return 0;
    const char found = text_.front();
    text_.remove_prefix(1);
    return found;
  }

  void require(std::string_view characters) {
    if (one_of(characters) == 0) fail();
  }

  // The digits of a fraction, as nanoseconds. More than nine would be cut.
  std::int64_t fraction() {
    std::int64_t value = 0;
    int count = 0;
    while (!text_.empty() && text_.front() >= '0' && text_.front() <= '9' && count < 9) {
      value = value * 10 + (text_.front() - '0');
      text_.remove_prefix(1);
      ++count;
    }
    if (count == 0) fail();
    for (; count < 9; ++count) value *= 10;
    return value;
  }

  [[nodiscard]] bool done() const { return good_ && text_.empty(); }

 private:
  int fail() {
    good_ = false;
    return 0;
  }

  std::string_view text_;
  bool good_ = true;
};

std::optional<Timestamp> to_timestamp(std::int64_t unix_seconds, std::int64_t nanos) {
  std::int64_t total = 0;
  // Seconds before 1970 count down and nanoseconds up: go through the second above, or the earliest would overflow.
  if (unix_seconds < 0 && nanos != 0) {
    ++unix_seconds;
    nanos -= kSecond;
  }
  if (__builtin_mul_overflow(unix_seconds, kSecond, &total) || __builtin_add_overflow(total, nanos, &total)) {
    return std::nullopt;
  }
  return Timestamp(nanoseconds(total));
}

}  // namespace

std::string format_time(Timestamp time) {
  // By hand: the day in which the first Timestamp is begins before it, and has no Timestamp.
  std::int64_t unix_seconds = time.time_since_epoch().count() / kSecond;
  std::int64_t nanos = time.time_since_epoch().count() % kSecond;
  if (nanos < 0) {
    --unix_seconds;
    nanos += kSecond;
  }
  const std::chrono::sys_seconds second{seconds(unix_seconds)};
  const auto day = std::chrono::floor<days>(second);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(second - day);
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                 clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (nanos % 1'000 != 0) {
    text += fmt::format(".{:09}", nanos);
  } else if (nanos % 1'000'000 != 0) {
    text += fmt::format(".{:06}", nanos / 1'000);
  } else if (nanos != 0) {
    text += fmt::format(".{:03}", nanos / 1'000'000);
  }
  return text += 'Z';
}

std::optional<Timestamp> parse_time(std::string_view text) {
  FieldReader reader(text);
  const std::chrono::year year(reader.digits(4));
  reader.require("-");
  const std::chrono::month month(static_cast<unsigned>(reader.digits(2)));
  reader.require("-");
  const std::chrono::day day(static_cast<unsigned>(reader.digits(2)));
  reader.require("Tt ");
  const int hour = reader.digits(2);
  reader.require(":");
  const int minute = reader.digits(2);
  reader.require(":");
  const int second = reader.digits(2);
  const std::int64_t nanos = reader.one_of(".") != 0 ? reader.fraction() : 0;
  const char zone = reader.one_of("Zz+-");
  int offset_hours = 0;
  int offset_minutes = 0;
  if (zone == '+' || zone == '-') {
    offset_hours = reader.digits(2);
    reader.require(":");
    offset_minutes = reader.digits(2);
  }
  const std::chrono::year_month_day date(year, month, day);
  if (zone == 0 || !reader.done() || !date.ok() || hour > 23 || minute > 59 || second > 60 || offset_hours > 23 ||
      offset_minutes > 59) {
    return std::nullopt;
  }
  seconds offset = hours(offset_hours) + minutes(offset_minutes);
  if (zone == '-') offset = -offset;
  const auto time = std::chrono::sys_days(date) + hours(hour) + minutes(minute) + seconds(second) - offset;
  return to_timestamp(seconds(time.time_since_epoch()).count(), nanos);
}

std::optional<Timestamp> parse_time_or_ago(std::string_view text, Timestamp now) {
  if (!text.starts_with('-')) return parse_time(text);
  std::int64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + 1, end, count);
  if (error != std::errc() || count < 0 || end - rest != 1) return std::nullopt;

  std::int64_t unit_seconds = 0;
  switch (*rest) {
    case 's': unit_seconds = 1; break;
    case 'm': unit_seconds = 60; break;
    case 'h': unit_seconds = 3'600; break;
    case 'd': unit_seconds = 86'400; break;
    case 'w': unit_seconds = 604'800; break;
    default: return std::nullopt;
  }
  const std::int64_t now_seconds = std::chrono::floor<seconds>(now).time_since_epoch().count();
  if (count > (now_seconds - std::numeric_limits<std::int64_t>::min() / kSecond - 1) / unit_seconds) {
    return std::nullopt;  // before the first nanosecond that there is
  }
  return now - seconds(count * unit_seconds);
}

}  // namespace daybook::tools
