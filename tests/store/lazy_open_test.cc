// Opening reads what a crash can have touched. So heads are looked for when they are asked for, and damage elsewhere is
// found by whoever reads it.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>
#include <vector>

#include "format/layout.h"
#include "store/store_fixture.h"

namespace daybook::test {
namespace {

namespace fs = std::filesystem;

class LazyOpenTest : public StoreTest {
 protected:
  void close() {
    ASSERT_TRUE(is_ok(store().close()));
    store_.reset();
  }
  [[nodiscard]] fs::path segment(std::uint64_t number) const {
    return path() / format::kSegmentsName / format::segment_name(number);
  }
  void flip(std::uint64_t number, std::uint64_t offset) {
    std::fstream file(segment(number), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(static_cast<char>(byte ^ 1));
  }
  // Events of `count` streams, in turns, over several segments. The versions.
  std::map<std::string, StreamHead> fill(std::size_t events, std::size_t count) {
    std::map<std::string, StreamHead> heads;
    for (std::size_t i = 0; i < events; ++i) {
      const std::string stream = "stream-" + std::to_string(i * i % count);
      const Appended appended = append_to(stream, std::string(100, 'x'));
      heads[stream] = {appended.last_version, appended.last_position};
    }
    return heads;
  }
  void expect_heads(const std::map<std::string, StreamHead>& heads) {
    for (const auto& [stream, head] : heads) {
      const auto found = store().head(stream);
      ASSERT_TRUE(is_ok(found));
      EXPECT_EQ(found->version, head.version) << stream;
      EXPECT_EQ(found->last_position, head.last_position) << stream;
    }
  }
};

TEST_F(LazyOpenTest, HeadsAreFoundWhenTheyAreAskedFor) {
  const auto heads = fill(2000, 97);
  reopen();
  EXPECT_EQ(store().published_position(), 2000u);
  EXPECT_EQ(store().head("nobody").value().version, 0u);
  expect_heads(heads);
  expect_heads(heads);
}

TEST_F(LazyOpenTest, AnAppendKnowsWhatWasBefore) {
  auto heads = fill(2000, 97);
  reopen();
  EXPECT_TRUE(fails_with(store().append("stream-0", Expect::no_stream(), {{.type = "T"}}), Errc::wrong_version));
  EXPECT_TRUE(fails_with(store().append("new", Expect::exists(), {{.type = "T"}}), Errc::wrong_version));
  ASSERT_TRUE(is_ok(store().append("new", Expect::no_stream(), {{.type = "T"}})));
  std::vector<NewEvent> event{{.type = "T"}};
  for (auto& [stream, head] : heads) {
    const std::string other = "with " + stream;
    StreamAppend both[] = {{.stream = stream, .expect = Expect::exactly(head.version), .events = event},
                           {.stream = other, .expect = Expect::no_stream(), .events = event}};
    const auto appended = store().append(both);
    ASSERT_TRUE(is_ok(appended));
    head = {head.version + 1, appended->first_position};
  }
  expect_heads(heads);
  reopen();
  expect_heads(heads);
}

// Many threads meet the same unknown streams at once.
TEST_F(LazyOpenTest, ThreadsMeetUnknownStreamsTogether) {
  constexpr std::size_t kStreams = 97;
  const auto heads = fill(2000, kStreams);
  reopen();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (const auto& [stream, head] : heads) append_to(stream);
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& [stream, head] : heads) EXPECT_EQ(store().head(stream).value().version, head.version + 4) << stream;
}

TEST_F(LazyOpenTest, DamageToASealedSegmentIsMetByItsReader) {
  fill(2000, 97);
  ASSERT_GT(store().info()->segments.size(), 3u);
  const fs::path sidecar = path() / "segments" / format::sidecar_name(2);
  for (int i = 0; i < 1'000 && !fs::exists(sidecar); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  close();
  flip(2, 30'000);
  reopen();
  for (const Direction direction : {Direction::forward, Direction::backward}) {
    Cursor cursor = store().read({.direction = direction});
    std::size_t events = 0;
    while (cursor.next() != nullptr) ++events;
    ASSERT_TRUE(cursor.error());
    EXPECT_EQ(cursor.error()->code, Errc::corrupt);
    EXPECT_EQ(cursor.error()->segment, 2u);
    EXPECT_LT(events, 2000u);
  }
  // What is not in the segment is known by its sidecar.
  EXPECT_EQ(store().head("nobody").value().version, 0u);
  close();
  fs::remove(sidecar);
  reopen();
  // The head of a stream that is not behind the damage is there; of one that may be in it, nobody knows.
  EXPECT_TRUE(is_ok(store().head("stream-0")));
  EXPECT_TRUE(fails_with(store().head("nobody"), Errc::corrupt));
  EXPECT_TRUE(fails_with(store().append("nobody", Expect::any(), {{.type = "T"}}), Errc::corrupt));
  EXPECT_EQ(append_to("stream-0").first_position, 2001u);
}

TEST_F(LazyOpenTest, DamageToTheSegmentThatIsGoneOnWithIsMetByItsReader) {
  append_many(100);
  close();
  flip(1, 5'000);
  reopen();
  for (const Direction direction : {Direction::forward, Direction::backward}) {
    Cursor cursor = store().read({.direction = direction});
    while (cursor.next() != nullptr) {
    }
    ASSERT_TRUE(cursor.error());
    EXPECT_EQ(cursor.error()->code, Errc::corrupt);
  }
  // What this session writes is read as ever.
  EXPECT_EQ(store().published_position(), 100u);
}

// The size of a frame is damaged: no walk comes past it. What lies behind must not be missing in silence.
TEST_F(LazyOpenTest, ABackwardReadDoesNotBeginBeforeDamage) {
  append_many(100);
  close();
  flip(1, format::kDataStart + 1);  // the first frame's word
  reopen();
  Cursor cursor = store().read({.direction = Direction::backward});
  EXPECT_EQ(cursor.next(), nullptr);
  ASSERT_TRUE(cursor.error());
  EXPECT_EQ(cursor.error()->code, Errc::corrupt);
  // And sealing the segment does not need those frames.
  close();
  auto reader = Store::open(path(), read_only());
  ASSERT_TRUE(is_ok(reader));
  Cursor other = reader->read({.direction = Direction::backward});
  EXPECT_EQ(other.next(), nullptr);
  EXPECT_TRUE(other.error());
}

// A store with one event, closed.
void make_with_one_event(const fs::path& where, const OpenOptions& options) {
  auto made = Store::open(where, options);
  ASSERT_TRUE(is_ok(made));
  ASSERT_TRUE(is_ok(made->append("s", Expect::any(), {{.type = "T"}})));
  ASSERT_TRUE(is_ok(made->close()));
}

// Further behind the end than opening looks: the writer finds it before an append gets there.
TEST_F(LazyOpenTest, SomethingFarBehindTheEndStopsTheLog) {
  constexpr std::uint64_t kSize = 64u << 20;
  constexpr std::uint64_t kStray = 50u << 20;
  close();
  const fs::path large = temp_ / "large";
  const OpenOptions options{.durability = Durability::memory, .segment_size = kSize};
  make_with_one_event(large, options);
  {
    std::fstream file(large / format::kSegmentsName / format::segment_name(1),
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(kStray);
    file.put('x');
  }
  auto opened = Store::open(large, options);
  ASSERT_TRUE(is_ok(opened));
  const std::string payload(100'000, 'x');
  Result<Appended> appended;
  std::uint64_t count = 0;
  do {
    appended = opened->append("s", Expect::any(), {{.type = "T", .payload = payload}});
  } while (appended && ++count < 600);
  ASSERT_TRUE(fails_with(appended, Errc::corrupt));
  EXPECT_EQ(appended.error().segment, 1u);
  EXPECT_EQ(appended.error().offset, kStray);
  EXPECT_LT(count * payload.size(), kStray);
  EXPECT_TRUE(fails_with(opened->close(), Errc::corrupt));
}

// A file that is mostly holes is not read where it has none of its data; what is there is found all the same.
TEST_F(LazyOpenTest, WhatLiesFarBehindATornTailIsCutAndReported) {
  constexpr std::uint64_t kSize = 64u << 20;
  close();
  const fs::path large = temp_ / "large";
  const OpenOptions options{.durability = Durability::memory, .segment_size = kSize};
  make_with_one_event(large, options);
  {
    // Without its footer, the segment is one that somebody was writing to.
    std::fstream file(large / format::kSegmentsName / format::segment_name(1),
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(format::data_end(kSize)));
    file << "gone";
    for (const std::uint64_t stray : {9u << 20, (50u << 20) + 4095, 60u << 20}) {
      file.seekp(static_cast<std::streamoff>(stray));
      file.put('x');
    }
  }
  auto opened = Store::open(large, options);
  ASSERT_TRUE(is_ok(opened));
  EXPECT_TRUE(opened->recovery().unclean);
  EXPECT_EQ(opened->recovery().bytes_cut, 3u * 8);
  EXPECT_EQ(opened->published_position(), 1u);
}

TEST_F(LazyOpenTest, ALargeSegmentIsGoneOnWithToItsEnd) {
  close();
  const fs::path large = temp_ / "large";
  const OpenOptions options{.durability = Durability::memory, .segment_size = 64u << 20};
  const std::string payload(1'000'000, 'x');
  for (Position expected = 1; expected <= 150;) {
    auto opened = Store::open(large, options);
    ASSERT_TRUE(is_ok(opened));
    EXPECT_FALSE(opened->recovery().unclean);
    for (const Position end = expected + 30; expected < end; ++expected) {
      const auto appended = opened->append("s", Expect::exactly(expected - 1), {{.type = "T", .payload = payload}});
      ASSERT_TRUE(is_ok(appended));
      ASSERT_EQ(appended->first_position, expected);
    }
    ASSERT_TRUE(is_ok(opened->close()));
  }
}

}  // namespace
}  // namespace daybook::test
