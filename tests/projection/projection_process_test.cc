// A process that only reads follows one that writes.
#include "projection/projection_fixture.h"
#include "support/child.h"

namespace daybook::test {
namespace {

constexpr std::uint64_t kRounds = 200;

TEST(ProjectionProcessTest, FollowsAWriterInAnotherProcess) {
  const TempDir temp;
  {
    auto store = Store::open(temp / "store", small_segments());
    ASSERT_TRUE(is_ok(store));
    append_story(*store, 0, 100);
    ASSERT_TRUE(is_ok(store->close()));
  }
  Gate reader_is_live;
  Gate appended;
  Gate checked;
  Child follower([&] {
    auto store = Store::open(temp / "store", read_only());
    ASSERT_TRUE(is_ok(store));
    Projection<Totals> projection(*store);
    ASSERT_TRUE(is_ok(projection.start()));
    ASSERT_TRUE(is_ok(projection.wait_for(100, kLong)));
    reader_is_live.open();
    // Every event, as it comes: also those that the projection does not ask for (each fourth).
    for (std::uint64_t i = 100; i < 100 + kRounds; ++i) {
      appended.wait();
      ASSERT_TRUE(is_ok(projection.wait_for(i + 1, kLong))) << i;
      ASSERT_EQ(projection.read([](const Totals& totals) { return totals; }), fold(*store, i + 1)) << i;
      checked.open();
    }
    // And a heap of them at once.
    appended.wait();
    ASSERT_TRUE(is_ok(projection.wait_for(5'000, kLong)));
    ASSERT_EQ(projection.read([](const Totals& totals) { return totals; }), fold(*store));
  });
  reader_is_live.wait();
  auto store = Store::open(temp / "store", small_segments());
  ASSERT_TRUE(is_ok(store));
  for (std::uint64_t i = 100; i < 100 + kRounds; ++i) {
    append_nth(*store, i);
    appended.open();
    checked.wait();
  }
  append_story(*store, 100 + kRounds, 5'000);
  appended.open();
  EXPECT_TRUE(follower.succeeded());
}

}  // namespace
}  // namespace daybook::test
