// What an event may hold, and that it comes back the same.
#include <array>
#include <chrono>
#include <limits>
#include <string>
#include <vector>

#include "store/store_fixture.h"

namespace daybook::test {
namespace {

using std::chrono::nanoseconds;

class EventTest : public StoreTest {
 protected:
  // Appends it, and reads it back: now, from another Store, and after opening again.
  StoredEvent round_trip(const NewEvent& event, std::string_view stream = "s") {
    const auto appended = store().append(stream, Expect::any(), {&event, 1});
    EXPECT_TRUE(is_ok(appended));
    if (!appended) return {};
    const ReadOptions last{.after = appended->first_position - 1};
    const auto here = read_all(store(), last);
    auto reader = Store::open(path(), read_only());
    EXPECT_TRUE(is_ok(reader));
    const auto elsewhere = read_all(*reader, last);
    reopen();
    const auto later = read_all(store(), last);
    EXPECT_EQ(here.size(), 1u);
    EXPECT_EQ(here, elsewhere);
    EXPECT_EQ(here, later);
    return here.empty() ? StoredEvent{} : here[0];
  }
  // No append: which rule refuses it.
  Error refused(const NewEvent& event, std::string_view stream = "s") {
    const auto appended = store().append(stream, Expect::any(), {&event, 1});
    EXPECT_FALSE(appended);
    EXPECT_EQ(store().published_position(), 0u);
    return appended ? Error{} : appended.error();
  }
};

std::string all_bytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

TEST_F(EventTest, EveryFieldComesBack) {
  const std::string bytes = all_bytes();
  const EventId id{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255};
  const std::array<std::string_view, 3> tags{"a", "tenant:42", "\xff\0 "};
  const auto event = round_trip({.type = "T\n\x80",
                                 .payload = bytes,
                                 .schema_version = 7,
                                 .metadata = std::string_view("\0m\0", 3),
                                 .tags = Tags(tags),
                                 .id = id,
                                 .occurred_at = Timestamp(nanoseconds(1'234'567'890'123'456'789))},
                                "stream");
  EXPECT_EQ(event.type, "T\n\x80");
  EXPECT_EQ(event.payload, bytes);
  EXPECT_EQ(event.schema_version, 7u);
  EXPECT_EQ(event.metadata, std::string("\0m\0", 3));
  EXPECT_EQ(event.tags, std::vector<std::string>(tags.begin(), tags.end()));
  EXPECT_EQ(event.id, id);
  EXPECT_EQ(event.occurred_at, 1'234'567'890'123'456'789);
  EXPECT_EQ(event.stream, "stream");
}

TEST_F(EventTest, WhatIsNotGivenIsNotThere) {
  const auto before = std::chrono::system_clock::now().time_since_epoch() - std::chrono::milliseconds(20);
  const auto event = round_trip({.type = "T"});
  const auto after = std::chrono::system_clock::now().time_since_epoch();
  EXPECT_EQ(event.payload, "");
  EXPECT_EQ(event.metadata, "");
  EXPECT_TRUE(event.tags.empty());
  EXPECT_FALSE(event.id.has_value());
  EXPECT_FALSE(event.occurred_at.has_value());
  EXPECT_EQ(event.schema_version, 1u);
  EXPECT_GE(nanoseconds(event.recorded_at), before);
  EXPECT_LE(nanoseconds(event.recorded_at), after);
  auto cursor = store().read();
  const EventView* const view = cursor.next();
  ASSERT_NE(view, nullptr);
  EXPECT_EQ(view->occurred_at, view->recorded_at) << "occurred when it was recorded";
}

// A clock that was wrong then is as good as any: times are data.
TEST_F(EventTest, OccurredAtMayBeAnyTime) {
  for (const std::int64_t time : {std::int64_t{0}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::max(),
                                  std::numeric_limits<std::int64_t>::min() + 1}) {
    EXPECT_EQ(round_trip({.type = "T", .occurred_at = Timestamp(nanoseconds(time))}).occurred_at, time);
  }
}

TEST_F(EventTest, TheOneTimeThatMeansNoneIsRefused) {
  const Error error = refused({.type = "T", .occurred_at = Timestamp::min()});
  EXPECT_EQ(error.code, Errc::invalid_argument);
  EXPECT_STREQ(error.what, "occurred-at time");
}

TEST_F(EventTest, PayloadIsAlignedInMemory) {
  for (std::size_t size = 0; size < 20; ++size) append(std::string(size, 'x'));
  auto cursor = store().read();
  while (const EventView* const event = cursor.next()) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(event->payload.data()) % 8, 0u);
  }
}

TEST_F(EventTest, StreamIdTakesEveryByteButNul) {
  std::string most = all_bytes().substr(1);
  ASSERT_EQ(most.size(), kStreamIdSizeMax);
  EXPECT_EQ(round_trip({.type = "T"}, most).stream, most);
  for (int byte = 1; byte < 256; ++byte) {
    const std::string id(1, static_cast<char>(byte));
    ASSERT_TRUE(is_ok(store().append(id, Expect::no_stream(), {{.type = "T"}}))) << byte;
    ASSERT_EQ(store().head(id).value().version, 1u);
  }
}

TEST_F(EventTest, StreamIdLimits) {
  struct Case {
    std::string id;
    std::uint64_t size;
  };
  for (const auto& [id, size] : {Case{"", 0}, Case{std::string(kStreamIdSizeMax + 1, 'x'), kStreamIdSizeMax + 1},
                                 Case{std::string("a\0b", 3), 3}, Case{std::string(1, '\0'), 1}}) {
    const Error error = refused({.type = "T"}, id);
    EXPECT_EQ(error.code, Errc::invalid_argument);
    EXPECT_STREQ(error.what, "stream id");
    EXPECT_EQ(error.expected, kStreamIdSizeMax);
    EXPECT_EQ(error.actual, size);
  }
}

TEST_F(EventTest, TypeLimits) {
  const std::string most(kEventTypeSizeMax, 't');
  for (const std::string& type : {std::string(), most + "t"}) {
    const Error error = refused({.type = type});
    EXPECT_EQ(error.code, Errc::invalid_argument);
    EXPECT_STREQ(error.what, "event type size");
    EXPECT_EQ(error.expected, kEventTypeSizeMax);
    EXPECT_EQ(error.actual, type.size());
  }
  EXPECT_EQ(round_trip({.type = most}).type, most);
}

TEST_F(EventTest, TagLimits) {
  const std::string most(kTagSizeMax, 't');
  const std::string more = most + "t";
  for (const std::string_view tag : {std::string_view(), std::string_view(more)}) {
    const std::array tags{std::string_view("fine"), tag};
    const Error error = refused({.type = "T", .tags = Tags(tags)});
    EXPECT_EQ(error.code, Errc::invalid_argument);
    EXPECT_STREQ(error.what, "tag size");
    EXPECT_EQ(error.actual, tag.size());
  }
  const std::vector<std::string_view> many(kTagsMax + 1, most);
  const Error error = refused({.type = "T", .tags = Tags(many)});
  EXPECT_EQ(error.code, Errc::invalid_argument);
  EXPECT_STREQ(error.what, "number of tags");
  EXPECT_EQ(error.expected, kTagsMax);
  EXPECT_EQ(error.actual, kTagsMax + 1);

  const auto event = round_trip({.type = "T", .payload = "p", .tags = Tags(std::span(many).first(kTagsMax))});
  EXPECT_EQ(event.tags, std::vector<std::string>(kTagsMax, most));
  EXPECT_EQ(event.payload, "p");
}

TEST_F(EventTest, IndexOfTheEventAtFaultCountsOverAllStreams) {
  const std::array<NewEvent, 2> good{NewEvent{.type = "T"}, NewEvent{.type = "T"}};
  const std::array<NewEvent, 2> bad{NewEvent{.type = "T"}, NewEvent{.type = ""}};
  std::array streams{StreamAppend{"a", Expect::any(), good}, StreamAppend{"b", Expect::any(), bad}};
  const auto appended = store().append(streams);
  ASSERT_TRUE(fails_with(appended, Errc::invalid_argument, 0, "event type size"));
  EXPECT_EQ(appended.error().index, 3u);
}

class PayloadTest : public StoreTest {
 protected:
  void SetUp() override { reopen({.durability = Durability::memory, .segment_size = 48 << 20}); }
};

TEST_F(PayloadTest, SixteenMebibytesAndNotOneByteMore) {
  std::string payload(16 << 20, 'x');
  for (std::size_t i = 0; i < payload.size(); i += 997) payload[i] = static_cast<char>(i);
  ASSERT_TRUE(is_ok(store().append("s", Expect::any(), {{.type = "T", .payload = payload, .metadata = payload}})));
  EXPECT_TRUE(read_all(store())[0].payload == payload);
  EXPECT_TRUE(read_all(store())[0].metadata == payload);

  const std::string more = payload + "x";
  for (const NewEvent& event : {NewEvent{.type = "T", .payload = more}, NewEvent{.type = "T", .metadata = more}}) {
    const auto refused = store().append("s", Expect::any(), {&event, 1});
    ASSERT_TRUE(fails_with(refused, Errc::too_large));
    EXPECT_EQ(refused.error().expected, payload.size());
    EXPECT_EQ(refused.error().actual, more.size());
  }
  EXPECT_STREQ(store().append("s", Expect::any(), {{.type = "T", .payload = more}}).error().what, "payload size");
  EXPECT_STREQ(store().append("s", Expect::any(), {{.type = "T", .metadata = more}}).error().what, "metadata size");
}

TEST_F(PayloadTest, LimitIsAnOption) {
  reopen({.durability = Durability::memory, .payload_size_max = 10});
  EXPECT_TRUE(is_ok(store().append("s", Expect::any(), {{.type = "T", .payload = std::string(10, 'x')}})));
  EXPECT_TRUE(fails_with(store().append("s", Expect::any(), {{.type = "T", .payload = std::string(11, 'x')}}),
                         Errc::too_large));
  // What is stored already is not held against it.
  reopen({.durability = Durability::memory, .payload_size_max = 1});
  EXPECT_EQ(read_all(store()).size(), 1u);
}

// No byte of an event can be taken for the log's own.
TEST_F(EventTest, PayloadMayHoldALog) {
  append_many(100);
  auto cursor = store().read();
  const EventView* const first = cursor.next();
  ASSERT_NE(first, nullptr);
  // The bytes of the segment itself, around the first event.
  const std::string bytes(reinterpret_cast<const char*>(first->payload.data()) - 200, 4000);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(round_trip({.type = "T", .payload = bytes}).payload, bytes);
  EXPECT_EQ(read_positions(store()), positions(1, 130));
}

}  // namespace
}  // namespace daybook::test
