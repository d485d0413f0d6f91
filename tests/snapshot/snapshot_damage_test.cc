// Damage: whatever becomes of a file, what is returned is a state that was saved for that key and place, or nothing.
#include <algorithm>

#include "snapshot/snapshot_fixture.h"

namespace daybook::test {
namespace {

class SnapshotDamageTest : public SnapshotTest {
 protected:
  void SetUp() override {
    SnapshotTest::SetUp();
    append_many(20);
    for (const Position position : {3, 6, 9}) ASSERT_TRUE(is_ok(save("s", position)));
    for (const Position position : {4, 8}) ASSERT_TRUE(is_ok(save("t", position)));
    ASSERT_TRUE(is_ok(store().close()));
    whole_ = contents(file());
    // Up to the end of the last record.
    used_ = whole_.find_last_not_of('\0') + 1;
  }

  // A reader's view of the file as it is now; newest() compares the state.
  [[nodiscard]] std::string read() const {
    auto reader = Store::open(path(), read_only());
    EXPECT_TRUE(is_ok(reader));
    const SnapshotStore& snapshots = reader->snapshots();
    return test::newest(snapshots, "s") + " " + test::newest(snapshots, "t");
  }
  [[nodiscard]] std::size_t place_of(const std::string& text) const { return whole_.find(text); }

  std::string whole_;
  std::size_t used_ = 0;
};

TEST_F(SnapshotDamageTest, EveryFlippedByteIsSurvived) {
  EXPECT_EQ(read(), "s@9 t@8");
  std::size_t fell_back = 0;
  for (std::size_t at = 0; at < used_ + 8; ++at) {
    std::string damaged = whole_;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x5a);
    overwrite(file(), damaged);
    const std::string found = read();
    fell_back += found != "s@9 t@8" ? 1 : 0;
    if (HasFatalFailure() || HasNonfatalFailure()) FAIL() << "byte " << at;
  }
  EXPECT_GT(fell_back, used_ / 2);
}

TEST_F(SnapshotDamageTest, EveryTruncationIsSurvived) {
  for (std::size_t size = 0; size < used_; ++size) {
    overwrite(file(), whole_.substr(0, size));
    (void)read();
    if (HasFailure()) FAIL() << "size " << size;
  }
}

TEST_F(SnapshotDamageTest, ADamagedStateFallsBackToTheOlderOne) {
  std::string damaged = whole_;
  damaged[place_of(state_of("s", 9)) + 3] ^= 1;
  overwrite(file(), damaged);
  EXPECT_EQ(read(), "s@6 t@8");
  damaged[place_of(state_of("s", 6)) + 30] ^= 1;
  overwrite(file(), damaged);
  EXPECT_EQ(read(), "s@3 t@8");
  damaged[place_of(state_of("s", 3))] ^= 1;
  overwrite(file(), damaged);
  EXPECT_EQ(read(), "nothing t@8");
  reopen();
  EXPECT_EQ(newest("s"), "nothing");
  EXPECT_EQ(snapshots().info()->damaged, 3u);
  // It is saved again, because what is there is not it.
  ASSERT_TRUE(is_ok(save("s", 9)));
  EXPECT_EQ(newest("s"), "s@9");
}

TEST_F(SnapshotDamageTest, NothingIsAppendedBehindDamage) {
  std::string damaged = whole_;
  damaged[place_of(state_of("s", 6)) - 20] ^= 1;  // in the header of that one
  overwrite(file(), damaged);
  reopen();
  EXPECT_EQ(newest("s"), "s@3") << "what comes behind is not found any more";
  EXPECT_EQ(snapshots().info()->cut_files, 1u);
  ASSERT_TRUE(is_ok(save("s", 12)));
  EXPECT_EQ(contents(file()), damaged);
  EXPECT_EQ(newest("s"), "s@12");
  ASSERT_TRUE(is_ok(snapshots().prune({.keep_newest = 2})));
  EXPECT_EQ(snapshots().info()->cut_files, 0u);
  reopen();
  EXPECT_EQ(listed(), "s@3 s@12");
}

// What a writer leaves that is killed between the two writes of a save.
TEST_F(SnapshotDamageTest, ARecordWithoutItsWordIsNothing) {
  std::string torn = whole_;
  const std::size_t at = place_of(state_of("t", 8)) - 88;  // header, key
  std::fill_n(torn.begin() + static_cast<std::ptrdiff_t>(at), 8, '\0');
  overwrite(file(), torn);
  auto reader = Store::open(path(), read_only());
  EXPECT_EQ(test::newest(reader->snapshots(), "t"), "t@4");
  reopen();
  EXPECT_EQ(newest("t"), "t@4");
  ASSERT_TRUE(is_ok(save("t", 10)));
  EXPECT_EQ(file_count(), 2u);
  EXPECT_EQ(test::newest(reader->snapshots(), "t"), "t@10") << "a reader finds its way past it";
}

TEST_F(SnapshotDamageTest, FilesOfOtherKindsAreLeftAlone) {
  std::filesystem::create_directory(file(7));
  overwrite(file(8), "");
  std::string newer = whole_;
  newer[8] = 2;  // the version
  overwrite(file(9), newer);
  overwrite(folder() / "notes.txt", "mine");
  reopen();
  EXPECT_EQ(newest("s"), "s@9");
  EXPECT_EQ(snapshots().info()->foreign_files, 3u);
  ASSERT_TRUE(is_ok(save("s", 12)));
  EXPECT_TRUE(std::filesystem::exists(file(10))) << "no number is given twice";
  ASSERT_TRUE(is_ok(snapshots().prune({.keep_newest = 1})));
  EXPECT_EQ(listed(), "s@12 t@8");
  EXPECT_EQ(contents(file(9)), newer);
  EXPECT_EQ(contents(folder() / "notes.txt"), "mine");
}

// A reader that looks while the word is written may see part of it; and later all.
TEST_F(SnapshotDamageTest, AReaderLooksAgainAtHalfAWord) {
  const std::size_t at = place_of(state_of("t", 8)) - 88;
  std::string half = whole_;
  std::fill_n(half.begin() + static_cast<std::ptrdiff_t>(at) + 1, 7, '\0');
  ASSERT_NE(half, whole_);
  overwrite(file(), half);
  auto reader = Store::open(path(), read_only());
  EXPECT_EQ(test::newest(reader->snapshots(), "t"), "t@4");
  EXPECT_EQ(test::newest(reader->snapshots(), "t"), "t@4");
  std::fstream in_place(file(), std::ios::in | std::ios::out | std::ios::binary);
  in_place.seekp(static_cast<std::streamoff>(at));
  in_place.write(whole_.data() + at, 8).flush();
  EXPECT_EQ(test::newest(reader->snapshots(), "t"), "t@8");
}

// A hard link may be a backup: it is read, and never written to.
TEST_F(SnapshotDamageTest, AFileWithAnotherLinkIsNotWrittenTo) {
  std::filesystem::create_hard_link(file(), path() / "backup");
  reopen();
  EXPECT_EQ(newest("s"), "s@9");
  ASSERT_TRUE(is_ok(save("s", 12)));
  ASSERT_TRUE(is_ok(snapshots().prune({.keep_newest = 1})));
  EXPECT_EQ(contents(path() / "backup"), whole_);
  EXPECT_EQ(listed(), "s@12 t@8");
}

}  // namespace
}  // namespace daybook::test
