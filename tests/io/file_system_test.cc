// Full disks, and which file systems are taken.
#include <algorithm>
#include <vector>

#include <sys/mman.h>

#include <gtest/gtest.h>

#include "io/directory.h"
#include "support/mounted_disk.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace daybook::io {
namespace {

using test::fails_with;
using test::is_ok;
using test::MountedDisk;

constexpr std::uint64_t kSize = 256 << 10;

class FullDiskTest : public ::testing::TestWithParam<MountedDisk::Kind> {
 protected:
  MountedDisk disk_{GetParam(), 1 << 20};
};

TEST_P(FullDiskTest, AllocateSaysNoSpaceAndWorksWhenThereIsRoom) {
  DAYBOOK_REQUIRE_DISK(disk_);
  auto directory = open_directory(disk_.path(), false);
  ASSERT_TRUE(is_ok(directory));
  auto file = (*directory)->create("segment");
  ASSERT_TRUE(is_ok(file));
  disk_.fill();
  EXPECT_TRUE(fails_with((*file)->allocate(kSize), Errc::no_space, ENOSPC, "fallocate"));
  EXPECT_TRUE(fails_with((*file)->write_zeros(0, kSize), Errc::no_space, ENOSPC, "pwrite"));
  disk_.make_room();
  EXPECT_TRUE(is_ok((*file)->allocate(kSize)));
}

// The promise: once allocated, stores to the mapping never meet the full disk.
TEST_P(FullDiskTest, AllocatedFileTakesStoresOnAFullDisk) {
  DAYBOOK_REQUIRE_DISK(disk_);
  auto directory = open_directory(disk_.path(), false);
  auto file = (*directory)->create("segment");
  ASSERT_TRUE(is_ok(file));
  ASSERT_TRUE(is_ok((*file)->allocate(kSize)));
  auto mapping = (*file)->map(Access::read_write, kSize);
  ASSERT_TRUE(is_ok(mapping));
  disk_.fill();
  EXPECT_TRUE(is_ok((*mapping)->populate(0, kSize / 2)));
  std::ranges::fill((*mapping)->bytes(), std::byte{42});
  EXPECT_TRUE(is_ok((*file)->sync()));
}

// And what would be SIGBUS is an error code when it is populated first.
TEST_P(FullDiskTest, PopulateOfAHoleOnAFullDiskIsAnErrorNotASignal) {
  DAYBOOK_REQUIRE_DISK(disk_);
  auto directory = open_directory(disk_.path(), false);
  auto file = (*directory)->create("segment");
  ASSERT_TRUE(is_ok(file));
  ASSERT_TRUE(is_ok((*file)->allocate(kSize)));
  ASSERT_TRUE(is_ok((*file)->punch(0, kSize)));
  auto mapping = (*file)->map(Access::read_write, kSize);
  ASSERT_TRUE(is_ok(mapping));
  disk_.fill();
  EXPECT_TRUE(fails_with((*mapping)->populate(0, kSize), Errc::io, EFAULT, "madvise"));
  disk_.make_room();
  EXPECT_TRUE(is_ok((*mapping)->populate(0, kSize)));
}

TEST_P(FullDiskTest, IsAKnownFileSystem) {
  DAYBOOK_REQUIRE_DISK(disk_);
  auto directory = open_directory(disk_.path(), false);
  ASSERT_TRUE(is_ok(directory));
  EXPECT_TRUE(is_ok((*directory)->check_file_system()));
}

INSTANTIATE_TEST_SUITE_P(Disks, FullDiskTest, ::testing::Values(MountedDisk::Kind::tmpfs, MountedDisk::Kind::ext4),
                         [](const auto& kind) { return kind.param == MountedDisk::Kind::tmpfs ? "tmpfs" : "ext4"; });

// Recovery reads what is on the disk.
TEST(FileSystemTest, DroppedCacheIsReadAgainFromTheDisk) {
  const MountedDisk disk(MountedDisk::Kind::ext4, 1 << 20);
  DAYBOOK_REQUIRE_DISK(disk);
  auto directory = open_directory(disk.path(), false);
  auto file = (*directory)->create("f");
  ASSERT_TRUE(is_ok(file));
  ASSERT_TRUE(is_ok((*file)->write_at(0, std::vector<std::byte>(kSize, std::byte{42}))));
  ASSERT_TRUE(is_ok((*file)->sync()));
  const auto resident_pages = [&] {
    const auto mapping = (*file)->map(Access::read, kSize).value();
    std::vector<unsigned char> resident(kSize / 4096);
    EXPECT_EQ(::mincore(mapping->bytes().data(), kSize, resident.data()), 0);
    return std::ranges::count_if(resident, [](unsigned char page) { return (page & 1) != 0; });
  };
  EXPECT_EQ(resident_pages(), static_cast<std::ptrdiff_t>(kSize / 4096));
  (*file)->drop_cache(0);
  EXPECT_EQ(resident_pages(), 0);
  std::byte read{};
  ASSERT_TRUE(is_ok((*file)->read_at(kSize - 1, {&read, 1})));
  EXPECT_EQ(read, std::byte{42});
}

// Containers live on it.
TEST(FileSystemTest, OverlayIsTakenAndWorks) {
  const MountedDisk disk(MountedDisk::Kind::overlay, 0);
  DAYBOOK_REQUIRE_DISK(disk);
  auto directory = open_directory(disk.path() / "store", true);
  ASSERT_TRUE(is_ok(directory));
  EXPECT_TRUE(is_ok((*directory)->check_file_system()));
  auto file = (*directory)->create("a");
  ASSERT_TRUE(is_ok(file));
  EXPECT_TRUE(is_ok((*file)->allocate(kSize)));
  EXPECT_TRUE(is_ok((*file)->map(Access::read_write, kSize)));
  EXPECT_TRUE(is_ok((*directory)->rename("a", "b")));
  EXPECT_TRUE(is_ok((*directory)->sync()));
}

TEST(FileSystemTest, UnknownOnesAreRefusedWithTheirNumber) {
  auto proc = open_directory("/proc/self", false);
  ASSERT_TRUE(is_ok(proc));
  const auto checked = (*proc)->check_file_system();
  ASSERT_TRUE(fails_with(checked, Errc::unsupported_fs));
  EXPECT_EQ(checked.error().actual, 0x9fa0u);
}

}  // namespace
}  // namespace daybook::io
