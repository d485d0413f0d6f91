// The limits of an append, at the limit and one past it.
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "format/frame.h"
#include "support/result_matchers.h"

namespace daybook::format {
namespace {

constexpr std::uint64_t kPayloadMax = 1000;

// By both ways, which must agree.
Result<FrameShape> measure_append(const StreamAppend& append) {
  const auto shape = measure(std::span(&append, 1), kPayloadMax);
  const bool single = shape && append.events.size() == 1;
  EXPECT_EQ(measure_single(append, kPayloadMax), single ? *shape : FrameShape{});
  return shape;
}

Result<FrameShape> measure_one(const NewEvent& event) {
  return measure_append({.stream = "s", .events = std::span(&event, 1)});
}

Result<FrameShape> measure_stream(std::string_view id) {
  const NewEvent event{.type = "T"};
  return measure_append({.stream = id, .events = std::span(&event, 1)});
}

void expect_refusal(const Result<FrameShape>& result, Errc code, const char* what, std::uint64_t limit,
                    std::uint64_t actual, std::uint32_t index) {
  ASSERT_FALSE(result) << what;
  EXPECT_EQ(result.error().code, code) << what;
  EXPECT_STREQ(result.error().what, what);
  EXPECT_EQ(result.error().expected, limit) << what;
  EXPECT_EQ(result.error().actual, actual) << what;
  EXPECT_EQ(result.error().index, index) << what;
}

TEST(MeasureTest, StreamIds) {
  EXPECT_TRUE(measure_stream("x"));
  EXPECT_TRUE(measure_stream(std::string(255, 'x')));
  EXPECT_TRUE(measure_stream("\x01\xff\n"));
  expect_refusal(measure_stream(""), Errc::invalid_argument, "stream id", 255, 0, 0);
  expect_refusal(measure_stream(std::string(256, 'x')), Errc::invalid_argument, "stream id", 255, 256, 0);
  expect_refusal(measure_stream(std::string_view("a\0b", 3)), Errc::invalid_argument, "stream id", 255, 3, 0);
}

TEST(MeasureTest, Types) {
  const std::string longest(255, 'x');
  const std::string longer(256, 'x');
  EXPECT_TRUE(measure_one({.type = longest}));
  expect_refusal(measure_one({.type = ""}), Errc::invalid_argument, "event type size", 255, 0, 0);
  expect_refusal(measure_one({.type = longer}), Errc::invalid_argument, "event type size", 255, 256, 0);
}

TEST(MeasureTest, PayloadAndMetadata) {
  const std::string most(kPayloadMax, 'x');
  const std::string more(kPayloadMax + 1, 'x');
  EXPECT_TRUE(measure_one({.type = "T", .payload = most, .metadata = most}));
  expect_refusal(measure_one({.type = "T", .payload = more}), Errc::too_large, "payload size", kPayloadMax,
                 kPayloadMax + 1, 0);
  expect_refusal(measure_one({.type = "T", .metadata = more}), Errc::too_large, "metadata size", kPayloadMax,
                 kPayloadMax + 1, 0);
}

TEST(MeasureTest, TagsAndTimes) {
  const std::string longest(255, 'x');
  const std::string longer(256, 'x');
  const std::vector<std::string_view> most(64, longest);
  const std::vector<std::string_view> more(65, "t");
  EXPECT_TRUE(measure_one({.type = "T", .tags = Tags(most)}));
  expect_refusal(measure_one({.type = "T", .tags = Tags(more)}), Errc::invalid_argument, "number of tags", 64, 65, 0);
  expect_refusal(measure_one({.type = "T", .tags = {"a", ""}}), Errc::invalid_argument, "tag size", 255, 0, 0);
  expect_refusal(measure_one({.type = "T", .tags = {longer}}), Errc::invalid_argument, "tag size", 255, 256, 0);
  EXPECT_TRUE(measure_one({.type = "T", .occurred_at = Timestamp::max()}));
  EXPECT_FALSE(measure_one({.type = "T", .occurred_at = Timestamp(std::chrono::nanoseconds(INT64_MIN))}));
}

TEST(MeasureTest, Streams) {
  const NewEvent event{.type = "T"};
  expect_refusal(measure({}, kPayloadMax), Errc::invalid_argument, "number of streams", 1024, 0, 0);
  std::vector<StreamAppend> streams(1024, {.stream = "s", .events = std::span(&event, 1)});
  const auto shape = measure(streams, kPayloadMax);
  ASSERT_TRUE(test::is_ok(shape));
  EXPECT_EQ(shape->streams, 1024u);
  EXPECT_EQ(shape->events, 1024u);
  streams.push_back(streams.front());
  expect_refusal(measure(streams, kPayloadMax), Errc::invalid_argument, "number of streams", 1024, 1025, 0);
  streams.resize(3);
  streams[2].events = {};
  const auto idle = measure(streams, kPayloadMax);
  ASSERT_TRUE(test::is_ok(idle));
  EXPECT_EQ(idle->idle, 1u);
  EXPECT_EQ(idle->events, 2u);
}

TEST(MeasureTest, Events) {
  const std::vector<NewEvent> most(65'535, {.type = "T"});
  const std::vector<NewEvent> more(65'536, {.type = "T"});
  StreamAppend append{.stream = "s", .events = most};
  const auto shape = measure_append(append);
  ASSERT_TRUE(test::is_ok(shape));
  EXPECT_EQ(shape->events, 65'535u);
  append.events = more;
  expect_refusal(measure_append(append), Errc::invalid_argument, "number of events", 65'535, 65'536, 0);
  std::array<StreamAppend, 2> two{
      {{.stream = "a", .events = most}, {.stream = "b", .events = std::span(most).first(1)}}};
  expect_refusal(measure(two, kPayloadMax), Errc::invalid_argument, "number of events", 65'535, 65'536, 1);
}

// Index counts events over the whole append, so that the caller finds the one at fault.
TEST(MeasureTest, NamesTheEventAtFault) {
  const std::vector<NewEvent> good(3, {.type = "T"});
  std::vector<NewEvent> bad = good;
  bad[1].type = "";
  const std::array<StreamAppend, 2> streams{{{.stream = "a", .events = good}, {.stream = "b", .events = bad}}};
  expect_refusal(measure(streams, kPayloadMax), Errc::invalid_argument, "event type size", 255, 0, 4);
}

TEST(MeasureTest, AnEventWithEverything) {
  const std::array<std::string_view, 2> tags{"one", "another"};
  const NewEvent event{.type = "Type",
                       .payload = "payload",
                       .metadata = "metadata",
                       .tags = Tags(tags),
                       .id = EventId{1},
                       .occurred_at = Timestamp()};
  const auto shape = measure_one(event);
  ASSERT_TRUE(test::is_ok(shape));
  EXPECT_EQ(shape->ids, 1u);
  EXPECT_EQ(shape->size, events_offset(1) + sizeof(EventHeader) + align_up(7 + 8 + 16 + 4 + 4 + 8) + 8);
  EXPECT_TRUE(measure_append({.stream = "s"}));
  const std::array<NewEvent, 2> two{event, event};
  EXPECT_TRUE(measure_append({.stream = "s", .events = two}));
}

TEST(MeasureTest, TheSmallestFrame) {
  const auto shape = measure_one({.type = "T"});
  ASSERT_TRUE(test::is_ok(shape));
  EXPECT_EQ(shape->size, kFrameSizeMin);
}

}  // namespace
}  // namespace daybook::format
