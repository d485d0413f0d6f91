#include "golden/golden_files.h"

#include <array>
#include <cstdint>
#include <string_view>

#include "segment/segment_builder.h"

namespace daybook::test {
namespace {

using Streams = std::span<const StreamAppend>;

NewEvent simple(std::string_view type, std::string_view payload) { return {.type = type, .payload = payload}; }

// What docs/format.md shows byte by byte.
std::vector<std::byte> three_frames() {
  SegmentBuilder segment;
  segment.describe_base();
  const NewEvent opened = simple("AccountOpened", R"({"owner":"Ada"})");
  segment.publish("account-1", std::span(&opened, 1));
  segment.set_floor({.segment = 1, .offset = static_cast<std::uint32_t>(segment.end())});
  const NewEvent withdrawn = simple("MoneyWithdrawn", R"({"cents":500})");
  const NewEvent deposited = simple("MoneyDeposited", R"({"cents":500})");
  const std::array<StreamAppend, 2> transfer{
      {{.stream = "account-1", .expect = Expect::exactly(1), .events = std::span(&withdrawn, 1)},
       {.stream = "account-2", .expect = Expect::no_stream(), .events = std::span(&deposited, 1)}}};
  segment.publish(transfer);
  const std::array<StreamAppend, 1> late{
      {{.stream = "account-1", .expect = Expect::exactly(1), .events = std::span(&withdrawn, 1)}}};
  segment.reject(late, 0, 2);
  segment.seal();
  return segment.bytes();
}

// Everything that an event can have.
void publish_all_features(SegmentBuilder& segment) {
  constexpr std::array<std::string_view, 3> kTags{"red", "with space", "\xc3\xa4"};
  const EventId id = fixed_uuid(0x40);
  const std::array<NewEvent, 3> events{
      {{.type = "Full",
        .payload = std::string_view("\0\1binary\xff", 9),
        .schema_version = 7,
        .metadata = R"({"by":"me"})",
        .tags = Tags(kTags),
        .id = id,
        .occurred_at = Timestamp(std::chrono::nanoseconds(1'234'567'890'123'456'789))},
       {.type = "Empty"},
       {.type = "BeforeTheEpoch", .payload = "12345678", .occurred_at = Timestamp(std::chrono::nanoseconds(-1))}}};
  segment.publish("full", events);
}

std::vector<std::byte> clean() {
  SegmentBuilder segment({.epoch = 3});
  segment.describe_base();
  publish_all_features(segment);
  const NewEvent more = simple("More", "x");
  segment.publish("other", std::span(&more, 1));
  segment.close();
  return segment.bytes();
}

std::vector<std::byte> torn() {
  SegmentBuilder segment;
  segment.describe_base();
  publish_all_features(segment);
  const NewEvent lost = simple("Lost", "this frame did not reach the disk whole");
  segment.publish("other", std::span(&lost, 1));
  segment.bytes()[segment.end() - 24] = std::byte{0};
  segment.publish("other", std::span(&lost, 1));
  return segment.bytes();
}

std::vector<std::byte> corrupt() {
  SegmentBuilder segment;
  segment.describe_base();
  publish_all_features(segment);
  const NewEvent event = simple("Durable", "this frame was synced, and is damaged");
  segment.publish("other", std::span(&event, 1));
  segment.bytes()[segment.end() - 24] ^= std::byte{1};
  segment.set_floor({.segment = 1, .offset = static_cast<std::uint32_t>(segment.end())});
  segment.publish("other", std::span(&event, 1));
  return segment.bytes();
}

}  // namespace

std::vector<GoldenFile> make_golden_files() {
  return {{"three-frames", three_frames()}, {"clean", clean()}, {"torn", torn()}, {"corrupt", corrupt()}};
}

}  // namespace daybook::test
