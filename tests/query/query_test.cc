// What a query means, case by case; that all of it fits together is query_model_test's.
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "store/store_fixture.h"

namespace daybook::test {
namespace {

class QueryTest : public StoreTest {
 protected:
  void add(std::string_view stream, std::string_view type, std::vector<std::string_view> tags = {}) {
    const NewEvent event{.type = type, .payload = "p", .tags = Tags(std::span<const std::string_view>(tags))};
    ASSERT_TRUE(is_ok(this->store().append(stream, Expect::any(), std::span(&event, 1))));
  }
  std::vector<Position> positions(const Query& query, const ReadOptions& options = {}) {
    std::vector<Position> found;
    Cursor cursor = this->store().read(query, options);
    while (const EventView* const event = cursor.next()) found.push_back(event->position);
    EXPECT_FALSE(cursor.error()) << describe(*cursor.error());
    return found;
  }
  using Positions = std::vector<Position>;
};

TEST_F(QueryTest, ItemsAreAlternativesAndTagsAreRequirements) {
  add("a", "Opened", {"red", "round"});
  add("b", "Opened", {"red"});
  add("a", "Closed", {"round"});
  add("c", "Moved");
  EXPECT_EQ(positions({}), (Positions{1, 2, 3, 4}));
  EXPECT_EQ(positions(Query::stream("a")), (Positions{1, 3}));
  EXPECT_EQ(positions(Query::type("Opened")), (Positions{1, 2}));
  EXPECT_EQ(positions(Query::tag("red")), (Positions{1, 2}));
  EXPECT_EQ(positions({.items = {{.tags = {"red", "round"}}}}), (Positions{1}));
  EXPECT_EQ(positions({.items = {{.types = {"Closed", "Moved"}}}}), (Positions{3, 4}));
  EXPECT_EQ(positions({.items = {{.streams = {"a", "b"}, .types = {"Opened"}}}}), (Positions{1, 2}));
  EXPECT_EQ(positions({.except = {{.types = {"Opened"}}}}), (Positions{3, 4}));
  EXPECT_EQ(positions({.items = {{.tags = {"round"}}}, .except = {{.types = {"Closed"}}}}), (Positions{1}));
}

// The specification of dynamic consistency boundaries: an event that two items match is delivered once.
TEST_F(QueryTest, AnEventThatTwoItemsMatchIsOneEvent) {
  add("a", "Opened", {"red"});
  const Query query{.items = {{.types = {"Opened"}}, {.tags = {"red"}}}};
  EXPECT_EQ(positions(query), (Positions{1}));
  EXPECT_EQ(store().count(query).value(), 1u);
}

TEST_F(QueryTest, ATagGivenTwiceCountsOnce) {
  add("a", "T", {"x", "x"});
  EXPECT_EQ(store().count(Query::tag("x")).value(), 1u);
  EXPECT_EQ(positions(Query::tag("x")), (Positions{1}));
}

TEST_F(QueryTest, KindsOfKeysAreApart) {
  add("x", "y", {"z"});
  for (const char* const other : {"y", "z"}) EXPECT_TRUE(positions(Query::stream(other)).empty());
  for (const char* const other : {"x", "z"}) EXPECT_TRUE(positions(Query::type(other)).empty());
  for (const char* const other : {"x", "y"}) EXPECT_TRUE(positions(Query::tag(other)).empty());
}

TEST_F(QueryTest, AnItemWithoutPartsIsRefused) {
  Cursor cursor = store().read(Query{.items = {{}}});
  EXPECT_EQ(cursor.next(), nullptr);
  ASSERT_TRUE(cursor.error());
  EXPECT_EQ(cursor.error()->code, Errc::invalid_argument);
  EXPECT_TRUE(fails_with(store().count({.except = {{}}}), Errc::invalid_argument));
  EXPECT_TRUE(fails_with(store().count(Query::tag(std::string(256, 't'))), Errc::invalid_argument));
  EXPECT_TRUE(
      fails_with(store().count({.items = std::vector<QueryItem>(257, {.types = {"T"}})}), Errc::invalid_argument));
}

TEST_F(QueryTest, AStreamIsReadByVersions) {
  for (int i = 0; i < 900; ++i) add(i % 3 == 0 ? "s" : "other", "T");  // over several segments
  Cursor cursor = store().read_stream("s", {.from_version = 100, .to_version = 110});
  for (Version version = 100; version <= 110; ++version) {
    const EventView* const event = cursor.next();
    ASSERT_NE(event, nullptr);
    EXPECT_EQ(event->version, version);
    EXPECT_EQ(event->stream, "s");
  }
  EXPECT_EQ(cursor.next(), nullptr);
  Cursor last = store().read_stream("s", {.direction = Direction::backward, .limit = 2});
  EXPECT_EQ(last.next()->version, 300u);
  EXPECT_EQ(last.next()->version, 299u);
  EXPECT_EQ(last.next(), nullptr);
}

TEST_F(QueryTest, ACursorOverAQueryWaitsForWhatMatches) {
  Cursor cursor = store().read(Query::type("Wanted"));
  EXPECT_EQ(cursor.next(), nullptr);
  EXPECT_FALSE(cursor.wait(std::chrono::milliseconds(1)));
  std::thread writer([this] {
    for (int i = 0; i < 100; ++i) add("s", "Other");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    add("s", "Wanted");
  });
  EXPECT_TRUE(cursor.wait(std::chrono::seconds(20)));
  const EventView* const event = cursor.next();
  writer.join();
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->position, 101u);
  EXPECT_EQ(cursor.next(), nullptr);
  // And resumes behind it, also in another process.
  add("s", "Wanted");
  auto reader = Store::open(path(), read_only());
  ASSERT_TRUE(is_ok(reader));
  auto resumed = reader->resume(cursor.token(), Query::type("Wanted"));
  ASSERT_TRUE(is_ok(resumed));
  const EventView* const next = resumed->next();
  ASSERT_NE(next, nullptr);
  EXPECT_EQ(next->position, 102u);
}

TEST_F(QueryTest, DurableQueriesEndWhereTheLogIsDurable) {
  add("s", "T");
  ASSERT_TRUE(is_ok(store().sync()));
  add("s", "T");
  EXPECT_EQ(positions(Query::type("T"), {.visibility = Visibility::durable}), (Positions{1}));
  EXPECT_EQ(positions(Query::type("T"), {.direction = Direction::backward, .visibility = Visibility::durable}),
            (Positions{1}));
  ASSERT_TRUE(is_ok(store().sync()));
  EXPECT_EQ(positions(Query::type("T"), {.visibility = Visibility::durable}), (Positions{1, 2}));
}

TEST_F(QueryTest, EventsAreFoundByTheirIds) {
  EventId id{1, 2, 3};
  const NewEvent event{.type = "T", .id = id};
  add("a", "T");
  ASSERT_TRUE(is_ok(store().append("a", Expect::any(), std::span(&event, 1))));
  add("a", "T");
  EXPECT_EQ(store().find(id).value(), 2u);
  EXPECT_EQ(store().find(EventId{9}).value(), 0u);
}

// The first append to a stream after opening makes an index of the segment that is gone on with. When the first query comes
// that segment has grown, is full, and others are behind it.
TEST_F(QueryTest, WhatWasIndexedForAHeadGrowsWithItsSegment) {
  for (int i = 0; i < 20; ++i) add("old", "T");
  reopen();
  for (int i = 0; i < 2'000; ++i) add("new-" + std::to_string(i % 3), "T");
  ASSERT_GT(store().info()->segments.size(), 3u);
  EXPECT_EQ(store().count(Query::type("T")).value(), 2'020u);
  EXPECT_EQ(positions(Query::type("T")).size(), 2'020u);
  EXPECT_EQ(store().count(Query::stream("new-1")).value(), 667u);
}

// A cursor by one key looks into many segments at once, as far as there is room for their events.
TEST_F(QueryTest, AStreamOverManySegmentsIsReadWhole) {
  std::vector<Position> all;
  Position last = 0;
  const auto spread = [&](int times, int together, int others) {
    for (int i = 0; i < times; ++i) {
      std::vector<NewEvent> events(static_cast<std::size_t>(together), {.type = "T", .payload = "p"});
      ASSERT_TRUE(is_ok(store().append("it", Expect::any(), events)));
      for (int event = 0; event < together; ++event) all.push_back(++last);
      for (int other = 0; other < others; ++other) add("other-" + std::to_string(other % 7), "T");
      last += static_cast<Position>(others);
    }
  };
  spread(100, 1, 100);  // a few in each segment
  spread(400, 1, 1);    // more than a list holds
  spread(100, 3, 50);   // several to a frame
  spread(60, 1, 100);
  reopen();
  ASSERT_GT(store().info()->segments.size(), 40u);
  for (int round = 0; round < 2; ++round) {  // segments are opened by the first one
    EXPECT_EQ(positions(Query::stream("it")), all);
    EXPECT_EQ(positions(Query::stream("it"), {.direction = Direction::backward}), Positions(all.rbegin(), all.rend()));
    for (const std::uint64_t limit : {1u, 20u, 40u, 300u, 700u}) {
      const auto count = static_cast<std::ptrdiff_t>(limit);
      EXPECT_EQ(positions(Query::stream("it"), {.limit = limit}), Positions(all.begin(), all.begin() + count));
      EXPECT_EQ(positions(Query::stream("it"), {.limit = limit, .direction = Direction::backward}),
                Positions(all.rbegin(), all.rbegin() + count));
    }
    for (std::size_t from = 0; from < all.size(); from += 37) {
      const auto at = all.begin() + static_cast<std::ptrdiff_t>(from);
      EXPECT_EQ(positions(Query::stream("it"), {.after = *at}), Positions(at + 1, all.end()));
      std::vector<Position> found;
      Cursor cursor = store().read_stream("it", {.from_version = from + 1});
      while (const EventView* const event = cursor.next()) found.push_back(event->position);
      EXPECT_EQ(found, Positions(at, all.end()));
    }
  }
}

// What such a cursor has looked up is of parts that make way for others when sidecars appear.
TEST_F(QueryTest, ACursorGoesOnWhereSegmentsAreSealedAndIndexed) {
  std::vector<Position> all;
  std::vector<Position> found;
  Cursor cursor = store().read(Query::stream("it"));
  for (Position position = 1; position <= 20'000; ++position) {
    const bool is_it = position % 10 == 0;
    add(is_it ? "it" : "other", "T");
    if (is_it) all.push_back(position);
    if (position % 997 != 0) continue;
    while (const EventView* const event = cursor.next()) found.push_back(event->position);
    ASSERT_FALSE(cursor.error()) << describe(*cursor.error());
    ASSERT_EQ(found, all);
    if (position % 3 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));  // for sidecars to be written
  }
}

// Sidecars are for speed alone.
TEST_F(QueryTest, SidecarsAreWrittenAndMayBeRemoved) {
  for (int i = 0; i < 3'000; ++i) add("s" + std::to_string(i % 700), "T" + std::to_string(i % 7));
  const auto sealed = [this] {
    std::size_t count = 0;
    const StoreInfo info = store().info().value();
    for (const SegmentInfo& segment : info.segments) count += segment.sealed;
    return count;
  };
  for (int i = 0; i < 2'000 && (sealed() < 5 || sidecars() < sealed()); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_GE(sealed(), 5u);
  EXPECT_EQ(sidecars(), sealed());
  const auto before = positions(Query::type("T3"));
  reopen();
  EXPECT_EQ(sidecars(), sealed() + 1) << "the segment that was closed has one, too";
  EXPECT_EQ(positions(Query::type("T3")), before);
  ASSERT_TRUE(is_ok(store().close()));
  for (const auto& entry : std::filesystem::directory_iterator(path() / "segments")) {
    if (entry.path().extension() == ".idx") std::filesystem::remove(entry.path());
  }
  reopen();
  EXPECT_EQ(positions(Query::type("T3")), before);
  EXPECT_EQ(store().head("s5").value().version, 5u);
}

}  // namespace
}  // namespace daybook::test
