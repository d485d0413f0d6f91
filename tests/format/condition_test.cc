// The condition block of a frame: whole, and in every kind of pieces.
#include "format/condition.h"

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "format/crc32c.h"
#include "format/frame.h"
#include "format/look.h"
#include "log/frame_reader.h"
#include "log/query_match.h"
#include "segment/segment_builder.h"
#include "support/rng.h"

namespace daybook::format {
namespace {

using Kind = FrameStatus::Kind;

QueryItem random_item(test::Rng& rng) {
  const auto keys = [&rng](const char* what) {
    std::vector<std::string> all;
    for (std::uint64_t n = rng.below(3); n > 0; --n) {
      all.push_back(what + std::string(rng.below(rng.coin() ? 4 : 250), 'x') + std::to_string(rng.below(3)));
    }
    return all;
  };
  QueryItem item{.streams = keys("s"), .types = keys("T"), .tags = keys("t:")};
  if (item == QueryItem{}) item.types = {"T"};
  return item;
}

AppendCondition random_condition(test::Rng& rng) {
  AppendCondition condition{.after = rng.below(9)};
  for (std::uint64_t n = rng.below(4); n > 0; --n) condition.fail_if.items.push_back(random_item(rng));
  for (std::uint64_t n = rng.below(3); n > 0; --n) condition.fail_if.except.push_back(random_item(rng));
  for (auto* const window : {&condition.fail_if.recorded_from, &condition.fail_if.recorded_before,
                             &condition.fail_if.occurred_from, &condition.fail_if.occurred_before}) {
    if (rng.coin()) *window = Timestamp(std::chrono::nanoseconds(static_cast<std::int64_t>(rng.next())));
  }
  return condition;
}

// A segment with one conditional frame: an event, a stream that is only expected, and some conditions.
class ConditionalFrame {
 public:
  explicit ConditionalFrame(std::uint64_t seed) : rng_(seed) {
    for (std::uint64_t n = rng_.below(4); n > 0; --n) conditions_.push_back(random_condition(rng_));
    block_ = {.conditions = conditions_, .looked = {1, 4096}, .unique_ids = rng_.coin()};
    segment_.set_block(&block_);
    const std::array<std::string_view, 2> tags{"t:1", "t:2"};
    const NewEvent event{.type = "T", .payload = "payload", .tags = Tags(tags), .id = EventId{7}};
    const std::array streams{
        StreamAppend{.stream = "s1"},
        StreamAppend{.stream = std::string_view("stream").substr(rng_.below(6)), .events = std::span(&event, 1)},
        StreamAppend{.stream = "last", .expect = Expect::exactly(3)}};
    offset_ = segment_.publish(streams);
    rejected_ = segment_.reject(streams, 1, 3);
  }

  [[nodiscard]] std::span<std::byte> data() {
    return std::span(segment_.bytes()).first(data_end(segment_.bytes().size()));
  }
  [[nodiscard]] const std::byte* frame() { return segment_.bytes().data() + offset_; }
  // The bytes up to the end of the frame at offset(), and not one more.
  [[nodiscard]] std::vector<std::byte> whole() {
    return {segment_.bytes().begin(), segment_.bytes().begin() + static_cast<std::ptrdiff_t>(rejected_)};
  }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] std::uint64_t rejected() const { return rejected_; }
  [[nodiscard]] std::uint64_t end() const { return segment_.end(); }
  [[nodiscard]] std::uint64_t salt() const { return segment_.salt(); }
  [[nodiscard]] const std::vector<AppendCondition>& conditions() const { return conditions_; }
  [[nodiscard]] const ConditionBlock& block() const { return block_; }

 private:
  test::Rng rng_;
  std::vector<AppendCondition> conditions_;
  ConditionBlock block_;
  test::SegmentBuilder segment_;
  std::uint64_t offset_ = 0;
  std::uint64_t rejected_ = 0;
};

std::vector<std::string> strings(const TagsView& keys) { return {keys.begin(), keys.end()}; }

std::vector<QueryItem> items_of(const StoredItems& stored) {
  std::vector<QueryItem> items;
  for (const StoredItem& item : stored)
    items.push_back({strings(item.streams), strings(item.types), strings(item.tags)});
  return items;
}

TEST(ConditionTest, WhatIsFilledReadsTheSame) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    ConditionalFrame made(seed);
    const FrameStatus status = look(made.data(), made.offset(), made.salt(), Check::checksums);
    ASSERT_EQ(status.kind, Kind::decided) << status.error.what << ", seed " << seed;
    EXPECT_EQ(status.word.kind(), FrameKind::conditional);
    ASSERT_EQ(look(made.data(), made.rejected(), made.salt(), Check::checksums).kind, Kind::decided);
    const StoredBlock block(made.frame(), status.word.size());
    EXPECT_EQ(block.looked(), made.block().looked);
    EXPECT_EQ(block.unique_ids(), made.block().unique_ids);
    ASSERT_EQ(block.conditions(), made.conditions().size());
    std::uint32_t seen = 0;
    block.any([&](std::uint32_t index, const StoredCondition& stored) {
      EXPECT_EQ(index, seen++);
      const AppendCondition& condition = made.conditions()[index];
      EXPECT_EQ(stored.after, condition.after);
      const Query query{items_of(stored.items), items_of(stored.except), stored.recorded_from,
                        stored.recorded_before, stored.occurred_from,    stored.occurred_before};
      EXPECT_EQ(query, condition.fail_if);
      return false;
    });
    EXPECT_EQ(seen, made.conditions().size());
  }
}

TEST(ConditionTest, EveryFlippedBitIsSeen) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    ConditionalFrame made(seed);
    for (std::uint64_t bit = made.offset() * 8; bit < made.end() * 8; ++bit) {
      std::byte& byte = made.data()[bit / 8];
      byte ^= std::byte{1} << (bit % 8);
      const std::uint64_t offset = bit / 8 < made.rejected() ? made.offset() : made.rejected();
      ASSERT_NE(look(made.data(), offset, made.salt(), Check::checksums).kind, Kind::decided) << bit;
      byte ^= std::byte{1} << (bit % 8);
    }
  }
}

void fix_checksums(std::span<std::byte> bytes, std::uint64_t offset, std::uint64_t salt) {
  FrameHeader& frame = frame_at(bytes.data(), offset);
  const Word word{frame.word};
  const std::uint64_t start = content_offset(word.stream_count());
  if (word.size() < start || word.size() > bytes.size() - offset) return;
  const std::uint64_t place = salt + offset * 0x9e3779b97f4a7c15u;
  const std::uint32_t head = crc32c_u64(crc32c_u64(kCrcInit, place), word.bits & ~std::uint64_t{0xf});
  frame.content_crc = crc32c(head, bytes.data() + offset + start, word.size() - start);
  frame.decision_crc = decision_crc({word, frame.position, frame.recorded_at, frame.content_crc}, offset, salt,
                                    [&frame](std::uint32_t i) { return assigned_at(frame, i); });
}

// Reads everything that a frame says; returns how much that was.
std::size_t read_all(std::span<std::byte> bytes, std::uint64_t offset) {
  const FrameHeader& frame = frame_at(bytes.data(), offset);
  const Word word = load_word(bytes.data() + offset);
  log::FrameReader reader(frame, word);
  EventView event;
  std::size_t read = 0;
  while (reader.next(event)) {
    read += event.stream.size() + event.type.size() + event.payload.size();
    for (const std::string_view tag : event.tags) read += tag.size();
    if (word.kind() != FrameKind::conditional) continue;
    StoredBlock(bytes.data() + offset, word.size()).any([&](std::uint32_t, const StoredCondition& condition) {
      read += log::violates(condition, event) ? 1 : 0;
      for (const auto& items : {condition.items, condition.except}) {
        for (const StoredItem& item : items) {
          for (const TagsView& keys : {item.streams, item.types, item.tags}) {
            for (const std::string_view key : keys) read += key.size();
          }
        }
      }
      return false;
    });
  }
  return read;
}

// A hostile writer has its checksums right. Whatever it says, nothing is read outside; what is accepted is used.
TEST(ConditionTest, EveryFlippedBitUnderARightChecksumStaysInside) {
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    ConditionalFrame made(seed);
    const std::vector<std::byte> whole = made.whole();
    for (std::uint64_t bit = made.offset() * 8; bit < whole.size() * 8; ++bit) {
      std::vector<std::byte> bytes = whole;
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
      fix_checksums(bytes, made.offset(), made.salt());
      const bool sound = look(bytes, made.offset(), made.salt(), Check::checksums).kind == Kind::decided;
      sound ? ++accepted : ++refused;
      if (sound) (void)read_all(bytes, made.offset());
    }
  }
  EXPECT_GT(accepted, 1000u);
  EXPECT_GT(refused, 1000u);
}

TEST(ConditionTest, RandomDamageUnderARightChecksumStaysInside) {
  test::Rng rng(3);
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    ConditionalFrame made(seed);
    const std::vector<std::byte> whole = made.whole();
    const std::uint64_t size = whole.size() - made.offset();
    BlockPlace place;
    std::memcpy(&place, whole.data() + whole.size() - sizeof(place), sizeof(place));
    for (int i = 0; i < 1000; ++i) {
      std::vector<std::byte> bytes = whole;
      for (std::uint64_t n = 1 + rng.below(5); n > 0; --n) {
        const std::uint64_t at = rng.below(4) == 0 ? rng.below(size) : place.offset + rng.below(size - place.offset);
        bytes[made.offset() + at] = static_cast<std::byte>(rng.below(3) == 0 ? 0xff : rng.below(rng.coin() ? 4 : 256));
      }
      fix_checksums(bytes, made.offset(), made.salt());
      for (const Check check : {Check::checksums, Check::structure}) {
        if (look(bytes, made.offset(), made.salt(), check).kind == Kind::decided) (void)read_all(bytes, made.offset());
      }
    }
  }
}

// Each rule of the block, broken alone.
TEST(ConditionTest, EveryRuleCounts) {
  std::uint64_t seed = 0;
  while (true) {  // one with a condition that has no windows, and so zeros to fill
    const ConditionalFrame made(seed);
    if (!made.conditions().empty() && !made.conditions()[0].fail_if.recorded_from) break;
    ++seed;
  }
  ConditionalFrame made(seed);
  const std::vector<std::byte> whole = made.whole();
  BlockPlace place;
  std::memcpy(&place, whole.data() + whole.size() - sizeof(place), sizeof(place));
  const std::uint64_t block = made.offset() + place.offset;
  const std::uint64_t condition = block + sizeof(ConditionHeader);
  const auto expect = [&](const char* what, std::uint64_t at, auto value, Kind kind = Kind::bad) {
    std::vector<std::byte> bytes = whole;
    std::memcpy(bytes.data() + at, &value, sizeof(value));
    fix_checksums(bytes, made.offset(), made.salt());
    EXPECT_EQ(look(bytes, made.offset(), made.salt(), Check::checksums).kind, kind) << what;
  };
  const std::uint64_t end = whole.size();
  expect("offset of the block", end - 8, std::uint32_t{place.offset + 8});
  expect("offset of the block", end - 8, std::uint32_t{place.offset - 8});
  expect("offset of the block", end - 8, std::uint32_t{0});
  expect("size of the block", end - 4, std::uint32_t{place.size + 8});
  expect("size of the block", end - 4, std::uint32_t{8});
  expect("address", block, std::uint64_t{1} << 32 | 4097);
  expect("flags", block + offsetof(ConditionHeader, flags), std::uint32_t{2}, Kind::unknown);
  expect("conditions", block + offsetof(ConditionHeader, conditions), std::uint32_t{257});
  expect("conditions", block + offsetof(ConditionHeader, conditions),
         static_cast<std::uint32_t>(made.conditions().size() + 1));
  expect("conditions", block + offsetof(ConditionHeader, conditions), std::uint32_t{0});
  expect("condition size", condition + offsetof(ConditionEntry, size), std::uint32_t{0});
  expect("condition size", condition + offsetof(ConditionEntry, size), std::uint32_t{0xfffffff8});
  expect("items", condition + offsetof(ConditionEntry, items), std::uint16_t{257});
  expect("items", condition + offsetof(ConditionEntry, items), std::uint16_t{200});
  expect("windows", condition + offsetof(ConditionEntry, windows), std::uint8_t{0x10});
  expect("zeros", condition + offsetof(ConditionEntry, zero), std::uint8_t{1});
  expect("a window that is not given", condition + offsetof(ConditionEntry, window), std::int64_t{1});
  expect("no rule", condition + offsetof(ConditionEntry, after), std::uint64_t{12345}, Kind::decided);
}

}  // namespace
}  // namespace daybook::format
