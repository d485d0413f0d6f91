// What is durable when.
#include <chrono>
#include <thread>

#include "store/store_fixture.h"

namespace daybook::test {
namespace {

using namespace std::chrono_literals;

class DurabilityTest : public StoreTest {
 protected:
  bool becomes_durable(Position position, std::chrono::milliseconds within) {
    const auto until = std::chrono::steady_clock::now() + within;
    while (store().durable_position() < position && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(1ms);
    }
    return store().durable_position() >= position;
  }
};

TEST_F(DurabilityTest, MemoryReturnsWhenPublished) {
  append_many(10);
  EXPECT_EQ(store().published_position(), 10u);
  EXPECT_EQ(store().durable_position(), 0u) << "nobody asked";
}

TEST_F(DurabilityTest, SyncReturnsWhenDurable) {
  reopen(small_segments(Durability::sync));
  for (Position i = 1; i <= 50; ++i) {
    append();
    ASSERT_EQ(store().durable_position(), i);
  }
}

TEST_F(DurabilityTest, IsDurableByDefault) {
  reopen({});
  append();
  EXPECT_EQ(store().durable_position(), 1u);
}

TEST_F(DurabilityTest, PerAppendOverTheStores) {
  append();
  append("p", {.durability = Durability::sync});
  EXPECT_EQ(store().durable_position(), 2u) << "with everything before it";
  append();
  EXPECT_EQ(store().durable_position(), 2u);

  reopen(small_segments(Durability::sync));
  EXPECT_EQ(store().durable_position(), 3u) << "closed and opened: all of it is";
  append("p", {.durability = Durability::memory});
  EXPECT_EQ(store().published_position(), 4u);
  EXPECT_EQ(store().durable_position(), 3u);
  append();
  EXPECT_EQ(store().durable_position(), 5u);
}

TEST_F(DurabilityTest, IntervalSyncsByItself) {
  OpenOptions options = small_segments(Durability::interval);
  options.sync_interval = 5ms;
  reopen(options);
  for (Position i = 1; i <= 5; ++i) {
    append();
    EXPECT_TRUE(becomes_durable(i, 5s));
  }
}

TEST_F(DurabilityTest, IntervalForOneAppend) {
  OpenOptions options = small_segments();
  options.sync_interval = 5ms;
  reopen(options);
  append();
  append("p", {.durability = Durability::interval});
  EXPECT_TRUE(becomes_durable(2, 5s));
}

TEST_F(DurabilityTest, SyncOfAPosition) {
  append_many(10);
  ASSERT_TRUE(is_ok(store().sync(4)));
  EXPECT_GE(store().durable_position(), 4u);
  ASSERT_TRUE(is_ok(store().sync()));
  EXPECT_EQ(store().durable_position(), 10u);
  ASSERT_TRUE(is_ok(store().sync(10)));
  ASSERT_TRUE(is_ok(store().sync(0)));
  const auto early = store().sync(11);
  ASSERT_TRUE(fails_with(early, Errc::invalid_argument));
  EXPECT_EQ(early.error().expected, 10u);
  EXPECT_EQ(early.error().actual, 11u);
}

TEST_F(DurabilityTest, SyncOfAnEmptyStore) {
  EXPECT_TRUE(is_ok(store().sync()));
  EXPECT_EQ(store().durable_position(), 0u);
}

TEST_F(DurabilityTest, SyncCoversManySegments) {
  append_many(5000);
  ASSERT_TRUE(is_ok(store().sync()));
  EXPECT_EQ(store().durable_position(), 5000u);
}

TEST_F(DurabilityTest, DurableCursorStopsAtWhatIsDurable) {
  append_many(10);
  const ReadOptions durable{.visibility = Visibility::durable};
  EXPECT_TRUE(read_positions(store(), durable).empty());
  EXPECT_TRUE(read_positions(store(), {.direction = Direction::backward, .visibility = Visibility::durable}).empty());
  auto cursor = store().read(durable);
  EXPECT_EQ(cursor.next(), nullptr);
  EXPECT_FALSE(cursor.wait(5ms));
  ASSERT_TRUE(is_ok(store().sync()));
  append_many(10);
  EXPECT_TRUE(cursor.wait(0ms));
  EXPECT_EQ(read_positions(store(), durable), positions(1, 10));
  EXPECT_EQ(read_positions(store(), {.direction = Direction::backward, .visibility = Visibility::durable}),
            positions(10, 1));
  EXPECT_EQ(read_positions(store()), positions(1, 20));
  for (Position i = 1; i <= 10; ++i) {
    const EventView* const event = cursor.next();
    ASSERT_NE(event, nullptr);
    EXPECT_EQ(event->position, i);
  }
  EXPECT_EQ(cursor.next(), nullptr);
  EXPECT_FALSE(cursor.error().has_value());
}

TEST_F(DurabilityTest, DurableCursorOfAnotherReader) {
  append_many(10);
  auto reader = Store::open(path(), read_only());
  ASSERT_TRUE(is_ok(reader));
  EXPECT_EQ(reader->published_position(), 10u);
  EXPECT_EQ(reader->durable_position(), 0u);
  ASSERT_TRUE(is_ok(store().sync(5)));
  EXPECT_EQ(reader->durable_position(), 10u) << "a sync takes all that is published";
  append_many(3000);
  EXPECT_EQ(reader->published_position(), 3010u);
  const Position durable = reader->durable_position();
  EXPECT_GE(durable, 10u);
  EXPECT_LE(durable, store().durable_position());
  const std::size_t read = read_positions(*reader, {.visibility = Visibility::durable}).size();
  EXPECT_GE(read, durable);
  EXPECT_LE(read, store().durable_position());
  ASSERT_TRUE(is_ok(store().close()));
  EXPECT_EQ(reader->durable_position(), 3010u);
}

}  // namespace
}  // namespace daybook::test
