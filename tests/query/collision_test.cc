// Streams and tags that an index cannot tell apart by what it knows of them.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "index/key.h"
#include "store/store_fixture.h"

namespace daybook::test {
namespace {

namespace fs = std::filesystem;

// Keys of one slot in every small table: both halves of their hashes begin alike.
std::pair<std::string, std::string> colliding_keys(index::KeyKind kind, const std::string& prefix) {
  std::unordered_map<std::uint64_t, std::string> seen;
  for (std::uint64_t number = 0;; ++number) {
    std::string key = prefix + std::to_string(number);
    const std::uint64_t hash = index::key_hash({kind, key});
    const auto [at, is_new] = seen.emplace(hash >> 48 << 16 | (hash >> 16 & 0xffff), key);
    if (!is_new) return {at->second, key};
  }
}

// Segments of some fifty events: a first part with `here_` alone, one with both streams, and one with `there_` alone.
class CollisionTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    for (int i = 0; i < 900; ++i) {
      if (i % 10 == 0 && i < 600) append_to(here_, "of-here-" + std::to_string(i) + ";");
      if (i % 10 == 5 && i >= 300) append_to(there_, "of-there-" + std::to_string(i) + ";");
      append_to("other-" + std::to_string(i), std::string(1000, '.'));
    }
    reopen_with_sidecars();
  }

  void reopen_with_sidecars() {
    reopen();
    for (int wait = 0; wait < 2'000 && sidecars() < 15; ++wait) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ASSERT_GE(sidecars(), 15u);
    reopen();
  }

  // Versions, in the order in which they come, of events that are all of that stream.
  std::vector<Version> versions(const std::string& stream, const StreamReadOptions& options = {}) {
    std::vector<Version> found;
    Cursor cursor = store().read_stream(stream, options);
    while (const EventView* const event = cursor.next()) {
      EXPECT_EQ(event->stream, stream);
      found.push_back(event->version);
    }
    EXPECT_FALSE(cursor.error()) << describe(*cursor.error());
    return found;
  }

  std::vector<Position> positions(const Query& query) {
    std::vector<Position> found;
    Cursor cursor = store().read(query);
    while (const EventView* const event = cursor.next()) found.push_back(event->position);
    EXPECT_FALSE(cursor.error()) << describe(*cursor.error());
    return found;
  }

  static std::vector<Version> up_to(Version last) {
    std::vector<Version> all;
    for (Version version = 1; version <= last; ++version) all.push_back(version);
    return all;
  }

  // One bit of the payload of an event; or of the bytes `before` it, for 24 the size in its header, without which nothing of the
  // event can be read.
  void damage(const std::string& payload, std::size_t before = 0) const {
    for (const auto& entry : fs::directory_iterator(path() / "segments")) {
      if (entry.path().extension() != ".seg") continue;
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
      const std::size_t at = bytes.find(payload);
      if (at == std::string::npos) continue;
      file.clear();
      file.seekp(static_cast<std::streamoff>(at - before));
      file.put(static_cast<char>(bytes[at - before] ^ 1));
      return;
    }
    FAIL() << payload;
  }

  const std::pair<std::string, std::string> streams_ = colliding_keys(index::KeyKind::stream, "stream-");
  const std::string& here_ = streams_.first;
  const std::string& there_ = streams_.second;
};

TEST_F(CollisionTest, EachIsReadWithoutTheOther) {
  EXPECT_EQ(versions(here_), up_to(60));
  EXPECT_EQ(versions(there_), up_to(60));
  EXPECT_EQ(store().count(Query::stream(here_)).value(), 60u);
  EXPECT_EQ(store().count(Query::stream(there_)).value(), 60u);
}

TEST_F(CollisionTest, BackwardToo) {
  std::vector<Version> back = up_to(60);
  std::ranges::reverse(back);
  EXPECT_EQ(versions(here_, {.direction = Direction::backward}), back);
  EXPECT_EQ(versions(there_, {.direction = Direction::backward}), back);
}

TEST_F(CollisionTest, InAWindowOfVersionsToo) {
  EXPECT_EQ(versions(there_, {.from_version = 2, .to_version = 3}), (std::vector<Version>{2, 3}));
  EXPECT_EQ(versions(here_, {.from_version = 59}), (std::vector<Version>{59, 60}));
}

// Of many events in a segment, one of them is in the large table; what is found ahead there is of the other.
TEST_F(CollisionTest, AndWhereOneHasMany) {
  for (int i = 0; i < 2'000; ++i) append_to(i % 40 == 7 ? there_ : here_);
  reopen_with_sidecars();
  EXPECT_EQ(versions(here_), up_to(60 + 1'950));
  EXPECT_EQ(versions(there_), up_to(60 + 50));
}

// A tag of many events, and others of few in its slot: on events that have it, on some that do not, or both.
TEST_F(CollisionTest, TagsOnTheSameEventsAndOnOthers) {
  const auto [many, few] = colliding_keys(index::KeyKind::tag, "tag-");
  std::vector<Position> with_many;
  std::vector<Position> with_few;
  for (int i = 0; i < 3'000; ++i) {
    const bool has_many = i % 3 != 0;
    const bool has_few =
        i / 500 % 2 == 0 ? i % 50 == 0 : i % 50 == 1;  // 500 events long without `many`, mostly, and with
    std::vector<std::string_view> tags;
    if (has_many) tags.emplace_back(many);
    if (has_few) tags.emplace_back(few);
    const NewEvent event{.type = "T", .payload = "x", .tags = std::span<const std::string_view>(tags)};
    const auto appended = store().append("s", Expect::any(), {&event, 1});
    ASSERT_TRUE(appended);
    if (has_many) with_many.push_back(appended->last_position);
    if (has_few) with_few.push_back(appended->last_position);
  }
  reopen_with_sidecars();
  for (int time = 0; time < 2; ++time) {  // the first time opens the segments that the second one looks ahead into
    EXPECT_EQ(positions(Query::tag(many)), with_many);
    EXPECT_EQ(positions(Query::tag(few)), with_few);
  }
  EXPECT_EQ(store().count(Query::tag(many)).value(), with_many.size());
  EXPECT_EQ(store().count(Query::tag(few)).value(), with_few.size());
}

TEST_F(CollisionTest, DamageToOneIsNoErrorOfTheOther) {
  for (int i = 0; i < 300; i += 10) damage("of-here-" + std::to_string(i) + ";");  // where the other stream is not
  reopen_with_sidecars();
  EXPECT_EQ(versions(there_), up_to(60));
  Cursor cursor = store().read_stream(here_);
  EXPECT_EQ(cursor.next(), nullptr);
  ASSERT_TRUE(cursor.error());
  EXPECT_EQ(cursor.error()->code, Errc::corrupt);
}

// Not either where the index has to ask both whose events these are.
TEST_F(CollisionTest, NorWhereNothingCanBeReadOfIt) {
  constexpr std::size_t kSizeField = 24;
  for (int i = 300; i < 600; i += 10) damage("of-here-" + std::to_string(i) + ";", kSizeField);
  reopen_with_sidecars();
  for (int time = 0; time < 2; ++time) {
    EXPECT_EQ(versions(there_), up_to(60));
    EXPECT_EQ(store().count(Query::stream(there_)).value_or(0), 60u);
  }
  EXPECT_FALSE(store().count(Query::stream(here_)));
}

}  // namespace
}  // namespace daybook::test
