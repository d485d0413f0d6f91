#include "format/frame.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "format/look.h"
#include "log/frame_reader.h"
#include "segment/segment_builder.h"
#include "support/rng.h"

namespace daybook::format {
namespace {

using Kind = FrameStatus::Kind;

TEST(WordTest, PartsComeBack) {
  test::Rng rng(1);
  for (int i = 0; i < 10'000; ++i) {
    const auto state = static_cast<FrameState>(rng.below(4));
    const std::uint64_t size = rng.below(std::uint64_t{1} << 28) * 8;
    const std::size_t events = rng.below(65'536);
    const std::size_t streams = rng.below(4096);
    const Word word = Word::events(state, size, events, streams);
    ASSERT_EQ(word.state(), state);
    ASSERT_EQ(word.kind(), FrameKind::events);
    ASSERT_EQ(word.size(), size);
    ASSERT_EQ(word.event_count(), events);
    ASSERT_EQ(word.stream_count(), streams);
    ASSERT_EQ(word.decided(), state == FrameState::published || state == FrameState::rejected);
    for (const auto other : {FrameState::filled, FrameState::published, FrameState::rejected}) {
      ASSERT_EQ(word.with(other), Word::events(other, size, events, streams));
    }
  }
}

TEST(WordTest, APadSaysWhereItIs) {
  const Word pad = Word::pad(1000, 4096, 7);
  EXPECT_EQ(pad.kind(), FrameKind::pad);
  EXPECT_EQ(pad.size(), 1000u);
  EXPECT_TRUE(pad.decided());
  EXPECT_NE(pad, Word::pad(1000, 4104, 7));
  EXPECT_NE(pad, Word::pad(1008, 4096, 7));
  EXPECT_NE(pad, Word::pad(1000, 4096, 8));
}

// Whatever an append may hold, in every size that matters for padding.
class RandomAppend {
 public:
  explicit RandomAppend(std::uint64_t seed) : rng_(seed) {
    const std::size_t streams = 1 + rng_.below(4);
    events_.resize(streams);
    for (std::size_t i = 0; i < streams; ++i) {
      // Longer strings than std::string keeps in itself: views of them stay valid when vectors grow.
      ids_.push_back(text(1 + rng_.below(rng_.coin() ? 8 : 255)));
      const std::size_t events = 1 + rng_.below(5);
      for (std::size_t n = 0; n < events; ++n) events_[i].push_back(event());
    }
    for (std::size_t i = 0; i < streams; ++i) {
      const std::array<Expect, 4> expects{Expect::any(), Expect::no_stream(), Expect::exists(),
                                          Expect::exactly(rng_.below(9))};
      streams_.push_back({.stream = *ids_[i], .expect = expects[rng_.below(4)], .events = events_[i]});
    }
  }

  [[nodiscard]] const std::vector<StreamAppend>& streams() const { return streams_; }

 private:
  using Text = std::unique_ptr<std::string>;

  Text text(std::size_t size) {
    auto text = std::make_unique<std::string>(size, 'x');
    for (char& c : *text) c = static_cast<char>(1 + rng_.below(255));
    return text;
  }
  std::string_view keep(std::size_t size) { return *kept_.emplace_back(text(size)); }

  NewEvent event() {
    NewEvent event{.type = keep(1 + rng_.below(rng_.coin() ? 10 : 255))};
    if (rng_.coin()) event.payload = keep(rng_.below(rng_.coin() ? 20 : 600));
    if (rng_.coin()) event.metadata = keep(rng_.below(40));
    event.schema_version = static_cast<std::uint32_t>(rng_.next());
    if (rng_.coin())
      event.occurred_at = Timestamp(std::chrono::nanoseconds(static_cast<std::int64_t>(rng_.next() >> 1)));
    if (rng_.coin()) {
      EventId id;
      for (auto& byte : id) byte = static_cast<std::uint8_t>(rng_.next());
      event.id = id;
    }
    auto& tags = *tags_.emplace_back(std::make_unique<std::vector<std::string_view>>());
    for (std::size_t n = rng_.below(4); n > 0; --n) tags.push_back(keep(1 + rng_.below(20)));
    event.tags = Tags(tags);
    return event;
  }

  test::Rng rng_;
  std::vector<Text> ids_;
  std::vector<Text> kept_;
  std::vector<std::unique_ptr<std::vector<std::string_view>>> tags_;
  std::vector<std::vector<NewEvent>> events_;
  std::vector<StreamAppend> streams_;
};

void expect_same(const NewEvent& in, const EventView& out) {
  EXPECT_EQ(in.type, out.type);
  EXPECT_EQ(in.payload.text(), out.payload.text());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(out.payload.data()) % 8, 0u);
  EXPECT_EQ(in.metadata.text(), out.metadata.text());
  EXPECT_EQ(in.schema_version, out.schema_version);
  EXPECT_EQ(in.occurred_at.has_value(), out.has_occurred_at);
  EXPECT_EQ(in.occurred_at.value_or(out.recorded_at), out.occurred_at);
  ASSERT_EQ(in.id.has_value(), out.id != nullptr);
  if (in.id) {
    EXPECT_EQ(*in.id, *out.id);
  }
  EXPECT_TRUE(std::equal(in.tags.begin(), in.tags.end(), out.tags.begin(), out.tags.end()));
}

std::span<const std::byte> data_of(test::SegmentBuilder& segment) {
  return std::span<const std::byte>(segment.bytes()).first(data_end(segment.bytes().size()));
}

TEST(FrameTest, WhatIsFilledIsFoundWholeAndReadsTheSame) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    const RandomAppend append(seed);
    test::SegmentBuilder segment;
    const std::uint64_t open = segment.fill(append.streams());
    ASSERT_EQ(look(data_of(segment), open, segment.salt(), Check::checksums).kind, Kind::undecided);
    const std::uint64_t offset = segment.publish(append.streams());
    const FrameStatus status = look(data_of(segment), offset, segment.salt(), Check::checksums);
    ASSERT_EQ(status.kind, Kind::decided) << status.error.what;
    EXPECT_EQ(offset + status.word.size(), segment.end());

    auto& frame = frame_at(segment.bytes().data(), offset);
    log::FrameReader reader(frame, status.word);
    EventView event;
    Position position = 0;
    for (const StreamAppend& stream : append.streams()) {
      Version version = 0;
      for (const NewEvent& in : stream.events) {
        ASSERT_TRUE(reader.next(event));
        EXPECT_EQ(event.position, ++position);
        EXPECT_EQ(event.stream, stream.stream);
        EXPECT_GT(event.version, version);
        version = event.version;
        expect_same(in, event);
      }
    }
    EXPECT_FALSE(reader.next(event));
    const StreamEntry* entries = stream_entries(frame, status.word.stream_count());
    for (std::size_t i = 0; i < append.streams().size(); ++i) {
      EXPECT_EQ(expectation(entries[i]), append.streams()[i].expect);
    }
  }
}

// The inner loop of a replay: what it goes on over, and what it stops at.
TEST(FrameTest, ARunEndsWhereSomethingElseComes) {
  const std::array<NewEvent, 1> one{{{.type = "A", .payload = "1"}}};
  const std::array<NewEvent, 2> two{{{.type = "A"}, {.type = "B"}}};
  const std::array<StreamAppend, 1> refused{{{.stream = "s", .expect = Expect::no_stream(), .events = one}}};
  test::SegmentBuilder segment;
  std::vector<std::uint64_t> offsets;
  for (int i = 0; i < 4; ++i) offsets.push_back(segment.publish("s", one));
  offsets.push_back(segment.reject(refused, 0, 4));
  for (int i = 0; i < 2; ++i) offsets.push_back(segment.publish("s", one));
  offsets.push_back(segment.publish("s", two));
  const std::span<const std::byte> data = data_of(segment);
  std::array<EventView, 8> events;
  for (const Check check : {Check::structure, Check::checksums}) {
    const auto read = [&](FrameRun run, std::uint64_t limit, std::size_t room) {
      return read_singles(data.first(limit), run, segment.salt(), check, std::span(events).first(room));
    };
    const FrameRun start{.offset = offsets[0], .position = 1};
    const auto expect_at = [&](const FrameRun& run, std::size_t frame, std::size_t count) {
      EXPECT_EQ(run.offset, offsets[frame]);
      EXPECT_EQ(run.events, count);
      for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(events[i].version, i + 1);
    };
    expect_at(read(start, data.size(), 8), 4, 4);  // a rejected frame
    expect_at(read(start, data.size(), 3), 3, 3);
    expect_at(read(start, data.size(), 0), 0, 0);
    expect_at(read(start, offsets[3], 8), 3, 3);
    expect_at(read(start, offsets[3] + 8, 8), 3, 3);
    expect_at(read({.offset = offsets[0], .position = 2}, data.size(), 8), 0, 0);
    const FrameRun behind = read({.offset = offsets[5], .position = 5}, data.size(), 8);
    EXPECT_EQ(behind.offset, offsets[7]);  // two events
    EXPECT_EQ(behind.position, 7u);
    // Goes on behind what it has.
    FrameRun run = read(start, data.size(), 2);
    run = read(run, data.size(), 3);
    expect_at(run, 3, 3);
    EXPECT_EQ(run.position, 4u);
  }
}

// A short frame of one event is made in another way than the rest, word by word. The same bytes must come of it wherever
// its parts begin and end in a word.
class SingleFrames {
 public:
  // The content of a frame, by the letter of docs/format.md.
  static std::string content(const StreamAppend& append, Address floor) {
    const NewEvent& event = append.events.front();
    std::string event_bytes;
    std::string tags;
    for (const std::string_view tag : event.tags) tags += static_cast<char>(tag.size()) + std::string(tag);
    std::string body = event.payload.text().data() == nullptr ? "" : std::string(event.payload.text());
    body += std::string(event.metadata.text());
    if (event.id) body.append(reinterpret_cast<const char*>(event.id->data()), event.id->size());
    body += std::string(event.type) + tags;
    const auto size = static_cast<std::uint32_t>((32 + body.size() + 7) / 8 * 8);
    put(event_bytes, event.occurred_at ? event.occurred_at->time_since_epoch().count() : INT64_MIN);
    put(event_bytes, size);
    put(event_bytes, static_cast<std::uint32_t>(event.payload.size()));
    put(event_bytes, static_cast<std::uint32_t>(event.metadata.size()));
    put(event_bytes, event.schema_version);
    put(event_bytes, static_cast<std::uint16_t>(tags.size()));
    put(event_bytes, static_cast<std::uint8_t>(event.type.size()));
    put(event_bytes, static_cast<std::uint8_t>(event.tags.size()));
    put(event_bytes, static_cast<std::uint32_t>(event.id ? 1 : 0));
    event_bytes += body;
    event_bytes.resize(size);

    std::string bytes;
    put(bytes, floor.packed());
    put(bytes, append.expect.version());
    put(bytes, static_cast<std::uint32_t>(32 + 8 + 8 + 16 + size));
    put(bytes, std::uint16_t{1});
    put(bytes, static_cast<std::uint8_t>(append.stream.size()));
    put(bytes, static_cast<std::uint8_t>(append.expect.kind()));
    bytes += event_bytes + std::string(append.stream);
    bytes.resize((bytes.size() + 7) / 8 * 8);
    return bytes;
  }

 private:
  template <typename T>
  static void put(std::string& bytes, T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
};

TEST(FrameTest, ShortFramesOfOneEventAreMadeByTheLetter) {
  test::Rng rng(7);
  const auto text = [&](std::size_t size) {
    std::string made(size, 'x');
    for (char& c : made) c = static_cast<char>(1 + rng.below(255));
    return made;
  };
  constexpr std::uint64_t kSalt = 0x123456789abcdef;
  for (int round = 0; round < 40'000; ++round) {
    SCOPED_TRACE(round);
    const std::string stream = text(1 + rng.below(24));
    const std::string type = text(1 + rng.below(20));
    const std::string payload = text(rng.below(rng.coin() ? 24 : 200));
    const std::string metadata = text(rng.coin() ? 0 : rng.below(24));
    const std::vector<std::string> names{text(1 + rng.below(20)), text(1 + rng.below(8)), text(1)};
    const std::vector<std::string_view> tags(names.begin(), names.begin() + static_cast<int>(rng.below(4)));
    NewEvent event{.type = type, .payload = payload, .tags = Tags(tags)};
    event.metadata = metadata;
    event.schema_version = static_cast<std::uint32_t>(rng.next());
    if (rng.coin()) event.occurred_at = Timestamp(std::chrono::nanoseconds(rng.below(1'000'000)));
    if (rng.coin()) event.id = EventId{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    const StreamAppend append{.stream = stream,
                              .expect = rng.coin() ? Expect::any() : Expect::exactly(rng.below(1'000)),
                              .events = {&event, 1}};
    const auto shape = measure({&append, 1}, 1'000);
    ASSERT_TRUE(shape);

    constexpr std::uint64_t kOffset = 4096;
    std::vector<std::uint64_t> words(kOffset / 8 + 512);
    const auto bytes = std::as_writable_bytes(std::span(words));
    const Address floor{3, 4096};
    fill(bytes.data() + kOffset, *shape, {&append, 1}, floor, 77, kOffset, kSalt);
    frame_at(bytes.data(), kOffset).word = shape->word(FrameState::filled).bits;
    const std::string expected = SingleFrames::content(append, floor);
    ASSERT_EQ(shape->size, 40 + expected.size());
    ASSERT_EQ(std::memcmp(bytes.data() + kOffset + 40, expected.data(), expected.size()), 0);
    for (const std::byte behind : bytes.subspan(kOffset + shape->size)) ASSERT_EQ(behind, std::byte{});
    ASSERT_EQ(frame_at(bytes.data(), kOffset).recorded_at, 77);
    ASSERT_EQ(check_frame(bytes, kOffset, kSalt, Check::checksums, 1).kind, Kind::undecided);
  }
}

TEST(FrameTest, TheDecisionOfOneStreamIsSummedUpAsAnyOther) {
  test::Rng rng(5);
  for (int round = 0; round < 1'000; ++round) {
    const Decision decision{.word = Word::events(FrameState::published, 8 * (1 + rng.below(100)), 1, 1),
                            .position = rng.next(),
                            .recorded_at = static_cast<std::int64_t>(rng.next()),
                            .content_crc = static_cast<std::uint32_t>(rng.next())};
    const std::uint64_t offset = 8 * rng.below(1'000'000);
    const std::uint64_t salt = rng.next();
    const std::uint64_t assigned = rng.next();
    std::array<std::uint64_t, 4> words{0, 0, 0, assigned};
    ASSERT_EQ(decision_crc(decision, offset, salt, [=](std::uint32_t) { return assigned; }),
              detail::decision_crc_over(decision, offset, salt, words));
  }
}

// Padding and reserved bytes count: 6,752 of 521,792 bit flips went unseen in a prototype whose checksum left them out.
TEST(FrameTest, EveryFlippedBitIsSeen) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const RandomAppend append(seed);
    test::SegmentBuilder segment;
    const std::uint64_t published = segment.publish(append.streams());
    const std::uint64_t rejected = segment.reject(append.streams(), 0, 3);
    for (std::uint64_t bit = published * 8; bit < segment.end() * 8; ++bit) {
      auto& byte = segment.bytes()[bit / 8];
      byte ^= std::byte{1} << (bit % 8);
      const std::uint64_t offset = bit / 8 < rejected ? published : rejected;
      const FrameStatus status = look(data_of(segment), offset, segment.salt(), Check::checksums);
      ASSERT_NE(status.kind, Kind::decided) << "seed " << seed << ", frame at " << offset << ", bit " << bit;
      byte ^= std::byte{1} << (bit % 8);
    }
  }
}

TEST(FrameTest, EveryFlippedBitOfAnUndecidedFrameIsSeenOrNotYetDecided) {
  const RandomAppend append(3);
  test::SegmentBuilder segment;
  const std::uint64_t offset = segment.fill(append.streams());
  for (std::uint64_t bit = offset * 8; bit < segment.end() * 8; ++bit) {
    auto& byte = segment.bytes()[bit / 8];
    byte ^= std::byte{1} << (bit % 8);
    ASSERT_NE(look(data_of(segment), offset, segment.salt(), Check::checksums).kind, Kind::decided) << bit;
    byte ^= std::byte{1} << (bit % 8);
  }
}

// The place, the segment, the log and the epoch are in the salt: a frame is a frame in one place of one file only.
TEST(FrameTest, AFrameInTheWrongPlaceIsNone) {
  const RandomAppend append(1);
  test::SegmentBuilder segment;
  const std::uint64_t offset = segment.publish(append.streams());
  const std::uint64_t size = segment.end() - offset;
  auto moved = segment.bytes();
  for (const std::uint64_t to : {offset + size, offset + 8 + size, std::uint64_t{8192}}) {
    std::memmove(moved.data() + to, segment.bytes().data() + offset, size);
    const auto data = std::span<const std::byte>(moved).first(data_end(moved.size()));
    EXPECT_EQ(look(data, to, segment.salt(), Check::checksums).kind, Kind::bad) << to;
  }
  EXPECT_EQ(look(data_of(segment), offset, segment.salt() + 1, Check::checksums).kind, Kind::bad);
}

TEST(FrameTest, ZerosAreNoFrame) {
  const std::vector<std::byte> zeros(65'536);
  for (const std::uint64_t salt : {std::uint64_t{0}, std::uint64_t{1}, UINT64_MAX}) {
    for (std::uint64_t offset = 0; offset < zeros.size(); offset += 8) {
      ASSERT_EQ(look(zeros, offset, salt, Check::checksums).kind, Kind::empty);
    }
  }
}

// The definition, a second time: {place, word without its state}, then everything from the content on.
std::uint32_t content_crc_by_hand(std::span<const std::byte> segment, std::uint64_t offset, std::uint64_t salt) {
  const Word word = load_word(segment.data() + offset);
  const std::uint64_t place = salt + offset * 0x9e3779b97f4a7c15u;
  const std::uint64_t content = 32 + 8 * word.stream_count();
  const std::uint32_t head = crc32c_u64(crc32c_u64(kCrcInit, place), word.bits & ~std::uint64_t{0xf});
  return crc32c(head, segment.data() + offset + content, word.size() - content);
}

// What a newer version may have written: whole by its checksum, and not to be read as something else or skipped.
TEST(FrameTest, UnknownKindsAndFlagsAreUnsupportedNeverIgnored) {
  const NewEvent event{.type = "T", .payload = "p"};
  test::SegmentBuilder segment;
  const std::uint64_t offset = segment.publish("s", std::span(&event, 1));
  const std::vector<std::byte> original = segment.bytes();
  auto& frame = frame_at(segment.bytes().data(), offset);
  auto* const content = segment.bytes().data() + offset + content_offset(1);
  auto& entry = *reinterpret_cast<StreamEntry*>(content + 8);
  auto& header = *reinterpret_cast<EventHeader*>(content + 24);
  ASSERT_EQ(content_crc_by_hand(segment.bytes(), offset, segment.salt()), frame.content_crc);

  const auto expect_unsupported = [&](const char* what) {
    const auto check = [&](Check how) { return look(data_of(segment), offset, segment.salt(), how); };
    EXPECT_EQ(check(Check::checksums).kind, Kind::bad) << what << ", without its checksum: a flipped bit";
    frame.content_crc = content_crc_by_hand(segment.bytes(), offset, segment.salt());
    const FrameStatus status = check(Check::checksums);
    EXPECT_EQ(status.kind, Kind::unknown) << what;
    EXPECT_EQ(status.error.code, Errc::unsupported) << what;
    EXPECT_EQ(check(Check::structure).kind, Kind::bad) << what << ": nothing to read";
    segment.bytes() = original;
  };
  frame.word = (frame.word & ~std::uint64_t{0xf0}) | 0x40;
  expect_unsupported("kind");
  header.flags |= 0x80;
  expect_unsupported("event flag");
  entry.expectation = 4;
  expect_unsupported("expectation");
}

// Damaged bytes, as Check::structure meets them: whatever they say, nothing is read outside. Under ASan this is the point.
TEST(FrameTest, StaysInsideWhateverTheBytesSay) {
  test::Rng rng(9);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    test::SegmentBuilder segment;
    const std::uint64_t offset = segment.publish(RandomAppend(seed).streams());
    const std::uint64_t size = segment.end() - offset;
    // Exactly as long as its span says, so that a step outside is seen.
    const std::vector<std::byte> whole(segment.bytes().begin(),
                                       segment.bytes().begin() + static_cast<std::ptrdiff_t>(segment.end()));
    for (int i = 0; i < 1000; ++i) {
      std::vector<std::byte> bytes = whole;
      for (std::uint64_t n = 1 + rng.below(4); n > 0; --n) {
        bytes[offset + rng.below(size)] = static_cast<std::byte>(rng.coin() ? 0xff : rng.next());
      }
      if (look(bytes, offset, segment.salt(), Check::structure).kind == Kind::decided) {
        log::FrameReader reader(frame_at(bytes.data(), offset), load_word(bytes.data() + offset));
        EventView event;
        std::size_t read = 0;
        while (reader.next(event)) {
          read += event.stream.size() + event.type.size() + event.payload.size() + event.metadata.size();
          for (const std::string_view tag : event.tags) read += tag.size();
        }
        ASSERT_LE(read, size * load_word(bytes.data() + offset).event_count());
      }
      (void)look(bytes, offset + 8 * rng.below(size / 8), segment.salt(), Check::structure);
      if (look(bytes, offset, segment.salt(), Check::checksums).kind == Kind::decided) {
        ASSERT_EQ(bytes, whole);
      }
    }
  }
}

}  // namespace
}  // namespace daybook::format
