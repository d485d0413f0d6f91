#include "io/system.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <set>
#include <span>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/directory.h"
#include "io/futex.h"
#include "io/zeroed_pages.h"
#include "support/child.h"
#include "support/refuse_syscall.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace daybook::io {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using test::is_ok;

TEST(SystemTest, CoarseClockFollowsTheWallClock) {
  const auto before = std::chrono::system_clock::now().time_since_epoch();
  const auto now = std::chrono::nanoseconds(coarse_now());
  EXPECT_LT(std::chrono::abs(now - before), 1s);
  std::this_thread::sleep_for(20ms);
  EXPECT_GT(coarse_now(), now.count());
}

TEST(SystemTest, UuidsAreRandomVersion4) {
  std::set<Uuid> seen;
  for (int i = 0; i < 1000; ++i) {
    const Uuid uuid = random_uuid();
    EXPECT_EQ(uuid[6] >> 4, 4);
    EXPECT_EQ(uuid[8] >> 6, 2);
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

TEST(SystemTest, NumbersStayUniqueWithoutGetrandom) {
  EXPECT_TRUE(test::succeeds_in_child([] {
    ASSERT_TRUE(test::refuse_syscall(SYS_getrandom, EPERM));
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(random_u64()).second);
  }));
}

// Before the next one, where the tests run in one process: it is read once.
TEST(SystemTest, BootIdIsZeroWhenTheSystemDoesNotSay) {
  EXPECT_TRUE(test::succeeds_in_child([] {
    ASSERT_TRUE(test::refuse_syscall(SYS_openat, EACCES));
    EXPECT_EQ(boot_id(), Uuid{});
  }));
}

TEST(SystemTest, BootIdIsTheKernels) {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string text;
  ASSERT_TRUE(std::getline(file, text));
  std::string ours;
  for (const std::uint8_t byte : boot_id()) {
    constexpr const char* kDigits = "0123456789abcdef";
    ours += kDigits[byte >> 4];
    ours += kDigits[byte & 15];
  }
  std::erase(text, '-');
  EXPECT_EQ(ours, text);
}

TEST(SystemTest, ForkGenerationChangesInChildrenOnly) {
  const std::uint32_t ours = fork_generation();
  EXPECT_TRUE(test::succeeds_in_child([&] {
    const std::uint32_t childs = fork_generation();
    EXPECT_NE(childs, ours);
    EXPECT_TRUE(test::succeeds_in_child([&] {
      EXPECT_NE(fork_generation(), ours);
      EXPECT_NE(fork_generation(), childs);
    }));
    EXPECT_EQ(fork_generation(), childs);
  }));
  EXPECT_EQ(fork_generation(), ours);
}

TEST(SystemTest, ProcessIdIsThisProcesss) {
  EXPECT_EQ(process_id(), static_cast<std::uint32_t>(::getpid()));
  EXPECT_TRUE(test::succeeds_in_child([] { EXPECT_EQ(process_id(), static_cast<std::uint32_t>(::getpid())); }));
}

TEST(ZeroedPagesTest, AreZeroAndWritableToTheEnd) {
  const ZeroedPages pages(3 << 20);
  ASSERT_NE(pages.data(), nullptr);
  const std::span bytes(static_cast<std::byte*>(pages.data()), 3 << 20);
  EXPECT_TRUE(std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{}; }));
  bytes.back() = std::byte{1};
  EXPECT_EQ(ZeroedPages(std::size_t{1} << 60).data(), nullptr) << "more than any machine has";
}

TEST(FutexTest, ReturnsAtOnceWhenTheWordHasChanged) {
  const std::uint32_t word = 1;
  const auto start = steady_clock::now();
  futex_wait(word, 0, 10s);
  EXPECT_LT(steady_clock::now() - start, 5s);
}

TEST(FutexTest, ReturnsWhenTheTimeIsOver) {
  const std::uint32_t word = 0;
  for (const auto timeout : {std::chrono::nanoseconds(0), std::chrono::nanoseconds(-1)}) futex_wait(word, 0, timeout);
  const auto start = steady_clock::now();
  futex_wait(word, 0, 20ms);
  EXPECT_GE(steady_clock::now() - start, 19ms);
  EXPECT_LT(steady_clock::now() - start, 5s);
}

// A reader process maps the file read-only, sleeps on a word in it, and the writer wakes it. The word stays as it is,
// so that nothing but the wake lets the reader go before its timeout.
TEST(FutexTest, WakesAReaderProcessWithAReadOnlyMapping) {
  const test::TempDir temp;
  auto directory = open_directory(temp.path(), false);
  ASSERT_TRUE(is_ok(directory));
  auto file = (*directory)->create("f");
  ASSERT_TRUE(is_ok(file));
  ASSERT_TRUE(is_ok((*file)->allocate(4096)));
  const auto writer = (*file)->map(Access::read_write, 4096);
  ASSERT_TRUE(is_ok(writer));
  test::Gate ready;
  const auto reads = [&] {
    auto own = (*directory)->open("f", Directory::OpenMode::read).value();
    const auto reader = own->map(Access::read, 4096).value();
    ready.open();
    const auto start = steady_clock::now();
    futex_wait(*reinterpret_cast<const std::uint32_t*>(reader->bytes().data() + 8), 0, 60s);
    EXPECT_LT(steady_clock::now() - start, 30s);
  };
  test::Child one(reads);
  test::Child two(reads);
  ready.wait();
  ready.wait();
  ASSERT_TRUE(one.wait_until_asleep());
  ASSERT_TRUE(two.wait_until_asleep());
  futex_wake_all(*reinterpret_cast<const std::uint32_t*>((*writer)->bytes().data() + 8));
  EXPECT_TRUE(one.succeeded());
  EXPECT_TRUE(two.succeeded());
}

}  // namespace
}  // namespace daybook::io
