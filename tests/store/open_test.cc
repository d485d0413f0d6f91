// Opening, closing, opening again; and who else may.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>

#include <unistd.h>

#include "store/store_fixture.h"
#include "support/child.h"
#include "support/mounted_disk.h"

namespace daybook::test {
namespace {

namespace fs = std::filesystem;

class OpenTest : public StoreTest {
 protected:
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::recursive_directory_iterator(temp_.path()), {}));
  }
  void close() {
    ASSERT_TRUE(is_ok(store().close()));
    store_.reset();
  }
};

TEST_F(OpenTest, CreatesWhatIsMissing) {
  auto made = Store::open(temp_ / "new");
  ASSERT_TRUE(is_ok(made));
  EXPECT_FALSE(made->recovery().unclean);
  EXPECT_EQ(made->published_position(), 0u);
  EXPECT_EQ(made->durable_position(), 0u);
  const auto info = made->info();
  ASSERT_TRUE(is_ok(info));
  EXPECT_EQ(info->segment_size, 128u << 20);
  EXPECT_EQ(info->segments.size(), 1u);
  EXPECT_NE(info->log, Uuid{});
  EXPECT_EQ(info->epoch, 1u);
}

TEST_F(OpenTest, WithoutCreateNothingIsMade) {
  close();
  const std::size_t before = files();
  EXPECT_TRUE(fails_with(Store::open(temp_ / "new", {.create = false}), Errc::not_found, ENOENT));
  fs::create_directory(temp_ / "empty");
  EXPECT_TRUE(fails_with(Store::open(temp_ / "empty", {.create = false}), Errc::not_found, 0, "no log in the store"));
  EXPECT_TRUE(fails_with(Store::open(temp_ / "new", read_only()), Errc::not_found, ENOENT));
  EXPECT_TRUE(fails_with(Store::open(temp_ / "empty", read_only()), Errc::not_found, 0, "no log in the store"));
  EXPECT_EQ(files(), before + 1);
  EXPECT_TRUE(is_ok(Store::open(path(), {.create = false})));
}

TEST_F(OpenTest, ErrorsNameTheStore) {
  const std::string missing = (temp_ / "missing").string();
  const auto opened = Store::open(missing, read_only());
  ASSERT_FALSE(opened);
  EXPECT_EQ(describe(opened.error()), "not_found: openat: " + missing + ": No such file or directory");
  const auto locked = Store::open(path());
  ASSERT_FALSE(locked);
  EXPECT_EQ(locked.error().detail.view(), path().string());
  const std::string deep = (temp_ / std::string(200, 'd')).string();
  const auto too_long = Store::open(deep, read_only());
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().detail.view(), "..." + deep.substr(deep.size() - ErrorText::kSizeMax + 3));
}

TEST_F(OpenTest, ParentMustBeThere) {
  EXPECT_TRUE(fails_with(Store::open(temp_ / "a" / "b"), Errc::not_found, ENOENT));
}

TEST_F(OpenTest, AFileIsNoStore) {
  std::ofstream(temp_ / "file") << "text";
  EXPECT_TRUE(fails_with(Store::open(temp_ / "file"), Errc::io, ENOTDIR));
}

TEST_F(OpenTest, SegmentSizeIsFixedWhenMade) {
  append_many(2000);
  close();
  const auto other = Store::open(path(), {.segment_size = 128 << 10});
  ASSERT_TRUE(fails_with(other, Errc::invalid_argument));
  EXPECT_EQ(other.error().expected, kSmallest);
  EXPECT_EQ(other.error().actual, 128u << 10);
  auto own = Store::open(path(), {.durability = Durability::memory});
  ASSERT_TRUE(is_ok(own));
  EXPECT_EQ(own->info()->segment_size, kSmallest);
  EXPECT_EQ(own->published_position(), 2000u);
}

TEST_F(OpenTest, SegmentSizeLimits) {
  for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{4096}, kSmallest - 4096, kSmallest + 1,
                                   (std::uint64_t{512} << 20) + 4096, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    const auto refused = Store::open(temp_ / "new", {.segment_size = size});
    ASSERT_TRUE(fails_with(refused, Errc::invalid_argument, 0, "segment size")) << size;
    EXPECT_EQ(refused.error().actual, size);
  }
  for (const std::uint64_t size : {kSmallest, kSmallest + 4096}) {
    EXPECT_TRUE(is_ok(Store::open(temp_ / std::to_string(size), {.segment_size = size})));
  }
}

// --- one writer

TEST_F(OpenTest, SecondWriterOfThisProcessIsRefused) {
  const auto second = Store::open(path());
  ASSERT_TRUE(fails_with(second, Errc::locked, EAGAIN));
  EXPECT_EQ(second.error().actual, static_cast<std::uint64_t>(::getpid()));
  EXPECT_NE(describe(second.error()).find("process " + std::to_string(::getpid())), std::string::npos);
  append();  // the first goes on
  store_.reset();
  EXPECT_TRUE(is_ok(Store::open(path())));
}

TEST_F(OpenTest, SecondProcessIsRefusedAndToldWho) {
  const auto parent = static_cast<std::uint64_t>(::getpid());
  EXPECT_TRUE(succeeds_in_child([&] {
    const auto second = Store::open(path());
    ASSERT_TRUE(fails_with(second, Errc::locked, EAGAIN));
    EXPECT_EQ(second.error().actual, parent);
  }));
  append();
}

TEST_F(OpenTest, LockIsFreeWhenTheWriterIsKilled) {
  close();
  Gate opened;
  Child writer([&] {
    auto store = Store::open(path());
    ASSERT_TRUE(is_ok(store));
    ASSERT_TRUE(is_ok(store->append("s", Expect::any(), {{.type = "T"}})));
    opened.open();
    ::pause();
  });
  opened.wait();
  const auto refused = Store::open(path());
  ASSERT_TRUE(fails_with(refused, Errc::locked, EAGAIN));
  EXPECT_EQ(refused.error().actual, static_cast<std::uint64_t>(writer.id()));
  writer.kill();
  auto next = Store::open(path());
  ASSERT_TRUE(is_ok(next));
  EXPECT_TRUE(next->recovery().unclean);
  EXPECT_EQ(next->published_position(), 1u);
}

TEST_F(OpenTest, FailedOpenLeavesNoLock) {
  close();
  ASSERT_FALSE(Store::open(path(), {.segment_size = 128 << 10}));
  reopen();
}

TEST_F(OpenTest, LockFileMayGoBetweenOpens) {
  for (int i = 0; i < 3; ++i) {
    append_many(10);
    close();
    fs::remove(path() / "LOCK");
    auto reader = Store::open(path(), read_only());
    ASSERT_TRUE(is_ok(reader));
    EXPECT_EQ(reader->durable_position(), 10u * (i + 1));
    reopen();
    EXPECT_FALSE(store().recovery().unclean);
    EXPECT_EQ(store().published_position(), 10u * (i + 1));
  }
}

// --- file systems

TEST_F(OpenTest, FileSystemThatIsNotKnownIsRefused) {
  const auto refused = Store::open("/proc/self");
  ASSERT_TRUE(fails_with(refused, Errc::unsupported_fs));
  EXPECT_EQ(refused.error().actual, 0x9fa0u);
  EXPECT_EQ(describe(refused.error()), "unsupported_fs: file system: file system 0x9fa0: /proc/self");
}

// --- close and open again

TEST_F(OpenTest, CleanCloseGoesOnInTheSameSegment) {
  const Uuid log = store().info()->log;
  for (int round = 1; round <= 5; ++round) {
    append_many(10);
    reopen();
    EXPECT_FALSE(store().recovery().unclean);
    EXPECT_EQ(store().recovery().bytes_cut, 0u);
    EXPECT_EQ(store().published_position(), 10u * round);
    EXPECT_EQ(store().durable_position(), 10u * round);
    const auto info = store().info();
    ASSERT_TRUE(is_ok(info));
    EXPECT_EQ(info->segments.size(), 1u);
    EXPECT_EQ(info->epoch, 1u);
    EXPECT_EQ(info->log, log);
  }
  const auto events = read_all(store());
  EXPECT_EQ(events.size(), 50u);
  EXPECT_EQ(events.back().version, 50u);
  EXPECT_EQ(store().head("s").value().version, 50u);
  EXPECT_TRUE(std::ranges::is_sorted(events, {}, &StoredEvent::recorded_at));
}

TEST_F(OpenTest, DestructorClosesToo) {
  append_many(10);
  store_.reset();
  reopen();
  EXPECT_FALSE(store().recovery().unclean);
  EXPECT_EQ(store().published_position(), 10u);
}

TEST_F(OpenTest, OpenedAndClosedWithoutAppends) {
  for (int i = 0; i < 5; ++i) reopen();
  EXPECT_EQ(store().published_position(), 0u);
  EXPECT_EQ(append().first_position, 1u);
}

TEST_F(OpenTest, ManySegmentsComeBack) {
  append_many(5000);
  const auto all = read_all(store());
  reopen();
  EXPECT_EQ(read_all(store()), all);
  append_many(5000);
  reopen();
  EXPECT_EQ(read_positions(store()), positions(1, 10'000));
  EXPECT_EQ(store().head("s").value().version, 10'000u);
}

TEST_F(OpenTest, ClosedItRefuses) {
  append();
  auto cursor = store().read();
  ASSERT_TRUE(is_ok(store().close()));
  EXPECT_TRUE(fails_with(store().append("s", Expect::any(), {{.type = "T"}}), Errc::closed));
  EXPECT_TRUE(
      fails_with(store().append("s", Expect::any(), {{.type = "T"}}, {.durability = Durability::sync}), Errc::closed));
  EXPECT_TRUE(is_ok(store().close())) << "once more does nothing";
  EXPECT_EQ(read_all(std::move(cursor)).size(), 1u);
  EXPECT_TRUE(is_ok(Store::open(path()))) << "and the lock is free";
}

// --- fork

TEST_F(OpenTest, ForkedChildIsRefused) {
  append_many(10);
  EXPECT_TRUE(succeeds_in_child([&] {
    EXPECT_TRUE(fails_with(store().append("s", Expect::any(), {{.type = "T"}}), Errc::closed));
    EXPECT_TRUE(fails_with(store().sync(10), Errc::closed));
    auto cursor = store().read();
    EXPECT_EQ(cursor.next(), nullptr);
    ASSERT_TRUE(cursor.error().has_value());
    EXPECT_EQ(cursor.error()->code, Errc::closed);
    EXPECT_TRUE(fails_with(store().info(), Errc::closed));
  }));
  append();
  EXPECT_EQ(read_positions(store()), positions(1, 11));
}

// What it does with the parent's store does nothing to the parent.
TEST_F(OpenTest, ForkedChildMayDestroyOrCloseIt) {
  append_many(10);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // until the threads of the store sleep
  EXPECT_TRUE(succeeds_in_child([&] { store_.reset(); }));
  EXPECT_TRUE(succeeds_in_child([&] { EXPECT_TRUE(is_ok(store().close())); }));
  append();
  EXPECT_TRUE(succeeds_in_child([&] { EXPECT_TRUE(fails_with(Store::open(path()), Errc::locked, EAGAIN)); }));
  ASSERT_TRUE(is_ok(store().sync()));
  reopen();
  EXPECT_EQ(read_positions(store()), positions(1, 11));
}

TEST_F(OpenTest, ForkedChildMayOpenItReadOnly) {
  append_many(10);
  EXPECT_TRUE(succeeds_in_child([&] {
    auto reader = Store::open(path(), read_only());
    ASSERT_TRUE(is_ok(reader));
    EXPECT_EQ(read_positions(*reader), positions(1, 10));
  }));
}

}  // namespace
}  // namespace daybook::test
