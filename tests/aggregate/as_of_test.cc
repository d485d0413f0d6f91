// State of the past, and what happened between two moments.
#include <daybook/sourcing/as_of.h>

#include <chrono>
#include <thread>
#include <vector>

#include "aggregate/counter.h"

namespace daybook::test {
namespace {

// Twenty events of one counter, between events of another; every fourth occurred a day before it was recorded.
class AsOfTest : public SourcingTest, public ::testing::WithParamInterface<std::uint64_t> {
 protected:
  AsOfTest() : counters_(store(), {.snapshots = {.every_events = GetParam()}}) {
    for (int i = 1; i <= 20; ++i) {
      std::optional<Timestamp> occurred;
      if (i % 4 == 0) occurred = now() - std::chrono::days(1);
      EXPECT_TRUE(
          is_ok(counters_.update("7", [&](auto& counter) { counter.emit(Added{i}, {.occurred_at = occurred}); })));
      add(counters_, "8", 1);
    }
    Cursor cursor = store().read_stream("counter-7");
    while (const EventView* event = cursor.next()) {
      sums_.push_back((sums_.empty() ? 0 : sums_.back()) + static_cast<std::int64_t>(event->version));
      positions_.push_back(event->position);
      recorded_.push_back(event->recorded_at);
    }
  }

  static Timestamp now() { return std::chrono::time_point_cast<Timestamp::duration>(std::chrono::system_clock::now()); }

  Repository<Counter> counters_;
  std::vector<std::int64_t> sums_;  // after the i-th event, from 0
  std::vector<Position> positions_;
  std::vector<Timestamp> recorded_;
};

TEST_P(AsOfTest, Version) {
  EXPECT_FALSE(counters_.load_at("7", AsOf::version(0))->exists());
  for (Version version = 1; version <= 20; ++version) {
    const auto then = counters_.load_at("7", AsOf::version(version));
    ASSERT_TRUE(is_ok(then));
    EXPECT_EQ(then->state().sum, sums_[version - 1]);
    EXPECT_EQ(then->version(), version);
  }
  EXPECT_EQ(counters_.load_at("7", AsOf::version(1000))->version(), 20u);
}

TEST_P(AsOfTest, Position) {
  for (Position position = 0; position <= 41; ++position) {
    std::int64_t expected = 0;
    for (std::size_t i = 0; i < 20; ++i) {
      if (positions_[i] <= position) expected = sums_[i];
    }
    const auto then = counters_.load_at("7", AsOf::position(position));
    ASSERT_TRUE(is_ok(then));
    EXPECT_EQ(then->state().sum, expected) << position;
  }
}

TEST_P(AsOfTest, RecordedTime) {
  const auto at = [&](Timestamp time) { return counters_.load_at("7", AsOf::recorded(time))->state().sum; };
  EXPECT_EQ(at(recorded_[0] - std::chrono::nanoseconds(1)), 0);
  for (std::size_t i = 0; i < 20; ++i) {
    std::size_t last = i;  // the clock is coarse: several events may have the same time
    while (last + 1 < 20 && recorded_[last + 1] == recorded_[i]) ++last;
    EXPECT_EQ(at(recorded_[i]), sums_[last]);
  }
}

TEST_P(AsOfTest, OccurredTimeSeesWhatWasRecordedLate) {
  const auto yesterday = counters_.load_at("7", AsOf::occurred(now() - std::chrono::hours(12)));
  ASSERT_TRUE(is_ok(yesterday));
  EXPECT_EQ(yesterday->state().sum, 4 + 8 + 12 + 16 + 20);
  EXPECT_EQ(counters_.load_at("7", AsOf::occurred(now() - std::chrono::days(2)))->state().sum, 0);
  EXPECT_EQ(counters_.load_at("7", AsOf::occurred(now()))->state().sum, 210);
  // Events are missing in between, so nothing may be decided on it.
  auto state = *yesterday;
  state.emit(Added{1});
  EXPECT_TRUE(fails_with(counters_.save(state), Errc::invalid_argument));
}

TEST_P(AsOfTest, ThePastMayBeDecidedOnButNotSaved) {
  auto then = counters_.load_at("7", AsOf::version(5));
  then->emit(Added{1});
  EXPECT_TRUE(fails_with(counters_.save(*then), Errc::wrong_version, 0, "expected version"));
}

TEST_P(AsOfTest, HistoryBetweenTwoMoments) {
  const auto versions = [&](const HistoryWindow& window) {
    std::vector<Version> seen;
    EXPECT_TRUE(
        is_ok(counters_.history("7", window, [&](const auto&, const EventView& at) { seen.push_back(at.version); })));
    return seen;
  };
  EXPECT_EQ(versions({}).size(), 20u);
  EXPECT_EQ(versions({.from_version = 3, .to_version = 5}), (std::vector<Version>{3, 4, 5}));
  std::vector<Version> expected;
  for (std::size_t i = 0; i < 20; ++i) {
    if (recorded_[i] >= recorded_[4] && recorded_[i] <= recorded_[9]) expected.push_back(i + 1);
  }
  EXPECT_EQ(versions({.from = recorded_[4], .to = recorded_[9]}), expected);
  const auto stopped =
      counters_.history("7", {}, [](const auto&, const EventView&) -> Result<void> { return refuse("enough"); });
  EXPECT_TRUE(fails_with(stopped, Errc::refused));
}

// With snapshots every so many events: 0 = none.
INSTANTIATE_TEST_SUITE_P(Snapshots, AsOfTest, ::testing::Values(0, 1, 3, 7));

}  // namespace
}  // namespace daybook::test
