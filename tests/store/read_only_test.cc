// Reading from elsewhere: without a lock, without a trace, whatever the writer does.
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <thread>

#include <grp.h>
#include <sys/mman.h>

#include "format/frame.h"
#include "format/layout.h"
#include "store/store_fixture.h"
#include "support/child.h"

namespace daybook::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class ReadOnlyTest : public StoreTest {
 protected:
  // Everything below the store that a write would change. Not the times of LOCK, which is a page for all.
  std::map<std::string, std::string> picture() const {
    std::map<std::string, std::string> picture;
    for (const auto& entry : fs::recursive_directory_iterator(path())) {
      struct stat status {};
      EXPECT_EQ(::stat(entry.path().c_str(), &status), 0);
      const bool lock = entry.path().filename() == "LOCK";
      picture[entry.path()] =
          std::to_string(status.st_size) + " " + std::to_string(status.st_ino) + " " +
          (lock ? "" : std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec));
    }
    return picture;
  }

  void permit(fs::perms files, fs::perms directories) {
    fs::permissions(temp_.path(), fs::perms(0755));
    fs::permissions(path(), directories);
    for (const auto& entry : fs::recursive_directory_iterator(path())) {
      fs::permissions(entry.path(), entry.is_directory() ? directories : files);
    }
  }
};

// True when a segment is there that nothing has been appended to: it comes soon after a quarter of the last one is
// taken, and appends do not wait for it.
bool next_is_prepared(const Store& store) {
  for (int i = 0; i < 50; ++i) {
    if (store.info()->segments.back().last_position == 0) return true;
    std::this_thread::sleep_for(1ms);
  }
  return false;
}

void become_nobody() {
  constexpr ::uid_t kNobody = 65534;
  ASSERT_EQ(::setgroups(0, nullptr), 0);
  ASSERT_EQ(::setgid(kNobody), 0);
  ASSERT_EQ(::setuid(kNobody), 0);
}

TEST_F(ReadOnlyTest, SeesWhatTheWriterSees) {
  append_many(2000);
  append_to("other", "x");
  auto reader = Store::open(path(), read_only());
  ASSERT_TRUE(is_ok(reader));
  EXPECT_EQ(reader->published_position(), 2001u);
  EXPECT_EQ(read_all(*reader), read_all(store()));
  EXPECT_EQ(reader->head("s").value().version, 2000u);
  EXPECT_EQ(reader->head("s").value().last_position, 2000u);
  EXPECT_EQ(reader->head("other").value().version, 1u);
  EXPECT_EQ(reader->head("nobody").value().version, 0u);
  EXPECT_FALSE(reader->recovery().unclean);
  // And what comes later.
  append_to("other", "y");
  EXPECT_EQ(reader->published_position(), 2002u);
  EXPECT_EQ(reader->head("other").value().last_position, 2002u);
}

TEST_F(ReadOnlyTest, InfoIsTheWriters) {
  append_many(5000);
  ASSERT_TRUE(is_ok(store().close()));
  const auto ours = store().info();
  ASSERT_TRUE(is_ok(ours));
  auto reader = Store::open(path(), read_only());
  ASSERT_TRUE(is_ok(reader));
  const auto theirs = reader->info();
  ASSERT_TRUE(is_ok(theirs));
  EXPECT_EQ(theirs->log, ours->log);
  EXPECT_EQ(theirs->epoch, ours->epoch);
  EXPECT_EQ(theirs->segment_size, kSmallest);
  ASSERT_EQ(theirs->segments.size(), ours->segments.size());
  Position next = 1;
  for (std::size_t i = 0; i < ours->segments.size(); ++i) {
    const SegmentInfo& segment = theirs->segments[i];
    EXPECT_EQ(segment.number, i + 1);
    EXPECT_EQ(segment.size, kSmallest);
    EXPECT_GE(segment.allocated, kSmallest);
    EXPECT_EQ(segment.used, ours->segments[i].used);
    EXPECT_EQ(segment.sealed, i + 1 < ours->segments.size());
    EXPECT_EQ(segment.first_position, next);
    next = segment.last_position + 1;
  }
  EXPECT_EQ(next, 5001u);
}

TEST_F(ReadOnlyTest, LeavesNoTrace) {
  append_many(2000);
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  const auto before = picture();
  {
    auto reader = Store::open(path(), read_only());
    ASSERT_TRUE(is_ok(reader));
    EXPECT_EQ(read_all(*reader).size(), 2000u);
    EXPECT_EQ(reader->head("s").value().version, 2000u);
    auto cursor = reader->read({.after = 2000});
    EXPECT_FALSE(cursor.wait(20ms));
    EXPECT_TRUE(is_ok(reader->info()));
    EXPECT_TRUE(is_ok(reader->close()));
  }
  EXPECT_EQ(picture(), before);
}

TEST_F(ReadOnlyTest, OfACrashedStoreShowsWhatIsWholeAndRepairsNothing) {
  store_.reset();
  Gate appended;
  Child writer([&] {
    auto store = Store::open(path(), small_segments());
    ASSERT_TRUE(is_ok(store));
    for (int i = 0; i < 2000; ++i) ASSERT_TRUE(is_ok(store->append("s", Expect::any(), {{.type = "T"}})));
    appended.open();
    ::pause();
  });
  appended.wait();
  writer.kill();
  const auto before = picture();
  auto reader = Store::open(path(), read_only());
  ASSERT_TRUE(is_ok(reader));
  EXPECT_EQ(read_positions(*reader), positions(1, 2000));
  EXPECT_EQ(read_positions(*reader, {.direction = Direction::backward}), positions(2000, 1));
  EXPECT_EQ(picture(), before);
}

// What LOCK promised is told from what a footer says, and with the place where the promise ends.
TEST_F(ReadOnlyTest, OfASegmentThatLacksSyncedFramesNamesTheDurableEnd) {
  append_many(3);
  ASSERT_TRUE(is_ok(store_->sync()));
  const fs::path copy = temp_ / "copy";
  fs::copy(path(), copy, fs::copy_options::recursive);  // of a store that is not closed: no footer
  std::uint64_t last = 0;
  std::uint64_t end = format::kDataStart;
  const fs::path segment = copy / "segments" / format::segment_name(1);
  {
    std::fstream file(segment, std::ios::in | std::ios::out | std::ios::binary);
    for (format::Word word{1}; word.bits != 0;) {
      file.seekg(static_cast<std::streamoff>(end));
      file.read(reinterpret_cast<char*>(&word), sizeof(word));
      if (word.bits != 0) last = end;
      end += word.size();
    }
    const std::uint64_t zero = 0;
    file.seekp(static_cast<std::streamoff>(last));
    file.write(reinterpret_cast<const char*>(&zero), sizeof(zero));
  }
  auto reader = Store::open(copy, read_only());
  ASSERT_TRUE(is_ok(reader));
  for (const Direction direction : {Direction::forward, Direction::backward}) {
    Cursor cursor = reader->read({.direction = direction});
    while (cursor.next() != nullptr) {
    }
    const auto error = cursor.error();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::corrupt);
    EXPECT_STREQ(error->what, "synced frames are missing");
    EXPECT_EQ(error->segment, 1u);
    EXPECT_EQ(error->offset, last);
    EXPECT_EQ(error->expected, end);
    EXPECT_EQ(error->actual, last);
  }
}

// The user nobody, with the right to read and no other.
TEST_F(ReadOnlyTest, ByAnotherUserWhoMayNotWrite) {
  append_many(100);
  permit(fs::perms(0444), fs::perms(0555));
  Gate reading;
  Child reader([&] {
    become_nobody();
    ASSERT_TRUE(fails_with(Store::open(path()), Errc::io, EACCES));
    auto store = Store::open(path(), read_only());
    ASSERT_TRUE(is_ok(store));
    auto cursor = store->read();
    for (Position i = 1; i <= 100; ++i) ASSERT_EQ(cursor.next()->position, i);
    EXPECT_EQ(store->durable_position(), 0u);
    reading.open();
    ASSERT_TRUE(cursor.wait(20s));
    ASSERT_EQ(cursor.next()->position, 101u);
  });
  reading.wait();
  append();
  EXPECT_TRUE(reader.succeeded());
}

TEST_F(ReadOnlyTest, ByAnotherUserWhoMayNotRead) {
  append_many(100);
  EXPECT_TRUE(succeeds_in_child([&] {
    become_nobody();
    EXPECT_TRUE(fails_with(Store::open(path(), read_only()), Errc::io, EACCES));
  }));
}

// A reader that has opened the store stays with it while the writer closes, opens again, and goes on.
TEST_F(ReadOnlyTest, FollowsAWriterThatIsClosedAndOpenedAgain) {
  append();
  auto reader = Store::open(path(), read_only());
  ASSERT_TRUE(is_ok(reader));
  auto cursor = reader->read();
  Position seen = 0;
  int prepared = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 350; ++i) append();
    if (next_is_prepared(store())) ++prepared;  // which the close removes again
    // Cursors that begin anywhere look at every segment there is.
    EXPECT_EQ(read_positions(*reader, {.after = store().published_position() - 1}).size(), 1u);
    EXPECT_EQ(reader->published_position(), store().published_position());
    while (const EventView* const event = cursor.next()) ASSERT_EQ(event->position, ++seen);
    ASSERT_FALSE(cursor.error().has_value()) << to_text(*cursor.error());
    ASSERT_EQ(seen, store().published_position()) << "round " << round;
    reopen();
  }
  EXPECT_GE(prepared, 5);
}

// The same, where the last frame fills the segment to its end, so that the reader waits in the segment prepared next.
TEST_F(ReadOnlyTest, FollowsAWriterThatClosesAtTheEndOfASegment) {
  auto reader = Store::open(path(), read_only());
  ASSERT_TRUE(is_ok(reader));
  auto cursor = reader->read();
  const std::string filler(20'000, 'x');
  Position seen = 0;
  for (int round = 0; round < 5; ++round) {
    // Appends until the frame that ends exactly at the end of the data.
    for (;;) {
      const auto segments = store().info()->segments;
      std::uint64_t used = 4096;
      for (const SegmentInfo& segment : segments) {
        if (segment.last_position != 0) used = segment.used;
      }
      const std::uint64_t left = kSmallest - 4096 - used;
      constexpr std::uint64_t kAround = 112;  // bytes of a frame with one event of this kind, without its payload
      if (left == 0) break;
      if (left < kAround + 8) {
        append(filler.substr(0, 200));  // pads the rest, and begins another
      } else {
        append(filler.substr(0, std::min<std::uint64_t>(left - kAround, left > 30'000 ? 20'000 : left - kAround)));
      }
    }
    while (const EventView* const event = cursor.next()) ASSERT_EQ(event->position, ++seen);
    ASSERT_EQ(seen, store().published_position());
    ASSERT_TRUE(next_is_prepared(store()));
    EXPECT_FALSE(cursor.wait(1ms));
    reopen();
    append();
    EXPECT_TRUE(cursor.wait(1s));
    while (const EventView* const event = cursor.next()) ASSERT_EQ(event->position, ++seen);
    ASSERT_EQ(seen, store().published_position()) << "round " << round;
  }
}

// A close removes what was prepared and not used, perhaps just after a reader has seen its name.
TEST_F(ReadOnlyTest, FindsTheEndWhileAWriterComesAndGoes) {
  append();
  std::atomic<Position> closed = 1;
  std::atomic<bool> stop = false;
  auto reader = Store::open(path(), read_only());
  ASSERT_TRUE(is_ok(reader));
  std::jthread reading([&] {
    while (!stop) {
      const Position before = closed.load();
      for (const auto& options : {ReadOptions{.direction = Direction::backward},
                                  ReadOptions{.recorded_at = Timestamp::max()}, ReadOptions{.after = before - 1}}) {
        auto cursor = reader->read(options);
        const EventView* const event = cursor.next();
        const auto error = cursor.error();
        ASSERT_FALSE(error.has_value()) << to_text(*error);
        if (!options.recorded_at) {
          ASSERT_NE(event, nullptr);
          ASSERT_GE(event->position, before);
        }
      }
      ASSERT_TRUE(is_ok(reader->info()));
    }
  });
  for (int round = 0; round < 150; ++round) {
    for (int i = 0; i < 200; ++i) append();
    (void)next_is_prepared(store());
    closed = store().published_position();
    reopen();
  }
  stop = true;
}

// --- while a writer runs at full speed

struct Shared {
  std::atomic<int> opens;
  std::atomic<Position> published;
};

TEST_F(ReadOnlyTest, TenThousandOpensWhileAWriterRuns) {
  store_.reset();
  auto* const shared =
      static_cast<Shared*>(::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(shared, MAP_FAILED);
  constexpr int kOpens = 10'000;
  constexpr Position kEventsPerOpen = 200;  // on the average, for the sake of the disk; in bursts at full speed
  Child writer([&] {
    auto store = Store::open(temp_ / "large", {.durability = Durability::memory, .segment_size = 1 << 20});
    ASSERT_TRUE(is_ok(store));
    while (shared->opens.load() < kOpens) {
      const auto appended = store->append("s", Expect::any(), {{.type = "T", .payload = "0123456789"}});
      ASSERT_TRUE(is_ok(appended));
      shared->published.store(appended->last_position);
      if (appended->last_position % 50'000 != 0) continue;
      while (shared->opens.load() < kOpens &&
             appended->last_position > shared->opens.load() * kEventsPerOpen + 50'000) {
        std::this_thread::sleep_for(100us);
      }
    }
  });
  const auto until = std::chrono::steady_clock::now() + 30s;
  while (shared->published.load() == 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), until) << "the writer does not write";
    std::this_thread::sleep_for(1ms);
  }

  std::uint64_t events = 0;
  for (; shared->opens.load() < kOpens; ++shared->opens) {
    const Position before = shared->published.load();
    auto reader = Store::open(temp_ / "large", read_only());
    ASSERT_TRUE(is_ok(reader));
    auto back = reader->read({.direction = Direction::backward});
    const EventView* const last = back.next();
    ASSERT_FALSE(back.error().has_value()) << to_text(*back.error());
    ASSERT_NE(last, nullptr);
    ASSERT_GE(last->position, before) << "what was acknowledged is there";
    const Position from = last->position > 5 ? last->position - 5 : 0;
    auto cursor = reader->read({.after = from});
    Position seen = from;
    for (int i = 0; i < 20; ++i) {
      const EventView* const event = cursor.next();
      if (event == nullptr) break;
      ASSERT_EQ(event->position, ++seen);
      ASSERT_EQ(event->version, event->position);
      ASSERT_EQ(event->payload.text(), "0123456789");
      ++events;
    }
    ASSERT_FALSE(cursor.error().has_value()) << to_text(*cursor.error());
  }
  EXPECT_GE(events, 40'000u);
  EXPECT_TRUE(writer.succeeded());
  std::printf("[   info   ] %llu events appended meanwhile\n",
              static_cast<unsigned long long>(shared->published.load()));
  ::munmap(shared, sizeof(Shared));
}

}  // namespace
}  // namespace daybook::test
