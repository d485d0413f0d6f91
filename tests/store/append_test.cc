// Appending: what is refused and how, what is atomic, what comes back.
#include <array>
#include <string>
#include <vector>

#include "store/store_fixture.h"

namespace daybook::test {
namespace {

class AppendTest : public StoreTest {};

TEST_F(AppendTest, ReturnsPositionsAndVersions) {
  const auto first = store().append("a", Expect::no_stream(), {{.type = "T"}, {.type = "T"}});
  ASSERT_TRUE(is_ok(first));
  EXPECT_EQ(first->first_position, 1u);
  EXPECT_EQ(first->last_position, 2u);
  EXPECT_EQ(first->last_version, 2u);
  const auto second = store().append("b", Expect::no_stream(), {{.type = "T"}});
  ASSERT_TRUE(is_ok(second));
  EXPECT_EQ(second->first_position, 3u);
  EXPECT_EQ(second->last_position, 3u);
  EXPECT_EQ(second->last_version, 1u);
  const auto third = store().append("a", Expect::exactly(2), {{.type = "T"}});
  ASSERT_TRUE(is_ok(third));
  EXPECT_EQ(third->last_position, 4u);
  EXPECT_EQ(third->last_version, 3u);
  EXPECT_EQ(store().published_position(), 4u);
}

TEST_F(AppendTest, HeadsFollow) {
  EXPECT_EQ(store().head("a").value().version, 0u);
  append_to("a");
  append_to("b");
  append_to("a");
  EXPECT_EQ(store().head("a").value().version, 2u);
  EXPECT_EQ(store().head("a").value().last_position, 3u);
  EXPECT_EQ(store().head("b").value().version, 1u);
  EXPECT_EQ(store().head("b").value().last_position, 2u);
  EXPECT_EQ(store().head("nobody").value().version, 0u);
  EXPECT_EQ(store().head("nobody").value().last_position, 0u);
}

// --- expectations

struct Expectation {
  const char* name;
  Expect expect;
  Version actual;    // of the stream
  const char* rule;  // that refuses; null = none does
};

class ExpectationTest : public StoreTest, public ::testing::WithParamInterface<Expectation> {};

TEST_P(ExpectationTest, IsKeptOrSaysWhichRuleAndWhatIsThere) {
  const Expectation& given = GetParam();
  for (Version i = 0; i < given.actual; ++i) append();
  const auto appended = store().append("s", given.expect, {{.type = "T"}});
  if (given.rule == nullptr) {
    ASSERT_TRUE(is_ok(appended));
    EXPECT_EQ(appended->last_version, given.actual + 1);
    return;
  }
  ASSERT_TRUE(fails_with(appended, Errc::wrong_version, 0, given.rule));
  EXPECT_EQ(appended.error().expected, given.expect.version());
  EXPECT_EQ(appended.error().actual, given.actual);
  EXPECT_EQ(appended.error().index, 0u);
  // And there is no trace of it.
  EXPECT_EQ(store().published_position(), given.actual);
  EXPECT_EQ(append().last_version, given.actual + 1);
  EXPECT_EQ(read_positions(store()), positions(1, given.actual + 1));
}

constexpr const char* kNoStream = "expected no stream";
constexpr const char* kExists = "expected an existing stream";
constexpr const char* kExactly = "expected version";

INSTANTIATE_TEST_SUITE_P(All, ExpectationTest,
                         ::testing::Values(Expectation{"any_of_nothing", Expect::any(), 0, nullptr},
                                           Expectation{"any_of_some", Expect::any(), 3, nullptr},
                                           Expectation{"no_stream_of_nothing", Expect::no_stream(), 0, nullptr},
                                           Expectation{"no_stream_of_one", Expect::no_stream(), 1, kNoStream},
                                           Expectation{"no_stream_of_some", Expect::no_stream(), 3, kNoStream},
                                           Expectation{"exists_of_nothing", Expect::exists(), 0, kExists},
                                           Expectation{"exists_of_some", Expect::exists(), 3, nullptr},
                                           Expectation{"exactly_0_of_nothing", Expect::exactly(0), 0, nullptr},
                                           Expectation{"exactly_0_of_some", Expect::exactly(0), 3, kExactly},
                                           Expectation{"exactly_3_of_3", Expect::exactly(3), 3, nullptr},
                                           Expectation{"exactly_2_of_3", Expect::exactly(2), 3, kExactly},
                                           Expectation{"exactly_4_of_3", Expect::exactly(4), 3, kExactly},
                                           Expectation{"exactly_max_of_3", Expect::exactly(~Version{0}), 3, kExactly},
                                           Expectation{"exactly_3_of_nothing", Expect::exactly(3), 0, kExactly}),
                         [](const auto& test) { return test.param.name; });

TEST_F(AppendTest, RefusalReadsWell) {
  append();
  append();
  const auto refused = store().append("s", Expect::exactly(1), {{.type = "T"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(describe(refused.error()), "wrong_version: expected version 1, actual version 2 (stream 0)");
}

// --- several streams

class StreamsTest : public StoreTest {
 protected:
  const std::array<NewEvent, 2> two_{NewEvent{.type = "T", .payload = "1"}, NewEvent{.type = "T", .payload = "2"}};
  const std::array<NewEvent, 1> one_{NewEvent{.type = "T", .payload = "1"}};
};

TEST_F(StreamsTest, OneFrameForAll) {
  append_to("b");
  std::array streams{StreamAppend{"a", Expect::no_stream(), two_}, StreamAppend{"b", Expect::exactly(1), one_},
                     StreamAppend{"c", Expect::any(), two_}};
  const auto appended = store().append(streams);
  ASSERT_TRUE(is_ok(appended));
  EXPECT_EQ(appended->first_position, 2u);
  EXPECT_EQ(appended->last_position, 6u);
  EXPECT_EQ(appended->last_version, 2u) << "of the first stream";
  EXPECT_EQ(streams[0].last_version, 2u);
  EXPECT_EQ(streams[1].last_version, 2u);
  EXPECT_EQ(streams[2].last_version, 2u);

  const auto events = read_all(store());
  ASSERT_EQ(events.size(), 6u);
  const std::array<std::pair<const char*, Version>, 6> expected{
      {{"b", 1}, {"a", 1}, {"a", 2}, {"b", 2}, {"c", 1}, {"c", 2}}};
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(events[i].position, i + 1);
    EXPECT_EQ(events[i].stream, expected[i].first);
    EXPECT_EQ(events[i].version, expected[i].second);
  }
  EXPECT_EQ(store().head("a").value().last_position, 3u);
  EXPECT_EQ(store().head("b").value().last_position, 4u);
  EXPECT_EQ(store().head("c").value().last_position, 6u);
}

TEST_F(StreamsTest, OneRefusalRefusesAll) {
  append_to("b");
  std::array streams{StreamAppend{"a", Expect::no_stream(), two_}, StreamAppend{"b", Expect::exactly(5), one_}};
  const auto appended = store().append(streams);
  ASSERT_TRUE(fails_with(appended, Errc::wrong_version, 0, "expected version"));
  EXPECT_EQ(appended.error().index, 1u);
  EXPECT_EQ(appended.error().expected, 5u);
  EXPECT_EQ(appended.error().actual, 1u);
  EXPECT_EQ(store().published_position(), 1u);
  EXPECT_EQ(store().head("a").value().version, 0u);
}

TEST_F(StreamsTest, NamedTwiceIsRefused) {
  std::array streams{StreamAppend{"a", Expect::any(), one_}, StreamAppend{"b", Expect::any(), one_},
                     StreamAppend{"a", Expect::any(), one_}};
  EXPECT_TRUE(fails_with(store().append(streams), Errc::invalid_argument, 0, "stream named twice in one append"));
  EXPECT_EQ(store().published_position(), 0u);
}

TEST_F(StreamsTest, AsManyAsTheLimit) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kAppendStreamsMax + 1; ++i) names.push_back("stream-" + std::to_string(i));
  std::vector<StreamAppend> streams;
  for (const std::string& name : names) streams.push_back({name, Expect::no_stream(), one_});

  // One too many for the format; and what the format takes does not fit in this store's segments.
  const auto too_many = store().append(streams);
  ASSERT_TRUE(fails_with(too_many, Errc::invalid_argument, 0, "number of streams"));
  EXPECT_EQ(too_many.error().expected, kAppendStreamsMax);
  EXPECT_EQ(too_many.error().actual, kAppendStreamsMax + 1);
  streams.pop_back();
  EXPECT_TRUE(fails_with(store().append(streams), Errc::too_large, 0, "append does not fit in a segment"));

  TempDir other;
  auto larger = Store::open(other / "store", {.durability = Durability::memory, .segment_size = 1 << 20});
  ASSERT_TRUE(is_ok(larger));
  ASSERT_TRUE(is_ok(larger->append(streams)));
  const auto events = read_all(*larger);
  ASSERT_EQ(events.size(), kAppendStreamsMax);
  for (std::size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].stream, names[i]);
  // The second time every stream is there.
  for (StreamAppend& stream : streams) stream.expect = Expect::exactly(1);
  streams[1000].expect = Expect::exactly(2);
  const auto refused = larger->append(streams);
  ASSERT_TRUE(fails_with(refused, Errc::wrong_version));
  EXPECT_EQ(refused.error().index, 1000u);
}

TEST_F(StreamsTest, NoneIsRefused) {
  EXPECT_TRUE(fails_with(store().append(std::span<StreamAppend>{}), Errc::invalid_argument, 0, "number of streams"));
  EXPECT_EQ(store().published_position(), 0u);
}

// --- batches

TEST_F(AppendTest, LargestBatchTakesPositionsInARow) {
  TempDir other;
  auto larger = Store::open(other / "store", {.durability = Durability::memory, .segment_size = 8 << 20});
  ASSERT_TRUE(is_ok(larger));
  std::vector<std::string> payloads;
  for (std::size_t i = 0; i < kAppendEventsMax + 1; ++i) payloads.push_back(std::to_string(i));
  std::vector<NewEvent> events;
  for (const std::string& payload : payloads) events.push_back({.type = "T", .payload = payload});

  const auto too_many = larger->append("s", Expect::any(), events);
  ASSERT_TRUE(fails_with(too_many, Errc::invalid_argument, 0, "number of events"));
  EXPECT_EQ(too_many.error().expected, kAppendEventsMax);
  events.pop_back();
  ASSERT_TRUE(is_ok(larger->append("s", Expect::any(), events)));
  const auto stored = read_all(*larger);
  ASSERT_EQ(stored.size(), kAppendEventsMax);
  for (std::size_t i = 0; i < stored.size(); ++i) {
    ASSERT_EQ(stored[i].position, i + 1);
    ASSERT_EQ(stored[i].version, i + 1);
    ASSERT_EQ(stored[i].payload, payloads[i]);
  }
}

TEST_F(AppendTest, ABatchIsSeenWholeOrNotAtAll) {
  append();
  std::array<NewEvent, 3> events{NewEvent{.type = "T"}, NewEvent{.type = "T"}, NewEvent{}};  // the last has no type
  const auto refused = store().append("s", Expect::any(), events);
  ASSERT_TRUE(fails_with(refused, Errc::invalid_argument, 0, "event type size"));
  EXPECT_EQ(refused.error().index, 2u);
  EXPECT_EQ(read_positions(store()), positions(1, 1));
}

// --- segments

TEST_F(AppendTest, GoesOnThroughManySegments) {
  constexpr std::size_t kEvents = 20'000;
  append_many(kEvents);
  const auto info = store().info();
  ASSERT_TRUE(is_ok(info));
  EXPECT_GT(info->segments.size(), 20u);
  const auto events = read_all(store());
  ASSERT_EQ(events.size(), kEvents);
  for (std::size_t i = 0; i < kEvents; ++i) {
    ASSERT_EQ(events[i].position, i + 1);
    ASSERT_EQ(events[i].version, i + 1);
    ASSERT_EQ(events[i].payload, std::to_string(i));
    if (i > 0) {
      ASSERT_GE(events[i].recorded_at, events[i - 1].recorded_at);
    }
  }
}

// The claim that fits exactly leaves nothing to pad; the next one begins a segment.
TEST_F(AppendTest, FillsASegmentToItsLastByte) {
  const std::uint64_t room = kSmallest - 2 * 4096;
  const std::string half(room / 2 - 128, 'x');
  // Finds the payload with which a frame takes exactly half of the room.
  std::string payload = half;
  for (;; payload.push_back('x')) {
    TempDir other;
    auto store = Store::open(other / "store", small_segments());
    ASSERT_TRUE(is_ok(store));
    ASSERT_TRUE(is_ok(store->append("s", Expect::any(), {{.type = "T", .payload = payload}})));
    const std::uint64_t size = store->info()->segments[0].used - 4096;
    ASSERT_LE(size, room / 2);
    if (size == room / 2) break;
  }
  for (int i = 0; i < 6; ++i) append(payload);
  const auto info = store().info();
  ASSERT_TRUE(is_ok(info));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(info->segments[i].used, kSmallest - 4096);
    EXPECT_EQ(info->segments[i].first_position, 2 * i + 1);
    EXPECT_EQ(info->segments[i].last_position, 2 * i + 2);
  }
  EXPECT_EQ(read_positions(store()), positions(1, 6));
  EXPECT_EQ(read_positions(store(), {.direction = Direction::backward}), positions(6, 1));
  reopen();
  EXPECT_EQ(append(payload).first_position, 7u);
  EXPECT_EQ(read_positions(store()), positions(1, 7));
}

TEST_F(AppendTest, LargestThatFitsInASegment) {
  const std::uint64_t room = kSmallest - 2 * 4096;
  std::string payload(room, 'x');
  Result<Appended> appended;
  do {
    payload.pop_back();
    appended = store().append("s", Expect::any(), {{.type = "T", .payload = payload}});
    if (!appended) {
      ASSERT_TRUE(fails_with(appended, Errc::too_large, 0, "append does not fit in a segment"));
      EXPECT_EQ(appended.error().expected, room);
      EXPECT_GT(appended.error().actual, room);
    }
  } while (!appended);
  EXPECT_EQ(appended->first_position, 1u);
  EXPECT_EQ(store().info()->segments[0].used, kSmallest - 4096);
  EXPECT_EQ(append().first_position, 2u);
  EXPECT_EQ(read_all(store())[0].payload, payload);
}

TEST_F(AppendTest, ReadOnlyStoreRefuses) {
  append();
  auto reader = Store::open(path(), read_only());
  ASSERT_TRUE(is_ok(reader));
  EXPECT_TRUE(fails_with(reader->append("s", Expect::any(), {{.type = "T"}}), Errc::read_only, 0, "append"));
  EXPECT_TRUE(fails_with(reader->sync(), Errc::read_only, 0, "sync"));
  EXPECT_TRUE(is_ok(reader->close()));
}

}  // namespace
}  // namespace daybook::test
