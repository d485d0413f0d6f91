// Saving states and finding them again: bounds, generations, fingerprints, refusals.
#include <array>

#include "snapshot/snapshot_fixture.h"

namespace daybook::test {
namespace {

TEST_F(SnapshotTest, AStoreWithoutSnapshotsHasNoFolder) {
  append_many(3);
  EXPECT_EQ(newest("s"), "nothing");
  EXPECT_EQ(listed(), "");
  ASSERT_TRUE(is_ok(snapshots().prune()));
  ASSERT_TRUE(is_ok(snapshots().remove("s")));
  EXPECT_FALSE(std::filesystem::exists(folder()));
}

TEST_F(SnapshotTest, ComesBackWithAllThatWasSaid) {
  append_many(5);
  auto cursor = store().read({.after = 3});
  const Timestamp recorded_at = cursor.next()->recorded_at;
  ASSERT_TRUE(is_ok(snapshots().save(
      {.key = "s", .version = 4, .position = 4, .fingerprint = 77, .state = std::string_view("a\0b", 3)})));
  for (const bool again : {false, true}) {
    if (again) reopen();
    const auto found = snapshots().latest("s", 77);
    ASSERT_TRUE(is_ok(found));
    ASSERT_TRUE(*found);
    EXPECT_EQ((*found)->key, "s");
    EXPECT_EQ((*found)->version, 4u);
    EXPECT_EQ((*found)->position, 4u);
    EXPECT_EQ((*found)->recorded_at, recorded_at);
    EXPECT_GE((*found)->saved_at, recorded_at);
    EXPECT_EQ((*found)->fingerprint, 77u);
    EXPECT_EQ((*found)->state.text(), std::string_view("a\0b", 3));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>((*found)->state.data()) % 8, 0u);
  }
}

TEST_F(SnapshotTest, OfAllSizes) {
  append_many(1);
  for (const std::size_t size : {0u, 1u, 7u, 8u, 9u, 4'000u, 65'536u, 1'000'000u}) {
    const std::string key = "size-" + std::to_string(size);
    const std::string state(size, 'x');
    ASSERT_TRUE(is_ok(snapshots().save({.key = key, .position = 1, .state = state})));
  }
  for (const bool again : {false, true}) {
    if (again) reopen();
    for (const std::size_t size : {0u, 1u, 7u, 8u, 9u, 4'000u, 65'536u, 1'000'000u}) {
      const auto found = snapshots().latest("size-" + std::to_string(size), 0);
      ASSERT_TRUE(is_ok(found));
      ASSERT_TRUE(*found) << size;
      EXPECT_EQ((*found)->state.text(), std::string(size, 'x'));
    }
  }
}

TEST_F(SnapshotTest, TheNewestWithinBoundsIsReturned) {
  append_many(20);
  for (const Position position : {12, 4, 8}) ASSERT_TRUE(is_ok(save("s", position)));
  for (const bool again : {false, true}) {
    if (again) reopen();
    EXPECT_EQ(newest("s"), "s@12");
    EXPECT_EQ(newest("s", {.position = 12}), "s@12");
    EXPECT_EQ(newest("s", {.position = 11}), "s@8");
    EXPECT_EQ(newest("s", {.position = 4}), "s@4");
    EXPECT_EQ(newest("s", {.position = 3}), "nothing");
    EXPECT_EQ(newest("s", {.version = 11}), "s@8");
    EXPECT_EQ(newest("s", {.version = 11, .position = 7}), "s@4");
    EXPECT_EQ(newest("other"), "nothing");
  }
}

// Events of one append have one time: a snapshot in their middle is usable for that time, and not for the one before.
TEST_F(SnapshotTest, AsOfATime) {
  const std::array<NewEvent, 3> three{{{.type = "T"}, {.type = "T"}, {.type = "T"}}};
  ASSERT_TRUE(is_ok(store().append("s", Expect::any(), three)));
  ASSERT_TRUE(is_ok(store().append("s", Expect::any(), three)));
  std::vector<Timestamp> recorded;
  auto cursor = store().read();
  while (const EventView* event = cursor.next()) recorded.push_back(event->recorded_at);
  ASSERT_EQ(recorded.size(), 6u);
  for (const Position position : {2, 5}) ASSERT_TRUE(is_ok(save("s", position)));
  const std::chrono::nanoseconds tick(1);
  EXPECT_EQ(newest("s", {.recorded_at = recorded[1]}), recorded[1] == recorded[4] ? "s@5" : "s@2");
  EXPECT_EQ(newest("s", {.recorded_at = recorded[1] - tick}), "nothing");
  EXPECT_EQ(newest("s", {.recorded_at = recorded[4]}), "s@5");
  EXPECT_EQ(newest("s", {.position = 4, .recorded_at = recorded[4]}), "s@2");
}

TEST_F(SnapshotTest, AnotherFingerprintIsNeverReturned) {
  append_many(10);
  ASSERT_TRUE(is_ok(save("s", 4, 40, 1)));
  ASSERT_TRUE(is_ok(save("s", 8, 40, 2)));
  EXPECT_EQ(newest("s", {}, 1), "s@4");
  EXPECT_EQ(newest("s", {}, 2), "s@8");
  EXPECT_EQ(newest("s", {}, 3), "nothing");
  ASSERT_TRUE(is_ok(save("s", 8, 40, 1))) << "the same place in another schema";
  EXPECT_EQ(newest("s", {}, 1), "s@8");
}

TEST_F(SnapshotTest, TheSameAgainIsNotSavedAgain) {
  append_many(10);
  ASSERT_TRUE(is_ok(save("s", 4)));
  const auto before = snapshots().info();
  ASSERT_TRUE(is_ok(save("s", 4)));
  reopen();
  ASSERT_TRUE(is_ok(save("s", 4)));
  const auto after = snapshots().info();
  EXPECT_EQ(after->snapshots, 1u);
  EXPECT_EQ(after->bytes, before->bytes);
}

TEST_F(SnapshotTest, RefusesWhatCannotBe) {
  append_many(3);
  const auto none = snapshots().save({.key = "s", .position = 4});
  EXPECT_TRUE(fails_with(none, Errc::not_found));
  EXPECT_TRUE(fails_with(snapshots().save({.key = "s", .position = 0}), Errc::not_found));
  EXPECT_TRUE(fails_with(snapshots().save({.key = "", .position = 1}), Errc::invalid_argument));
  EXPECT_TRUE(fails_with(snapshots().save({.key = std::string(256, 'k'), .position = 1}), Errc::invalid_argument));
  EXPECT_TRUE(fails_with(snapshots().prune({.keep_newest = 0}), Errc::invalid_argument));
  EXPECT_FALSE(std::filesystem::exists(folder()));
  EXPECT_TRUE(is_ok(snapshots().save({.key = std::string(255, 'k'), .position = 3})));
  reopen(read_only());
  EXPECT_TRUE(fails_with(save("s", 1), Errc::read_only));
  EXPECT_TRUE(fails_with(snapshots().prune(), Errc::read_only));
  EXPECT_TRUE(fails_with(snapshots().remove("s"), Errc::read_only));
  EXPECT_EQ(snapshots().list()->size(), 1u);
}

TEST_F(SnapshotTest, StaysReadableAfterTheStore) {
  append_many(5);
  ASSERT_TRUE(is_ok(save("s", 2)));
  SnapshotStore kept = snapshots();
  const auto snapshot = kept.latest("s", 1);
  ASSERT_TRUE(is_ok(store().close()));
  EXPECT_TRUE(fails_with(save("s", 3), Errc::closed));
  store_.reset();
  EXPECT_EQ(test::newest(kept, "s"), "s@2");
  EXPECT_TRUE(fails_with(kept.save({.key = "s", .position = 3}), Errc::closed));
  EXPECT_TRUE(fails_with(kept.remove("s"), Errc::closed));
  std::filesystem::remove_all(path());
  EXPECT_EQ((*snapshot)->state.text(), state_of("s", 2));
}

TEST_F(SnapshotTest, DeletingTheFolderLosesNothingElse) {
  append_many(5);
  ASSERT_TRUE(is_ok(save("s", 2)));
  std::filesystem::remove_all(folder());
  EXPECT_EQ(newest("s"), "s@2") << "in this process it is still there";
  reopen();
  EXPECT_EQ(newest("s"), "nothing");
  EXPECT_EQ(read_all(store().read()).size(), 5u);
  ASSERT_TRUE(is_ok(save("s", 3)));
  std::filesystem::remove_all(folder());
  ASSERT_TRUE(is_ok(save("s", 4, 70'000'000))) << "into a file, and a folder, that has to be made";
  reopen();
  EXPECT_EQ(newest("s"), "s@4");
}

TEST_F(SnapshotTest, ListsInOrder) {
  append_many(9);
  ASSERT_TRUE(is_ok(save("b", 7)));
  ASSERT_TRUE(is_ok(save("a", 9)));
  ASSERT_TRUE(is_ok(save("a", 2)));
  ASSERT_TRUE(is_ok(save("ab", 3)));
  EXPECT_EQ(listed(), "a@2 a@9 ab@3 b@7");
  EXPECT_EQ(listed("a"), "a@2 a@9 ab@3");
  EXPECT_EQ(listed("c"), "");
  const auto entries = snapshots().list("b");
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_EQ(entries->front().state_size, 40u);
  EXPECT_EQ(entries->front().fingerprint, 1u);
}

TEST_F(SnapshotTest, MoreThanOneFile) {
  append_many(8);
  for (Position position = 1; position <= 4; ++position) ASSERT_TRUE(is_ok(save("s", position, 20 << 20)));
  ASSERT_TRUE(is_ok(save("large", 5, 80 << 20))) << "a state that is larger than a file";
  ASSERT_TRUE(is_ok(save("s", 6)));
  EXPECT_EQ(file_count(), 4u);
  for (const bool again : {false, true}) {
    if (again) reopen();
    EXPECT_EQ(newest("s"), "s@6");
    EXPECT_EQ(newest("s", {.position = 4}), "s@4");
    EXPECT_EQ(newest("s", {.position = 1}), "s@1");
    EXPECT_EQ(newest("large"), "large@5");
  }
}

TEST_F(SnapshotTest, ManySessionsShareAFile) {
  append_many(30);
  for (Position position = 1; position <= 30; ++position) {
    ASSERT_TRUE(is_ok(save("s", position)));
    reopen();
  }
  EXPECT_EQ(file_count(), 1u);
  EXPECT_EQ(snapshots().list()->size(), 30u);
}

TEST_F(SnapshotTest, RemovesAKey) {
  append_many(9);
  for (const Position position : {2, 4}) ASSERT_TRUE(is_ok(save("a", position)));
  ASSERT_TRUE(is_ok(save("b", 3)));
  const auto held = snapshots().latest("a", 1);
  auto reader = Store::open(path(), read_only());
  EXPECT_EQ(test::newest(reader->snapshots(), "a"), "a@4");
  ASSERT_TRUE(is_ok(snapshots().remove("a")));
  EXPECT_EQ(newest("a"), "nothing");
  EXPECT_EQ(test::newest(reader->snapshots(), "a"), "nothing");
  EXPECT_EQ((*held)->state.text(), state_of("a", 4));
  reopen();
  EXPECT_EQ(listed(), "b@3");
  ASSERT_TRUE(is_ok(save("a", 4))) << "and it can be saved again";
  reopen();
  EXPECT_EQ(listed(), "a@4 b@3");
}

}  // namespace
}  // namespace daybook::test
