#include <daybook/sourcing/event_set.h>

#include <gtest/gtest.h>

#include <string>

namespace daybook {
namespace {

struct Opened {
  static constexpr EventType kEventType{.name = "Opened"};
};
struct Closed {
  static constexpr EventType kEventType{.name = "Closed", .schema_version = 2, .aliases = {"Ended", "Finished"}};
};
struct OpenedAgain {
  static constexpr EventType kEventType{.name = "Reopened", .aliases = {"Opened"}};
};
struct Ended {
  static constexpr EventType kEventType{.name = "Terminated", .aliases = {"Gone", "Ended"}};
};
struct Nameless {
  static constexpr EventType kEventType{.name = ""};
};

// Written by somebody else; its name is declared beside it.
struct Foreign {
  int value = 0;
};

}  // namespace

template <>
struct EventTypeOf<Foreign> {
  static constexpr EventType value{.name = "Foreign", .schema_version = 4};
};

namespace {

static_assert(EventStruct<Opened> && EventStruct<Foreign> && !EventStruct<int>);
static_assert(event_type<Foreign>.schema_version == 4);

static_assert(names_are_distinct<>());
static_assert(names_are_distinct<Opened, Closed, Foreign>());
static_assert(!names_are_distinct<Opened, Opened>());
static_assert(!names_are_distinct<Opened, Closed, OpenedAgain>(), "an alias of one is the name of the other");
static_assert(!names_are_distinct<Closed, Ended>(), "two have an alias in common");

static_assert(names_are_valid<Closed>());
static_assert(!names_are_valid<Nameless>());

TEST(EventTypeTest, IsCalledByItsNameAndItsAliasesOnly) {
  constexpr EventType type = event_type<Closed>;
  for (const std::string name : {"Closed", "Ended", "Finished"}) EXPECT_TRUE(type.is_called(name)) << name;
  for (const std::string name : {"", "Close", "Closed ", "closed", "Opened"})
    EXPECT_FALSE(type.is_called(name)) << name;
}

}  // namespace
}  // namespace daybook
