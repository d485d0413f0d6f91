// A struct with a member of every kind that JSON can hold.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/describe.hpp>

#include <daybook/sourcing/json.h>

namespace daybook::testing {

enum class Color : std::uint8_t { red = 1, green = 2, blue = 200 };
BOOST_DESCRIBE_ENUM(Color, red, green, blue)

struct Address {
  std::string street;
  std::int32_t zip = 0;
  friend bool operator==(const Address&, const Address&) = default;
};
BOOST_DESCRIBE_STRUCT(Address, (), (street, zip))

struct Node {
  std::int32_t value = 0;
  std::vector<Node> children;
  friend bool operator==(const Node&, const Node&) = default;
};
BOOST_DESCRIBE_STRUCT(Node, (), (value, children))

struct Base {
  std::int16_t inherited = 0;
  friend bool operator==(const Base&, const Base&) = default;
};
BOOST_DESCRIBE_STRUCT(Base, (), (inherited))

struct EveryKind : Base {
  bool flag = false;
  std::int8_t i8 = 0;
  std::int16_t i16 = 0;
  std::int32_t i32 = 0;
  std::int64_t i64 = 0;
  std::uint8_t u8 = 0;
  std::uint16_t u16 = 0;
  std::uint32_t u32 = 0;
  std::uint64_t u64 = 0;
  long long longest = 0;
  float f32 = 0;
  double f64 = 0;
  std::string text;
  Timestamp time{};
  Color color = Color::red;
  std::optional<std::int32_t> maybe;
  std::optional<Address> maybe_address;
  std::vector<std::string> names;
  std::vector<std::optional<std::int32_t>> holes;
  std::array<std::uint8_t, 3> three{};
  Address address;
  std::vector<Address> addresses;
  std::map<std::string, std::int64_t> counts;
  std::unordered_map<std::string, std::vector<double>> series;
  Node tree;
  friend bool operator==(const EveryKind&, const EveryKind&) = default;
};
BOOST_DESCRIBE_STRUCT(EveryKind, (Base),
                      (flag, i8, i16, i32, i64, u8, u16, u32, u64, longest, f32, f64, text, time, color, maybe,
                       maybe_address, names, holes, three, address, addresses, counts, series, tree))

}  // namespace daybook::testing
