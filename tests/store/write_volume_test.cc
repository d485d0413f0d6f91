// How much a sync has the kernel write: pages, not what the page cache happens to hold them in.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "store/store_fixture.h"

namespace daybook::test {
namespace {

using namespace std::chrono_literals;

// Bytes of files that this process has made dirty so far, in whole folios. Where the kernel does not count them, or the
// files are on no disk, they are always 0, and the test says nothing.
std::uint64_t bytes_dirtied() {
  std::ifstream counts("/proc/self/io");
  for (std::string name; counts >> name;) {
    std::uint64_t count = 0;
    counts >> count;
    if (name == "write_bytes:") return count;
  }
  return 0;
}

class WriteVolumeTest : public StoreTest {
 protected:
  void SetUp() override {}

  static OpenOptions options(Durability durability) {
    return {.durability = durability, .sync_interval = 1h, .segment_size = 64 << 20};
  }

  // Fast, so that the kernel reads ahead, and the store makes room ahead, as much as they do.
  void append_a_lot() {
    const std::string payload(64 << 10, 'x');
    for (int i = 0; i < 400; ++i) append(payload, {.durability = Durability::memory});
  }

  // What one small append makes dirty, when everything else is quiet.
  std::uint64_t bytes_for_each_sync() {
    constexpr std::uint64_t kSyncs = 40;
    EXPECT_TRUE(is_ok(store().sync()));
    for (std::uint64_t before = ~std::uint64_t{0}; before != bytes_dirtied(); std::this_thread::sleep_for(50ms)) {
      before = bytes_dirtied();
    }
    EXPECT_TRUE(is_ok(store().sync()));
    const std::uint64_t before = bytes_dirtied();
    for (std::uint64_t i = 0; i < kSyncs; ++i) append("p", {.durability = Durability::sync});
    return (bytes_dirtied() - before) / kSyncs;
  }

  // As after a restart of the machine; then as a backup does, or a check.
  void forget(std::string_view segment, bool read_every_byte) {
    const int fd = ::open((path() / "segments" / segment).c_str(), O_RDONLY | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(::fsync(fd), 0);
    ASSERT_EQ(::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    std::vector<char> bytes(1 << 20);
    while (read_every_byte && ::read(fd, bytes.data(), bytes.size()) > 0) {
    }
    ::close(fd);
  }

  static constexpr std::uint64_t kLittle = 64 << 10;
};

TEST_F(WriteVolumeTest, OfASyncInTheFirstSegment) {
  reopen(options(Durability::sync));
  append_a_lot();
  EXPECT_LT(bytes_for_each_sync(), kLittle);
}

TEST_F(WriteVolumeTest, OfASyncOfAStoreThatSyncsAtIntervals) {
  reopen(options(Durability::interval));
  append_a_lot();
  EXPECT_LT(bytes_for_each_sync(), kLittle);
}

TEST_F(WriteVolumeTest, OfASyncAfterSomebodyHasReadTheSegment) {
  for (const Durability durability : {Durability::sync, Durability::interval}) {
    reopen(options(durability));
    append_a_lot();
    ASSERT_TRUE(is_ok(store().close()));
    store_.reset();
    forget("00000000000000000001.seg", true);
    reopen(options(durability));
    EXPECT_LT(bytes_for_each_sync(), kLittle);
  }
}

// The segment is zeroed, and to open it again is to look whether it still is.
TEST_F(WriteVolumeTest, OfASyncAfterARestartInALaterSegment) {
  reopen(options(Durability::sync));
  for (int i = 0; i < 3; ++i) append_a_lot();
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  forget("00000000000000000002.seg", false);
  reopen(options(Durability::sync));
  std::this_thread::sleep_for(300ms);
  append_a_lot();
  const auto info = store().info();
  ASSERT_TRUE(is_ok(info));
  ASSERT_EQ(info->segments.size(), 2u);
  EXPECT_LT(bytes_for_each_sync(), kLittle);
}

}  // namespace
}  // namespace daybook::test
