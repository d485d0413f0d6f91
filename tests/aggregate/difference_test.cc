// What has changed between two states.
#include <daybook/sourcing/difference.h>

#include <gtest/gtest.h>

#include "aggregate/counter.h"

namespace daybook::test {
namespace {

using Changes = std::vector<FieldChange>;

TEST(DifferenceTest, FieldsOfTwoStates) {
  const auto changes = difference(Counter{"Ada", 5}, Counter{"Ada", 7});
  ASSERT_TRUE(is_ok(changes));
  EXPECT_EQ(*changes, (Changes{{"sum", "5", "7"}}));
  EXPECT_EQ(difference(Counter{"Ada", 5}, Counter{"Ada", 5})->size(), 0u);
  EXPECT_EQ(difference(Counter{"Ada", 5}, Counter{"Bob", 6})->size(), 2u);
}

TEST(DifferenceTest, PathsLeadIntoObjectsAndArrays) {
  const auto changes = json_difference(R"({"a":{"b":[1,2,{"c":"x"}]},"gone":null,"same":1})",
                                       R"({"a":{"b":[1,3,{"c":"y"},4]},"new":[],"same":1})");
  ASSERT_TRUE(is_ok(changes));
  EXPECT_EQ(*changes, (Changes{{"a.b[1]", "2", "3"},
                               {"a.b[2].c", R"("x")", R"("y")"},
                               {"a.b[3]", "", "4"},
                               {"gone", "null", ""},
                               {"new", "", "[]"}}));
}

TEST(DifferenceTest, NumbersAreComparedExactlyAndByType) {
  EXPECT_EQ(json_difference("[9007199254740993]", "[9007199254740992]")->size(), 1u);
  EXPECT_EQ(json_difference("[18446744073709551615]", "[18446744073709551614]")->size(), 1u);
  EXPECT_EQ(json_difference(R"([1])", R"(["1"])")->size(), 1u);
  EXPECT_EQ(json_difference("[0.1]", "[0.1]")->size(), 0u);
}

TEST(DifferenceTest, WhatIsNotJsonIsRefused) {
  EXPECT_TRUE(fails_with(json_difference("{", "{}"), Errc::invalid_argument));
  EXPECT_TRUE(fails_with(json_difference("{}", ""), Errc::invalid_argument));
  const std::string deep(100'000, '[');
  EXPECT_TRUE(fails_with(json_difference("{}", deep), Errc::invalid_argument));
}

}  // namespace
}  // namespace daybook::test
