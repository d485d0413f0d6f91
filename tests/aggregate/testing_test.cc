// The helpers for users' own tests say yes when it is yes, and why when it is no.
#include <daybook/sourcing/testing.h>

#include <sstream>

#include "aggregate/counter.h"

namespace daybook::test {
namespace {

Result<void> take(Aggregate<Counter>& counter, std::int64_t amount) {
  if (!counter.exists()) return refuse("not started");
  if (amount > counter->sum) return refuse("not enough");
  if (amount == 0) return {};
  counter.emit(Added{-amount});
  return {};
}

const auto kTakeSeven = [](auto& counter) { return take(counter, 7); };
const auto kTakeNothing = [](auto& counter) { return take(counter, 0); };

TEST(GivenTest, ThenTheEventsAreTheseAndNoOthers) {
  const auto outcome = given<Counter>(Started{"Ada"}, Added{10}).when(kTakeSeven);
  EXPECT_TRUE(outcome.then(Added{-7}));
  EXPECT_FALSE(outcome.then(Added{-8}));
  EXPECT_FALSE(outcome.then(Started{"Ada"}));
  EXPECT_FALSE(outcome.then(Added{-7}, Added{-7}));
  EXPECT_FALSE(outcome.then_nothing());
  EXPECT_FALSE(outcome.then_refused("not enough"));
  EXPECT_TRUE(outcome.then_state([](const Counter& counter) { return counter.sum == 3; }));
  EXPECT_FALSE(outcome.then_state([](const Counter& counter) { return counter.sum == 10; }));
  EXPECT_EQ(outcome.then(Added{-8}).message,
            "expected: Added {\"amount\":-8} #minus\nfound: Added {\"amount\":-7} #minus");
}

TEST(GivenTest, ThenItWasRefused) {
  const auto outcome = given<Counter>(Started{"Ada"}, Added{5}).when(kTakeSeven);
  EXPECT_TRUE(outcome.then_refused("not enough"));
  EXPECT_FALSE(outcome.then_refused("not started"));
  EXPECT_FALSE(outcome.then(Added{-7}));
  EXPECT_FALSE(outcome.then_nothing());
  std::ostringstream said;
  said << outcome.then_refused("not started");
  EXPECT_EQ(said.str(), "expected: refused: not started\nfound: refused: not enough");
  EXPECT_TRUE(given<Counter>().when(kTakeSeven).then_refused("not started"));
}

TEST(GivenTest, ThenNothing) {
  EXPECT_TRUE(given<Counter>(Started{"Ada"}).when(kTakeNothing).then_nothing());
  EXPECT_TRUE(given<Counter>(Started{"Ada"}).when([](auto&) {}).then_nothing());
}

TEST(GivenTest, ARefusalAfterAnEventIsNotARefusal) {
  const auto outcome = given<Counter>(Started{"Ada"}).when([](auto& counter) -> Result<void> {
    counter.emit(Added{1});
    return refuse("too late");
  });
  EXPECT_FALSE(outcome.then_refused("too late"));
}

}  // namespace
}  // namespace daybook::test
