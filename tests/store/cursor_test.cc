// Reading.
#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "store/store_fixture.h"
#include "support/rng.h"

namespace daybook::test {
namespace {

using namespace std::chrono_literals;

class CursorTest : public StoreTest {
 protected:
  // What a cursor should return, taken from a list of everything.
  static std::vector<Position> expected(const std::vector<StoredEvent>& all, const ReadOptions& options) {
    std::vector<Position> found;
    if (options.direction == Direction::forward) {
      for (const StoredEvent& event : all) {
        if (event.position <= options.after) continue;
        if (options.recorded_at && event.recorded_at < options.recorded_at->time_since_epoch().count()) continue;
        found.push_back(event.position);
      }
      return found;
    }
    for (auto event = all.rbegin(); event != all.rend(); ++event) {
      if (options.before != 0 && event->position >= options.before) continue;
      if (options.recorded_at && event->recorded_at > options.recorded_at->time_since_epoch().count()) continue;
      found.push_back(event->position);
    }
    return found;
  }
  void expect_same(const std::vector<StoredEvent>& all, const ReadOptions& options) {
    ASSERT_EQ(read_positions(store(), options), expected(all, options))
        << "after " << options.after << ", before " << options.before << ", recorded_at "
        << (options.recorded_at ? options.recorded_at->time_since_epoch().count() : -1);
  }
  // Events in frames of 1 to 40, in several segments.
  void append_frames(std::size_t frames) {
    for (std::size_t i = 0; i < frames; ++i) {
      const std::vector<NewEvent> events(1 + rng_.below(rng_.coin() ? 3 : 40), NewEvent{.type = "T", .payload = "p"});
      ASSERT_TRUE(is_ok(store().append("s" + std::to_string(rng_.below(10)), Expect::any(), events)));
    }
  }

  Rng rng_{42};
};

TEST_F(CursorTest, EmptyStore) {
  for (const auto direction : {Direction::forward, Direction::backward}) {
    auto cursor = store().read({.direction = direction});
    EXPECT_EQ(cursor.next(), nullptr);
    EXPECT_EQ(cursor.next(), nullptr);
    EXPECT_FALSE(cursor.error().has_value());
    EXPECT_TRUE(read_all(store(), {.recorded_at = Timestamp(), .direction = direction}).empty());
  }
}

TEST_F(CursorTest, AfterAndBeforeEveryPosition) {
  append_frames(300);
  const auto all = read_all(store());
  ASSERT_GT(store().info()->segments.size(), 2u);
  const Position last = all.back().position;
  for (Position position = 0; position <= last + 2; position += 1 + rng_.below(40)) {
    expect_same(all, {.after = position});
    expect_same(all, {.before = position, .direction = Direction::backward});
  }
  for (const Position position : {last - 1, last, last + 1, last + 1000, ~Position{0}}) {
    expect_same(all, {.after = position});
    expect_same(all, {.before = position, .direction = Direction::backward});
  }
}

TEST_F(CursorTest, AcrossManySegments) {
  append_frames(4000);
  const auto all = read_all(store());
  ASSERT_GT(store().info()->segments.size(), 30u);
  expect_same(all, {.direction = Direction::backward});
  for (int i = 0; i < 40; ++i) {
    const Position position = rng_.below(all.size() + 10);
    auto cursor = store().read({.after = position});
    const EventView* const next = cursor.next();
    if (position >= all.size()) {
      EXPECT_EQ(next, nullptr);
      continue;
    }
    ASSERT_NE(next, nullptr);
    EXPECT_EQ(StoredEvent(*next), all[position]);
    auto back = store().read({.before = position + 2, .direction = Direction::backward});
    const EventView* const before = back.next();
    ASSERT_NE(before, nullptr);
    EXPECT_EQ(StoredEvent(*before), all[position]);
  }
}

TEST_F(CursorTest, FromARecordedTime) {
  std::vector<std::int64_t> times{0};
  for (int i = 0; i < 12; ++i) {
    append_frames(40);
    std::this_thread::sleep_for(10ms);
  }
  const auto all = read_all(store());
  for (const StoredEvent& event : all) {
    if (event.recorded_at != times.back()) times.push_back(event.recorded_at);
  }
  ASSERT_GT(times.size(), 5u);
  times.push_back(std::chrono::nanoseconds(24h).count() + times.back());
  for (const std::int64_t time : times) {
    for (const std::int64_t by : {-1, 0, 1}) {
      const Timestamp at{std::chrono::nanoseconds(time + by)};
      expect_same(all, {.recorded_at = at});
      expect_same(all, {.recorded_at = at, .direction = Direction::backward});
      const Position position = rng_.below(all.size());
      expect_same(all, {.after = position, .recorded_at = at});
      expect_same(all, {.before = position, .recorded_at = at, .direction = Direction::backward});
    }
  }
}

TEST_F(CursorTest, VerifiedOrNotIsTheSame) {
  append_frames(300);
  const auto all = read_all(store());
  EXPECT_EQ(read_all(store(), {.verify = true}), all);
  auto reader = Store::open(path(), read_only());
  ASSERT_TRUE(is_ok(reader));
  EXPECT_EQ(read_all(*reader), all);
  EXPECT_EQ(read_all(*reader, {.verify = false}), all);
  EXPECT_EQ(read_all(*reader, {.verify = true}), all);
}

TEST_F(CursorTest, GoesOnWhereItStopped) {
  auto cursor = store().read();
  EXPECT_EQ(cursor.next(), nullptr);
  Position seen = 0;
  for (int round = 0; round < 200; ++round) {
    append_frames(1 + rng_.below(20));
    while (const EventView* const event = cursor.next()) ASSERT_EQ(event->position, ++seen);
    ASSERT_FALSE(cursor.error().has_value());
    ASSERT_EQ(seen, store().published_position());
  }
  EXPECT_GT(store().info()->segments.size(), 5u);
}

// A cursor may be asked to begin behind the end. What comes first then is the event that was meant, not the end.
TEST_F(CursorTest, AfterAPositionThatIsStillToCome) {
  append_many(10);
  auto cursor = store().read({.after = 15});
  auto waiting = store().read({.after = 15});
  EXPECT_EQ(cursor.next(), nullptr);
  append_many(3);
  EXPECT_EQ(cursor.next(), nullptr);
  EXPECT_FALSE(waiting.wait(0ms));
  append_many(17);
  for (Position position = 16; position <= 30; ++position) {
    const EventView* const event = cursor.next();
    ASSERT_NE(event, nullptr) << position;
    ASSERT_EQ(event->position, position);
  }
  EXPECT_EQ(cursor.next(), nullptr);
  EXPECT_TRUE(waiting.wait(0ms));
  const EventView* const event = waiting.next();
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->position, 16u);
}

TEST_F(CursorTest, BackwardIsOfTheMomentItBegan) {
  append_many(100);
  auto cursor = store().read({.direction = Direction::backward});
  for (Position position = 100; position > 0; --position) {
    const EventView* const event = cursor.next();
    ASSERT_NE(event, nullptr);
    ASSERT_EQ(event->position, position);
    append();
  }
  EXPECT_EQ(cursor.next(), nullptr);
}

TEST_F(CursorTest, SeveralAtOnceDoNotDisturbEachOther) {
  append_frames(500);
  const auto all = read_all(store());
  std::vector<Cursor> cursors;
  std::vector<std::size_t> next;
  for (int i = 0; i < 20; ++i) {
    next.push_back(rng_.below(all.size()));
    cursors.push_back(store().read({.after = next.back()}));
  }
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t which = rng_.below(cursors.size());
    const EventView* const event = cursors[which].next();
    if (next[which] == all.size()) {
      ASSERT_EQ(event, nullptr);
      continue;
    }
    ASSERT_NE(event, nullptr);
    ASSERT_EQ(event->position, ++next[which]);
  }
}

TEST_F(CursorTest, OutlivesTheStore) {
  append_frames(500);
  const auto all = read_all(store());
  auto untouched = store().read();
  auto begun = store().read({.after = 10});
  ASSERT_NE(begun.next(), nullptr);
  auto backward = store().read({.direction = Direction::backward});
  ASSERT_NE(backward.next(), nullptr);
  store_.reset();
  EXPECT_EQ(read_all(std::move(untouched)), all);
  Position position = 11;
  while (const EventView* const event = begun.next()) ASSERT_EQ(event->position, ++position);
  EXPECT_EQ(position, all.size());
  EXPECT_FALSE(begun.wait(1ms));
  while (const EventView* const event = backward.next()) ASSERT_EQ(event->position, --position);
  EXPECT_EQ(position, 1u);
}

TEST_F(CursorTest, MovedOnItReadsOn) {
  append_many(10);
  auto cursor = store().read();
  ASSERT_EQ(cursor.next()->position, 1u);
  Cursor moved = std::move(cursor);
  ASSERT_EQ(moved.next()->position, 2u);
  cursor = store().read({.after = 5});
  moved = std::move(cursor);
  ASSERT_EQ(moved.next()->position, 6u);
}

TEST_F(CursorTest, BytesStayWhileItIsInTheSegment) {
  append_many(100);
  auto cursor = store().read();
  std::vector<EventView> views;
  std::vector<StoredEvent> copies;
  while (const EventView* const event = cursor.next()) {
    views.push_back(*event);
    copies.emplace_back(*event);
  }
  for (std::size_t i = 0; i < views.size(); ++i) EXPECT_EQ(StoredEvent(views[i]), copies[i]);
}

// --- wait

TEST_F(CursorTest, WaitReturnsAtOnceWhenThereIsSomething) {
  append();
  auto cursor = store().read();
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(cursor.wait(10s));
  EXPECT_TRUE(cursor.wait(10s)) << "it is still there";
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
  ASSERT_NE(cursor.next(), nullptr);
}

TEST_F(CursorTest, WaitGivesUpInTime) {
  append();
  auto cursor = store().read();
  ASSERT_NE(cursor.next(), nullptr);
  for (const auto timeout : {0ms, 1ms, 50ms}) {
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_FALSE(cursor.wait(timeout));
    EXPECT_GE(std::chrono::steady_clock::now() - begun, timeout);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, timeout + 5s);
  }
  EXPECT_FALSE(cursor.error().has_value());
}

TEST_F(CursorTest, WaitOfABackwardCursor) {
  append_many(3);
  auto cursor = store().read({.direction = Direction::backward});
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(cursor.wait(0ms));
    ASSERT_NE(cursor.next(), nullptr);
  }
  EXPECT_FALSE(cursor.wait(0ms));
}

}  // namespace
}  // namespace daybook::test
