#include "io/directory.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "support/child.h"
#include "support/refuse_syscall.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace daybook::io {
namespace {

using test::fails_with;
using test::is_ok;
using enum Directory::OpenMode;

class DirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = open_directory(temp_.path(), false);
    ASSERT_TRUE(is_ok(opened));
    directory_ = std::move(*opened);
  }

  void write_file(const std::string& name, const std::string& text) { std::ofstream(temp_ / name) << text; }
  [[nodiscard]] bool exists(const std::string& name) const { return std::filesystem::exists(temp_ / name); }
  [[nodiscard]] unsigned mode_of(const std::filesystem::path& path) const {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_mode & 07777;
  }

  test::TempDir temp_;
  std::unique_ptr<Directory> directory_;
};

TEST_F(DirectoryTest, CreatedFileIsEmptyPrivateAndReadWrite) {
  auto file = directory_->create("new");
  ASSERT_TRUE(is_ok(file));
  EXPECT_EQ((*file)->size().value_or(1), 0u);
  EXPECT_EQ(mode_of(temp_ / "new"), 0600u);
  const std::byte byte{7};
  EXPECT_TRUE(is_ok((*file)->write_at(0, {&byte, 1})));
  std::byte read{};
  EXPECT_TRUE(is_ok((*file)->read_at(0, {&read, 1})));
  EXPECT_EQ(read, byte);
}

TEST_F(DirectoryTest, CreateNeverOpensWhatIsThere) {
  write_file("there", "text");
  EXPECT_TRUE(fails_with(directory_->create("there"), Errc::io, EEXIST, "openat"));
  ASSERT_EQ(::symlink("target", (temp_ / "link").c_str()), 0);
  EXPECT_TRUE(fails_with(directory_->create("link"), Errc::io, EEXIST, "openat"));
  EXPECT_FALSE(exists("target"));
}

TEST_F(DirectoryTest, OpensExistingFilesOnly) {
  EXPECT_TRUE(fails_with(directory_->open("missing", read), Errc::not_found, ENOENT, "openat"));
  EXPECT_TRUE(fails_with(directory_->open("missing", read_write), Errc::not_found, ENOENT, "openat"));
  EXPECT_FALSE(exists("missing"));
}

TEST_F(DirectoryTest, FileOpenedToReadCannotBeWritten) {
  write_file("f", "text");
  auto file = directory_->open("f", read);
  ASSERT_TRUE(is_ok(file));
  const std::byte byte{};
  EXPECT_TRUE(fails_with((*file)->write_at(0, {&byte, 1}), Errc::io, EBADF, "pwrite"));
  EXPECT_TRUE(fails_with((*file)->map(Access::read_write, 4), Errc::io, EACCES, "mmap"));
}

// In a directory that others can write to, a "segment" may be anything.
TEST_F(DirectoryTest, RefusesLinks) {
  write_file("secret", "text");
  ASSERT_EQ(::symlink("secret", (temp_ / "link").c_str()), 0);
  EXPECT_TRUE(fails_with(directory_->open("link", read), Errc::io, ELOOP, "openat"));
  EXPECT_TRUE(fails_with(directory_->open("link", read_write), Errc::io, ELOOP, "openat"));
}

TEST_F(DirectoryTest, RefusesAFifoWithoutHanging) {
  ASSERT_EQ(::mkfifo((temp_ / "fifo").c_str(), 0600), 0);
  EXPECT_TRUE(fails_with(directory_->open("fifo", read), Errc::io, EINVAL, "not a regular file"));
  EXPECT_TRUE(fails_with(directory_->open("fifo", read_write), Errc::io, EINVAL, "not a regular file"));
}

TEST_F(DirectoryTest, RefusesADirectoryNamedAsAFile) {
  ASSERT_EQ(::mkdir((temp_ / "dir").c_str(), 0700), 0);
  EXPECT_TRUE(fails_with(directory_->open("dir", read), Errc::io, EISDIR, "not a regular file"));
  EXPECT_TRUE(fails_with(directory_->open("dir", read_write), Errc::io, EISDIR, "openat"));
}

TEST_F(DirectoryTest, RefusesASocketAndADevice) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = temp_ / "socket";
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_TRUE(fails_with(directory_->open("socket", read), Errc::io, ENXIO, "openat"));
  ::close(fd);

  auto dev = open_directory("/dev", false);
  ASSERT_TRUE(is_ok(dev));
  EXPECT_TRUE(fails_with((*dev)->open("null", read), Errc::io, EINVAL, "not a regular file"));
}

// A backup made by hard links must stay readable, and must not change when the store does.
TEST_F(DirectoryTest, ReadsButDoesNotWriteAFileWithOtherLinks) {
  write_file("f", "text");
  ASSERT_EQ(::link((temp_ / "f").c_str(), (temp_ / "backup").c_str()), 0);
  EXPECT_TRUE(is_ok(directory_->open("f", read)));
  EXPECT_TRUE(fails_with(directory_->open("f", read_write), Errc::io, EMLINK, "file has other links"));
  ASSERT_EQ(::unlink((temp_ / "backup").c_str()), 0);
  EXPECT_TRUE(is_ok(directory_->open("f", read_write)));
}

TEST_F(DirectoryTest, DoesNotWriteASetIdFile) {
  write_file("f", "text");
  ASSERT_EQ(::chmod((temp_ / "f").c_str(), 04700), 0);
  EXPECT_TRUE(is_ok(directory_->open("f", read)));
  EXPECT_TRUE(fails_with(directory_->open("f", read_write), Errc::io, EPERM, "file has set-id bits"));
}

TEST_F(DirectoryTest, EveryCallRefusesNamesThatLeadElsewhere) {
  ASSERT_EQ(::mkdir((temp_ / "sub").c_str(), 0700), 0);
  write_file("sub/f", "text");
  write_file("plain", "text");
  const std::string with_nul("a\0b", 3);
  const std::vector<std::string_view> names{"", ".", "..", "../x", "sub/f", "/etc/passwd", "sub/", with_nul};
  for (const std::string_view name : names) {
    SCOPED_TRACE(name);
    constexpr auto kCode = Errc::invalid_argument;
    EXPECT_TRUE(fails_with(directory_->open(name, read), kCode, EINVAL, "file name"));
    EXPECT_TRUE(fails_with(directory_->create(name), kCode, EINVAL, "file name"));
    EXPECT_TRUE(fails_with(directory_->rename(name, "new"), kCode, EINVAL, "file name"));
    EXPECT_TRUE(fails_with(directory_->rename("plain", name), kCode, EINVAL, "file name"));
    EXPECT_TRUE(fails_with(directory_->remove(name), kCode, EINVAL, "file name"));
    EXPECT_TRUE(fails_with(directory_->subdirectory(name, true), kCode, EINVAL, "file name"));
    EXPECT_TRUE(fails_with(directory_->lock(name), kCode, EINVAL, "file name"));
  }
  const std::string long_name(256, 'x');
  EXPECT_TRUE(fails_with(directory_->open(long_name, read), Errc::io, ENAMETOOLONG, "openat"));
  EXPECT_TRUE(exists("sub/f"));
  EXPECT_TRUE(exists("plain"));
}

TEST_F(DirectoryTest, RenameMovesAndNeverReplaces) {
  write_file("a", "text");
  EXPECT_TRUE(is_ok(directory_->rename("a", "b")));
  EXPECT_FALSE(exists("a"));
  EXPECT_TRUE(exists("b"));
  write_file("a", "other");
  EXPECT_TRUE(fails_with(directory_->rename("a", "b"), Errc::io, EEXIST, "renameat2"));
  EXPECT_TRUE(exists("a"));
  EXPECT_EQ(std::filesystem::file_size(temp_ / "b"), 4u);
  EXPECT_TRUE(fails_with(directory_->rename("missing", "c"), Errc::not_found, ENOENT, "renameat2"));
}

// File systems without RENAME_NOREPLACE answer EINVAL.
TEST_F(DirectoryTest, RenameWithoutKernelSupportNeverReplacesEither) {
  for (const int answer : {EINVAL, ENOSYS}) {
    EXPECT_TRUE(test::succeeds_in_child([&] {
      ASSERT_TRUE(test::refuse_syscall(SYS_renameat2, answer));
      write_file("a", "text");
      EXPECT_TRUE(is_ok(directory_->rename("a", "b")));
      EXPECT_FALSE(exists("a"));
      EXPECT_TRUE(is_ok(directory_->open("b", read_write)));  // one link is left
      write_file("a", "other");
      EXPECT_TRUE(fails_with(directory_->rename("a", "b"), Errc::io, EEXIST, "linkat"));
      EXPECT_EQ(std::filesystem::file_size(temp_ / "b"), 4u);
      EXPECT_TRUE(is_ok(directory_->remove("b")));
    }));
  }
}

// Linux before 5.6 (ENOSYS), and sandboxes that do not know the call (EPERM).
TEST_F(DirectoryTest, OpensWithoutOpenat2AndRefusesTheSame) {
  for (const int answer : {ENOSYS, EPERM}) {
    EXPECT_TRUE(test::succeeds_in_child([&] {
      ASSERT_TRUE(test::refuse_syscall(SYS_openat2, answer));
      ASSERT_TRUE(is_ok(directory_->create("f")));
      EXPECT_TRUE(is_ok(directory_->open("f", read_write)));
      EXPECT_TRUE(fails_with(directory_->open("missing", read), Errc::not_found, ENOENT));
      ASSERT_EQ(::symlink("f", (temp_ / "link").c_str()), 0);
      EXPECT_TRUE(fails_with(directory_->open("link", read), Errc::io, ELOOP));
      EXPECT_TRUE(fails_with(directory_->open("../x", read), Errc::invalid_argument, EINVAL));
      EXPECT_TRUE(is_ok(directory_->remove("link")));
      EXPECT_TRUE(is_ok(directory_->remove("f")));
    }));
  }
}

TEST_F(DirectoryTest, RemoveUnlinksOneFile) {
  write_file("a", "text");
  EXPECT_TRUE(is_ok(directory_->remove("a")));
  EXPECT_FALSE(exists("a"));
  EXPECT_TRUE(fails_with(directory_->remove("a"), Errc::not_found, ENOENT, "unlinkat"));
  ASSERT_EQ(::mkdir((temp_ / "dir").c_str(), 0700), 0);
  EXPECT_TRUE(fails_with(directory_->remove("dir"), Errc::io, EISDIR, "unlinkat"));
}

TEST_F(DirectoryTest, ListsAllNamesAsOftenAsAsked) {
  EXPECT_EQ(directory_->list().value_or(std::vector<std::string>{"?"}), std::vector<std::string>{});
  std::vector<std::string> expected;
  for (int i = 0; i < 500; ++i) {
    expected.push_back("file" + std::to_string(i));
    write_file(expected.back(), "");
  }
  expected.emplace_back(".hidden");
  write_file(".hidden", "");
  std::ranges::sort(expected);
  for (int round = 0; round < 2; ++round) {
    auto names = directory_->list();
    ASSERT_TRUE(is_ok(names));
    std::ranges::sort(*names);
    EXPECT_EQ(*names, expected);
  }
}

TEST_F(DirectoryTest, SubdirectoryIsMadePrivateOnceAndOpened) {
  EXPECT_TRUE(fails_with(directory_->subdirectory("sub", false), Errc::not_found, ENOENT, "openat"));
  auto made = directory_->subdirectory("sub", true);
  ASSERT_TRUE(is_ok(made));
  EXPECT_EQ(mode_of(temp_ / "sub"), 0700u);
  ASSERT_TRUE(is_ok((*made)->create("f")));
  auto again = directory_->subdirectory("sub", true);
  ASSERT_TRUE(is_ok(again));
  EXPECT_TRUE(is_ok((*again)->open("f", read)));
}

TEST_F(DirectoryTest, SubdirectoryRefusesLinksAndFiles) {
  write_file("f", "text");
  EXPECT_TRUE(fails_with(directory_->subdirectory("f", true), Errc::io, ENOTDIR, "openat"));
  ASSERT_EQ(::symlink("/tmp", (temp_ / "link").c_str()), 0);
  EXPECT_TRUE(fails_with(directory_->subdirectory("link", true), Errc::io, ENOTDIR, "openat"));
}

TEST_F(DirectoryTest, OpenDirectoryMakesOneLevel) {
  const std::string path = temp_ / "store";
  EXPECT_TRUE(fails_with(open_directory(path, false), Errc::not_found, ENOENT, "openat"));
  EXPECT_FALSE(exists("store"));
  EXPECT_TRUE(is_ok(open_directory(path + "//", true)));
  EXPECT_EQ(mode_of(path), 0700u);
  EXPECT_TRUE(is_ok(open_directory(path, true)));
  EXPECT_TRUE(fails_with(open_directory(temp_ / "a/b", true), Errc::not_found, ENOENT, "mkdirat"));
  write_file("f", "text");
  EXPECT_TRUE(fails_with(open_directory(temp_ / "f", true), Errc::io, ENOTDIR, "openat"));
  EXPECT_TRUE(fails_with(open_directory(path + std::string("\0x", 2), true), Errc::invalid_argument, EINVAL));
  EXPECT_TRUE(fails_with(open_directory("", true), Errc::not_found, ENOENT));
}

TEST_F(DirectoryTest, OpenDirectoryTakesRelativePaths) {
  EXPECT_TRUE(test::succeeds_in_child([&] {
    ASSERT_EQ(::chdir(temp_.path().c_str()), 0);
    EXPECT_TRUE(is_ok(open_directory("store", true)));
    EXPECT_TRUE(is_ok(open_directory("./store/", false)));
    EXPECT_TRUE(is_ok(open_directory(".", true)));
  }));
  EXPECT_TRUE(exists("store"));
  EXPECT_TRUE(is_ok(open_directory("/", false)));
}

// A name is durable after fsync of the directory that has it: one that fails must not be passed over in silence.
TEST_F(DirectoryTest, FailedSyncOfTheParentIsAnError) {
  EXPECT_TRUE(test::succeeds_in_child([&] {
    ASSERT_TRUE(test::refuse_syscall(SYS_fsync, EIO));
    EXPECT_TRUE(fails_with(directory_->sync(), Errc::io, EIO, "fsync"));
    EXPECT_TRUE(fails_with(open_directory(temp_ / "store", true), Errc::io, EIO, "fsync"));
    EXPECT_TRUE(fails_with(directory_->subdirectory("sub", true), Errc::io, EIO, "fsync"));
    // Made by somebody who died before the sync, perhaps: who depends on it says so.
    auto there = open_directory(temp_ / "store", true);
    ASSERT_TRUE(is_ok(there));
    EXPECT_TRUE(fails_with((*there)->sync_name(), Errc::io, EIO, "fsync"));
  }));
}

TEST_F(DirectoryTest, SyncOfAFullDiskIsNotNoSpace) {
  EXPECT_TRUE(test::succeeds_in_child([&] {
    ASSERT_TRUE(test::refuse_syscall(SYS_fsync, ENOSPC));
    EXPECT_TRUE(fails_with(directory_->sync(), Errc::io, ENOSPC, "fsync"));
  }));
}

TEST_F(DirectoryTest, FollowsTheDirectoryThatItHasOpen) {
  auto sub = directory_->subdirectory("sub", true);
  ASSERT_TRUE(is_ok(sub));
  ASSERT_EQ(::rename((temp_ / "sub").c_str(), (temp_ / "moved").c_str()), 0);
  ASSERT_EQ(::symlink("/nonexistent", (temp_ / "sub").c_str()), 0);
  EXPECT_TRUE(is_ok((*sub)->create("f")));
  EXPECT_TRUE(exists("moved/f"));
}

// Something will print to descriptor 2 one day; it must not be a segment.
TEST_F(DirectoryTest, NeverUsesTheStandardDescriptors) {
  EXPECT_TRUE(test::succeeds_in_child([&] {
    const int saved = ::fcntl(STDOUT_FILENO, F_DUPFD, 100);
    for (const int fd : {0, 1, 2}) ::close(fd);
    auto store = open_directory(temp_ / "store", true);
    auto file = (*store)->create("f");
    auto lock = (*store)->lock("LOCK");
    auto again = (*store)->open("f", read_write);
    int open = 0;
    for (const int fd : {0, 1, 2}) open += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    for (const int fd : {0, 1, 2}) ::dup2(saved, fd);
    EXPECT_EQ(open, 0);
    EXPECT_TRUE(is_ok(file));
    EXPECT_TRUE(is_ok(lock));
    EXPECT_TRUE(is_ok(again));
  }));
}

TEST_F(DirectoryTest, DescriptorsDoNotOutliveExec) {
  auto file = directory_->create("f");
  auto lock = directory_->lock("LOCK");
  auto sub = directory_->subdirectory("sub", true);
  ASSERT_TRUE(file && lock && sub);
  int ours = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const auto target = std::filesystem::read_symlink(entry.path(), error).string();
    if (!target.starts_with(temp_.path().string())) continue;
    ++ours;
    const int fd = std::stoi(entry.path().filename());
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << target;
  }
  EXPECT_EQ(ours, 4);  // the directory, f, LOCK, sub
}

TEST_F(DirectoryTest, OutOfDescriptorsIsATypedError) {
  EXPECT_TRUE(test::succeeds_in_child([&] {
    ASSERT_TRUE(is_ok(directory_->create("f")));
    ASSERT_TRUE(test::refuse_syscall(SYS_openat2, EMFILE));
    EXPECT_TRUE(fails_with(directory_->open("f", read), Errc::io, EMFILE, "openat"));
    EXPECT_TRUE(fails_with(directory_->create("g"), Errc::io, EMFILE, "openat"));
    EXPECT_TRUE(fails_with(directory_->lock("LOCK"), Errc::io, EMFILE, "openat"));
  }));
  EXPECT_FALSE(exists("g"));
}

}  // namespace
}  // namespace daybook::io
