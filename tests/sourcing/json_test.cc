// What goes into JSON comes out of it as it was, to the last bit.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "sourcing/every_kind.h"
#include "support/result_matchers.h"

namespace daybook::testing {
namespace {

template <typename T>
std::string encoded(const T& value) {
  std::string text;
  const auto done = Codec<T>::encode(value, text);
  EXPECT_TRUE(done) << describe(done.error());
  return text;
}

template <typename T>
T decoded(const std::string& text) {
  T value{};
  const auto done = Codec<T>::decode(text, value);
  EXPECT_TRUE(done) << text << ": " << describe(done.error());
  return value;
}

EveryKind filled() {
  EveryKind value;
  value.inherited = -3;
  value.flag = true;
  value.i8 = std::numeric_limits<std::int8_t>::min();
  value.i16 = std::numeric_limits<std::int16_t>::max();
  value.i32 = std::numeric_limits<std::int32_t>::min();
  value.i64 = std::numeric_limits<std::int64_t>::min();
  value.u8 = 255;
  value.u16 = 65'535;
  value.u32 = 4'294'967'295;
  value.u64 = std::numeric_limits<std::uint64_t>::max();
  value.longest = std::numeric_limits<long long>::max();
  value.f32 = 0.1F;
  value.f64 = 0.1;
  value.text = "quote \" backslash \\ newline \n bell \a zero ";
  value.text += '\0';
  value.text += " Grüße 日本 😀 </script>";
  value.time = Timestamp(std::chrono::nanoseconds(1'795'639'248'123'456'789));
  value.color = Color::blue;
  value.maybe = -1;
  value.maybe_address = Address{"Main St", 12};
  value.names = {"", "a", "b"};
  value.holes = {1, std::nullopt, 3};
  value.three = {1, 2, 3};
  value.address = {"High St", -9};
  value.addresses = {{"a", 1}, {"b", 2}};
  value.counts = {{"", 0}, {"key \"q\"", 1}, {"z", -1}};
  value.series = {{"one", {1, 2.5}}, {"none", {}}};
  value.tree = {1, {{2, {}}, {3, {{4, {}}}}}};
  return value;
}

TEST(JsonTest, WritesTheMembersInOrder) {
  EXPECT_EQ(encoded(Address{"High \"St\"", 12}), R"({"street":"High \"St\"","zip":12})");
}

TEST(JsonTest, EveryKindComesBackAsItWas) {
  EXPECT_EQ(decoded<EveryKind>(encoded(filled())), filled());
  EXPECT_EQ(decoded<EveryKind>(encoded(EveryKind())), EveryKind());
}

// Payloads are compared by bytes, by people and by tests; hash tables have no order.
TEST(JsonTest, EqualValuesAreEqualText) {
  EveryKind one = filled();
  EveryKind other = filled();
  for (int i = 0; i < 100; ++i) one.series["k" + std::to_string(i)] = {1};
  for (int i = 99; i >= 0; --i) other.series["k" + std::to_string(i)] = {1};
  EXPECT_EQ(encoded(one), encoded(other));
}

TEST(JsonTest, AnEmptyOptionalIsNotWritten) {
  const std::string text = encoded(EveryKind());
  EXPECT_EQ(text.find("maybe"), std::string::npos);
  EXPECT_NE(encoded(filled()).find(R"("holes":[1,null,3])"), std::string::npos);
}

struct Optional {
  std::optional<std::int32_t> value = 5;
};
BOOST_DESCRIBE_STRUCT(Optional, (), (value))

// A default in the struct is not what was stored.
TEST(JsonTest, AMissingOptionalIsEmptyWhateverItsDefault) {
  EXPECT_EQ(decoded<Optional>("{}").value, std::nullopt);
  EXPECT_EQ(decoded<Optional>(R"({"value":null})").value, std::nullopt);
  EXPECT_EQ(decoded<Optional>(R"({"value":7})").value, 7);
}

TEST(JsonTest, FieldsMayComeInAnyOrderAndWithEscapes) {
  EXPECT_EQ(decoded<Address>(R"( { "zip" : 12 , "street" : "x" } )"), (Address{"x", 12}));
  EXPECT_EQ(decoded<Address>(R"({"\u007aip":12,"s\u0074reet":"\u00fc\ud83d\ude00"})"), (Address{"ü😀", 12}));
}

// Elements that a value had before it was filled are gone.
TEST(JsonTest, ListsAndMapsAreReplaced) {
  EveryKind value = filled();
  ASSERT_TRUE(Codec<EveryKind>::decode(encoded(EveryKind()), value));
  EXPECT_EQ(value, EveryKind());
}

struct Number {
  double value = 0;
};
BOOST_DESCRIBE_STRUCT(Number, (), (value))
struct SmallNumber {
  float value = 0;
};
BOOST_DESCRIBE_STRUCT(SmallNumber, (), (value))

TEST(JsonTest, EveryFiniteDoubleComesBackBitForBit) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 200'000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    ASSERT_EQ(std::bit_cast<std::uint64_t>(decoded<Number>(encoded(Number{value})).value),
              std::bit_cast<std::uint64_t>(value))
        << encoded(Number{value});
  }
  for (int i = 0; i < 200'000; ++i) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (!std::isfinite(value)) continue;
    ASSERT_EQ(std::bit_cast<std::uint32_t>(decoded<SmallNumber>(encoded(SmallNumber{value})).value),
              std::bit_cast<std::uint32_t>(value))
        << encoded(SmallNumber{value});
  }
}

// Whole numbers beyond 2^53 are written with all their digits, and read if a double has them.
TEST(JsonTest, WholeDoublesComeBackBitForBit) {
  for (int exponent = 0; exponent < 1024; ++exponent) {
    for (const double value : {std::ldexp(1.0, exponent), -std::ldexp(1.0, exponent), std::ldexp(1.5, exponent)}) {
      if (!std::isfinite(value)) continue;
      ASSERT_EQ(decoded<Number>(encoded(Number{value})).value, value) << encoded(Number{value});
    }
  }
  EXPECT_EQ(decoded<Number>(R"({"value":9007199254740994})").value, 9007199254740994.0);
  EXPECT_EQ(decoded<Number>(R"({"value":-3})").value, -3.0);
}

struct Twin {
  std::string street;
  std::int32_t zip = 0;
};
BOOST_DESCRIBE_STRUCT(Twin, (), (street, zip))
struct Wider {
  std::string street;
  std::int64_t zip = 0;
};
BOOST_DESCRIBE_STRUCT(Wider, (), (street, zip))
struct Renamed {
  std::string street;
  std::int32_t plz = 0;
};
BOOST_DESCRIBE_STRUCT(Renamed, (), (street, plz))

TEST(JsonTest, TheFingerprintIsOfNamesAndKinds) {
  EXPECT_EQ(Codec<Twin>::fingerprint(), Codec<Address>::fingerprint());
  EXPECT_NE(Codec<Wider>::fingerprint(), Codec<Address>::fingerprint());
  EXPECT_NE(Codec<Renamed>::fingerprint(), Codec<Address>::fingerprint());
  EXPECT_NE(Codec<EveryKind>::fingerprint(), Codec<Node>::fingerprint());
  // Snapshots keep it: a change of this number makes all of them unreadable, once.
  EXPECT_EQ(Codec<Address>::fingerprint(), 15743026284892992035u);
}

// A payload of a megabyte and more, and small ones behind it.
TEST(JsonTest, SizeIsNoLimit) {
  const Address large{std::string(3'000'000, 'x'), 1};
  EXPECT_EQ(decoded<Address>(encoded(large)), large);
  EXPECT_EQ(decoded<Address>(encoded(Address{"y", 2})), (Address{"y", 2}));
}

}  // namespace
}  // namespace daybook::testing
