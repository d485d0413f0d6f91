// What a crash can leave, put together by hand, and what opening for writing makes of it. The crash simulator
// (tests/crash) goes through what really happens; here each case has a name.
#include "log/recovery.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "segment/segment_builder.h"
#include "support/result_matchers.h"
#include "support/rng.h"
#include "support/sim_disk.h"

namespace daybook::log {
namespace {

using format::kDataStart;
using test::fails_with;
using test::is_ok;
using test::SegmentBuilder;

// --- the table -------------------------------------------------------------------------------------------------------

std::vector<SegmentSigns> all_signs() {
  std::vector<SegmentSigns> all;
  for (unsigned bits = 0; bits < 64; ++bits) {
    const auto bit = [bits](unsigned n) { return (bits >> n & 1) != 0; };
    all.push_back({.sealed = bit(0),
                   .closed = bit(1),
                   .complete = bit(2),
                   .unsupported = bit(3),
                   .promised = bit(4),
                   .last = bit(5)});
  }
  return all;
}

std::string describe(const SegmentSigns& signs) {
  return std::string(signs.sealed ? "sealed " : "") + (signs.closed ? "closed " : "") +
         (signs.complete ? "complete " : "") + (signs.unsupported ? "unsupported " : "") +
         (signs.promised ? "promised " : "") + (signs.last ? "last" : "");
}

TEST(DecisionTableTest, EveryPossibleCombinationMatchesExactlyOneRule) {
  for (const SegmentSigns& signs : all_signs()) {
    if (!possible(signs)) continue;
    int matching = 0;
    Decision decision{};
    for (const DecisionRule& rule : decision_table()) {
      const std::array<std::pair<int, bool>, 6> columns{{{rule.sealed, signs.sealed},
                                                         {rule.closed, signs.closed},
                                                         {rule.complete, signs.complete},
                                                         {rule.unsupported, signs.unsupported},
                                                         {rule.promised, signs.promised},
                                                         {rule.last, signs.last}}};
      bool matches = true;
      for (const auto& [wanted, found] : columns) matches = matches && (wanted == -1 || wanted == (found ? 1 : 0));
      if (!matches) continue;
      ++matching;
      decision = rule.decision;
    }
    EXPECT_EQ(matching, 1) << describe(signs);
    EXPECT_EQ(decide(signs), decision) << describe(signs);
  }
}

TEST(DecisionTableTest, EveryRuleIsOfUse) {
  for (const DecisionRule& rule : decision_table()) {
    bool used = false;
    for (const SegmentSigns& signs : all_signs()) {
      const auto holds = [](int wanted, bool found) { return wanted == -1 || wanted == (found ? 1 : 0); };
      used = used || (possible(signs) && holds(rule.sealed, signs.sealed) && holds(rule.closed, signs.closed) &&
                      holds(rule.complete, signs.complete) && holds(rule.unsupported, signs.unsupported) &&
                      holds(rule.promised, signs.promised) && holds(rule.last, signs.last));
    }
    EXPECT_TRUE(used);
  }
}

// The promises in words: what was durable is never cut, and nothing is written over what a newer version made.
TEST(DecisionTableTest, NeverCutsWhatWasPromised) {
  for (const SegmentSigns& signs : all_signs()) {
    if (!possible(signs)) continue;
    const Decision decision = decide(signs);
    if (signs.unsupported) {
      EXPECT_EQ(decision, Decision::refuse) << describe(signs);
    }
    if (decision == Decision::cut) {
      EXPECT_FALSE(signs.promised) << describe(signs);
      EXPECT_FALSE(signs.sealed || signs.closed) << describe(signs);
    }
    if (decision == Decision::go_on) {
      EXPECT_TRUE(signs.closed && signs.complete && signs.last) << describe(signs);
    }
    if (decision == Decision::accept || decision == Decision::finish) {
      EXPECT_TRUE(signs.complete) << describe(signs);
    }
  }
}

// --- logs by hand ----------------------------------------------------------------------------------------------------

class RecoveryTest : public ::testing::Test {
 protected:
  RecoveryTest() : segments_(std::move(disk_.open()->subdirectory(format::kSegmentsName, true)).value()) {}

  void put(std::uint64_t number, const std::vector<std::byte>& bytes) { put(format::segment_name(number), bytes); }
  void put(SegmentBuilder& builder) { put(builder.header().number, builder.bytes()); }
  void put(const std::string& name, const std::vector<std::byte>& bytes) {
    auto file = segments_->create(name);
    ASSERT_TRUE(is_ok(file));
    ASSERT_TRUE(is_ok((*file)->write_at(0, bytes)));
    ASSERT_TRUE(is_ok((*file)->sync()));
    ASSERT_TRUE(is_ok(segments_->sync()));
  }

  Result<Recovered> recover(Scope scope = Scope::whole) {
    events_ = 0;
    return log::recover(
        *segments_, [this](const Uuid&) { return mark_; },
        [this](const format::FrameHeader&, format::Word word) { events_ += word.event_count(); }, scope);
  }

  std::vector<std::string> names() {
    auto names = std::move(segments_->list()).value();
    std::ranges::sort(names);
    return names;
  }
  std::vector<std::byte> file(std::uint64_t number) {
    return disk_.newest(std::string(format::kSegmentsName) + "/" + format::segment_name(number)).value();
  }
  // A refusal must leave every byte as it was.
  void expect_refused(Errc code, const char* what) {
    std::vector<std::vector<std::byte>> before;
    for (const std::string& name : names()) before.push_back(*disk_.newest(std::string("segments/") + name));
    const auto names_before = names();
    const auto result = recover();
    EXPECT_TRUE(fails_with(result, code, 0, what));
    EXPECT_EQ(names(), names_before);
    for (std::size_t i = 0; i < names_before.size(); ++i) {
      EXPECT_EQ(*disk_.newest(std::string("segments/") + names_before[i]), before[i]) << names_before[i];
    }
  }
  // Recovery is done once; doing it again finds a whole log with the same events.
  void expect_same_again(const Recovered& first) {
    const std::uint64_t events = events_;
    const auto again = recover();
    ASSERT_TRUE(is_ok(again));
    EXPECT_EQ(events_, events);
    EXPECT_EQ(again->position, first.position);
    EXPECT_EQ(again->clock, first.clock);
    EXPECT_EQ(again->next_number, first.next_number);
    EXPECT_EQ(again->report.frames_cut, 0u);
    EXPECT_EQ(again->report.bytes_cut, 0u);
  }

  static SegmentBuilder with_events(SegmentBuilder::Spec spec, int count) {
    SegmentBuilder builder(spec);
    builder.describe_base();
    for (int i = 0; i < count; ++i) builder.publish("stream", std::span(&kEvent, 1));
    return builder;
  }
  static SegmentBuilder::Spec after(SegmentBuilder& before) {
    return {.number = before.header().number + 1,
            .segment = test::fixed_uuid(static_cast<std::uint8_t>(0x80 + before.header().number * 16)),
            .epoch = before.header().epoch,
            .base = before.position(),
            .created_at =
                1'700'000'000'000'000'000 + static_cast<std::int64_t>(before.header().number) * 1'000'000'000'000};
  }

  static inline const NewEvent kEvent{.type = "Happened", .payload = "something of some length"};

  test::SimDisk disk_;
  std::unique_ptr<io::Directory> segments_;
  std::optional<format::Address> mark_;
  std::uint64_t events_ = 0;
};

TEST_F(RecoveryTest, NothingIsAnEmptyLog) {
  const auto result = recover();
  ASSERT_TRUE(is_ok(result));
  EXPECT_FALSE(result->log);
  EXPECT_EQ(result->next_number, 1u);
  EXPECT_EQ(result->epoch, 1u);
  EXPECT_FALSE(result->report.unclean);
}

TEST_F(RecoveryTest, TemporaryFilesGo) {
  put(format::temporary_name(1, 77), std::vector<std::byte>(100));
  put("notes.txt", std::vector<std::byte>(3));
  ASSERT_TRUE(is_ok(recover()));
  EXPECT_EQ(names(), std::vector<std::string>{"notes.txt"}) << "what is not ours stays";
}

TEST_F(RecoveryTest, ACleanCloseIsGoneOnWith) {
  auto builder = with_events({}, 3);
  builder.close();
  put(builder);
  const auto result = recover();
  ASSERT_TRUE(is_ok(result));
  EXPECT_EQ(events_, 3u);
  ASSERT_TRUE(result->go_on);
  EXPECT_EQ(result->go_on->end, builder.end());
  EXPECT_EQ(result->go_on->events, 3u);
  EXPECT_EQ(result->epoch, 1u);
  EXPECT_FALSE(result->report.unclean);
  EXPECT_EQ(file(1), builder.bytes()) << "reading a log writes nothing";
}

// --- the tail only

TEST_F(RecoveryTest, FootersSpeakForWhatIsNotRead) {
  auto one = with_events({}, 3);
  one.seal();
  auto two = with_events(after(one), 2);
  two.close();
  put(one);
  put(two);
  const auto tail = recover(Scope::tail);
  ASSERT_TRUE(is_ok(tail));
  EXPECT_EQ(events_, 0u);
  EXPECT_EQ(tail->unread, 5u);
  const auto whole = recover();
  ASSERT_TRUE(is_ok(whole));
  EXPECT_EQ(whole->unread, 0u);
  EXPECT_EQ(tail->position, whole->position);
  EXPECT_EQ(tail->clock, whole->clock);
  EXPECT_EQ(tail->next_number, whole->next_number);
  EXPECT_EQ(tail->go_on_base, whole->go_on_base);
  EXPECT_EQ(tail->zero_until, whole->zero_until);
  ASSERT_TRUE(tail->go_on && whole->go_on);
  EXPECT_EQ(tail->go_on->end, whole->go_on->end);
  EXPECT_EQ(tail->go_on->frames_end, whole->go_on->frames_end);
  EXPECT_EQ(tail->go_on->frames, whole->go_on->frames);
  EXPECT_EQ(tail->go_on->events, whole->go_on->events);
  EXPECT_EQ(tail->go_on->recorded_first, whole->go_on->recorded_first);
  EXPECT_EQ(tail->go_on->recorded_last, whole->go_on->recorded_last);
}

TEST_F(RecoveryTest, DamageToWhatIsNotReadIsLeftToItsReaders) {
  auto one = with_events({}, 3);
  const std::uint64_t end = one.end();
  one.seal();
  one.bytes()[end - 20] ^= std::byte{1};
  auto two = with_events(after(one), 2);
  two.close();
  two.bytes()[two.end() - 20] ^= std::byte{1};
  put(one);
  put(two);
  EXPECT_TRUE(is_ok(recover(Scope::tail)));
  EXPECT_TRUE(fails_with(recover(), Errc::corrupt));
}

TEST_F(RecoveryTest, EverythingBehindAMissingFooterIsRead) {
  auto one = with_events({}, 1);
  one.seal();
  auto two = with_events(after(one), 2);
  two.pad();
  auto three = with_events(after(two), 4);
  three.seal();
  auto four = with_events(after(three), 8);
  for (SegmentBuilder* builder : {&one, &two, &three, &four}) put(*builder);
  const auto tail = recover(Scope::tail);
  ASSERT_TRUE(is_ok(tail));
  EXPECT_EQ(events_, 14u);
  EXPECT_EQ(tail->unread, 1u);
  EXPECT_EQ(tail->position, 15u);
  EXPECT_FALSE(tail->go_on);
  EXPECT_EQ(tail->epoch, 2u);
  expect_same_again(*recover());
}

TEST_F(RecoveryTest, AClosedSegmentMayEndInAPad) {
  auto builder = with_events({}, 3);
  builder.pad();
  builder.close();
  put(builder);
  for (const Scope scope : {Scope::whole, Scope::tail}) {
    const auto result = recover(scope);
    ASSERT_TRUE(is_ok(result));
    ASSERT_TRUE(result->go_on);
    EXPECT_EQ(result->go_on->end, format::data_end(builder.header().size));
    EXPECT_LT(result->go_on->frames_end, result->go_on->end);
    EXPECT_EQ(result->zero_until, result->go_on->end);
  }
}

TEST_F(RecoveryTest, NothingMayBeBehindAClosedEnd) {
  for (const std::uint64_t behind : {0u, 8u, 1000u}) {
    auto builder = with_events({}, 3);
    builder.close();
    const std::uint64_t at = builder.end() + behind * 8;
    builder.bytes()[at + 5] = std::byte{1};
    put(builder);
    EXPECT_TRUE(fails_with(recover(), Errc::corrupt));
    const auto result = recover(Scope::tail);
    ASSERT_TRUE(fails_with(result, Errc::corrupt, 0, "bytes behind the end of the log"));
    EXPECT_EQ(result.error().offset, at);
    ASSERT_TRUE(is_ok(segments_->remove(format::segment_name(1))));
  }
}

// With a right checksum: from a writer that is wrong, or on purpose.
TEST_F(RecoveryTest, AFooterThatCannotBeIsRefused) {
  using Change = void (*)(format::SegmentFooter&);
  constexpr std::array<Change, 10> kChanges{
      [](format::SegmentFooter& footer) { footer.valid_end = 0; },
      [](format::SegmentFooter& footer) { footer.valid_end += 4; },
      [](format::SegmentFooter& footer) { footer.valid_end = ~std::uint64_t{7}; },
      [](format::SegmentFooter& footer) { footer.valid_end = format::kSegmentSizeMin; },
      [](format::SegmentFooter& footer) { footer.events = ~std::uint64_t{0}; },
      [](format::SegmentFooter& footer) { footer.events = 0; },
      [](format::SegmentFooter& footer) { footer.frames = 1u << 20; },
      [](format::SegmentFooter& footer) { footer.frames = 0; },
      [](format::SegmentFooter& footer) { footer.base_position = 77; },
      [](format::SegmentFooter& footer) { footer.recorded_last = footer.recorded_first - 1; },
  };
  for (std::size_t i = 0; i < kChanges.size(); ++i) {
    auto builder = with_events({}, 3);
    builder.close();
    std::byte* const at = builder.bytes().data() + format::data_end(builder.header().size);
    format::SegmentFooter footer;
    std::memcpy(&footer, at, sizeof(footer));
    kChanges[i](footer);
    footer.crc = format::footer_crc(footer, builder.salt());
    std::memcpy(at, &footer, sizeof(footer));
    put(builder);
    EXPECT_TRUE(fails_with(recover(Scope::tail), Errc::corrupt)) << i;
    ASSERT_TRUE(is_ok(segments_->remove(format::segment_name(1))));
  }
}

// --- the whole log

TEST_F(RecoveryTest, AnUncleanEndIsCutSealedAndLeft) {
  auto builder = with_events({}, 3);
  put(builder);
  const auto result = recover();
  ASSERT_TRUE(is_ok(result));
  EXPECT_EQ(events_, 3u);
  EXPECT_FALSE(result->go_on);
  EXPECT_EQ(result->next_number, 2u);
  EXPECT_EQ(result->epoch, 2u) << "old bytes must not pass for new frames";
  EXPECT_TRUE(result->report.unclean);
  EXPECT_EQ(result->report.segment, 1u);
  EXPECT_EQ(result->report.offset, builder.end());
  EXPECT_EQ(result->report.bytes_cut, 0u);
  auto sealed = with_events({}, 3);
  sealed.seal();
  EXPECT_EQ(file(1), sealed.bytes());
  expect_same_again(*result);
}

TEST_F(RecoveryTest, TornTailLosesOnlyTheTornFrame) {
  auto builder = with_events({}, 3);
  const std::uint64_t torn = builder.publish("stream", std::span(&kEvent, 1));
  builder.bytes()[builder.end() - 20] ^= std::byte{1};
  put(builder);
  const auto result = recover();
  ASSERT_TRUE(is_ok(result));
  EXPECT_EQ(events_, 3u);
  EXPECT_EQ(result->report.offset, torn);
  EXPECT_GT(result->report.bytes_cut, 0u);
  EXPECT_EQ(result->report.frames_cut, 0u);
  auto sealed = with_events({}, 3);
  sealed.seal();
  EXPECT_EQ(file(1), sealed.bytes());
  expect_same_again(*result);
}

TEST_F(RecoveryTest, WholeFramesBehindAHoleAreCountedAndCut) {
  auto builder = with_events({}, 3);
  const std::uint64_t hole = builder.publish("stream", std::span(&kEvent, 1));
  const std::uint64_t after_hole = builder.publish("stream", std::span(&kEvent, 1));
  builder.publish("stream", std::span(&kEvent, 1));
  std::fill(builder.bytes().begin() + static_cast<std::ptrdiff_t>(hole),
            builder.bytes().begin() + static_cast<std::ptrdiff_t>(after_hole), std::byte{});
  put(builder);
  const auto result = recover();
  ASSERT_TRUE(is_ok(result));
  EXPECT_EQ(events_, 3u);
  EXPECT_EQ(result->report.frames_cut, 2u);
  expect_same_again(*result);
}

TEST_F(RecoveryTest, AClaimThatWasNeverPublishedIsCut) {
  auto builder = with_events({}, 3);
  const StreamAppend append{.stream = "stream", .events = std::span(&kEvent, 1)};
  builder.fill(std::span(&append, 1));
  put(builder);
  const auto result = recover();
  ASSERT_TRUE(is_ok(result));
  EXPECT_EQ(events_, 3u);
  EXPECT_EQ(result->report.frames_cut, 1u);
  expect_same_again(*result);
}

TEST_F(RecoveryTest, RejectedFramesTakeBytesAndNoPosition) {
  auto builder = with_events({}, 2);
  const StreamAppend append{.stream = "stream", .expect = Expect::exactly(9), .events = std::span(&kEvent, 1)};
  builder.reject(std::span(&append, 1), 0, 2);
  builder.publish("stream", std::span(&kEvent, 1));
  put(builder);
  const auto result = recover();
  ASSERT_TRUE(is_ok(result));
  EXPECT_EQ(result->position, 3u);
  EXPECT_EQ(events_, 3u);
  expect_same_again(*result);
}

// The floor of a later frame says how far the disk had promised: a hole below it is damage, not a torn tail.
TEST_F(RecoveryTest, AHoleBelowAFloorIsCorruption) {
  auto builder = with_events({}, 3);
  const std::uint64_t hole = builder.publish("stream", std::span(&kEvent, 1));
  builder.set_floor({.segment = 1, .offset = static_cast<std::uint32_t>(builder.end())});
  builder.publish("stream", std::span(&kEvent, 1));
  builder.bytes()[hole + 60] ^= std::byte{1};
  put(builder);
  expect_refused(Errc::corrupt, "content checksum");
}

TEST_F(RecoveryTest, AHoleAboveEveryFloorIsATornTail) {
  auto builder = with_events({}, 3);
  builder.set_floor({.segment = 1, .offset = static_cast<std::uint32_t>(builder.end())});
  const std::uint64_t hole = builder.publish("stream", std::span(&kEvent, 1));
  builder.publish("stream", std::span(&kEvent, 1));
  builder.bytes()[hole + 60] ^= std::byte{1};
  put(builder);
  EXPECT_TRUE(is_ok(recover()));
  EXPECT_EQ(events_, 3u);
}

// What LOCK says was durable counts as a floor.
TEST_F(RecoveryTest, AMarkAboveTheEndIsCorruption) {
  auto builder = with_events({}, 3);
  put(builder);
  mark_ = format::Address{.segment = 1, .offset = static_cast<std::uint32_t>(builder.end())};
  EXPECT_TRUE(is_ok(recover()));

  auto other = with_events({.number = 2, .base = 3, .created_at = 1'800'000'000'000'000'000}, 2);
  put(other);
  mark_ = format::Address{.segment = 2, .offset = static_cast<std::uint32_t>(other.end() + 8)};
  expect_refused(Errc::corrupt, "synced frames are missing");
}

TEST_F(RecoveryTest, AMarkInASegmentThatIsGoneIsCorruption) {
  auto builder = with_events({}, 3);
  builder.seal();
  put(builder);
  mark_ = format::Address{.segment = 2, .offset = 5000};
  expect_refused(Errc::corrupt, "durable log ends early");
}

// What a power cut leaves of LOCK may be noise that passes its short check.
TEST_F(RecoveryTest, AMarkThatCanBeNoAddressIsIgnored) {
  auto builder = with_events({}, 3);
  builder.seal();
  put(builder);
  for (const format::Address mark : {format::Address{.segment = 1026, .offset = 5000},
                                     {.segment = 1, .offset = 61'448},
                                     {.segment = 2, .offset = 4088},
                                     {.segment = 1u << 25, .offset = 312'617'968}}) {
    mark_ = mark;
    EXPECT_TRUE(is_ok(recover())) << mark.segment << " @ " << mark.offset;
  }
  for (const format::Address mark :
       {format::Address{.segment = 1025, .offset = 5000}, {.segment = 2, .offset = 4104}}) {
    mark_ = mark;
    EXPECT_TRUE(fails_with(recover(), Errc::corrupt)) << mark.segment << " @ " << mark.offset;
  }
}

TEST_F(RecoveryTest, AllSegmentsInARow) {
  auto first = with_events({}, 3);
  first.seal();
  auto second = with_events(after(first), 2);
  second.pad();  // full, and the crash came before its footer
  auto third = with_events(after(second), 1);
  put(first);
  put(second);
  put(third);
  const auto result = recover();
  ASSERT_TRUE(is_ok(result));
  EXPECT_EQ(result->position, 6u);
  EXPECT_EQ(events_, 6u);
  EXPECT_EQ(result->next_number, 4u);
  EXPECT_EQ(result->report.segment, 3u);
  expect_same_again(*result);
}

// Write-back out of order: a later segment may be on the disk while an earlier one is torn. None of it was durable.
TEST_F(RecoveryTest, SegmentsBehindACutGo) {
  auto first = with_events({}, 3);
  auto second = with_events(after(first), 2);
  auto third = with_events(after(second), 1);
  put(first);
  put(second);
  put(third);
  const auto result = recover();
  ASSERT_TRUE(is_ok(result));
  EXPECT_EQ(result->position, 3u);
  EXPECT_EQ(names(), std::vector<std::string>{format::segment_name(1)});
  EXPECT_EQ(result->next_number, 2u);
  EXPECT_EQ(result->report.frames_cut, 3u);
  expect_same_again(*result);
}

TEST_F(RecoveryTest, APreparedSegmentBehindACloseGoes) {
  auto first = with_events({}, 3);
  first.close();
  SegmentBuilder prepared(after(first));
  put(first);
  put(prepared);
  const auto result = recover();
  ASSERT_TRUE(is_ok(result));
  EXPECT_TRUE(result->go_on);
  EXPECT_EQ(names(), std::vector<std::string>{format::segment_name(1)});
}

TEST_F(RecoveryTest, FramesBehindACloseAreCorruption) {
  auto first = with_events({}, 3);
  first.close();
  auto second = with_events(after(first), 1);
  put(first);
  put(second);
  EXPECT_TRUE(fails_with(recover(), Errc::corrupt));
}

TEST_F(RecoveryTest, DamageInASealedSegmentIsCorruption) {
  auto first = with_events({}, 3);
  first.seal();
  auto second = with_events(after(first), 1);
  first.bytes()[kDataStart + 70] ^= std::byte{4};
  put(first);
  put(second);
  expect_refused(Errc::corrupt, "content checksum");
}

TEST_F(RecoveryTest, DamageInAClosedSegmentIsCorruption) {
  auto builder = with_events({}, 3);
  const std::uint64_t last = builder.publish("stream", std::span(&kEvent, 1));
  builder.close();
  builder.bytes()[last] ^= std::byte{4};
  put(builder);
  EXPECT_TRUE(fails_with(recover(), Errc::corrupt));
}

TEST_F(RecoveryTest, MissingSegment) {
  auto first = with_events({}, 1);
  first.seal();
  auto second = with_events(after(first), 1);
  second.seal();
  auto third = with_events(after(second), 1);
  put(first);
  put(third);
  expect_refused(Errc::corrupt, "segment missing");
}

TEST_F(RecoveryTest, OverlappingSegments) {
  auto first = with_events({}, 3);
  first.seal();
  auto spec = after(first);
  spec.base = 2;
  auto second = with_events(spec, 1);
  second.seal();
  put(first);
  put(second);
  expect_refused(Errc::corrupt, "base position of a sealed segment");
}

// The hint is not synced before the end; what it becomes in a crash must not be sealed in.
TEST_F(RecoveryTest, TheBaseIsWrittenDownBeforeASeal) {
  auto sealed = with_events({}, 3);
  sealed.seal();
  for (const std::uint64_t noise : {std::uint64_t{0}, std::uint64_t{0x1234567}}) {
    auto builder = with_events({}, 3);
    const format::SegmentBase hint{noise, noise};
    std::memcpy(builder.bytes().data() + format::kBaseOffset, &hint, sizeof(hint));
    put(builder);
    EXPECT_TRUE(is_ok(recover()));
    EXPECT_EQ(file(1), sealed.bytes());
    ASSERT_TRUE(is_ok(segments_->remove(format::segment_name(1))));
  }
}

TEST_F(RecoveryTest, ARenamedSegment) {
  auto first = with_events({}, 1);
  put(2, first.bytes());
  expect_refused(Errc::corrupt, "segment number");
}

TEST_F(RecoveryTest, ASegmentOfAnotherLog) {
  auto first = with_events({}, 1);
  first.seal();
  auto spec = after(first);
  spec.log = test::fixed_uuid(0x70);
  auto second = with_events(spec, 1);
  put(first);
  put(second);
  expect_refused(Errc::corrupt, "segment of another log");
}

TEST_F(RecoveryTest, ASegmentOfAnotherSizeOrAnOlderEpoch) {
  auto first = with_events({.epoch = 5}, 1);
  first.seal();
  auto spec = after(first);
  spec.size = 2 * format::kSegmentSizeMin;
  auto larger = with_events(spec, 1);
  put(first);
  put(larger);
  expect_refused(Errc::corrupt, "segment size");
  ASSERT_TRUE(is_ok(segments_->remove(format::segment_name(2))));
  spec = after(first);
  spec.epoch = 4;
  auto older = with_events(spec, 1);
  put(older);
  expect_refused(Errc::corrupt, "epoch");
}

TEST_F(RecoveryTest, TruncatedAndEmptyFiles) {
  auto builder = with_events({}, 1);
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{4096}, std::size_t{65'535}}) {
    auto bytes = builder.bytes();
    bytes.resize(size);
    put(1, bytes);
    expect_refused(Errc::corrupt, "segment file size");
    ASSERT_TRUE(is_ok(segments_->remove(format::segment_name(1))));
  }
}

TEST_F(RecoveryTest, ALongerFileIsReadToItsSize) {
  auto builder = with_events({}, 1);
  auto bytes = builder.bytes();
  bytes.resize(bytes.size() + 4096, std::byte{0xee});
  put(1, bytes);
  const auto result = recover();
  ASSERT_TRUE(is_ok(result));
  EXPECT_EQ(result->position, 1u);
  expect_same_again(*result);
}

TEST_F(RecoveryTest, AllZeros) {
  put(1, std::vector<std::byte>(format::kSegmentSizeMin));
  expect_refused(Errc::corrupt, "segment magic");
}

TEST_F(RecoveryTest, AHeaderIsReadFromItsCopyWhenTheFirstIsDamaged) {
  auto builder = with_events({}, 2);
  builder.bytes()[20] ^= std::byte{1};
  put(builder);
  const auto result = recover();
  ASSERT_TRUE(is_ok(result));
  EXPECT_EQ(result->position, 2u);
}

TEST_F(RecoveryTest, ANewerFormatIsRefusedAsSuch) {
  auto builder = with_events({}, 1);
  for (const std::uint64_t at : {std::uint64_t{0}, format::kHeaderCopy}) {
    auto& header = *reinterpret_cast<format::SegmentHeader*>(builder.bytes().data() + at);
    header.format_version = 2;
    header.crc = format::header_crc(header);
  }
  put(builder);
  expect_refused(Errc::unsupported, "format version");
}

TEST_F(RecoveryTest, FeatureBits) {
  auto builder = with_events({}, 1);
  const auto set = [&](std::uint32_t incompatible, std::uint32_t compatible) {
    for (const std::uint64_t at : {std::uint64_t{0}, format::kHeaderCopy}) {
      auto& header = *reinterpret_cast<format::SegmentHeader*>(builder.bytes().data() + at);
      header.incompatible = incompatible;
      header.compatible = compatible;
      header.crc = format::header_crc(header);
    }
  };
  set(1, 0);
  put(builder);
  expect_refused(Errc::unsupported, "incompatible features");
  ASSERT_TRUE(is_ok(segments_->remove(format::segment_name(1))));
  set(0, 0x80000000);
  put(builder);
  EXPECT_TRUE(is_ok(recover()));
}

// The times of a log never decrease, so a segment that begins before the last one ended is not of this log's making.
TEST_F(RecoveryTest, TimesNeverDecrease) {
  auto first = with_events({}, 3);
  first.seal();
  auto spec = after(first);
  spec.created_at = 1'600'000'000'000'000'000;
  auto second = with_events(spec, 1);
  second.seal();
  put(first);
  put(second);
  expect_refused(Errc::corrupt, "recorded-at time");
}

// Recovery that is cut off before any of its calls, and after the last, whatever the power cut then leaves of it, comes
// to the same when it is done again. Several segments are cut at once: what is removed of them may be on the disk in
// any order.
TEST_F(RecoveryTest, MayBeCutOffAnywhere) {
  auto first = with_events({}, 3);
  first.publish("stream", std::span(&kEvent, 1));
  first.bytes()[first.end() - 20] ^= std::byte{1};
  auto second = with_events(after(first), 2);
  second.pad();
  auto third = with_events(after(second), 2);
  auto fourth = with_events(after(third), 1);
  for (SegmentBuilder* const builder : {&first, &second, &third, &fourth}) put(*builder);
  put(format::temporary_name(5, 1), std::vector<std::byte>(8));
  const test::SimDisk torn = disk_.kill();

  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    test::Rng rng(seed);
    disk_ = torn.kill();
    segments_ = std::move(disk_.open()->subdirectory(format::kSegmentsName, false)).value();
    std::vector<test::SimDisk> crashed;
    const auto take = [&] {
      for (const auto policy : test::kCrashPolicies) crashed.push_back(disk_.crash(rng, policy));
    };
    disk_.faults().before_each_call([&](test::IoCall) { take(); });
    const auto whole = recover();
    ASSERT_TRUE(is_ok(whole));
    disk_.faults().before_each_call({});
    take();
    for (std::size_t i = 0; i < crashed.size(); ++i) {
      segments_ = std::move(crashed[i].open()->subdirectory(format::kSegmentsName, false)).value();
      const auto again = recover();
      ASSERT_TRUE(is_ok(again)) << "seed " << seed << ", image " << i;
      ASSERT_EQ(events_, 3u);
      ASSERT_EQ(again->position, 3u);
      ASSERT_EQ(again->next_number, 2u);
    }
  }
}

}  // namespace
}  // namespace daybook::log
