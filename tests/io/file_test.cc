#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <vector>

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <gtest/gtest.h>

#include "io/directory.h"
#include "support/child.h"
#include "support/refuse_syscall.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace daybook::io {
namespace {

using test::fails_with;
using test::is_ok;

constexpr std::uint64_t kBlock = 4096;

std::vector<std::byte> pattern(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(1 + i % 251);
  return bytes;
}

class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = open_directory(temp_.path(), false);
    ASSERT_TRUE(is_ok(opened));
    directory_ = std::move(*opened);
    auto created = directory_->create("f");
    ASSERT_TRUE(is_ok(created));
    file_ = std::move(*created);
  }

  [[nodiscard]] std::uint64_t size() const { return file_->size().value_or(~0ull); }
  [[nodiscard]] std::uint64_t allocated() const { return file_->allocated().value_or(~0ull); }
  [[nodiscard]] std::vector<std::byte> content() const {
    std::vector<std::byte> bytes(size());
    EXPECT_TRUE(is_ok(file_->read_at(0, bytes)));
    return bytes;
  }

  test::TempDir temp_;
  std::unique_ptr<Directory> directory_;
  std::unique_ptr<File> file_;
};

void limit_file_size(rlim_t bytes) {
  const rlimit limit{.rlim_cur = bytes, .rlim_max = bytes};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
}

TEST_F(FileTest, ReadsWhatWasWritten) {
  const auto bytes = pattern(100'000);
  ASSERT_TRUE(is_ok(file_->write_at(5, bytes)));
  EXPECT_EQ(size(), 100'005u);
  std::vector<std::byte> read(bytes.size());
  ASSERT_TRUE(is_ok(file_->read_at(5, read)));
  EXPECT_EQ(read, bytes);
  EXPECT_TRUE(is_ok(file_->read_at(3, {})));
  EXPECT_TRUE(is_ok(file_->write_at(3, {})));
}

// A file that is shorter than its header says is damage, not a system error.
TEST_F(FileTest, ReadOverTheEndIsCorruptWithBothSizes) {
  ASSERT_TRUE(is_ok(file_->write_at(0, pattern(1000))));
  std::array<std::byte, 100> bytes{};
  const auto read = file_->read_at(950, bytes);
  ASSERT_TRUE(fails_with(read, Errc::corrupt, 0, "file is short"));
  EXPECT_EQ(read.error().expected, 1050u);
  EXPECT_EQ(read.error().actual, 1000u);
  EXPECT_TRUE(fails_with(file_->read_at(5000, bytes), Errc::corrupt, 0, "file is short"));
}

TEST_F(FileTest, OffsetsThatNoFileHasAreRefused) {
  std::array<std::byte, 16> bytes{};
  for (const std::uint64_t offset : {~0ull, 1ull << 63, (1ull << 63) - 8}) {
    EXPECT_TRUE(fails_with(file_->read_at(offset, bytes), Errc::invalid_argument));
    EXPECT_TRUE(fails_with(file_->write_at(offset, bytes), Errc::invalid_argument));
    EXPECT_TRUE(fails_with(file_->write_zeros(offset, 16), Errc::invalid_argument));
    EXPECT_TRUE(fails_with(file_->punch(offset, 16), Errc::invalid_argument));
  }
  EXPECT_TRUE(fails_with(file_->allocate(~0ull), Errc::invalid_argument));
  EXPECT_TRUE(fails_with(file_->punch(16, ~0ull), Errc::invalid_argument));
  EXPECT_EQ(size(), 0u);
}

TEST_F(FileTest, AllocateBacksEveryByteAndKeepsContent) {
  ASSERT_TRUE(is_ok(file_->write_at(0, pattern(10))));
  ASSERT_TRUE(is_ok(file_->allocate(1 << 20)));
  EXPECT_EQ(size(), 1u << 20);
  EXPECT_GE(allocated(), 1u << 20);
  auto expected = pattern(10);
  expected.resize(1 << 20);
  EXPECT_EQ(content(), expected);
  ASSERT_TRUE(is_ok(file_->allocate(100)));  // never shrinks
  EXPECT_EQ(size(), 1u << 20);
  EXPECT_TRUE(is_ok(file_->allocate(0)));
}

TEST_F(FileTest, WithoutFallocateItWritesTheBlocks) {
  EXPECT_TRUE(test::succeeds_in_child([&] {
    ASSERT_TRUE(test::refuse_syscall(SYS_fallocate, EOPNOTSUPP));
    ASSERT_TRUE(is_ok(file_->write_at(100'000, pattern(10))));  // sparse before that
    ASSERT_LT(allocated(), 100'000u);
    ASSERT_TRUE(is_ok(file_->allocate(1 << 20)));
    EXPECT_EQ(size(), 1u << 20);
    EXPECT_TRUE(is_ok(file_->sync()));  // delayed allocation: blocks are counted when they are written
    EXPECT_GE(allocated(), 1u << 20);
    std::vector<std::byte> expected(100'000);
    for (const std::byte byte : pattern(10)) expected.push_back(byte);
    expected.resize(1 << 20);
    EXPECT_EQ(content(), expected);
    ASSERT_TRUE(is_ok(file_->allocate(100)));
    EXPECT_EQ(size(), 1u << 20);
  }));
}

TEST_F(FileTest, ErrorsOfFallocateAreTyped) {
  const std::array<std::pair<int, Errc>, 4> answers{
      {{ENOSPC, Errc::no_space}, {EDQUOT, Errc::no_space}, {EFBIG, Errc::io}, {EIO, Errc::io}}};
  for (const auto& answer_and_code : answers) {
    EXPECT_TRUE(test::succeeds_in_child([&] {
      const auto [answer, code] = answer_and_code;
      ASSERT_TRUE(test::refuse_syscall(SYS_fallocate, answer));
      EXPECT_TRUE(fails_with(file_->allocate(kBlock), code, answer, "fallocate"));
      EXPECT_TRUE(fails_with(file_->punch(0, kBlock), code, answer, "fallocate"));
    }));
  }
}

TEST_F(FileTest, WriteZerosWritesTheRangeAndNothingElse) {
  auto expected = pattern(3 * kBlock);
  ASSERT_TRUE(is_ok(file_->write_at(0, expected)));
  ASSERT_TRUE(is_ok(file_->write_zeros(100, 2 * kBlock)));
  std::fill_n(expected.begin() + 100, 2 * kBlock, std::byte{});
  EXPECT_EQ(content(), expected);
  EXPECT_TRUE(is_ok(file_->write_zeros(7, 0)));
  ASSERT_TRUE(is_ok(file_->write_zeros(3 * kBlock, 5000)));  // grows
  EXPECT_EQ(size(), 3 * kBlock + 5000);
}

// Larger writes make large folios, and then each 4 KiB sync writes a megabyte. /proc/self/io counts the calls.
TEST_F(FileTest, WriteZerosGoesInStepsOf4KiB) {
  const auto write_calls = [] {
    std::ifstream io("/proc/self/io");
    for (std::string key, value; io >> key >> value;) {
      if (key == "syscw:") return std::stoull(value);
    }
    return 0ull;
  };
  const auto before = write_calls();
  ASSERT_TRUE(is_ok(file_->write_zeros(0, 64 * kBlock)));
  const auto calls = write_calls() - before;
  EXPECT_GE(calls, 64u);
  EXPECT_LT(calls, 80u);  // sanitizers write a little, too
}

TEST_F(FileTest, PunchGivesBlocksBackAndKeepsTheSize) {
  ASSERT_TRUE(is_ok(file_->write_at(0, pattern(64 * kBlock))));
  ASSERT_TRUE(is_ok(file_->sync()));
  const std::uint64_t before = allocated();
  ASSERT_TRUE(is_ok(file_->punch(kBlock, 32 * kBlock)));
  EXPECT_EQ(size(), 64 * kBlock);
  EXPECT_LE(allocated(), before - 31 * kBlock);
  auto expected = pattern(64 * kBlock);
  std::fill_n(expected.begin() + kBlock, 32 * kBlock, std::byte{});
  EXPECT_EQ(content(), expected);
  ASSERT_TRUE(is_ok(file_->punch(60 * kBlock, 100 * kBlock)));  // over the end
  EXPECT_EQ(size(), 64 * kBlock);
  EXPECT_TRUE(is_ok(file_->punch(0, 0)));
}

TEST_F(FileTest, WithoutPunchItWritesZerosUpToTheEnd) {
  EXPECT_TRUE(test::succeeds_in_child([&] {
    ASSERT_TRUE(test::refuse_syscall(SYS_fallocate, EOPNOTSUPP));
    auto expected = pattern(3 * kBlock);
    ASSERT_TRUE(is_ok(file_->write_at(0, expected)));
    ASSERT_TRUE(is_ok(file_->punch(100, 100 * kBlock)));
    std::fill(expected.begin() + 100, expected.end(), std::byte{});
    EXPECT_EQ(content(), expected);
    ASSERT_TRUE(is_ok(file_->punch(100 * kBlock, kBlock)));
    EXPECT_EQ(size(), 3 * kBlock);
  }));
}

// Whatever errno a failed sync has, it is final; ENOSPC must not look like "try again when there is room".
TEST_F(FileTest, FailedSyncIsAlwaysIo) {
  for (const int answer : {EIO, ENOSPC, EDQUOT, EINTR}) {
    EXPECT_TRUE(test::succeeds_in_child([&] {
      ASSERT_TRUE(test::refuse_syscall(SYS_fdatasync, answer));
      EXPECT_TRUE(fails_with(file_->sync(), Errc::io, answer, "fdatasync"));
    }));
  }
  EXPECT_TRUE(is_ok(file_->sync()));
}

TEST_F(FileTest, ErrorsOfReadAndWriteAreTyped) {
  EXPECT_TRUE(test::succeeds_in_child([&] {
    std::array<std::byte, 16> bytes{};
    ASSERT_TRUE(test::refuse_syscall(SYS_pread64, EIO));
    EXPECT_TRUE(fails_with(file_->read_at(0, bytes), Errc::io, EIO, "pread"));
    ASSERT_TRUE(test::refuse_syscall(SYS_pwrite64, ENOSPC));
    EXPECT_TRUE(fails_with(file_->write_at(0, bytes), Errc::no_space, ENOSPC, "pwrite"));
    EXPECT_TRUE(fails_with(file_->write_zeros(0, 16), Errc::no_space, ENOSPC, "pwrite"));
  }));
}

// RLIMIT_FSIZE sends SIGXFSZ, which kills unless somebody has thought of it.
TEST_F(FileTest, FileSizeLimitIsAnErrorCode) {
  EXPECT_TRUE(test::succeeds_in_child([&] {
    limit_file_size(2 * kBlock);
    EXPECT_TRUE(fails_with(file_->allocate(3 * kBlock), Errc::io, EFBIG, "fallocate"));
    EXPECT_TRUE(fails_with(file_->write_zeros(0, 3 * kBlock), Errc::io, EFBIG, "pwrite"));
    EXPECT_TRUE(fails_with(file_->write_at(2 * kBlock, pattern(1)), Errc::io, EFBIG, "pwrite"));
    EXPECT_TRUE(is_ok(file_->allocate(2 * kBlock)));
    sigset_t mask;
    ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &mask), 0);
    EXPECT_EQ(sigismember(&mask, SIGXFSZ), 0) << "the signal was left blocked";
  }));
}

// At the limit the kernel first writes what still fits: a short write, which must be gone on with, not taken for all.
TEST_F(FileTest, ShortWritesAreCompletedOrReported) {
  EXPECT_TRUE(test::succeeds_in_child([&] {
    limit_file_size(2 * kBlock);
    EXPECT_TRUE(fails_with(file_->write_at(0, pattern(3 * kBlock)), Errc::io, EFBIG, "pwrite"));
    EXPECT_EQ(size(), 2 * kBlock);
    EXPECT_EQ(content(), pattern(2 * kBlock));
  }));
}

TEST_F(FileTest, FileSizeLimitLeavesTheSignalsOfOthersAlone) {
  EXPECT_TRUE(test::succeeds_in_child([&] {
    limit_file_size(2 * kBlock);
    sigset_t file_size;
    sigemptyset(&file_size);
    sigaddset(&file_size, SIGXFSZ);
    sigset_t pending;

    ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &file_size, nullptr), 0);
    EXPECT_TRUE(fails_with(file_->allocate(3 * kBlock), Errc::io, EFBIG));
    ASSERT_EQ(sigpending(&pending), 0);
    EXPECT_EQ(sigismember(&pending, SIGXFSZ), 0) << "ours was left behind";

    ASSERT_EQ(::raise(SIGXFSZ), 0);
    EXPECT_TRUE(fails_with(file_->allocate(3 * kBlock), Errc::io, EFBIG));
    ASSERT_EQ(sigpending(&pending), 0);
    EXPECT_EQ(sigismember(&pending, SIGXFSZ), 1) << "somebody else's was taken";
    sigset_t mask;
    ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &mask), 0);
    EXPECT_EQ(sigismember(&mask, SIGXFSZ), 1) << "the caller's mask was changed";
  }));
}

}  // namespace
}  // namespace daybook::io
