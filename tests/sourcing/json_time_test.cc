#include "sourcing/json_time.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

namespace daybook::json {
namespace {

Timestamp at(std::int64_t nanoseconds) { return Timestamp(std::chrono::nanoseconds(nanoseconds)); }

std::string text_of(std::int64_t nanoseconds) {
  std::string text;
  append_time(at(nanoseconds), text);
  return text;
}

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

TEST(JsonTimeTest, IsWrittenAsPeopleReadIt) {
  EXPECT_EQ(text_of(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(text_of(-1), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(text_of(1'795'639'248'500'000'000), "2026-11-25T20:40:48.5Z");
  EXPECT_EQ(text_of(951'827'696'000'000'001), "2000-02-29T12:34:56.000000001Z");
  EXPECT_EQ(text_of(kMin), "1677-09-21T00:12:43.145224192Z");
  EXPECT_EQ(text_of(kMax), "2262-04-11T23:47:16.854775807Z");
}

TEST(JsonTimeTest, EveryNanosecondComesBack) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 100'000; ++i) {
    const auto value = static_cast<std::int64_t>(random());
    ASSERT_EQ(parse_time(text_of(value)), at(value)) << text_of(value);
  }
  for (const std::int64_t value : {kMin, kMin + 1, kMax, kMax - 1, std::int64_t{-1'000'000'000}, std::int64_t{-1}}) {
    EXPECT_EQ(parse_time(text_of(value)), at(value)) << text_of(value);
  }
}

TEST(JsonTimeTest, WhatIsNoTimeInReachIsRefused) {
  for (const std::string_view text : {"",
                                      "Z",
                                      "2026-11-25",
                                      "2026-11-25T20:40:48",
                                      "2026-11-25T20:40:48z",
                                      "2026-11-25 20:40:48Z",
                                      "2026-11-25T20:40:48+00:00",
                                      "2026-13-25T20:40:48Z",
                                      "2026-02-29T20:40:48Z",
                                      "2026-00-01T20:40:48Z",
                                      "2026-11-25T24:00:00Z",
                                      "2026-11-25T20:60:48Z",
                                      "2026-11-25T20:40:60Z",
                                      "2026-11-25T20:40:48.Z",
                                      "2026-11-25T20:40:48.1234567890Z",
                                      "2026-11-25T20:40:48.5ZZ",
                                      "-026-11-25T20:40:48Z",
                                      "2026-1-25T20:40:48Z",
                                      "1677-09-21T00:12:43.145224191Z",
                                      "2262-04-11T23:47:16.854775808Z",
                                      "9999-12-31T23:59:59Z",
                                      "0000-01-01T00:00:00Z"}) {
    EXPECT_EQ(parse_time(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace daybook::json
