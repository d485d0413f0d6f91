#include "segment/segment_verifier.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "segment/memory_segment.h"
#include "segment/segment_builder.h"
#include "support/result_matchers.h"
#include "support/sim_disk.h"

namespace daybook::segment {
namespace {

using test::SegmentBuilder;
using Ending = Verification::Ending;

const NewEvent kEvent{.type = "Happened", .payload = "something"};

SegmentBuilder with_events(int count) {
  SegmentBuilder builder;
  builder.describe_base();
  for (int i = 0; i < count; ++i) builder.publish("stream", std::span(&kEvent, 1));
  return builder;
}

Verification verify(SegmentBuilder& builder, std::optional<Position> base = 0) {
  return verify_segment(**test::open_in_memory(builder.bytes(), builder.header().number), base);
}

TEST(SegmentVerifierTest, AWholeSegmentHasNoFindings) {
  auto sealed = with_events(3);
  sealed.seal();
  EXPECT_TRUE(verify(sealed).findings.empty());
  EXPECT_EQ(verify(sealed).ending, Ending::sealed);
  EXPECT_EQ(verify(sealed).prefix.events, 3u);
  auto closed = with_events(3);
  closed.close();
  EXPECT_TRUE(verify(closed).findings.empty());
  EXPECT_EQ(verify(closed).ending, Ending::closed);
  auto open = with_events(3);
  EXPECT_TRUE(verify(open).findings.empty());
  EXPECT_EQ(verify(open).ending, Ending::open);
  SegmentBuilder empty;
  EXPECT_TRUE(verify(empty, std::nullopt).findings.empty());
}

TEST(SegmentVerifierTest, ATornTailIsATailNotAFinding) {
  auto builder = with_events(3);
  builder.publish("stream", std::span(&kEvent, 1));
  builder.bytes()[builder.end() - 12] ^= std::byte{1};
  const Verification verified = verify(builder);
  EXPECT_TRUE(verified.findings.empty());
  EXPECT_GT(verified.tail.bytes, 0u);
  EXPECT_EQ(verified.prefix.events, 3u);
}

struct Damage {
  const char* name;
  std::uint64_t offset;  // of the byte that is changed
  const char* what;      // of the first finding
  bool repairable;
};

void expect_finding(SegmentBuilder builder, const Damage& damage) {
  builder.bytes()[damage.offset] ^= std::byte{0x20};
  const Verification verified = verify(builder);
  ASSERT_FALSE(verified.findings.empty()) << damage.name;
  bool found = false;
  bool all_repairable = true;
  std::string all;
  for (const Finding& finding : verified.findings) {
    all += std::string(finding.what) + "; ";
    found = found || std::string(finding.what) == damage.what;
    all_repairable = all_repairable && finding.repairable;
  }
  EXPECT_TRUE(found) << damage.name << ": " << all;
  EXPECT_EQ(all_repairable, damage.repairable) << damage.name << ": " << all;
}

TEST(SegmentVerifierTest, EveryPartOfASealedSegment) {
  auto sealed = with_events(3);
  const std::uint64_t end = sealed.frames_end();
  sealed.seal();
  const std::uint64_t footer = format::data_end(sealed.bytes().size());
  for (const Damage& damage : {
           Damage{"header", 30, "segment header checksum", true},
           Damage{"unused", 96, "unused bytes of the header page", true},
           Damage{"unused before the base", 1023, "unused bytes of the header page", true},
           Damage{"base hint", 1024, "base position check", true},
           Damage{"unused behind the base", 1040, "unused bytes of the header page", true},
           Damage{"header copy", 2048 + 30, "segment header checksum", true},
           Damage{"unused at the end", 4095, "unused bytes of the header page", true},
           Damage{"first frame", 4096 + 40, "content checksum", false},
           Damage{"last frame", end - 1, "content checksum", false},
           Damage{"pad", end, "pad of a sealed segment", true},
           Damage{"behind the pad", end + 8, "bytes of a pad", true},
           Damage{"last byte of the pad", footer - 1, "bytes of a pad", true},
           Damage{"footer", footer + 20, "footer", true},
           Damage{"behind the footer", footer + 96, "unused bytes of the footer page", true},
           Damage{"last byte", sealed.bytes().size() - 1, "unused bytes of the footer page", true},
       }) {
    expect_finding(sealed, damage);
  }
}

TEST(SegmentVerifierTest, EveryPartOfAClosedSegment) {
  auto closed = with_events(3);
  const std::uint64_t end = closed.end();
  closed.close();
  const std::uint64_t footer = format::data_end(closed.bytes().size());
  expect_finding(closed, {"frame", 4096 + 40, "content checksum", false});
  expect_finding(closed, {"behind the frames", end + 800, "bytes behind the last frame", true});
  expect_finding(closed, {"footer", footer + 20, "footer", true});
}

// A crash may take the hint; a clean close and a seal come after it.
TEST(SegmentVerifierTest, AMissingBaseHint) {
  for (const bool close : {false, true}) {
    auto builder = with_events(1);
    std::fill_n(builder.bytes().begin() + format::kBaseOffset, sizeof(format::SegmentBase), std::byte{});
    if (close) builder.close();
    const Verification verified = verify(builder);
    EXPECT_EQ(verified.findings.size(), close ? 1u : 0u);
    if (close) {
      EXPECT_TRUE(verified.findings[0].repairable);
    }
  }
}

// A checksum that holds does not make a lie true.
TEST(SegmentVerifierTest, AFooterThatDoesNotFitItsFrames) {
  using Change = std::function<void(format::SegmentFooter&)>;
  const std::vector<std::pair<const char*, Change>> changes{
      {"end of the frames", [](auto& footer) { footer.valid_end -= 8; }},
      {"number of events", [](auto& footer) { ++footer.events; }},
      {"number of frames", [](auto& footer) { --footer.frames; }},
      {"base position", [](auto& footer) { ++footer.base_position; }},
      {"time of the first event", [](auto& footer) { ++footer.recorded_first; }},
      {"time of the last event", [](auto& footer) { --footer.recorded_last; }},
      {"end of the hash", [](auto& footer) { footer.hash_end = ~std::uint64_t{7}; }},
      {"hash check of the segment", [](auto& footer) { footer.hash_high ^= 1; }},
  };
  for (const auto& [what, change] : changes) {
    auto builder = with_events(3);
    builder.seal();
    auto& footer =
        *reinterpret_cast<format::SegmentFooter*>(builder.bytes().data() + format::data_end(builder.bytes().size()));
    change(footer);
    footer.crc = format::footer_crc(footer, builder.salt());
    bool found = false;
    for (const Finding& finding : verify(builder).findings) found = found || std::string(finding.what) == what;
    EXPECT_TRUE(found) << what;
  }
}

TEST(SegmentVerifierTest, TheBaseMustFollowFromTheSegmentsBefore) {
  auto builder = with_events(1);
  const Verification verified = verify(builder, 7);
  ASSERT_FALSE(verified.findings.empty());
  EXPECT_FALSE(verified.findings.front().repairable);
}

TEST(SegmentVerifierTest, AHoleBelowAFloorIsAFinding) {
  auto builder = with_events(2);
  const std::uint64_t hole = builder.publish("stream", std::span(&kEvent, 1));
  builder.set_floor({.segment = 1, .offset = static_cast<std::uint32_t>(builder.end())});
  builder.publish("stream", std::span(&kEvent, 1));
  builder.bytes()[hole + 50] ^= std::byte{1};
  const Verification verified = verify(builder);
  ASSERT_EQ(verified.findings.size(), 1u);
  EXPECT_EQ(verified.findings[0].offset, hole);
  EXPECT_FALSE(verified.findings[0].repairable);
}

TEST(SegmentVerifierTest, FilesOfADirectory) {
  const test::SimDisk disk;
  const auto segments = disk.open();
  auto builder = with_events(2);
  builder.seal();
  auto bytes = builder.bytes();
  bytes.resize(bytes.size() + 10, std::byte{1});
  auto file = segments->create(format::segment_name(1));
  ASSERT_TRUE(test::is_ok(file));
  ASSERT_TRUE(test::is_ok((*file)->write_at(0, bytes)));
  const auto verified = verify_segment(*segments, 1, std::nullopt);
  ASSERT_TRUE(test::is_ok(verified));
  ASSERT_EQ(verified->findings.size(), 1u);
  EXPECT_STREQ(verified->findings[0].what, "segment file size");
  EXPECT_TRUE(test::fails_with(verify_segment(*segments, 2, std::nullopt), Errc::not_found, ENOENT));
}

}  // namespace
}  // namespace daybook::segment
