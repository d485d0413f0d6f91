// Power cuts while a projection folds and saves snapshots, at every call of the disk: whatever snapshots are left, the next
// projection is the fold of the log that is left.
#include <cstdio>
#include <mutex>
#include <utility>
#include <vector>

#include "projection/projection_fixture.h"
#include "store/store_access.h"
#include "support/rng.h"
#include "support/sim_disk.h"

namespace daybook::test {
namespace {

const ProjectionOptions kOften{.snapshot_events = 10,
                               .projector = {.batch_events = 4, .visibility = Visibility::published}};

struct Seen {
  std::uint64_t images = 0;
  std::uint64_t shorter = 0;        // whose log had lost events
  std::uint64_t from_snapshot = 0;  // that did not begin at the first event
  std::uint64_t passed_over = 0;    // that held a snapshot of events that were lost
};

// What comes of an image of the disk.
void check(const SimDisk& image, Position published, Rng& rng, Seen& seen) {
  auto store = StoreAccess::open(image.open(), small_segments());
  ASSERT_TRUE(is_ok(store));
  ++seen.images;
  const Position end = store->published_position();
  if (end < published) ++seen.shorter;
  // In a third of the cases others have taken the positions of what was lost before anybody asks for a snapshot.
  if (rng.below(3) == 0) {
    for (std::uint64_t i = 0; i < 30; ++i) append_event(*store, "after-" + std::to_string(i % 3), "Moved", 77);
  }
  Projection<Totals> projection(*store, kOften);
  ASSERT_TRUE(is_ok(projection.catch_up()));
  const Totals expected = fold(*store);
  ASSERT_EQ(projection.read([](const Totals& totals) { return totals; }), expected);
  if (projection.progress()->applied < expected.events) ++seen.from_snapshot;
  const Position at = rng.below(end + 1);
  const auto then = projection.state_at(AsOf::position(at));
  ASSERT_TRUE(is_ok(then));
  ASSERT_EQ(*then, fold(*store, at));
  if (store->snapshots().info()->stale > 0) ++seen.passed_over;
}

TEST(ProjectionCrashTest, AtEveryCallOfTheDisk) {
  Seen seen;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    SimDisk disk;
    {
      auto store = StoreAccess::open(disk.open(), small_segments());
      ASSERT_TRUE(is_ok(store));
      ASSERT_TRUE(is_ok(store->close()));
    }
    auto store = StoreAccess::open(disk.open(), small_segments());
    ASSERT_TRUE(is_ok(store));
    Projection<Totals> projection(*store, kOften);
    std::mutex mutex;  // the store has threads of its own, and their calls are cut, too
    std::vector<std::pair<SimDisk, Position>> images;
    const auto cut = [&] {
      const std::lock_guard lock(mutex);
      const CrashPolicy policy = kCrashPolicies[rng.below(kCrashPolicies.size())];
      images.emplace_back(disk.crash(rng, policy), store->published_position());
    };
    disk.faults().before_each_call([&](IoCall) { cut(); });
    for (std::uint64_t step = 0; step < 60; ++step) {
      append_story(*store, step * 6, step * 6 + 6);
      if (step % 6 == seed % 6) {
        ASSERT_TRUE(is_ok(store->sync()));
      }
      disk.observe();
      cut();
      ASSERT_TRUE(is_ok(projection.catch_up()));
      disk.observe();
      cut();
      if (step == 30) {
        ASSERT_TRUE(is_ok(projection.rebuild()));
        cut();
      }
    }
    ASSERT_TRUE(is_ok(store->close()));
    disk.faults().before_each_call(nullptr);
    for (auto& [image, published] : images) {
      check(image, published, rng, seen);
      if (HasFatalFailure()) return;
    }
  }
  std::printf("%llu images: %llu had lost events, %llu went on from a snapshot, %llu passed over one of lost events\n",
              static_cast<unsigned long long>(seen.images), static_cast<unsigned long long>(seen.shorter),
              static_cast<unsigned long long>(seen.from_snapshot), static_cast<unsigned long long>(seen.passed_over));
  // A campaign in which nothing happens proves nothing.
  EXPECT_GT(seen.shorter, seen.images / 20);
  EXPECT_GT(seen.from_snapshot, seen.images / 20);
  EXPECT_GT(seen.passed_over, 0u);
}

// Each call of the disk fails in turn while snapshots are looked for and saved: the projection goes on without.
TEST(ProjectionCrashTest, ASnapshotThatCannotBeSavedCostsNothing) {
  for (std::uint64_t nth = 1; nth <= 60; ++nth) {
    SimDisk disk;
    auto store = StoreAccess::open(disk.open(), small_segments());
    ASSERT_TRUE(is_ok(store));
    append_story(*store, 0, 100);
    ASSERT_TRUE(is_ok(store->sync()));
    ASSERT_EQ(*store->count({}), 100u);  // the log and its index are at hand: what fails is of snapshots
    disk.fail_at(nth, nth % 2 == 0 ? ENOSPC : EIO, Repeat::once);
    Projection<Totals> projection(*store, kOften);
    ASSERT_TRUE(is_ok(projection.catch_up())) << nth;
    disk.faults().clear();
    ASSERT_EQ(projection.read([](const Totals& totals) { return totals; }), fold(*store)) << nth;
  }
}

}  // namespace
}  // namespace daybook::test
