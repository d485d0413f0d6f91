// Savers, readers and a pruner at once: what is found is whole, and never older than what was there before it was asked for.
#include <atomic>
#include <thread>

#include "snapshot/snapshot_fixture.h"
#include "support/rng.h"

namespace daybook::test {
namespace {

constexpr std::size_t kKeys = 8;
constexpr Position kEvents = 400;

std::string key(std::size_t n) { return "key-" + std::to_string(n); }

TEST_F(SnapshotTest, SaversReadersAndAPruner) {
  append_many(kEvents);
  std::array<std::atomic<Position>, kKeys> saved{};
  std::atomic<bool> done = false;
  const auto saver = [&](std::size_t first) {
    Rng rng(first);
    for (Position position = 1; position <= kEvents; ++position) {
      for (std::size_t n = first; n < kKeys; n += 2) {
        ASSERT_TRUE(is_ok(test::save(snapshots(), key(n), position, rng.below(50) == 0 ? 60'000 : 300)));
        saved[n].store(position);
      }
    }
  };
  const auto reader = [&](std::uint64_t seed) {
    Rng rng(seed);
    std::vector<Snapshot> held;
    while (!done.load()) {
      const std::size_t n = rng.below(kKeys);
      const Position least = saved[n].load();
      const auto found = snapshots().latest(key(n), 1);
      ASSERT_TRUE(is_ok(found));
      ASSERT_GE(*found ? (*found)->position : 0, least);
      if (!*found) continue;
      ASSERT_EQ((*found)->state.text(), state_of(key(n), (*found)->position, (*found)->state.size()));
      if (held.size() < 50) held.push_back(**found);
    }
    for (const Snapshot& snapshot : held) {
      ASSERT_EQ(snapshot.state.text(), state_of(snapshot.key, snapshot.position, snapshot.state.size()));
    }
  };
  const auto pruner = [&] {
    while (!done.load()) {
      ASSERT_TRUE(is_ok(snapshots().prune({.keep_newest = 2})));
      ASSERT_TRUE(is_ok(snapshots().list()));
      ASSERT_TRUE(is_ok(snapshots().info()));
      std::this_thread::yield();
    }
  };
  {
    std::jthread first_reader(reader, 1);
    std::jthread second_reader(reader, 2);
    std::jthread pruning(pruner);
    {
      std::jthread even(saver, 0);
      std::jthread odd(saver, 1);
    }
    done.store(true);
  }
  for (std::size_t n = 0; n < kKeys; ++n) EXPECT_EQ(newest(key(n)), key(n) + "@" + std::to_string(kEvents));
}

// Many threads come first at the same time.
TEST_F(SnapshotTest, OpenedByManyAtOnce) {
  append_many(20);
  for (Position position = 1; position <= 20; ++position) ASSERT_TRUE(is_ok(save("a", position)));
  for (int round = 0; round < 20; ++round) {
    reopen();
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([this] { EXPECT_EQ(newest("a"), "a@20"); });
    }
  }
}

// As another process would, without its own memory: over the files.
TEST_F(SnapshotTest, AReaderOfFilesThatAreWrittenAndPruned) {
  append_many(kEvents);
  auto opened = Store::open(path(), read_only());
  ASSERT_TRUE(is_ok(opened));
  std::atomic<Position> saved = 0;
  std::jthread reader([&] {
    Position seen = 0;
    while (seen < kEvents) {
      const Position least = saved.load();
      const auto found = opened->snapshots().latest("a", 1);
      ASSERT_TRUE(is_ok(found));
      const Position position = *found ? (*found)->position : 0;
      ASSERT_GE(position, least);
      ASSERT_GE(position, seen);
      if (*found) {
        ASSERT_EQ((*found)->state.text(), state_of("a", position, (*found)->state.size()));
      }
      seen = position;
    }
  });
  for (Position position = 1; position <= kEvents; ++position) {
    ASSERT_TRUE(is_ok(save("a", position, position % 40 == 0 ? 70'000 : 200)));
    saved.store(position);
    if (position % 16 == 0) {
      ASSERT_TRUE(is_ok(snapshots().prune({.keep_newest = 1})));
    }
  }
}

}  // namespace
}  // namespace daybook::test
