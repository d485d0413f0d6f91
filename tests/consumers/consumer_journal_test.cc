// The bytes of a journal: what is written is read, and nothing else is taken for it.
#include "store/consumer_journal.h"

#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "format/checksum.h"
#include "support/result_matchers.h"

namespace daybook::consumers {
namespace {

using test::fails_with;
using test::is_ok;

ParkedEvent parked(Position position, std::string error = "why") {
  return {.position = position,
          .version = position * 2,
          .stream = "stream",
          .type = "Type",
          .attempts = 3,
          .error = std::move(error),
          .parked_at = Timestamp(std::chrono::nanoseconds(7))};
}

ConsumerState sample() {
  ConsumerState state;
  state.at = {.log = {1, 2, 3}, .epoch = 4, .position = 50};
  state.query = {.items = {{.streams = {"a", "b"}, .tags = {"t"}}, {.types = {"T"}}},
                 .except = {{.tags = {"x", "y"}}},
                 .recorded_before = Timestamp(std::chrono::nanoseconds(-5)),
                 .occurred_from = Timestamp(std::chrono::nanoseconds(5))};
  state.saved_at = Timestamp(std::chrono::nanoseconds(99));
  state.parked = {{20, parked(20)}, {60, parked(60, "")}};
  return state;
}

void expect_same(const ConsumerState& a, const ConsumerState& b) {
  EXPECT_EQ(a.at.log, b.at.log);
  EXPECT_EQ(a.at.epoch, b.at.epoch);
  EXPECT_EQ(a.at.position, b.at.position);
  EXPECT_EQ(a.query, b.query);
  EXPECT_EQ(a.saved_at, b.saved_at);
  ASSERT_EQ(a.parked.size(), b.parked.size());
  for (auto at = a.parked.begin(), other = b.parked.begin(); at != a.parked.end(); ++at, ++other) {
    EXPECT_EQ(at->first, other->first);
    EXPECT_EQ(at->second.version, other->second.version);
    EXPECT_EQ(at->second.stream, other->second.stream);
    EXPECT_EQ(at->second.type, other->second.type);
    EXPECT_EQ(at->second.attempts, other->second.attempts);
    EXPECT_EQ(at->second.error, other->second.error);
    EXPECT_EQ(at->second.parked_at, other->second.parked_at);
  }
}

// A journal of the sample, and some records behind it; where each of them ends, and what is true there.
struct Written {
  std::vector<std::byte> bytes;
  std::vector<std::size_t> ends;
  std::vector<ConsumerState> states;
};

Written write(std::uint64_t salt = 1) {
  Written written;
  ConsumerState state = sample();
  JournalWriter journal(state, salt);
  const auto step = [&] {
    written.ends.push_back(journal.bytes().size());
    written.states.push_back(state);
  };
  const Timestamp now{std::chrono::nanoseconds(100)};
  step();
  state.at.position = 61;
  state.saved_at = now;
  journal.add_position(state.at, now);
  step();
  state.parked[62] = parked(62, std::string(kParkedErrorMax, 'e'));
  journal.add_parked(parked(62, std::string(kParkedErrorMax + 5, 'e')));
  step();
  state.parked.erase(20);
  journal.add_unparked(20);
  step();
  state.query = Query::type("U");
  journal.add_query(state.query);
  step();
  state.at.position = 60;
  state.at.epoch = 0;
  state.parked.erase(62);
  journal.add_reset(state.at, now);
  step();
  written.bytes.assign(journal.bytes().begin(), journal.bytes().end());
  return written;
}

TEST(ConsumerJournalTest, SaysWhatWasWritten) {
  const Written written = write();
  const auto journal = parse_journal(written.bytes);
  ASSERT_TRUE(is_ok(journal));
  EXPECT_EQ(journal->end, written.bytes.size());
  EXPECT_EQ(journal->base_size, written.ends[0]);
  expect_same(journal->state, written.states.back());
}

// A crash may leave any length. Below what was synced, it is damage.
TEST(ConsumerJournalTest, CutAnywhereItSaysWhatTheWholeRecordsSay) {
  const Written written = write();
  for (std::size_t size = 0; size <= written.bytes.size(); ++size) {
    const auto journal = parse_journal(std::span(written.bytes).first(size));
    if (size < written.ends[0]) {
      ASSERT_TRUE(fails_with(journal, Errc::corrupt)) << size;
      continue;
    }
    ASSERT_TRUE(is_ok(journal)) << size;
    std::size_t last = 0;
    while (last + 1 < written.ends.size() && written.ends[last + 1] <= size) ++last;
    ASSERT_EQ(journal->end, written.ends[last]) << size;
    expect_same(journal->state, written.states[last]);
  }
}

TEST(ConsumerJournalTest, NoFlippedBitIsTakenForTheTruth) {
  const Written written = write();
  for (std::size_t bit = 0; bit < written.bytes.size() * 8; ++bit) {
    std::vector<std::byte> bytes = written.bytes;
    bytes[bit / 8] ^= std::byte(1 << bit % 8);
    const auto journal = parse_journal(bytes);
    if (bit / 8 < written.ends[0]) {
      ASSERT_FALSE(journal) << bit;
      continue;
    }
    ASSERT_TRUE(is_ok(journal)) << bit;
    std::size_t last = 0;
    while (written.ends[last + 1] <= bit / 8) ++last;
    ASSERT_EQ(journal->end, written.ends[last]) << bit;
  }
}

// What an older life of the file has left there, or another file: same bytes, same place.
TEST(ConsumerJournalTest, ARecordCountsOnlyBehindTheRecordsItWasWrittenBehind) {
  const Written written = write(1);
  const Written other = write(2);
  ASSERT_EQ(written.ends, other.ends);
  for (const std::size_t end : written.ends) {
    std::vector<std::byte> mixed = written.bytes;
    std::copy(other.bytes.begin() + static_cast<std::ptrdiff_t>(end), other.bytes.end(),
              mixed.begin() + static_cast<std::ptrdiff_t>(end));
    const auto journal = parse_journal(mixed);
    ASSERT_TRUE(is_ok(journal));
    EXPECT_EQ(journal->end, end);
  }
}

TEST(ConsumerJournalTest, WhatANewerVersionWroteIsUnsupported) {
  Written written = write();
  JournalHeader header;
  std::memcpy(&header, written.bytes.data(), sizeof(header));
  header.format_version = 2;
  header.check = format::xxh3_128(std::as_bytes(std::span(&header, 1)).first(offsetof(JournalHeader, check))).low;
  std::memcpy(written.bytes.data(), &header, sizeof(header));
  EXPECT_TRUE(fails_with(parse_journal(written.bytes), Errc::unsupported));
}

TEST(ConsumerJournalTest, TheLargestQueryFits) {
  ConsumerState state = sample();
  state.query = {};
  for (std::size_t i = 0; i < kQueryItemsMax; ++i) {
    QueryItem item;
    for (std::size_t k = 0; k < kQueryKeysMax / kQueryItemsMax; ++k) item.tags.emplace_back(kTagSizeMax, 't');
    state.query.items.push_back(item);
  }
  const JournalWriter journal(state, 1);
  const auto parsed = parse_journal(journal.bytes());
  ASSERT_TRUE(is_ok(parsed));
  EXPECT_EQ(parsed->state.query, state.query);
}

}  // namespace
}  // namespace daybook::consumers
