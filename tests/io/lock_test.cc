#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/directory.h"
#include "io/system.h"
#include "support/child.h"
#include "support/refuse_syscall.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace daybook::io {
namespace {

using test::Child;
using test::fails_with;
using test::Gate;
using test::is_ok;

class LockTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = open_directory(temp_.path(), false);
    ASSERT_TRUE(is_ok(opened));
    directory_ = std::move(*opened);
  }

  // Expects that the lock is taken, by the process `holder`.
  void expect_locked(std::uint64_t holder) {
    const auto lock = directory_->lock("LOCK");
    ASSERT_TRUE(fails_with(lock, Errc::locked, EAGAIN, "fcntl(F_OFD_SETLK)"));
    EXPECT_EQ(lock.error().actual, holder);
  }

  test::TempDir temp_;
  std::unique_ptr<Directory> directory_;
};

TEST_F(LockTest, IsTakenOnceAndFreedByTheDestructor) {
  auto lock = directory_->lock("LOCK");
  ASSERT_TRUE(is_ok(lock));
  struct stat status {};
  ASSERT_EQ(::stat((temp_ / "LOCK").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  lock->reset();
  EXPECT_TRUE(is_ok(directory_->lock("LOCK")));
}

// Two copies of a store in one process are two writers just as well.
TEST_F(LockTest, ExcludesThisProcessToo) {
  const auto lock = directory_->lock("LOCK");
  ASSERT_TRUE(is_ok(lock));
  expect_locked(process_id());
  auto other = open_directory(temp_.path(), false);
  ASSERT_TRUE(is_ok(other));
  EXPECT_TRUE(fails_with((*other)->lock("LOCK"), Errc::locked, EAGAIN));
}

TEST_F(LockTest, ExcludesOtherProcessesAndNamesTheHolder) {
  const auto lock = directory_->lock("LOCK");
  ASSERT_TRUE(is_ok(lock));
  const std::uint64_t parent = process_id();
  EXPECT_TRUE(test::succeeds_in_child([&] { expect_locked(parent); }));
}

TEST_F(LockTest, HolderIsUnknownWithoutProc) {
  const auto lock = directory_->lock("LOCK");
  ASSERT_TRUE(is_ok(lock));
  EXPECT_TRUE(test::succeeds_in_child([&] {
    ASSERT_TRUE(test::refuse_syscall(SYS_getdents64, EACCES));
    expect_locked(0);
  }));
}

// With the POSIX kind of lock any close of the file would end it, without a word.
TEST_F(LockTest, SurvivesOtherDescriptorsOfTheFile) {
  const auto lock = directory_->lock("LOCK");
  ASSERT_TRUE(is_ok(lock));
  directory_->open("LOCK", Directory::OpenMode::read_write).value().reset();
  std::ifstream((temp_ / "LOCK").c_str()).close();
  const std::uint64_t parent = process_id();
  EXPECT_TRUE(test::succeeds_in_child([&] { expect_locked(parent); }));
}

TEST_F(LockTest, IsGoneWhenItsHolderIsKilled) {
  Gate locked;
  Child holder([&] {
    const auto lock = directory_->lock("LOCK");
    ASSERT_TRUE(is_ok(lock));
    locked.open();
    ::pause();
  });
  locked.wait();
  expect_locked(static_cast<std::uint64_t>(holder.id()));
  holder.kill();
  EXPECT_TRUE(is_ok(directory_->lock("LOCK")));
}

// The lock belongs to the open file, which children inherit. A daemon's helper must not keep a dead writer's lock.
TEST_F(LockTest, IsNotKeptByWhatTheHolderForked) {
  Gate forked;
  Gate end;
  Child holder([&] {
    const auto lock = directory_->lock("LOCK");
    ASSERT_TRUE(is_ok(lock));
    if (::fork() == 0) {
      forked.open();
      end.wait();
      ::_exit(0);
    }
    ::pause();
  });
  forked.wait();
  expect_locked(static_cast<std::uint64_t>(holder.id()));
  holder.kill();
  EXPECT_TRUE(is_ok(directory_->lock("LOCK")));
  end.open();
}

TEST_F(LockTest, ChildNeitherHasItNorFreesIt) {
  auto lock = directory_->lock("LOCK");
  ASSERT_TRUE(is_ok(lock));
  const std::uint64_t parent = process_id();
  EXPECT_TRUE(test::succeeds_in_child([&] {
    // The descriptor is closed, its number free: what gets it now must survive the destructor of the lock.
    std::vector<std::unique_ptr<File>> files;
    for (int i = 0; i < 20; ++i) files.push_back(directory_->create("f" + std::to_string(i)).value());
    lock->reset();
    for (const auto& file : files) EXPECT_TRUE(is_ok(file->size()));
    expect_locked(parent);
  }));
  expect_locked(parent);
}

TEST_F(LockTest, FreedByTheParentItIsFreeThoughAChildLives) {
  auto lock = directory_->lock("LOCK");
  ASSERT_TRUE(is_ok(lock));
  Gate end;
  const Child child([&] { end.wait(); });
  lock->reset();
  EXPECT_TRUE(is_ok(directory_->lock("LOCK")));
  end.open();
}

TEST_F(LockTest, RefusesLinksAndOtherThings) {
  ASSERT_EQ(::symlink("elsewhere", (temp_ / "link").c_str()), 0);
  EXPECT_TRUE(fails_with(directory_->lock("link"), Errc::io, ELOOP, "openat"));
  EXPECT_FALSE(std::filesystem::exists(temp_ / "elsewhere"));
  ASSERT_EQ(::mkfifo((temp_ / "fifo").c_str(), 0600), 0);
  EXPECT_TRUE(fails_with(directory_->lock("fifo"), Errc::io, EINVAL, "not a regular file"));
  std::ofstream(temp_ / "f") << "text";
  ASSERT_EQ(::link((temp_ / "f").c_str(), (temp_ / "hard").c_str()), 0);
  EXPECT_TRUE(fails_with(directory_->lock("hard"), Errc::io, EMLINK, "file has other links"));
}

TEST_F(LockTest, OtherErrorsAreNotTakenForAnotherHolder) {
  for (const int answer : {ENOLCK, EINVAL}) {
    EXPECT_TRUE(test::succeeds_in_child([&] {
      ASSERT_TRUE(test::refuse_syscall(SYS_fcntl, answer));
      EXPECT_TRUE(fails_with(directory_->lock("LOCK"), Errc::io, answer, "fcntl(F_OFD_SETLK)"));
    }));
  }
}

}  // namespace
}  // namespace daybook::io
