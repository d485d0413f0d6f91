// The small texts: base64, times, UUIDs, escapes, quantities.
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "base64.h"
#include "escape.h"
#include "quantity.h"
#include "support/rng.h"
#include "time_text.h"
#include "uuid_text.h"

namespace daybook::tools {
namespace {

std::string base64(std::string_view bytes) {
  std::string text;
  append_base64(bytes, text);
  return text;
}

TEST(Base64Test, SaysWhatTheRfcSays) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

TEST(Base64Test, ComesBack) {
  test::Rng rng(1);
  for (std::size_t size = 0; size < 300; ++size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(rng.next());
    EXPECT_EQ(parse_base64(base64(bytes)), bytes);
  }
}

TEST(Base64Test, RefusesWhatIsNotCanonical) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm 9", "Zm9\n", "Z\xc3\xa4=", "Zm-_"}) {
    EXPECT_EQ(parse_base64(text), std::nullopt) << text;
  }
}

TEST(TimeTextTest, KnownMoments) {
  const auto at = [](std::int64_t nanos) { return Timestamp(std::chrono::nanoseconds(nanos)); };
  EXPECT_EQ(format_time(at(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_time(at(-1)), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(format_time(at(1'391'793'418'000'000'000)), "2014-02-07T17:16:58Z");
  EXPECT_EQ(format_time(at(1'391'793'418'120'000'000)), "2014-02-07T17:16:58.120Z");
  EXPECT_EQ(format_time(at(1'391'793'418'000'001'000)), "2014-02-07T17:16:58.000001Z");
  EXPECT_EQ(parse_time("2014-02-07T17:16:58Z"), at(1'391'793'418'000'000'000));
  EXPECT_EQ(parse_time("2014-02-07t18:46:58.5+01:30"), at(1'391'793'418'500'000'000));
  EXPECT_EQ(parse_time("2014-02-07 12:16:58-05:00"), at(1'391'793'418'000'000'000));
  EXPECT_EQ(parse_time("2016-12-31T23:59:60Z"), parse_time("2017-01-01T00:00:00Z"));
  EXPECT_EQ(parse_time("1969-12-31T23:59:59.999999999Z"), at(-1));
}

TEST(TimeTextTest, EveryTimestampComesBack) {
  test::Rng rng(2);
  using Limits = std::numeric_limits<std::int64_t>;
  for (const std::int64_t nanos : {Limits::min(), Limits::min() + 1, Limits::max(), Limits::max() - 1}) {
    const Timestamp time{std::chrono::nanoseconds(nanos)};
    EXPECT_EQ(parse_time(format_time(time)), time) << nanos;
  }
  for (int i = 0; i < 100'000; ++i) {
    const Timestamp time{std::chrono::nanoseconds(static_cast<std::int64_t>(rng.next()))};
    ASSERT_EQ(parse_time(format_time(time)), time) << format_time(time);
  }
}

TEST(TimeTextTest, RefusesWhatIsNotATime) {
  for (const char* text :
       {"", "2014", "2014-02-07", "2014-02-07T17:16:58", "2014-02-30T00:00:00Z", "2014-13-01T00:00:00Z",
        "2014-00-01T00:00:00Z", "2014-02-07T24:00:00Z", "2014-02-07T17:60:58Z", "2014-02-07T17:16:61Z",
        "2014-02-07T17:16:58.Z", "2014-02-07T17:16:58.1234567891Z", "2014-02-07T17:16:58+1:00",
        "2014-02-07T17:16:58+24:00", "2014-02-07T17:16:58Z ", " 2014-02-07T17:16:58Z", "9999-01-01T00:00:00Z",
        "1677-09-21T00:12:43Z", "+014-02-07T17:16:58Z"}) {
    EXPECT_EQ(parse_time(text), std::nullopt) << text;
  }
}

TEST(TimeTextTest, DistancesFromNow) {
  const Timestamp now = parse_time("2020-01-08T00:00:00.5Z").value();
  EXPECT_EQ(parse_time_or_ago("-90s", now), parse_time("2020-01-07T23:58:30.5Z"));
  EXPECT_EQ(parse_time_or_ago("-15m", now), parse_time("2020-01-07T23:45:00.5Z"));
  EXPECT_EQ(parse_time_or_ago("-2h", now), parse_time("2020-01-07T22:00:00.5Z"));
  EXPECT_EQ(parse_time_or_ago("-1d", now), parse_time("2020-01-07T00:00:00.5Z"));
  EXPECT_EQ(parse_time_or_ago("-1w", now), parse_time("2020-01-01T00:00:00.5Z"));
  EXPECT_EQ(parse_time_or_ago("2020-01-01T00:00:00Z", now), parse_time("2020-01-01T00:00:00Z"));
  for (const char* text : {"-", "-1", "-h", "--1h", "-1y", "-1h ", "2h", "-99999999999999999w", "-20000w"}) {
    EXPECT_EQ(parse_time_or_ago(text, now), std::nullopt) << text;
  }
}

TEST(UuidTextTest, BothWays) {
  const std::string text = "00112233-4455-6677-8899-aabbccddeeff";
  const auto uuid = parse_uuid(text);
  ASSERT_TRUE(uuid);
  EXPECT_EQ(format_uuid(*uuid), text);
  EXPECT_EQ(parse_uuid("00112233445566778899AABBCCDDEEFF"), uuid);
  for (const char* wrong : {"", "00112233-4455-6677-8899-aabbccddeef", "00112233-4455-6677-8899-aabbccddeefg",
                            "0011223-34455-6677-8899-aabbccddeeff", "00112233445566778899aabbccddeeff0000",
                            "00112233-4455-6677-8899_aabbccddeeff"}) {
    EXPECT_EQ(parse_uuid(wrong), std::nullopt) << wrong;
  }
}

// A payload that was written by somebody else must not drive the terminal of whoever looks at it.
TEST(EscapeTest, NothingGetsThroughThatATerminalObeys) {
  EXPECT_EQ(escaped("plain {\"a\":\"b\\n\"}"), "plain {\"a\":\"b\\n\"}");
  EXPECT_EQ(escaped("\x1b]0;title\x07"), "\\x1b]0;title\\x07");
  EXPECT_EQ(escaped("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(escaped("\x7f"), "\\x7f");
  EXPECT_EQ(escaped(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(escaped("\xc2\x9b"
                    "31m"),
            "\\u{9b}31m");  // C1: as good as ESC [
  EXPECT_EQ(escaped("\x9b"
                    "31m"),
            "\\x9b31m");  // the same on a terminal that is not UTF-8
  EXPECT_EQ(escaped("\xe2\x80\xae"
                    "txt"),
            "\\u{202e}txt");  // right-to-left override
  EXPECT_EQ(escaped("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"), "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80");
  EXPECT_EQ(escaped("\xc0\x9b"), "\\xc0\\x9b");           // overlong
  EXPECT_EQ(escaped("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(escaped("\xf5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80");
  EXPECT_EQ(escaped("\xe2\x82"), "\\xe2\\x82");  // cut off
}

TEST(EscapeTest, AnyBytesComeOutAsPrintableText) {
  test::Rng rng(3);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes;
    for (std::uint64_t size = rng.below(12); size > 0; --size) bytes += static_cast<char>(rng.next());
    const std::string text = escaped(bytes);
    for (const char byte : text) {
      const auto code = static_cast<unsigned char>(byte);
      ASSERT_TRUE(code >= 0x20 && code != 0x7f) << text;
    }
    ASSERT_EQ(escaped(text), text) << "what came out once is harmless";
  }
}

TEST(EscapeTest, CutsAtCharacters) {
  const auto cut = [](std::string text, std::size_t columns) {
    cut_to_columns(text, columns);
    return text;
  };
  EXPECT_EQ(cut("abcdef", 0), "abcdef");
  EXPECT_EQ(cut("abcdef", 6), "abcdef");
  EXPECT_EQ(cut("abcdef", 4), "abc…");
  EXPECT_EQ(cut("\xc3\xbc\xc3\xbc\xc3\xbc", 3), "\xc3\xbc\xc3\xbc\xc3\xbc");
  EXPECT_EQ(cut("\xc3\xbc\xc3\xbc\xc3\xbc", 2), "\xc3\xbc…");
  EXPECT_EQ(cut("abc", 1), "…");
}

TEST(QuantityTest, ForPeople) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1'000), "1,000");
  EXPECT_EQ(format_count(18'446'744'073'709'551'615u), "18,446,744,073,709,551,615");
  EXPECT_EQ(format_bytes(1'023), "1023 B");
  EXPECT_EQ(format_bytes(1'024), "1.0 KiB");
  EXPECT_EQ(format_bytes((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(format_bytes(~std::uint64_t{0}), "16.0 EiB");
  EXPECT_EQ(format_duration(std::chrono::nanoseconds(84)), "84 ns");
  EXPECT_EQ(format_duration(std::chrono::microseconds(1'500)), "1.50 ms");
  EXPECT_EQ(per_second(10, std::chrono::nanoseconds(0)), 0);
  EXPECT_EQ(per_second(10, std::chrono::milliseconds(500)), 20);
}

}  // namespace
}  // namespace daybook::tools
