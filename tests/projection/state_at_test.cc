#include "projection/projection_fixture.h"
#include "support/rng.h"

namespace daybook::test {
namespace {

class StateAtTest : public ProjectionTest {
 protected:
  // Snapshots at several places, none of them where the log ends.
  void save_some_snapshots() {
    Projection<Totals> projection(store());
    for (std::uint64_t part = 0; part < 4; ++part) {
      append_story(part * 250, part * 250 + 250);
      ASSERT_TRUE(is_ok(projection.catch_up()));
      ASSERT_TRUE(is_ok(projection.save_snapshot()));
    }
    append_story(1'000, 1'100);
    ASSERT_EQ(store().snapshots().list("projection/")->size(), 4u);
  }
};

TEST_F(StateAtTest, EveryPosition) {
  save_some_snapshots();
  const Projection<Totals> projection(store());
  for (Position at = 0; at <= 1'105; at += at < 260 || at > 990 ? 1 : 7) {
    const auto state = projection.state_at(AsOf::position(at));
    ASSERT_TRUE(is_ok(state));
    ASSERT_EQ(*state, fold(store(), at)) << at;
  }
  EXPECT_EQ(*projection.state_at(AsOf::position(~Position{0})), fold(store()));
}

TEST_F(StateAtTest, EveryRecordedTime) {
  save_some_snapshots();
  std::vector<Timestamp> times;
  Cursor cursor = store().read();
  while (const EventView* event = cursor.next()) times.push_back(event->recorded_at);
  const Projection<Totals> projection(store());
  const auto check = [&](Timestamp time) {
    const auto state = projection.state_at(AsOf::recorded(time));
    ASSERT_TRUE(is_ok(state));
    ASSERT_EQ(*state, fold(store(), [&](const EventView& event) { return event.recorded_at <= time; }));
  };
  Rng rng(3);
  for (int i = 0; i < 200; ++i) {
    const Timestamp time = times[rng.below(times.size())];
    check(time);
    check(time - 1ns);
  }
  check(Timestamp{});
  check(Timestamp::max());
}

// What had occurred by then may have been recorded in any order: no snapshot says anything about it.
TEST_F(StateAtTest, OccurredTimes) {
  const Timestamp base(std::chrono::sys_days(std::chrono::year(2020) / 1 / 1));
  for (int i = 0; i < 200; ++i) {
    const std::int64_t cents = i;
    const std::string_view bytes(reinterpret_cast<const char*>(&cents), sizeof(cents));
    ASSERT_TRUE(is_ok(
        store().append("s", Expect::any(),
                       {{.type = "Moved", .payload = bytes, .occurred_at = base + std::chrono::hours(i * 37 % 200)}})));
  }
  Projection<Totals> projection(store());
  ASSERT_TRUE(is_ok(projection.catch_up()));
  ASSERT_TRUE(is_ok(projection.save_snapshot()));
  for (const int hour : {-1, 0, 1, 50, 199, 1'000}) {
    const Timestamp time = base + std::chrono::hours(hour);
    const auto state = projection.state_at(AsOf::occurred(time));
    ASSERT_TRUE(is_ok(state));
    EXPECT_EQ(*state, fold(store(), [&](const EventView& event) { return event.occurred_at <= time; }));
  }
}

// The window of the projection's own query stays where it is narrower.
TEST_F(StateAtTest, WithinTheWindowOfTheQuery) {
  append_story(0, 100);
  Cursor cursor = store().read({.after = 49, .limit = 1});
  const Timestamp middle = cursor.next()->recorded_at;
  const Projection<Totals> projection(store(), {.query = Query{.recorded_before = middle}});
  const auto state = projection.state_at(AsOf::recorded(Timestamp::max()));
  ASSERT_TRUE(is_ok(state));
  EXPECT_EQ(*state, fold(store(), [&](const EventView& event) { return event.recorded_at < middle; }));
  const auto later = projection.state_at(AsOf::recorded(middle + std::chrono::hours(1)));
  EXPECT_EQ(*later, *state);
}

TEST_F(StateAtTest, SaysWhatItCannotDo) {
  append_story(0, 10);
  append_poison();
  const Projection<Totals> projection(store());
  EXPECT_TRUE(fails_with(projection.state_at(AsOf::version(3)), Errc::invalid_argument));
  EXPECT_TRUE(is_ok(projection.state_at(AsOf::position(10))));
  EXPECT_TRUE(fails_with(projection.state_at(AsOf::position(11)), Errc::bad_event, 0, "cannot decode"));
}

}  // namespace
}  // namespace daybook::test
