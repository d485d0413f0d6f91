// A snapshot of events that a crash has cut off: never returned, also when others have taken their positions.
#include "snapshot/snapshot_fixture.h"
#include "store/store_access.h"
#include "support/sim_disk.h"

namespace daybook::test {
namespace {

// A power cut that spared the snapshots, and of the log only what was synced.
SimDisk cut_log_keep_snapshots(const SimDisk& disk) {
  Rng rng(1);
  const std::string name = format::snapshots_name(1);
  const auto bytes = disk.newest("snapshots/" + name);
  EXPECT_TRUE(bytes);
  SimDisk after = disk.crash(rng, CrashPolicy::all_old);
  auto folder = after.open()->subdirectory("snapshots", true);
  auto file = (*folder)->open(name, io::Directory::OpenMode::read_write);
  if (!file) file = (*folder)->create(name);
  EXPECT_TRUE(is_ok((*file)->write_at(0, *bytes)));
  return after;
}

Result<Store> open(const SimDisk& disk) { return StoreAccess::open(disk.open(), small_segments()); }

void append(Store& store, int count) {
  for (int i = 0; i < count; ++i) ASSERT_TRUE(is_ok(store.append("s", Expect::any(), {{.type = "T"}})));
}

TEST(SnapshotStaleTest, OfWhatACrashCutOffIsNeverReturned) {
  SimDisk disk;
  auto store = open(disk);
  ASSERT_TRUE(is_ok(store));
  append(*store, 10);
  ASSERT_TRUE(is_ok(store->sync()));
  append(*store, 10);
  for (const Position position : {5, 10, 15}) ASSERT_TRUE(is_ok(save(store->snapshots(), "s", position)));
  EXPECT_EQ(newest(store->snapshots(), "s"), "s@15");

  const SimDisk after = cut_log_keep_snapshots(disk);
  for (int session = 0; session < 2; ++session) {
    auto opened = open(after);
    ASSERT_TRUE(is_ok(opened));
    ASSERT_EQ(opened->published_position(), session == 0 ? 10u : 20u);
    EXPECT_EQ(newest(opened->snapshots(), "s"), "s@10");
    if (session == 0) append(*opened, 10);
    EXPECT_EQ(newest(opened->snapshots(), "s"), "s@10") << "position 15 is another event now";
    EXPECT_EQ(opened->snapshots().info()->stale, 1u);
    EXPECT_TRUE(is_ok(opened->close()));
  }
}

// Also when nobody asked before the position was taken again, and in a process that reads.
TEST(SnapshotStaleTest, NobodyAskedInBetween) {
  SimDisk disk;
  auto store = open(disk);
  append(*store, 10);
  ASSERT_TRUE(is_ok(store->sync()));
  append(*store, 10);
  for (const Position position : {10, 15}) ASSERT_TRUE(is_ok(save(store->snapshots(), "s", position)));
  const SimDisk after = cut_log_keep_snapshots(disk);
  auto opened = open(after);
  append(*opened, 10);
  EXPECT_EQ(newest(opened->snapshots(), "s"), "s@10");
  auto reader = StoreAccess::open(after.open(), read_only());
  ASSERT_TRUE(is_ok(reader));
  EXPECT_EQ(newest(reader->snapshots(), "s"), "s@10");
  // The state of the new event 15 is another snapshot, and is saved.
  ASSERT_TRUE(is_ok(save(opened->snapshots(), "s", 15)));
  EXPECT_EQ(newest(opened->snapshots(), "s"), "s@15");
  EXPECT_EQ(newest(reader->snapshots(), "s"), "s@15");
  ASSERT_TRUE(is_ok(opened->snapshots().prune({.keep_newest = 9})));
  EXPECT_EQ(opened->snapshots().list()->size(), 2u) << "the stale one is gone";
}

TEST(SnapshotStaleTest, OfAnotherLogIsForeign) {
  SimDisk disk;
  auto store = open(disk);
  append(*store, 10);
  ASSERT_TRUE(is_ok(save(store->snapshots(), "s", 5)));
  const auto bytes = disk.newest("snapshots/" + format::snapshots_name(1));
  ASSERT_TRUE(bytes);
  SimDisk other;
  {
    auto made = open(other);
    append(*made, 10);
    ASSERT_TRUE(is_ok(made->close()));
  }
  auto folder = other.open()->subdirectory("snapshots", true);
  auto file = (*folder)->create(format::snapshots_name(1));
  ASSERT_TRUE(is_ok((*file)->write_at(0, *bytes)));
  auto opened = open(other);
  EXPECT_EQ(newest(opened->snapshots(), "s"), "nothing");
  EXPECT_EQ(opened->snapshots().info()->foreign_files, 1u);
  ASSERT_TRUE(is_ok(save(opened->snapshots(), "s", 6)));
  ASSERT_TRUE(is_ok(opened->snapshots().prune()));
  EXPECT_EQ(newest(opened->snapshots(), "s"), "s@6");
  EXPECT_EQ(*other.newest("snapshots/" + format::snapshots_name(1)), *bytes) << "it is left alone";
}

}  // namespace
}  // namespace daybook::test
