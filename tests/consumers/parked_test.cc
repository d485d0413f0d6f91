// Events that were set aside.
#include <string>
#include <vector>

#include "consumers/consumer_fixture.h"

namespace daybook::test {
namespace {

const Error kNo{.code = Errc::refused, .what = "no", .detail = ErrorText("because")};

class ParkedTest : public ConsumersTest {
 protected:
  // Parks those positions of a new consumer, and acknowledges everything.
  void park(std::string_view name, const std::vector<Position>& positions) {
    auto consumer = open(name);
    while (const EventView* const event = consumer.next()) {
      if (std::ranges::find(positions, event->position) == positions.end()) continue;
      ASSERT_TRUE(is_ok(consumer.park(kNo)));
    }
    ASSERT_TRUE(is_ok(consumer.ack()));
  }
  std::vector<Position> parked(std::string_view name) {
    std::vector<Position> positions;
    const auto events = store().parked(name);
    EXPECT_TRUE(is_ok(events));
    for (const ParkedEvent& event : events.value_or(std::vector<ParkedEvent>{})) positions.push_back(event.position);
    return positions;
  }
  // A handler that notes what it is called with, and fails for some.
  EventHandler note(std::vector<Position>& seen, std::vector<Position> bad = {}) {
    return [&seen, bad = std::move(bad)](const EventView& event) -> Result<void> {
      seen.push_back(event.position);
      if (std::ranges::find(bad, event.position) != bad.end()) return refuse("still no");
      return {};
    };
  }
};

TEST_F(ParkedTest, AParkedEventIsKeptWithItsErrorAndNotReturnedAgain) {
  append_many(3);
  append_to("other", "x");
  append_many(1);
  {
    auto consumer = open("a");
    EXPECT_TRUE(fails_with(consumer.park(kNo), Errc::invalid_argument));
    (void)read(consumer, 4);
    ASSERT_TRUE(is_ok(consumer.park(kNo)));
    EXPECT_TRUE(fails_with(consumer.park(kNo), Errc::invalid_argument));  // once
  }
  // Nothing was acknowledged: everything comes again, but for what is parked.
  auto consumer = open("a");
  EXPECT_EQ(read(consumer, 100), (std::vector<Position>{1, 2, 3, 5}));
  const auto events = store().parked("a");
  ASSERT_TRUE(is_ok(events));
  ASSERT_EQ(events->size(), 1u);
  const ParkedEvent& event = events->front();
  EXPECT_EQ(event.position, 4u);
  EXPECT_EQ(event.stream, "other");
  EXPECT_EQ(event.version, 1u);
  EXPECT_EQ(event.type, "T");
  EXPECT_EQ(event.attempts, 1u);
  EXPECT_EQ(event.error, "refused: no: because");
  EXPECT_GT(event.parked_at, Timestamp(std::chrono::seconds(1'600'000'000)));
}

TEST_F(ParkedTest, ReplayUnparksWhatSucceeds) {
  append_many(10);
  park("a", {2, 5, 7});
  append_to("other", "x");
  park("b", {});
  std::vector<Position> seen;
  auto report = store().replay_parked("a", note(seen, {5}));
  ASSERT_TRUE(is_ok(report));
  EXPECT_EQ(seen, (std::vector<Position>{2, 5}));  // 7 is of the same stream as 5
  EXPECT_EQ(report->done, 1u);
  EXPECT_EQ(report->failed, 1u);
  EXPECT_EQ(report->left, 1u);
  EXPECT_EQ(parked("a"), (std::vector<Position>{5, 7}));
  const auto events = store().parked("a").value();
  EXPECT_EQ(events[0].attempts, 2u);
  EXPECT_EQ(events[0].error, "refused: still no");
  EXPECT_EQ(events[1].attempts, 1u);

  seen.clear();
  report = store().replay_parked("a", note(seen));
  ASSERT_TRUE(is_ok(report));
  EXPECT_EQ(seen, (std::vector<Position>{5, 7}));
  EXPECT_EQ(report->done, 2u);
  EXPECT_TRUE(parked("a").empty());
  EXPECT_EQ(store().replay_parked("b", note(seen)).value().done, 0u);
  EXPECT_TRUE(fails_with(store().replay_parked("nobody", note(seen)), Errc::not_found));
}

TEST_F(ParkedTest, AnExceptionIsAnError) {
  append_many(2);
  park("a", {1, 2});
  const auto report = store().replay_parked("a", [](const EventView& event) -> Result<void> {
    if (event.position == 1) throw std::runtime_error("thrown");
    throw 7;
  });
  ASSERT_TRUE(is_ok(report));
  EXPECT_EQ(report->failed, 1u);
  EXPECT_EQ(store().parked("a").value()[0].error, "refused: exception of a handler: thrown");
}

TEST_F(ParkedTest, OneMayBeGivenUp) {
  append_many(5);
  park("a", {2, 4});
  EXPECT_TRUE(fails_with(store().discard_parked("a", 3), Errc::not_found));
  ASSERT_TRUE(is_ok(store().discard_parked("a", 2)));
  EXPECT_EQ(parked("a"), std::vector<Position>{4});
  EXPECT_TRUE(fails_with(store().discard_parked("a", 2), Errc::not_found));
  EXPECT_TRUE(fails_with(store().parked("nobody"), Errc::not_found));
}

TEST_F(ParkedTest, AResetTakesBackWhatIsBehindIt) {
  append_many(10);
  park("a", {2, 5, 7});
  auto consumer = open("a", {.reset = StartAt::after(4)});
  EXPECT_EQ(parked("a"), std::vector<Position>{2});
  EXPECT_EQ(read(consumer, 100), positions(5, 10));
}

TEST_F(ParkedTest, SurvivesAJournalWrittenAnew) {
  append_many(10);
  park("a", {2, 5});
  {
    auto consumer = open("a");
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(is_ok(consumer.reset(StartAt::after(9))));
  }
  std::filesystem::resize_file(path() / "consumers" / "a~1.journal",
                               std::filesystem::file_size(path() / "consumers" / "a~1.journal") - 1);
  EXPECT_EQ(open("a").position(), 9u);
  EXPECT_TRUE(std::filesystem::exists(path() / "consumers" / "a~2.journal"));
  EXPECT_EQ(parked("a"), (std::vector<Position>{2, 5}));
}

}  // namespace
}  // namespace daybook::test
