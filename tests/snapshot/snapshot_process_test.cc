// Other processes: one that reads while this one saves and prunes, one that is killed while it saves, a forked child.
#include <csignal>
#include <thread>

#include "snapshot/snapshot_fixture.h"
#include "support/child.h"

namespace daybook::test {
namespace {

TEST_F(SnapshotTest, AReadingProcessFollows) {
  constexpr Position kEvents = 500;
  append_many(kEvents);
  Gate ready;
  Child reader([&] {
    auto opened = Store::open(path(), read_only());
    ASSERT_TRUE(is_ok(opened));
    ready.open();
    Position seen = 0;
    while (seen < kEvents) {
      const std::string found = test::newest(opened->snapshots(), "a");  // compares the state
      const Position position = found == "nothing" ? 0 : std::stoull(found.substr(2));
      ASSERT_GE(position, seen);
      seen = position;
    }
  });
  ready.wait();
  for (Position position = 1; position <= kEvents; ++position) {
    ASSERT_TRUE(is_ok(save("a", position, position % 50 == 0 ? 100'000 : 200)));
    if (position % 20 == 0) {
      ASSERT_TRUE(is_ok(snapshots().prune({.keep_newest = 1})));
    }
  }
  EXPECT_TRUE(reader.succeeded());
}

// What save() has acknowledged survives the death of the process, as the events do.
TEST_F(SnapshotTest, AKilledWriterLosesNothingThatWasSaved) {
  store_.reset();
  for (int round = 1; round <= 10; ++round) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    Child writer([&] {
      auto opened = Store::open(path(), small_segments());
      ASSERT_TRUE(is_ok(opened));
      for (;;) {
        const auto appended = opened->append("s", Expect::any(), {{.type = "T"}});
        ASSERT_TRUE(is_ok(appended));
        ASSERT_TRUE(is_ok(test::save(opened->snapshots(), "a", appended->last_position, 400)));
        if (appended->last_position % 50 == 0) {
          ASSERT_TRUE(is_ok(opened->snapshots().prune({.keep_newest = 2})));
        }
        ASSERT_EQ(::write(pipe[1], &appended->last_position, sizeof(Position)), static_cast<ssize_t>(sizeof(Position)));
      }
    });
    Position acknowledged = 0;
    for (int i = 0; i < 20 * round; ++i) {
      ASSERT_EQ(::read(pipe[0], &acknowledged, sizeof(acknowledged)), static_cast<ssize_t>(sizeof(acknowledged)));
    }
    writer.kill();
    ::close(pipe[0]);
    ::close(pipe[1]);
    for (const OpenOptions& options : {read_only(), small_segments()}) {
      auto opened = Store::open(path(), options);
      ASSERT_TRUE(is_ok(opened));
      const std::string found = test::newest(opened->snapshots(), "a");
      ASSERT_NE(found, "nothing");
      EXPECT_GE(std::stoull(found.substr(2)), acknowledged);
    }
  }
}

TEST_F(SnapshotTest, AForkedChildOfTheWriterIsRefused) {
  append_many(5);
  ASSERT_TRUE(is_ok(save("a", 3)));
  EXPECT_TRUE(succeeds_in_child([&] {
    EXPECT_TRUE(fails_with(save("a", 4), Errc::closed));
    EXPECT_TRUE(fails_with(snapshots().latest("a", 1), Errc::closed));
    EXPECT_TRUE(fails_with(snapshots().list(), Errc::closed));
    EXPECT_TRUE(fails_with(snapshots().prune(), Errc::closed));
    EXPECT_TRUE(fails_with(snapshots().remove("a"), Errc::closed));
    store_.reset();
  }));
  EXPECT_EQ(newest("a"), "a@3");
}

}  // namespace
}  // namespace daybook::test
