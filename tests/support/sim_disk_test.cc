// The simulator is what crash tests believe, so it is tested first: what was synced never vanishes, what was not can.
#include "support/sim_disk.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "support/child.h"
#include "support/result_matchers.h"

namespace daybook::test {
namespace {

using io::Access;
using Mode = io::Directory::OpenMode;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// What the file `path` has after a power cut, or "-" when there is no such file.
std::string after(const SimDisk& disk, std::string_view path) {
  const auto bytes = disk.newest(path);
  return bytes ? text_of(*bytes) : "-";
}

SimDisk crash(const SimDisk& disk, CrashPolicy policy, std::uint64_t seed = 1) {
  Rng rng(seed);
  return disk.crash(rng, policy);
}

// Everything that `look` says of the images of many crashes.
template <typename Look>
std::set<std::string> outcomes(const SimDisk& disk, CrashPolicy policy, Look look, int crashes = 500) {
  std::set<std::string> seen;
  Rng rng(42);
  for (int i = 0; i < crashes; ++i) seen.insert(look(disk.crash(rng, policy)));
  return seen;
}

class SimDiskTest : public ::testing::Test {
 protected:
  std::unique_ptr<io::File> create(std::string_view name) { return directory_->create(name).value(); }

  // A file whose name and content, `sectors` sectors of 'a', are durable.
  std::unique_ptr<io::File> durable_file(std::string_view name, std::size_t sectors) {
    auto file = create(name);
    EXPECT_TRUE(is_ok(file->write_at(0, bytes_of(std::string(sectors * kSectorSize, 'a')))));
    EXPECT_TRUE(is_ok(file->sync()));
    EXPECT_TRUE(is_ok(directory_->sync()));
    return file;
  }

  static constexpr std::size_t kSectorSize = 512;
  SimDisk disk_;
  std::unique_ptr<io::Directory> directory_ = disk_.open();
};

// One letter for each sector, "?" when it is mixed.
std::string letters(const SimDisk& disk, std::string_view path) {
  const std::string text = after(disk, path);
  std::string letters;
  for (std::size_t at = 0; at + 512 <= text.size(); at += 512) {
    const bool is_uniform = text.find_first_not_of(text[at], at) >= at + 512;
    letters += !is_uniform ? '?' : text[at] == '\0' ? '0' : text[at];
  }
  return letters;
}

void fill_sector(const io::Mapping& mapping, std::size_t sector, char letter) {
  std::memset(mapping.bytes().data() + sector * 512, letter, 512);
}

TEST_F(SimDiskTest, SyncedContentAndNamesAreThereAfterEveryCrash) {
  auto file = durable_file("f", 8);
  auto mapping = file->map(Access::read_write, 8 * kSectorSize).value();
  fill_sector(*mapping, 3, 'b');
  ASSERT_TRUE(is_ok(file->sync()));
  for (const CrashPolicy policy : kCrashPolicies) {
    SCOPED_TRACE(name(policy));
    EXPECT_EQ(outcomes(
                  disk_, policy, [](const SimDisk& d) { return letters(d, "f"); }, 50),
              std::set<std::string>{"aaabaaaa"});
  }
}

TEST_F(SimDiskTest, StoresThatWereNotSyncedCanVanishOneByOne) {
  auto file = durable_file("f", 3);
  auto mapping = file->map(Access::read_write, 3 * kSectorSize).value();
  fill_sector(*mapping, 0, 'b');
  fill_sector(*mapping, 2, 'c');
  const auto look = [](const SimDisk& d) { return letters(d, "f"); };
  EXPECT_EQ(letters(crash(disk_, CrashPolicy::all_old), "f"), "aaa");
  EXPECT_EQ(letters(crash(disk_, CrashPolicy::all_new), "f"), "bac");
  EXPECT_EQ(outcomes(disk_, CrashPolicy::uniform, look), (std::set<std::string>{"aaa", "baa", "aac", "bac"}));
  EXPECT_EQ(outcomes(disk_, CrashPolicy::single_lost, look), (std::set<std::string>{"aac", "baa"}));
  EXPECT_EQ(outcomes(disk_, CrashPolicy::single_kept, look), (std::set<std::string>{"baa", "aac"}));
}

// A frame that was filled but not published, or published without its header: contents between two observations.
TEST_F(SimDiskTest, EveryObservedContentOfASectorIsPossible) {
  auto file = durable_file("f", 1);
  auto mapping = file->map(Access::read_write, kSectorSize).value();
  for (const char letter : {'b', 'c', 'd'}) {
    fill_sector(*mapping, 0, letter);
    disk_.observe();
  }
  EXPECT_EQ(disk_.versions("f", 0).size(), 4u);
  EXPECT_EQ(outcomes(disk_, CrashPolicy::uniform, [](const SimDisk& d) { return letters(d, "f"); }),
            (std::set<std::string>{"a", "b", "c", "d"}));
}

TEST_F(SimDiskTest, PrefixKeepsTheOrderAndReversedTurnsItRound) {
  auto file = durable_file("f", 4);
  auto mapping = file->map(Access::read_write, 4 * kSectorSize).value();
  for (const std::size_t sector : {2u, 0u, 3u}) {
    fill_sector(*mapping, sector, 'b');
    disk_.observe();
  }
  const auto look = [](const SimDisk& d) { return letters(d, "f"); };
  EXPECT_EQ(outcomes(disk_, CrashPolicy::prefix, look), (std::set<std::string>{"aaaa", "aaba", "baba", "babb"}));
  EXPECT_EQ(outcomes(disk_, CrashPolicy::reversed, look), (std::set<std::string>{"aaaa", "aaab", "baab", "babb"}));
}

TEST_F(SimDiskTest, GarbageHitsOnlyBytesThatWereBeingChanged) {
  auto file = durable_file("f", 2);
  auto mapping = file->map(Access::read_write, 2 * kSectorSize).value();
  std::memset(mapping->bytes().data() + 100, 'b', 50);
  Rng rng(7);
  bool was_noise = false;
  for (int i = 0; i < 50; ++i) {
    const std::string text = after(disk_.crash(rng, CrashPolicy::garbage_in_flight), "f");
    EXPECT_EQ(text.substr(0, 100), std::string(100, 'a'));
    EXPECT_EQ(text.substr(150), std::string(2 * kSectorSize - 150, 'a'));
    const std::string middle = text.substr(100, 50);
    was_noise |= middle != std::string(50, 'a') && middle != std::string(50, 'b');
  }
  EXPECT_TRUE(was_noise);
}

TEST_F(SimDiskTest, OnlyTheSyncedFileIsDurable) {
  auto one = durable_file("one", 1);
  auto two = durable_file("two", 1);
  ASSERT_TRUE(is_ok(one->write_at(0, bytes_of("1"))));
  ASSERT_TRUE(is_ok(two->write_at(0, bytes_of("2"))));
  ASSERT_TRUE(is_ok(one->sync()));
  const SimDisk old = crash(disk_, CrashPolicy::all_old);
  EXPECT_EQ(after(old, "one")[0], '1');
  EXPECT_EQ(after(old, "two")[0], 'a');
}

TEST_F(SimDiskTest, StoresAfterTheSyncAreNotDurable) {
  auto file = durable_file("f", 1);
  auto mapping = file->map(Access::read_write, kSectorSize).value();
  fill_sector(*mapping, 0, 'b');
  ASSERT_TRUE(is_ok(file->sync()));
  fill_sector(*mapping, 0, 'c');
  EXPECT_EQ(outcomes(disk_, CrashPolicy::uniform, [](const SimDisk& d) { return letters(d, "f"); }),
            (std::set<std::string>{"b", "c"}));
}

TEST_F(SimDiskTest, SizeCanBeThereBeforeTheContent) {
  auto file = durable_file("f", 1);
  ASSERT_TRUE(is_ok(file->write_at(kSectorSize, bytes_of(std::string(kSectorSize, 'b')))));
  EXPECT_EQ(outcomes(disk_, CrashPolicy::uniform, [](const SimDisk& d) { return letters(d, "f"); }),
            (std::set<std::string>{"a", "a0", "ab"}));
}

TEST_F(SimDiskTest, WhatWasCutOffWithTheSizeReadsAsZerosLater) {
  auto file = create("f");
  ASSERT_TRUE(is_ok(file->write_at(0, bytes_of("abc"))));
  ASSERT_TRUE(is_ok(file->sync()));
  ASSERT_TRUE(is_ok(directory_->sync()));
  ASSERT_TRUE(is_ok(file->write_at(3, bytes_of("def"))));
  const auto choices = disk_.choices();
  ASSERT_EQ(choices, (std::vector<std::size_t>{2, 2}));  // size, then sector
  const SimDisk cut = disk_.crash_with(std::vector<std::size_t>{0, 1});
  EXPECT_EQ(after(cut, "f"), "abc");
  auto again = cut.open()->open("f", Mode::read_write).value();
  ASSERT_TRUE(is_ok(again->allocate(6)));
  EXPECT_EQ(after(cut, "f"), std::string("abc\0\0\0", 6));
}

TEST_F(SimDiskTest, NamesAreDurableOnlyAfterTheDirectoryWasSynced) {
  auto file = create("tmp");
  ASSERT_TRUE(is_ok(file->write_at(0, bytes_of("x"))));
  ASSERT_TRUE(is_ok(file->sync()));
  ASSERT_TRUE(is_ok(directory_->rename("tmp", "f")));
  const auto look = [](const SimDisk& d) { return after(d, "tmp") + after(d, "f"); };
  // Neither, as created, or renamed (whether or not the disk has heard of the old name): never both.
  EXPECT_EQ(outcomes(disk_, CrashPolicy::uniform, look), (std::set<std::string>{"--", "x-", "-x"}));
  ASSERT_TRUE(is_ok(directory_->sync()));
  EXPECT_EQ(outcomes(disk_, CrashPolicy::uniform, look), std::set<std::string>{"-x"});
  ASSERT_TRUE(is_ok(directory_->remove("f")));
  EXPECT_EQ(after(disk_, "f"), "-");
  EXPECT_EQ(outcomes(disk_, CrashPolicy::uniform, look), (std::set<std::string>{"-x", "--"}));
  ASSERT_TRUE(is_ok(directory_->sync()));
  EXPECT_EQ(outcomes(disk_, CrashPolicy::uniform, look), std::set<std::string>{"--"});
}

TEST_F(SimDiskTest, SyncOfAFileDoesNotMakeItsNameDurable) {
  auto file = create("f");
  ASSERT_TRUE(is_ok(file->sync()));
  EXPECT_EQ(after(crash(disk_, CrashPolicy::all_old), "f"), "-");
  ASSERT_TRUE(is_ok(directory_->sync()));
  EXPECT_EQ(after(crash(disk_, CrashPolicy::all_old), "f"), "");
}

TEST_F(SimDiskTest, SubdirectoriesAreDurableWhenMadeAndSyncedForThemselves) {
  auto sub = directory_->subdirectory("sub", true).value();
  auto file = sub->create("f").value();
  ASSERT_TRUE(is_ok(file->sync()));
  ASSERT_TRUE(is_ok(directory_->sync()));
  const SimDisk before = crash(disk_, CrashPolicy::all_old);
  EXPECT_TRUE(is_ok(before.open()->subdirectory("sub", false)));
  EXPECT_EQ(after(before, "sub/f"), "-");
  ASSERT_TRUE(is_ok(sub->sync()));
  EXPECT_EQ(after(crash(disk_, CrashPolicy::all_old), "sub/f"), "");
}

TEST_F(SimDiskTest, CrashedDiskIsDurableAndApartFromTheOldOne) {
  auto file = durable_file("f", 2);
  auto mapping = file->map(Access::read_write, 2 * kSectorSize).value();
  fill_sector(*mapping, 0, 'b');
  const SimDisk copy = crash(disk_, CrashPolicy::all_new);
  fill_sector(*mapping, 1, 'c');
  EXPECT_TRUE(copy.choices().empty());
  EXPECT_EQ(letters(copy, "f"), "ba");
  auto other = copy.open()->open("f", Mode::read_write).value();
  ASSERT_TRUE(is_ok(other->write_at(0, bytes_of(std::string(kSectorSize, 'z')))));
  EXPECT_EQ(letters(disk_, "f"), "bc");
  EXPECT_EQ(letters(copy, "f"), "za");
  EXPECT_EQ(letters(crash(copy, CrashPolicy::all_old), "f"), "ba");  // crash after crash
}

TEST_F(SimDiskTest, KillLosesNothingAndMakesNothingDurable) {
  auto lock = directory_->lock("LOCK");
  ASSERT_TRUE(is_ok(lock));
  auto file = durable_file("f", 1);
  auto mapping = file->map(Access::read_write, kSectorSize).value();
  fill_sector(*mapping, 0, 'b');
  disk_.observe();
  fill_sector(*mapping, 0, 'c');
  ASSERT_TRUE(is_ok(directory_->create("new")));
  const SimDisk killed = disk_.kill();
  EXPECT_EQ(letters(killed, "f"), "c");
  EXPECT_EQ(after(killed, "new"), "");
  EXPECT_TRUE(is_ok(killed.open()->lock("LOCK")));
  EXPECT_EQ(letters(crash(killed, CrashPolicy::all_old), "f"), "a");
  EXPECT_EQ(after(crash(killed, CrashPolicy::all_old), "new"), "-");
  EXPECT_EQ(outcomes(killed, CrashPolicy::uniform, [](const SimDisk& d) { return letters(d, "f"); }),
            (std::set<std::string>{"a", "b", "c"}));
  auto reopened = killed.open()->open("f", Mode::read_write).value();
  ASSERT_TRUE(is_ok(reopened->sync()));  // by the next process, of what the dead one stored
  EXPECT_EQ(letters(crash(killed, CrashPolicy::all_old), "f"), "c");
}

TEST_F(SimDiskTest, MappingsAndCallsShareTheBytes) {
  auto file = durable_file("f", 16);
  auto writer = file->map(Access::read_write, 16 * kSectorSize).value();
  auto reader = directory_->open("f", Mode::read).value()->map(Access::read, 16 * kSectorSize).value();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(writer->bytes().data()) % 4096, 0u);
  fill_sector(*writer, 15, 'b');
  EXPECT_EQ(reader->bytes()[15 * kSectorSize], std::byte{'b'});
  ASSERT_TRUE(is_ok(file->write_at(5000, bytes_of("xyz"))));
  EXPECT_EQ(std::memcmp(reader->bytes().data() + 4999, "axyza", 5), 0);
  ASSERT_TRUE(is_ok(file->punch(4096, 4096)));
  EXPECT_EQ(reader->bytes()[5000], std::byte{0});
  EXPECT_EQ(file->size().value(), 16 * kSectorSize);
  EXPECT_EQ(file->allocated().value(), 4096u);
  std::byte read{};
  ASSERT_TRUE(is_ok(file->read_at(4095, {&read, 1})));
  EXPECT_EQ(read, std::byte{'a'});
}

TEST_F(SimDiskTest, StoresAreKeptWhenTheMappingIsGone) {
  auto file = durable_file("f", 1);
  auto mapping = file->map(Access::read_write, kSectorSize).value();
  fill_sector(*mapping, 0, 'b');
  mapping.reset();
  EXPECT_EQ(letters(disk_, "f"), "b");
  EXPECT_EQ(letters(crash(disk_, CrashPolicy::all_old), "f"), "a");
  mapping = file->map(Access::read, kSectorSize).value();
  EXPECT_EQ(mapping->bytes()[0], std::byte{'b'});
}

// Memory is used again for other files.
TEST_F(SimDiskTest, GrownFileReadsAsZerosAlsoWhenMapped) {
  auto one = durable_file("one", 16);
  one->map(Access::read_write, 16 * kSectorSize).value().reset();
  auto two = create("two");
  ASSERT_TRUE(is_ok(two->allocate(100)));
  const auto mapping = two->map(Access::read_write, 100).value();
  ASSERT_TRUE(is_ok(mapping->protect()));
  ASSERT_TRUE(is_ok(two->allocate(16 * kSectorSize)));
  EXPECT_EQ(after(disk_, "two"), std::string(16 * kSectorSize, '\0'));
}

// A page that is never synced must not fill the memory of the test, nor lose its last content.
TEST_F(SimDiskTest, VersionsOfASectorAreThinnedOutOnlyWhenTheyAreMany) {
  auto file = durable_file("f", 1);
  auto mapping = file->map(Access::read_write, kSectorSize).value();
  const auto store = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      fill_sector(*mapping, 0, static_cast<char>(i));
      disk_.observe();
    }
  };
  store(0, 20);
  EXPECT_EQ(disk_.versions("f", 0).size(), 21u);
  store(20, 90);
  EXPECT_LT(disk_.versions("f", 0).size(), 40u);
  EXPECT_EQ(disk_.versions("f", 0).front()[0], std::byte{'a'});
  EXPECT_EQ(disk_.versions("f", 0).back()[0], std::byte{89});
}

TEST_F(SimDiskTest, ProtectedMappingRefusesStoresButCallsStillWrite) {
  auto file = durable_file("f", 1);
  auto mapping = file->map(Access::read_write, kSectorSize).value();
  ASSERT_TRUE(is_ok(mapping->protect()));
  ASSERT_TRUE(is_ok(file->write_at(0, bytes_of("b"))));
  EXPECT_EQ(mapping->bytes()[0], std::byte{'b'});
  EXPECT_DEATH(fill_sector(*mapping, 0, 'c'), "");
  const auto again = file->map(Access::read_write, kSectorSize).value();
  fill_sector(*again, 0, 'd');
  EXPECT_EQ(letters(disk_, "f"), "d");
}

// fsyncgate: after a failed sync the kernel takes the pages for clean.
TEST_F(SimDiskTest, RetryOfAFailedSyncSucceedsAndLies) {
  auto file = durable_file("f", 16);
  auto other = directory_->open("f", Mode::read_write).value();
  auto mapping = file->map(Access::read_write, 16 * kSectorSize).value();
  fill_sector(*mapping, 0, 'b');
  disk_.faults().add({.call = IoCall::sync});
  EXPECT_TRUE(fails_with(file->sync(), Errc::io, EIO, "fdatasync"));
  auto later = directory_->open("f", Mode::read_write).value();
  EXPECT_TRUE(is_ok(later->sync())) << "opened after the error: does not hear of it";
  EXPECT_TRUE(fails_with(other->sync(), Errc::io, EIO, "fdatasync")) << "opened before: hears of it once";
  EXPECT_TRUE(is_ok(other->sync()));
  EXPECT_TRUE(is_ok(file->sync()));
  EXPECT_EQ(letters(crash(disk_, CrashPolicy::all_old), "f")[0], 'a');
  EXPECT_EQ(letters(crash(disk_, CrashPolicy::all_new), "f")[0], 'b');

  fill_sector(*mapping, 15, 'c');  // another page
  EXPECT_TRUE(is_ok(file->sync()));
  EXPECT_EQ(letters(crash(disk_, CrashPolicy::all_old), "f"), "aaaaaaaaaaaaaaac");
  fill_sector(*mapping, 1, 'd');  // the same page: it is dirty again as a whole
  EXPECT_TRUE(is_ok(file->sync()));
  EXPECT_EQ(letters(crash(disk_, CrashPolicy::all_old), "f"), "bdaaaaaaaaaaaaac");
}

// What a recovery must read is on the disk, not in the cache.
TEST_F(SimDiskTest, DroppedCacheShowsWhatAFailedSyncDidNotWrite) {
  auto file = durable_file("f", 16);
  auto mapping = file->map(Access::read_write, 16 * kSectorSize).value();
  fill_sector(*mapping, 0, 'b');
  disk_.faults().add({.call = IoCall::sync});
  EXPECT_TRUE(fails_with(file->sync(), Errc::io, EIO));
  fill_sector(*mapping, 15, 'c');
  file->drop_cache(0);
  EXPECT_EQ(letters(disk_, "f"), "baaaaaaaaaaaaaac") << "still mapped";
  mapping.reset();
  file->drop_cache(0);
  EXPECT_EQ(letters(disk_, "f"), "aaaaaaaaaaaaaaac") << "dirty again, so not dropped";
  EXPECT_EQ(letters(crash(disk_, CrashPolicy::all_new), "f"), "aaaaaaaaaaaaaaac");
  EXPECT_EQ(letters(crash(disk_, CrashPolicy::all_old), "f"), "aaaaaaaaaaaaaaaa");
}

TEST_F(SimDiskTest, RetryOfAFailedDirectorySyncLiesToo) {
  auto file = create("f");
  disk_.faults().add({.call = IoCall::directory_sync});
  EXPECT_TRUE(fails_with(directory_->sync(), Errc::io, EIO, "fsync"));
  EXPECT_TRUE(is_ok(directory_->sync()));
  EXPECT_EQ(after(crash(disk_, CrashPolicy::all_old), "f"), "-");
  EXPECT_EQ(after(crash(disk_, CrashPolicy::all_new), "f"), "");
}

TEST_F(SimDiskTest, FailAtCountsEveryCall) {
  disk_.fail_at(3, ENOSPC);
  EXPECT_TRUE(is_ok(directory_->create("a")));
  EXPECT_TRUE(is_ok(directory_->create("b")));
  EXPECT_TRUE(fails_with(directory_->create("c"), Errc::no_space, ENOSPC));
  EXPECT_EQ(after(disk_, "c"), "-");
  EXPECT_TRUE(is_ok(directory_->create("c")));
  disk_.fail_at(1, EIO, Repeat::for_ever);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(fails_with(directory_->sync(), Errc::io, EIO));
  EXPECT_EQ(disk_.faults().count(), 7u);
  EXPECT_EQ(disk_.faults().count(IoCall::create), 4u);
}

TEST_F(SimDiskTest, HookMayCrashTheDiskInTheMiddleOfAnOperation) {
  std::vector<std::string> seen;
  disk_.faults().before_each_call(
      [&](IoCall call) { seen.push_back(std::string(name(call)) + after(crash(disk_, CrashPolicy::all_new), "f")); });
  auto file = create("f");
  ASSERT_TRUE(is_ok(file->write_at(0, bytes_of("x"))));
  ASSERT_TRUE(is_ok(file->sync()));
  EXPECT_EQ(seen, (std::vector<std::string>{"create-", "write", "syncx"}));
}

TEST_F(SimDiskTest, ChoicesEnumerateEveryImageOnce) {
  auto file = durable_file("f", 3);
  auto mapping = file->map(Access::read_write, 3 * kSectorSize).value();
  for (const char letter : {'b', 'c'}) {
    fill_sector(*mapping, 0, letter);
    disk_.observe();
  }
  fill_sector(*mapping, 1, 'd');
  ASSERT_EQ(disk_.choices(), (std::vector<std::size_t>{3, 2}));
  std::set<std::string> images;
  for (std::size_t first = 0; first < 3; ++first) {
    for (std::size_t second = 0; second < 2; ++second) {
      images.insert(letters(disk_.crash_with(std::vector<std::size_t>{first, second}), "f"));
    }
  }
  EXPECT_EQ(images, (std::set<std::string>{"aaa", "baa", "caa", "ada", "bda", "cda"}));
}

TEST_F(SimDiskTest, SeedsAreReproducible) {
  auto file = durable_file("f", 64);
  auto mapping = file->map(Access::read_write, 64 * kSectorSize).value();
  for (std::size_t i = 0; i < 64; ++i) fill_sector(*mapping, i, 'b');
  std::set<std::string> images;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::string image = letters(crash(disk_, CrashPolicy::uniform, seed), "f");
    EXPECT_EQ(image, letters(crash(disk_, CrashPolicy::uniform, seed), "f"));
    images.insert(image);
  }
  EXPECT_EQ(images.size(), 20u);
}

TEST_F(SimDiskTest, FullDiskRefusesAndTakesAgainWhenThereIsRoom) {
  disk_.set_capacity(64 << 10);
  auto one = create("one");
  auto two = create("two");
  ASSERT_TRUE(is_ok(one->allocate(48 << 10)));
  EXPECT_TRUE(fails_with(two->allocate(32 << 10), Errc::no_space, ENOSPC, "fallocate"));
  EXPECT_EQ(two->size().value(), 0u);
  EXPECT_TRUE(is_ok(one->write_zeros(0, 48 << 10))) << "its blocks are there";
  ASSERT_TRUE(is_ok(one->punch(0, 48 << 10)));
  EXPECT_TRUE(is_ok(two->allocate(32 << 10)));
  auto mapping = one->map(Access::read_write, 48 << 10).value();
  EXPECT_TRUE(fails_with(mapping->populate(0, 48 << 10), Errc::io, EFAULT, "madvise"));
  EXPECT_TRUE(is_ok(mapping->populate(0, 32 << 10)));
  one.reset();
  mapping.reset();
  ASSERT_TRUE(is_ok(directory_->remove("one")));
  EXPECT_TRUE(is_ok(two->allocate(64 << 10)));
}

TEST_F(SimDiskTest, PartOfAWriteCanBeDoneBeforeItFails) {
  auto file = durable_file("f", 2);
  disk_.faults().add({.call = IoCall::write, .error_number = ENOSPC, .done = 3});
  EXPECT_TRUE(fails_with(file->write_at(0, bytes_of("bbbbbb")), Errc::no_space, ENOSPC, "pwrite"));
  EXPECT_EQ(after(disk_, "f").substr(0, 6), "bbbaaa");
}

TEST_F(SimDiskTest, BehavesAsTheRealThingWhenMisused) {
  auto file = durable_file("f", 1);
  EXPECT_TRUE(fails_with(directory_->create("f"), Errc::io, EEXIST, "openat"));
  EXPECT_TRUE(fails_with(directory_->open("missing", Mode::read), Errc::not_found, ENOENT, "openat"));
  EXPECT_TRUE(fails_with(directory_->open("../x", Mode::read), Errc::invalid_argument, EINVAL, "file name"));
  EXPECT_TRUE(fails_with(directory_->rename("missing", "x"), Errc::not_found, ENOENT, "renameat2"));
  create("g");
  EXPECT_TRUE(fails_with(directory_->rename("f", "g"), Errc::io, EEXIST, "renameat2"));
  EXPECT_TRUE(fails_with(directory_->subdirectory("sub", false), Errc::not_found, ENOENT, "openat"));
  EXPECT_TRUE(fails_with(directory_->subdirectory("f", true), Errc::io, ENOTDIR, "openat"));
  auto reader = directory_->open("f", Mode::read).value();
  EXPECT_TRUE(fails_with(reader->write_at(0, bytes_of("x")), Errc::io, EBADF, "pwrite"));
  EXPECT_TRUE(fails_with(reader->map(Access::read_write, 1), Errc::io, EACCES, "mmap"));
  EXPECT_TRUE(fails_with(file->map(Access::read, kSectorSize + 1), Errc::corrupt, 0, "file is short"));
  std::array<std::byte, 100> bytes{};
  EXPECT_TRUE(fails_with(file->read_at(kSectorSize - 1, bytes), Errc::corrupt, 0, "file is short"));
  const auto lock = directory_->lock("LOCK");
  ASSERT_TRUE(is_ok(lock));
  EXPECT_TRUE(fails_with(directory_->lock("LOCK"), Errc::locked, EAGAIN));
}

TEST_F(SimDiskTest, OverwriteDamagesTheDiskItself) {
  auto file = durable_file("f", 2);
  auto mapping = file->map(Access::read, 2 * kSectorSize).value();
  ASSERT_TRUE(disk_.overwrite("f", 5, bytes_of("!")));
  EXPECT_EQ(mapping->bytes()[5], std::byte{'!'});
  EXPECT_EQ(after(crash(disk_, CrashPolicy::all_old), "f")[5], '!');
  EXPECT_FALSE(disk_.overwrite("f", 2 * kSectorSize, bytes_of("!")));
  EXPECT_FALSE(disk_.overwrite("missing", 0, bytes_of("!")));
}

}  // namespace
}  // namespace daybook::test
