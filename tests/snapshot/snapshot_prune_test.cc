// Pruning: what is kept, what it frees, who goes on reading meanwhile.
#include <map>

#include "snapshot/snapshot_fixture.h"
#include "support/rng.h"

namespace daybook::test {
namespace {

TEST_F(SnapshotTest, PruningKeepsTheNewestOfEachKey) {
  append_many(30);
  for (Position position = 1; position <= 10; ++position) {
    ASSERT_TRUE(is_ok(save("a", position)));
    if (position % 4 == 0) {
      ASSERT_TRUE(is_ok(save("b", position)));
    }
  }
  ASSERT_TRUE(is_ok(save("c", 2)));
  const auto before = snapshots().info();
  ASSERT_TRUE(is_ok(snapshots().prune({.keep_newest = 2})));
  for (const bool again : {false, true}) {
    if (again) reopen();
    EXPECT_EQ(listed(), "a@9 a@10 b@4 b@8 c@2");
    EXPECT_EQ(newest("a"), "a@10");
    EXPECT_EQ(newest("a", {.position = 9}), "a@9");
    EXPECT_EQ(newest("a", {.position = 8}), "nothing");
    EXPECT_LT(snapshots().info()->bytes, before->bytes / 2);
    EXPECT_EQ(file_count(), 1u);
  }
}

TEST_F(SnapshotTest, PruningTwiceDoesNothingMore) {
  append_many(10);
  for (const Position position : {2, 4, 6}) ASSERT_TRUE(is_ok(save("a", position)));
  ASSERT_TRUE(is_ok(snapshots().prune({.keep_newest = 1})));
  const std::string first = contents(file(2));
  ASSERT_FALSE(first.empty());
  ASSERT_TRUE(is_ok(snapshots().prune({.keep_newest = 1})));
  EXPECT_EQ(contents(file(2)), first);
  EXPECT_EQ(file_count(), 1u);
}

// A file that is mostly needed is not written anew: what is not needed of it is marked, for good.
TEST_F(SnapshotTest, AFileThatIsMostlyNeededStays) {
  append_many(10);
  ASSERT_TRUE(is_ok(save("a", 1, 100'000)));
  for (const Position position : {2, 3, 4}) ASSERT_TRUE(is_ok(save("k" + std::to_string(position), position, 500'000)));
  ASSERT_TRUE(is_ok(save("a", 5, 100'000)));
  ASSERT_TRUE(is_ok(snapshots().prune({.keep_newest = 1})));
  for (const bool again : {false, true}) {
    if (again) reopen();
    EXPECT_EQ(listed(), "a@5 k2@2 k3@3 k4@4");
    EXPECT_TRUE(std::filesystem::exists(file(1)));
    EXPECT_EQ(file_count(), 1u);
  }
  ASSERT_TRUE(is_ok(save("a", 6))) << "and it goes on";
  EXPECT_EQ(file_count(), 1u);
}

TEST_F(SnapshotTest, WhatWasHandedOutStays) {
  append_many(10);
  for (const Position position : {1, 2, 3}) ASSERT_TRUE(is_ok(save("a", position)));
  const auto held = snapshots().latest("a", 1, {.position = 1});
  ASSERT_TRUE(is_ok(snapshots().prune({.keep_newest = 1})));
  EXPECT_FALSE(std::filesystem::exists(file(1)));
  EXPECT_EQ((*held)->state.text(), state_of("a", 1));
}

TEST_F(SnapshotTest, AReaderFollowsPruning) {
  append_many(50);
  for (Position position = 1; position <= 10; ++position) ASSERT_TRUE(is_ok(save("a", position)));
  auto reader = Store::open(path(), read_only());
  SnapshotStore& read = reader->snapshots();
  EXPECT_EQ(test::newest(read, "a"), "a@10");
  for (Position position = 11; position <= 40; ++position) {
    ASSERT_TRUE(is_ok(save("a", position)));
    EXPECT_EQ(test::newest(read, "a"), "a@" + std::to_string(position));
    if (position % 5 == 0) {
      ASSERT_TRUE(is_ok(snapshots().prune({.keep_newest = 2})));
    }
    EXPECT_EQ(test::newest(read, "a"), "a@" + std::to_string(position));
    EXPECT_EQ(test::newest(read, "b"), "nothing");
  }
  EXPECT_EQ(read.info()->files, 1u) << "it does not hold on to files that are gone";
  EXPECT_EQ(read.list()->size(), 2u);
}

// A reader that comes before there is any.
TEST_F(SnapshotTest, AReaderSeesTheFirstOne) {
  append_many(5);
  auto reader = Store::open(path(), read_only());
  EXPECT_EQ(test::newest(reader->snapshots(), "a"), "nothing");
  ASSERT_TRUE(is_ok(save("a", 1)));
  EXPECT_EQ(test::newest(reader->snapshots(), "a"), "a@1");
  for (Position position = 2; position <= 5; ++position) {
    ASSERT_TRUE(is_ok(save("a", position, 90'000)));
    EXPECT_EQ(test::newest(reader->snapshots(), "a"), "a@" + std::to_string(position)) << "the file has grown";
  }
}

TEST_F(SnapshotTest, PrunesByItself) {
  OpenOptions options = small_segments();
  options.snapshots_keep = 2;
  reopen(options);
  append_many(60);
  for (Position position = 1; position <= 60; ++position) ASSERT_TRUE(is_ok(save("a", position, 4 << 20)));
  EXPECT_LT(snapshots().info()->snapshots, 20u);
  EXPECT_LT(snapshots().info()->bytes, 80u << 20);
  EXPECT_EQ(newest("a"), "a@60");
  EXPECT_EQ(newest("a", {.position = 59}), "a@59");
}

TEST_F(SnapshotTest, PrunesNotByItselfWhenToldSo) {
  OpenOptions options = small_segments();
  options.snapshots_keep = 0;
  reopen(options);
  append_many(20);
  for (Position position = 1; position <= 20; ++position) ASSERT_TRUE(is_ok(save("a", position, 8 << 20)));
  EXPECT_EQ(snapshots().info()->snapshots, 20u);
}

// Against a model, over many sessions.
TEST_F(SnapshotTest, AsAModelSays) {
  constexpr std::uint64_t kSeed = 20;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Rng rng(kSeed);
  std::map<std::string, std::map<Position, std::size_t>> model;
  append_many(200);
  for (int step = 0; step < 3'000; ++step) {
    const std::string key = "key-" + std::to_string(rng.below(12));
    const Position position = 1 + rng.below(200);
    switch (rng.below(40)) {
      case 0:
        ASSERT_TRUE(is_ok(snapshots().remove(key)));
        model.erase(key);
        break;
      case 1: {
        const auto keep = static_cast<std::uint32_t>(1 + rng.below(4));
        ASSERT_TRUE(is_ok(snapshots().prune({.keep_newest = keep})));
        for (auto& [name, saved] : model) {
          while (saved.size() > keep) saved.erase(saved.begin());
        }
        break;
      }
      case 2: reopen(); break;
      default:
        if (rng.coin()) {
          ASSERT_TRUE(is_ok(save(key, position, rng.below(20) == 0 ? 30'000 : 30 + rng.below(300))));
          model[key][position];
        } else {
          const auto& saved = model[key];
          const auto after = saved.upper_bound(position);
          const std::string expected =
              after == saved.begin() ? "nothing" : key + "@" + std::to_string(std::prev(after)->first);
          ASSERT_EQ(newest(key, {.position = position}), expected) << "step " << step;
        }
    }
  }
  std::size_t count = 0;
  for (const auto& [key, saved] : model) count += saved.size();
  EXPECT_EQ(snapshots().list()->size(), count);
}

}  // namespace
}  // namespace daybook::test
