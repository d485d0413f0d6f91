// What is not exactly a value of the struct is refused, and the error says where and why.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "sourcing/every_kind.h"

namespace daybook::testing {
namespace {

struct Person {
  std::string name;
  std::vector<Address> address;
  std::optional<Color> color;
  std::map<std::string, std::uint8_t> scores;
};
BOOST_DESCRIBE_STRUCT(Person, (), (name, address, color, scores))

struct Owned {
  Person owner;
};
BOOST_DESCRIBE_STRUCT(Owned, (), (owner))

// The error of decoding `text`, as "detail: what".
template <typename T>
std::string refusal(std::string_view text) {
  T value{};
  const auto done = Codec<T>::decode(text, value);
  if (done) return "accepted";
  EXPECT_EQ(done.error().code, Errc::bad_event);
  return std::string(done.error().detail.view()) + ": " + done.error().what;
}

std::string owned(std::string_view address, std::string_view rest = R"(,"scores":{})") {
  return R"({"owner":{"name":"Ada","address":)" + std::string(address) + std::string(rest) + "}}";
}

TEST(JsonRefusalTest, TheBaseOfTheCasesBelowIsGood) {
  EXPECT_EQ(refusal<Owned>(owned(R"([{"street":"x","zip":1}])")), "accepted");
  EXPECT_EQ(refusal<Owned>(owned("[]", R"(,"color":"red","scores":{"a":1})")), "accepted");
}

TEST(JsonRefusalTest, NamesThePathOfTheField) {
  EXPECT_EQ(refusal<Owned>(owned(R"([{"street":"x","zip":1},{"street":"y","zip":2147483648}])")),
            "field owner.address[1].zip = 2147483648: out of range");
  EXPECT_EQ(refusal<Owned>(owned(R"([{"street":"x"}])")), "field owner.address[0].zip: is missing");
  EXPECT_EQ(refusal<Owned>(owned(R"([{"street":"x","zip":1,"zap":2}])")), "field owner.address[0].zap: is unknown");
  EXPECT_EQ(refusal<Owned>(owned(R"([{"street":"x","zip":1,"zip":1}])")), "field owner.address[0].zip: is there twice");
  EXPECT_EQ(refusal<Owned>(owned("[]", R"(,"scores":{"a":1,"b":256})")),
            R"(field owner.scores["b"] = 256: out of range)");
  EXPECT_EQ(refusal<Owned>(owned("[]", R"(,"scores":{"a":1,"a":2})")), R"(field owner.scores["a"]: is there twice)");
  EXPECT_EQ(refusal<Owned>(owned("[]", R"(,"color":"mauve","scores":{})")),
            "field owner.color = mauve: no such enumerator");
}

TEST(JsonRefusalTest, TypesAreNotConverted) {
  EXPECT_EQ(refusal<Address>(R"({"street":7,"zip":1})"), "field street = 7: text is needed");
  EXPECT_EQ(refusal<Address>(R"({"street":null,"zip":1})"), "field street = null: text is needed");
  EXPECT_EQ(refusal<Address>(R"({"street":"x","zip":"1"})"), R"(field zip = "1": an integer is needed)");
  EXPECT_EQ(refusal<Address>(R"({"street":"x","zip":1.0})"), "field zip = 1.0: an integer is needed");
  EXPECT_EQ(refusal<Address>(R"({"street":"x","zip":1e2})"), "field zip = 1e2: an integer is needed");
  EXPECT_EQ(refusal<Address>(R"({"street":"x","zip":true})"), "field zip = true: an integer is needed");
  EXPECT_EQ(refusal<Owned>(R"({"owner":[]})"), "field owner = [: an object is needed");
  EXPECT_EQ(refusal<Owned>(owned("{}")), "field owner.address = {: a list is needed");
  EXPECT_EQ(refusal<Address>("[]"), ": an object is needed");
  EXPECT_EQ(refusal<Address>("7"), ": an object is needed");
}

template <typename T>
struct One {
  T value{};
  BOOST_DESCRIBE_CLASS(One, (), (value), (), ())
};

template <typename T>
std::string refusal_of(std::string_view value) {
  return refusal<One<T>>(R"({"value":)" + std::string(value) + "}");
}

TEST(JsonRefusalTest, IntegersAreExact) {
  EXPECT_EQ(refusal_of<std::int8_t>("127"), "accepted");
  EXPECT_EQ(refusal_of<std::int8_t>("128"), "field value = 128: out of range");
  EXPECT_EQ(refusal_of<std::int8_t>("-129"), "field value = -129: out of range");
  EXPECT_EQ(refusal_of<std::uint8_t>("-1"), "field value = -1: out of range");
  EXPECT_EQ(refusal_of<std::int64_t>("9223372036854775807"), "accepted");
  EXPECT_EQ(refusal_of<std::int64_t>("9223372036854775808"), "field value = 9223372036854775808: out of range");
  EXPECT_EQ(refusal_of<std::int64_t>("-9223372036854775809"), "field value = -9223372036854775809: out of range");
  EXPECT_EQ(refusal_of<std::uint64_t>("18446744073709551615"), "accepted");
  EXPECT_EQ(refusal_of<std::uint64_t>("18446744073709551616"), "field value = 18446744073709551616: out of range");
  EXPECT_NE(refusal_of<std::int64_t>("01"), "accepted");
  EXPECT_NE(refusal_of<std::int64_t>("+1"), "accepted");
  EXPECT_NE(refusal_of<std::int64_t>("-"), "accepted");
  EXPECT_NE(refusal_of<std::int64_t>("0x10"), "accepted");
  EXPECT_NE(refusal_of<std::int64_t>("1 2"), "accepted");
}

TEST(JsonRefusalTest, FloatsAreFiniteAndWholeNumbersExact) {
  EXPECT_EQ(refusal_of<double>("1e308"), "accepted");
  EXPECT_EQ(refusal_of<double>("1e309"), "field value = 1e309: out of range");
  EXPECT_EQ(refusal_of<double>("9007199254740992"), "accepted");
  EXPECT_EQ(refusal_of<double>("9007199254740993"),
            "field value = 9007199254740993: a number of this type cannot be that");
  EXPECT_EQ(refusal_of<double>("-9007199254740993"),
            "field value = -9007199254740993: a number of this type cannot be that");
  EXPECT_EQ(refusal_of<float>("16777216"), "accepted");
  EXPECT_EQ(refusal_of<float>("16777217"), "field value = 16777217: a number of this type cannot be that");
  EXPECT_EQ(refusal_of<float>("1e39"), "field value = 1e39: out of range");
  EXPECT_EQ(refusal_of<double>("NaN"), "field value = NaN: a number is needed");
  EXPECT_EQ(refusal_of<double>("null"), "field value = null: a number is needed");
  EXPECT_EQ(refusal_of<double>("\"1\""), "field value = \"1\": a number is needed");
}

TEST(JsonRefusalTest, ListsOfAFixedSizeHaveIt) {
  EXPECT_EQ((refusal_of<std::array<int, 2>>("[1,2]")), "accepted");
  EXPECT_EQ((refusal_of<std::array<int, 2>>("[1]")), "field value: too few elements");
  EXPECT_EQ((refusal_of<std::array<int, 2>>("[1,2,3]")), "field value: too many elements");
  EXPECT_EQ((refusal_of<std::array<int, 2>>("[1,true]")), "field value[1] = true: an integer is needed");
}

TEST(JsonRefusalTest, MalformedTextIsRefusedWhereverItBreaks) {
  const std::string good =
      R"({"owner":{"name":"A\nda","address":[{"street":"x","zip":1}],"color":"red","scores":{"a":1}}})";
  ASSERT_EQ(refusal<Owned>(good), "accepted");
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(refusal<Owned>(good.substr(0, size)), "accepted") << good.substr(0, size);
  }
  for (const std::string_view behind : {"x", "{}", "1", "}", "]", ",", "\"\""}) {
    EXPECT_NE(refusal<Owned>(good + std::string(behind)), "accepted") << behind;
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string changed = good;
    changed[at] = '\xff';
    EXPECT_NE(refusal<Owned>(changed), "accepted") << at;
  }
  for (const std::string_view bad :
       {R"({"street":"x",,"zip":1})", R"({"street":"x" "zip":1})", R"({"street":"x","zip":1,})",
        R"({"street" "x","zip":1})", R"({street:"x","zip":1})", R"({"street":"\x","zip":1})",
        R"({"street":"\ud800","zip":1})", "{\"street\":\"a\nb\",\"zip\":1}", R"({'street':"x","zip":1})",
        R"({"street":"x","zip":1]})"}) {
    EXPECT_NE(refusal<Address>(bad), "accepted") << bad;
  }
}

TEST(JsonRefusalTest, NestingHasALimitBothWays) {
  Node node;
  for (int i = 0; i < 100'000; ++i) {
    Node outer;
    outer.children.push_back(std::move(node));
    node = std::move(outer);
    if (i < 40) continue;
    std::string text = "before";
    const auto done = Codec<Node>::encode(node, text);
    ASSERT_FALSE(done);
    EXPECT_STREQ(done.error().what, "nested too deep");
    EXPECT_EQ(text, "before");
    break;
  }
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += R"({"value":1,"children":[)";
  EXPECT_NE(refusal<Node>(deep), "accepted");
  for (int i = 0; i < 100'000; ++i) deep += "]}";
  EXPECT_NE(refusal<Node>(deep).find("nested too deep"), std::string::npos);
}

template <typename T>
std::string write_refusal(const T& value) {
  std::string text = "before";
  const auto done = Codec<T>::encode(value, text);
  EXPECT_EQ(text.substr(0, 6), "before");
  if (done) return "accepted";
  EXPECT_EQ(text, "before");
  EXPECT_EQ(done.error().code, Errc::bad_event);
  return std::string(done.error().detail.view()) + ": " + done.error().what;
}

// What could not be read again is not written.
TEST(JsonRefusalTest, WritesNothingThatItWouldNotRead) {
  EXPECT_EQ(write_refusal(One<double>{std::numeric_limits<double>::quiet_NaN()}), "field value: number is not finite");
  EXPECT_EQ(write_refusal(One<float>{-std::numeric_limits<float>::infinity()}), "field value: number is not finite");
  EXPECT_EQ(write_refusal(One<std::string>{"\xc3("}), "field value: text is not UTF-8");
  EXPECT_EQ(write_refusal(One<Color>{static_cast<Color>(3)}), "field value: enumerator without a name");
  EXPECT_EQ(write_refusal(One<std::vector<Address>>{{{"a", 1}, {"\xff", 1}}}),
            "field value[1].street: text is not UTF-8");
  EXPECT_EQ(write_refusal(One<std::map<std::string, double>>{{{"a", 1}, {"b", HUGE_VAL}}}),
            R"(field value["b"]: number is not finite)");
}

}  // namespace
}  // namespace daybook::testing
