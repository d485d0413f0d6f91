// Disks that are really full. Everything happens in a child: a signal is a failure, not the end of the tests.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include <daybook/store.h>

#include "support/child.h"
#include "support/mounted_disk.h"
#include "support/result_matchers.h"
#include "support/stored_event.h"

namespace daybook::test {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSegment = 256 << 10;
constexpr std::size_t kDisk = 4 << 20;

struct Given {
  MountedDisk::Kind kind;
  Durability durability;
};

class FullDiskTest : public ::testing::TestWithParam<Given> {
 protected:
  // Needs root. Without it this fails, because nothing else shows what it shows.
  void SetUp() override { ASSERT_EQ(disk_.error(), "") << "cannot mount a small file system"; }

  [[nodiscard]] fs::path path() const { return disk_.path() / "store"; }
  [[nodiscard]] OpenOptions options() const { return {.durability = GetParam().durability, .segment_size = kSegment}; }
  static Result<Appended> append(Store& store) {
    static const std::string payload(500, 'x');
    return store.append("s", Expect::any(), {{.type = "T", .payload = payload}});
  }
  // How many appends succeed until the disk is full.
  static Position append_until_full(Store& store) {
    Position last = store.published_position();
    for (int i = 0; i < 100'000; ++i) {
      const auto appended = append(store);
      if (!appended) {
        EXPECT_TRUE(fails_with(appended, Errc::no_space, ENOSPC, "prepare the next segment"));
        return last;
      }
      EXPECT_EQ(appended->last_position, last + 1);
      last = appended->last_position;
    }
    ADD_FAILURE() << "the disk does not fill up";
    return last;
  }

  MountedDisk disk_{GetParam().kind, kDisk};
};

TEST_P(FullDiskTest, IsAnErrorAndAppendingResumesWhenThereIsRoom) {
  EXPECT_TRUE(succeeds_in_child([&] {
    auto store = Store::open(path(), options());
    ASSERT_TRUE(is_ok(store));
    Position last = 0;
    for (int round = 0; round < 3; ++round) {
      disk_.fill();
      last = append_until_full(*store);
      for (int i = 0; i < 3; ++i) EXPECT_TRUE(fails_with(append(*store), Errc::no_space, ENOSPC));
      EXPECT_EQ(read_positions(*store), positions(1, last));
      EXPECT_EQ(read_positions(*store, {.verify = true}), positions(1, last));
      EXPECT_EQ(store->head("s").value().version, last);
      auto reader = Store::open(path(), {.mode = Mode::read_only});
      ASSERT_TRUE(is_ok(reader));
      EXPECT_EQ(reader->published_position(), last);
      EXPECT_TRUE(is_ok(store->sync()));
      EXPECT_EQ(store->durable_position(), last);
      disk_.make_room();
      const auto appended = append(*store);
      ASSERT_TRUE(is_ok(appended)) << "without opening again";
      EXPECT_EQ(appended->last_position, ++last);
    }
    ASSERT_TRUE(is_ok(store->close()));
    auto again = Store::open(path(), options());
    ASSERT_TRUE(is_ok(again));
    EXPECT_FALSE(again->recovery().unclean);
    EXPECT_EQ(again->published_position(), last);
  }));
}

TEST_P(FullDiskTest, ClosesAndOpensWithoutRoom) {
  EXPECT_TRUE(succeeds_in_child([&] {
    auto store = Store::open(path(), options());
    ASSERT_TRUE(is_ok(store));
    disk_.fill();
    const Position last = append_until_full(*store);
    ASSERT_TRUE(is_ok(store->close()));
    disk_.fill();
    auto again = Store::open(path(), options());
    ASSERT_TRUE(is_ok(again));
    EXPECT_EQ(read_positions(*again), positions(1, last));
    EXPECT_TRUE(fails_with(append(*again), Errc::no_space, ENOSPC));
    disk_.make_room();
    EXPECT_TRUE(is_ok(append(*again)));
  }));
}

TEST_P(FullDiskTest, NothingIsLeftOfAStoreThatDoesNotFit) {
  EXPECT_TRUE(succeeds_in_child([&] {
    disk_.fill();
    const auto refused = Store::open(path(), options());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::no_space) << to_text(refused.error());
    EXPECT_EQ(refused.error().sys_errno, ENOSPC);
    disk_.make_room();
    auto store = Store::open(path(), options());
    ASSERT_TRUE(is_ok(store));
    EXPECT_TRUE(is_ok(append(*store)));
  }));
}

// After a crash a new segment is needed, and there is no room for it. Reading needs none.
TEST_P(FullDiskTest, AfterACrashItCanStillBeRead) {
  Gate appended;
  Child writer([&] {
    auto store = Store::open(path(), options());
    ASSERT_TRUE(is_ok(store));
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(is_ok(append(*store)));
    appended.open();
    ::pause();
  });
  appended.wait();
  writer.kill();
  EXPECT_TRUE(succeeds_in_child([&] {
    disk_.fill();
    const auto refused = Store::open(path(), options());
    if (!refused) {
      EXPECT_EQ(refused.error().code, Errc::no_space) << to_text(refused.error());
    }
    auto reader = Store::open(path(), {.mode = Mode::read_only});
    ASSERT_TRUE(is_ok(reader));
    EXPECT_EQ(read_positions(*reader), positions(1, 50));
    disk_.make_room();
    auto store = Store::open(path(), options());
    ASSERT_TRUE(is_ok(store));
    EXPECT_EQ(store->published_position(), 50u);
    EXPECT_TRUE(is_ok(append(*store)));
  }));
}

// The trap: a copy or an archive has made holes of a segment's zeros. Stores to a hole need room that is not there, and
// would be SIGBUS. (On tmpfs already reading a hole takes room, so there nobody can do anything about it.)
class SparseTest : public FullDiskTest {};

TEST_P(SparseTest, HolesInASegmentAreNoTrap) {
  EXPECT_TRUE(succeeds_in_child([&] {
    {
      auto store = Store::open(path(), options());
      ASSERT_TRUE(is_ok(store));
      for (int i = 0; i < 10; ++i) ASSERT_TRUE(is_ok(append(*store)));
      ASSERT_TRUE(is_ok(store->close()));
    }
    const int fd = ::open((path() / "segments" / "00000000000000000001.seg").c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    const std::uint64_t from = 16 << 10;
    ASSERT_EQ(::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, kSegment - 4096 - from), 0);
    ::close(fd);
    disk_.fill();
    auto store = Store::open(path(), options());
    if (store) {
      const Position last = append_until_full(*store);
      EXPECT_EQ(read_positions(*store), positions(1, last));
    } else {
      EXPECT_EQ(store.error().code, Errc::no_space) << to_text(store.error());
    }
    auto reader = Store::open(path(), {.mode = Mode::read_only});
    ASSERT_TRUE(is_ok(reader));
    EXPECT_GE(read_positions(*reader).size(), 10u);
    disk_.make_room();
    if (!store) store = Store::open(path(), options());
    ASSERT_TRUE(is_ok(store));
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(is_ok(append(*store)));
  }));
}

std::string name_of(const ::testing::TestParamInfo<Given>& info) {
  return std::string(info.param.kind == MountedDisk::Kind::tmpfs ? "tmpfs" : "ext4") +
         (info.param.durability == Durability::sync ? "_sync" : "_memory");
}
INSTANTIATE_TEST_SUITE_P(Disks, FullDiskTest,
                         ::testing::Values(Given{MountedDisk::Kind::tmpfs, Durability::memory},
                                           Given{MountedDisk::Kind::tmpfs, Durability::sync},
                                           Given{MountedDisk::Kind::ext4, Durability::memory},
                                           Given{MountedDisk::Kind::ext4, Durability::sync}),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Disks, SparseTest,
                         ::testing::Values(Given{MountedDisk::Kind::ext4, Durability::memory},
                                           Given{MountedDisk::Kind::ext4, Durability::sync}),
                         name_of);

// --- a limit on the size of files: an error, not SIGXFSZ

void limit_file_size(std::uint64_t size) {
  const rlimit limit{.rlim_cur = size, .rlim_max = RLIM_INFINITY};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
}

TEST(FileSizeLimitTest, OfAnOpen) {
  TempDir temp;
  EXPECT_TRUE(succeeds_in_child([&] {
    limit_file_size(kSegment - 1);
    EXPECT_TRUE(fails_with(Store::open(temp / "store", {.segment_size = kSegment}), Errc::io, EFBIG, "fallocate"));
    limit_file_size(kSegment);
    EXPECT_TRUE(is_ok(Store::open(temp / "store", {.segment_size = kSegment})));
  }));
}

TEST(FileSizeLimitTest, OfAppends) {
  TempDir temp;
  EXPECT_TRUE(succeeds_in_child([&] {
    auto store = Store::open(temp / "store", {.durability = Durability::memory, .segment_size = kSegment});
    ASSERT_TRUE(is_ok(store));
    limit_file_size(kSegment / 2);
    const std::string payload(500, 'x');
    Result<Appended> appended;
    for (int i = 0; i < 100'000; ++i) {
      appended = store->append("s", Expect::any(), {{.type = "T", .payload = payload}});
      if (!appended) break;
    }
    ASSERT_TRUE(fails_with(appended, Errc::io, EFBIG, "prepare the next segment"));
    const Position last = store->published_position();
    EXPECT_EQ(read_positions(*store), positions(1, last));
    limit_file_size(RLIM_INFINITY);
    appended = store->append("s", Expect::any(), {{.type = "T"}});
    ASSERT_TRUE(is_ok(appended));
    EXPECT_EQ(appended->last_position, last + 1);
  }));
}

// --- a file system that is not known

TEST(OtherFileSystemTest, IsRefusedUnlessAskedFor) {
  EXPECT_TRUE(succeeds_in_child([&] {
    const MountedDisk here(MountedDisk::Kind::tmpfs, 1 << 20);
    ASSERT_EQ(here.error(), "") << "cannot mount a small file system";
    ASSERT_EQ(std::system(("mount -t ramfs ramfs '" + here.path().string() + "'").c_str()), 0);
    const OpenOptions options{.segment_size = kSegment};
    const auto refused = Store::open(here.path() / "store", options);
    ASSERT_TRUE(fails_with(refused, Errc::unsupported_fs));
    EXPECT_EQ(refused.error().actual, 0x858458f6u);
    OpenOptions anyway = options;
    anyway.any_file_system = true;
    {
      auto store = Store::open(here.path() / "store", anyway);
      ASSERT_TRUE(is_ok(store));
      for (int i = 0; i < 3000; ++i) {
        ASSERT_TRUE(is_ok(store->append("s", Expect::any(), {{.type = "T"}}, {.durability = Durability::memory})));
      }
      ASSERT_TRUE(is_ok(store->close()));
    }
    EXPECT_TRUE(fails_with(Store::open(here.path() / "store", options), Errc::unsupported_fs));
    {
      auto reader = Store::open(here.path() / "store", {.mode = Mode::read_only});
      ASSERT_TRUE(is_ok(reader)) << "reading is fine anywhere";
      EXPECT_EQ(reader->published_position(), 3000u);
    }
    ASSERT_EQ(std::system(("umount '" + here.path().string() + "'").c_str()), 0);
  }));
}

}  // namespace
}  // namespace daybook::test
