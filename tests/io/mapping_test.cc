#include <algorithm>
#include <functional>
#include <span>
#include <vector>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

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

constexpr std::uint64_t kSize = 1 << 16;

class MappingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = open_directory(temp_.path(), false);
    ASSERT_TRUE(is_ok(opened));
    directory_ = std::move(*opened);
    auto created = directory_->create("f");
    ASSERT_TRUE(is_ok(created));
    file_ = std::move(*created);
    ASSERT_TRUE(is_ok(file_->allocate(kSize)));
  }

  std::unique_ptr<Mapping> map(Access access) {
    auto mapping = file_->map(access, kSize);
    EXPECT_TRUE(is_ok(mapping));
    return mapping ? std::move(*mapping) : nullptr;
  }

  test::TempDir temp_;
  std::unique_ptr<Directory> directory_;
  std::unique_ptr<File> file_;
};

bool is_mapped(const void* address) {
  unsigned char resident = 0;
  return ::mincore(const_cast<void*>(address), 1, &resident) == 0;
}

// For each page whether it is in the cache: 1 or 0.
std::vector<unsigned char> resident_pages(const Mapping& mapping) {
  std::vector<unsigned char> resident(kSize / 4096);
  EXPECT_EQ(::mincore(mapping.bytes().data(), kSize, resident.data()), 0);
  for (unsigned char& page : resident) page &= 1;
  return resident;
}

// Asks the kernel to store a byte there (from `file`), because it answers EFAULT where a store of ours would be a signal.
bool can_store(File& file, std::byte* address) { return file.read_at(0, {address, 1}).has_value(); }

TEST_F(MappingTest, SharesItsBytesWithTheFileAndOtherMappings) {
  const auto writer = map(Access::read_write);
  const auto reader = map(Access::read);
  ASSERT_EQ(writer->bytes().size(), kSize);
  ASSERT_EQ(reader->bytes().size(), kSize);
  writer->bytes()[kSize - 1] = std::byte{42};
  EXPECT_EQ(reader->bytes()[kSize - 1], std::byte{42});
  std::byte read{};
  ASSERT_TRUE(is_ok(file_->read_at(kSize - 1, {&read, 1})));
  EXPECT_EQ(read, std::byte{42});
  const std::byte written{43};
  ASSERT_TRUE(is_ok(file_->write_at(0, {&written, 1})));
  EXPECT_EQ(reader->bytes()[0], written);
}

TEST_F(MappingTest, OutlivesItsFileAndItsName) {
  const auto mapping = map(Access::read_write);
  file_.reset();
  ASSERT_TRUE(is_ok(directory_->remove("f")));
  mapping->bytes()[0] = std::byte{1};
  EXPECT_EQ(mapping->bytes()[0], std::byte{1});
}

TEST_F(MappingTest, IsUnmappedByTheDestructor) {
  auto mapping = map(Access::read_write);
  const void* address = mapping->bytes().data();
  EXPECT_TRUE(is_mapped(address));
  mapping.reset();
  EXPECT_FALSE(is_mapped(address));
}

// Memory behind the end of a file is SIGBUS.
TEST_F(MappingTest, NeverReachesBehindTheEndOfTheFile) {
  const auto mapping = file_->map(Access::read, kSize + 1);
  ASSERT_TRUE(fails_with(mapping, Errc::corrupt, 0, "file is short"));
  EXPECT_EQ(mapping.error().expected, kSize + 1);
  EXPECT_EQ(mapping.error().actual, kSize);
  EXPECT_TRUE(fails_with(file_->map(Access::read, 0), Errc::invalid_argument, EINVAL, "mapping size"));
  EXPECT_TRUE(is_ok(file_->map(Access::read, 100)));
}

TEST_F(MappingTest, ReadMappingRefusesStores) {
  const auto mapping = map(Access::read);
  EXPECT_FALSE(can_store(*file_, mapping->bytes().data() + 1));
}

TEST_F(MappingTest, ProtectTakesTheRightToWriteForGood) {
  const auto mapping = map(Access::read_write);
  mapping->bytes()[0] = std::byte{42};
  EXPECT_TRUE(can_store(*file_, mapping->bytes().data() + 1));
  ASSERT_TRUE(is_ok(mapping->protect()));
  EXPECT_EQ(mapping->bytes()[0], std::byte{42});
  EXPECT_FALSE(can_store(*file_, mapping->bytes().data() + 1));
  EXPECT_FALSE(can_store(*file_, mapping->bytes().data() + kSize - 1));
}

TEST_F(MappingTest, PopulateMakesThePagesResident) {
  const auto mapping = map(Access::read_write);
  ASSERT_TRUE(is_ok(mapping->populate(100, kSize - 100)));  // any offset: whole pages around it
  const auto resident = resident_pages(*mapping);
  EXPECT_TRUE(std::ranges::all_of(resident, std::identity()));
  EXPECT_TRUE(std::ranges::all_of(mapping->bytes(), [](std::byte byte) { return byte == std::byte{}; }));
  EXPECT_TRUE(is_ok(mapping->populate(0, 0)));
  EXPECT_TRUE(fails_with(mapping->populate(1, kSize), Errc::invalid_argument));
  EXPECT_TRUE(fails_with(mapping->populate(kSize + 1, 0), Errc::invalid_argument));
  EXPECT_TRUE(fails_with(mapping->populate(1, ~0ull), Errc::invalid_argument));
}

// Where the files are not on a disk (tmpfs), there is nothing to read ahead, and this says nothing.
TEST_F(MappingTest, ReadsNothingAroundAPageThatIsLookedAtAlone) {
  const std::vector<std::byte> noise(kSize, std::byte{42});
  ASSERT_TRUE(is_ok(file_->write_at(0, noise)));
  ASSERT_TRUE(is_ok(file_->sync()));
  file_->drop_cache(0);
  const auto mapping = map(Access::read);
  mapping->read_ahead(kSize - 4096, 4096, false);
  EXPECT_EQ(mapping->bytes()[kSize - 1], std::byte{42});
  const auto resident = resident_pages(*mapping);
  EXPECT_EQ(resident.back(), 1);
  EXPECT_TRUE(std::ranges::none_of(std::span(resident).first(resident.size() - 1), std::identity()));
}

// Or a cold replay of what was appended in this session would read page by page. Says nothing on tmpfs, as above.
TEST_F(MappingTest, ReadsAheadAgainWhenProtected) {
  const auto mapping = map(Access::read_write);
  mapping->read_ahead(0, kSize, false);
  std::ranges::fill(mapping->bytes(), std::byte{42});
  ASSERT_TRUE(is_ok(mapping->protect()));
  ASSERT_TRUE(is_ok(file_->sync()));
  file_->drop_cache(0);
  EXPECT_EQ(mapping->bytes()[0], std::byte{42});
  const auto resident = resident_pages(*mapping);
  EXPECT_GT(std::ranges::count_if(resident, std::identity()), 1);
}

TEST_F(MappingTest, PopulateOnAnOldKernelDoesNothing) {
  const auto mapping = map(Access::read_write);
  EXPECT_TRUE(test::succeeds_in_child([&] {
    ASSERT_TRUE(test::refuse_syscall(SYS_madvise, EINVAL));
    EXPECT_TRUE(is_ok(mapping->populate(0, kSize)));
  }));
  EXPECT_TRUE(test::succeeds_in_child([&] {
    ASSERT_TRUE(test::refuse_syscall(SYS_madvise, EFAULT));
    EXPECT_TRUE(fails_with(mapping->populate(0, kSize), Errc::io, EFAULT, "madvise"));
  }));
}

// AddressSanitizer needs mmap for itself: this one is in every build but its own.
#ifndef __SANITIZE_ADDRESS__
TEST_F(MappingTest, ErrorsOfMmapAreTyped) {
  for (const int answer : {ENOMEM, EAGAIN, ENODEV}) {
    EXPECT_TRUE(test::succeeds_in_child([&] {
      ASSERT_TRUE(test::refuse_syscall(SYS_mmap, answer));
      const auto mapping = file_->map(Access::read, kSize);
      ASSERT_FALSE(mapping);
      EXPECT_EQ(mapping.error().code, Errc::io);
      EXPECT_EQ(mapping.error().sys_errno, answer);
      EXPECT_STREQ(mapping.error().what, "mmap");
    }));
  }
}
#endif

TEST_F(MappingTest, WritersMappingIsNotInheritedByChildren) {
  const auto writer = map(Access::read_write);
  const auto reader = map(Access::read);
  EXPECT_TRUE(test::succeeds_in_child([&] {
    EXPECT_FALSE(is_mapped(writer->bytes().data()));
    EXPECT_TRUE(is_mapped(reader->bytes().data()));
  }));
}

// What a child has put where its parent's mapping was is not the mapping's to unmap.
TEST_F(MappingTest, DestructorInAChildUnmapsNothingOfTheChilds) {
  auto writer = map(Access::read_write);
  auto reader = map(Access::read);
  EXPECT_TRUE(test::succeeds_in_child([&] {
    std::byte* const address = writer->bytes().data();
    ASSERT_EQ(::mmap(address, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), address);
    address[0] = std::byte{7};
    writer.reset();
    EXPECT_EQ(address[0], std::byte{7});
    const void* const inherited = reader->bytes().data();
    reader.reset();
    EXPECT_FALSE(is_mapped(inherited));
  }));
  writer->bytes()[0] = std::byte{1};  // the parent's is untouched
}

}  // namespace
}  // namespace daybook::io
