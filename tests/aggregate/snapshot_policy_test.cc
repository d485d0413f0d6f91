// Snapshots of aggregates: when they are saved, and what a load then reads.
#include <daybook/sourcing/repository.h>

#include <filesystem>
#include <thread>
#include <vector>

#include "aggregate/counter.h"

namespace daybook::test {
namespace {

class SnapshotPolicyTest : public SourcingTest {
 protected:
  std::vector<Version> snapshot_versions() {
    const auto list = store().snapshots().list("counter-7");
    EXPECT_TRUE(is_ok(list));
    std::vector<Version> versions;
    for (const auto& snapshot : *list) versions.push_back(snapshot.version);
    return versions;
  }
};

TEST_F(SnapshotPolicyTest, WithoutAPolicyThereAreNone) {
  Repository<Counter> counters(store());
  add(counters, "7", 20);
  EXPECT_TRUE(snapshot_versions().empty());
  EXPECT_EQ(applied_by([&] { ASSERT_TRUE(is_ok(counters.load("7"))); }), 20u);
}

TEST_F(SnapshotPolicyTest, EverySoManyEvents) {
  Repository<Counter> counters(store(), {.snapshots = {.every_events = 10}});
  add(counters, "7", 25);
  EXPECT_EQ(snapshot_versions(), (std::vector<Version>{10, 20}));
  EXPECT_EQ(applied_by([&] { EXPECT_EQ(counters.load("7")->state().sum, 25); }), 5u);
  open();
  Repository<Counter> again(store(), {.snapshots = {.every_events = 10}});
  EXPECT_EQ(applied_by([&] { EXPECT_EQ(again.load("7")->state().sum, 25); }), 5u);
  EXPECT_EQ(again.load("7")->version(), 25u);
  add(again, "7", 5);
  EXPECT_EQ(snapshot_versions(), (std::vector<Version>{10, 20, 30}));
}

TEST_F(SnapshotPolicyTest, WhenTheLastOneIsLongAgo) {
  Repository<Counter> counters(store(), {.snapshots = {.every = std::chrono::hours(1)}});
  add(counters, "7", 3);
  EXPECT_TRUE(snapshot_versions().empty());
  Repository<Counter> hasty(store(), {.snapshots = {.every = std::chrono::nanoseconds(1)}});
  add(hasty, "7", 2);
  EXPECT_EQ(snapshot_versions(), (std::vector<Version>{4, 5}));
}

TEST_F(SnapshotPolicyTest, WhenLoadingTookLong) {
  Repository<Counter> counters(store());
  add(counters, "7", 3);
  Repository<Counter> slow(store(), {.snapshots = {.when_load_takes = std::chrono::hours(1)}});
  ASSERT_TRUE(is_ok(slow.load("7")));
  EXPECT_TRUE(snapshot_versions().empty());
  Repository<Counter> hasty(store(), {.snapshots = {.when_load_takes = std::chrono::nanoseconds(1)}});
  ASSERT_TRUE(is_ok(hasty.load("7")));
  EXPECT_EQ(snapshot_versions(), (std::vector<Version>{3}));
  EXPECT_EQ(applied_by([&] { ASSERT_TRUE(is_ok(hasty.load("7"))); }), 0u);
}

// Any of its parts is enough.
TEST_F(SnapshotPolicyTest, PartsAreJoinedByOr) {
  Repository<Counter> counters(store(), {.snapshots = {.every_events = 2, .every = std::chrono::hours(1)}});
  add(counters, "7", 5);
  EXPECT_EQ(snapshot_versions(), (std::vector<Version>{2, 4}));
}

struct OtherMeaning : Counter {
  static constexpr std::uint32_t kStateVersion = 2;
};
BOOST_DESCRIBE_STRUCT(OtherMeaning, (Counter), ())

struct OtherShape {
  static constexpr std::string_view kCategory = "counter";
  using Events = Counter::Events;
  void apply(const Started&) {}
  void apply(const Added& event) {
    ++Counter::applied;
    doubled += 2 * event.amount;
  }
  std::int64_t doubled = 0;
};
BOOST_DESCRIBE_STRUCT(OtherShape, (), (doubled))

TEST_F(SnapshotPolicyTest, SnapshotsOfAnotherSchemaOrMeaningAreNotUsed) {
  const RepositoryOptions options{.snapshots = {.every_events = 10}};
  Repository<Counter> counters(store(), options);
  add(counters, "7", 10);
  Repository<OtherMeaning> other_meaning(store(), options);
  EXPECT_EQ(applied_by([&] { EXPECT_EQ(other_meaning.load("7")->state().sum, 10); }), 10u);
  Repository<OtherShape> other_shape(store(), options);
  EXPECT_EQ(applied_by([&] { EXPECT_EQ(other_shape.load("7")->state().doubled, 20); }), 10u);
  // Each has its own beside the other's.
  auto loaded = other_shape.load("7");
  ASSERT_TRUE(is_ok(other_shape.save_snapshot(*loaded)));
  EXPECT_EQ(applied_by([&] { EXPECT_EQ(other_shape.load("7")->state().doubled, 20); }), 0u);
  EXPECT_EQ(applied_by([&] { EXPECT_EQ(counters.load("7")->state().sum, 10); }), 0u);
}

TEST_F(SnapshotPolicyTest, DeletingThemLosesOnlyTime) {
  {
    Repository<Counter> counters(store(), {.snapshots = {.every_events = 10}});
    add(counters, "7", 15);
  }
  store_.reset();
  std::filesystem::remove_all(dir_ / "store" / "snapshots");
  open();
  Repository<Counter> counters(store(), {.snapshots = {.every_events = 10}});
  EXPECT_EQ(applied_by([&] { EXPECT_EQ(counters.load("7")->state().sum, 15); }), 15u);
  add(counters, "7", 1);
  EXPECT_EQ(snapshot_versions(), (std::vector<Version>{16}));
  EXPECT_FALSE(counters.snapshot_error());
}

struct NoCodec {
  static constexpr std::string_view kCategory = "counter";
  using Events = Counter::Events;
  void apply(const Started&) {}
  void apply(const Added&) {}
};

TEST_F(SnapshotPolicyTest, APolicyForAStateWithoutCodecIsRefused) {
  Repository<NoCodec> plain(store());
  EXPECT_TRUE(is_ok(plain.load("7")));
  Repository<NoCodec> counters(store(), {.snapshots = {.every_events = 10}});
  EXPECT_TRUE(fails_with(counters.load("7"), Errc::invalid_argument));
}

TEST_F(SnapshotPolicyTest, WhatIsNotSavedHasNoSnapshot) {
  Repository<Counter> counters(store());
  Aggregate<Counter> counter("7");
  EXPECT_TRUE(fails_with(counters.save_snapshot(counter), Errc::invalid_argument));
  counter.emit(Added{1});
  EXPECT_TRUE(fails_with(counters.save_snapshot(counter), Errc::invalid_argument));
  ASSERT_TRUE(is_ok(counters.save(counter)));
  EXPECT_TRUE(is_ok(counters.save_snapshot(counter)));
}

TEST_F(SnapshotPolicyTest, TheCacheReadsOnlyWhatIsNew) {
  Repository<Counter> counters(store(), {.cache = 2});
  add(counters, "7", 10);
  EXPECT_EQ(applied_by([&] { EXPECT_EQ(counters.load("7")->state().sum, 10); }), 0u);
  Repository<Counter> other(store());
  add(other, "7", 3);
  EXPECT_EQ(applied_by([&] { EXPECT_EQ(counters.load("7")->state().sum, 13); }), 3u);
  // Two others push it out.
  add(counters, "8", 1);
  add(counters, "9", 1);
  EXPECT_EQ(applied_by([&] { EXPECT_EQ(counters.load("7")->state().sum, 13); }), 13u);
}

TEST_F(SnapshotPolicyTest, AFailedSaveDoesNotReachTheCache) {
  Repository<Counter> counters(store(), {.cache = 2});
  add(counters, "7", 1);
  auto first = counters.load("7");
  auto second = counters.load("7");
  first->emit(Added{10});
  second->emit(Added{100});
  ASSERT_TRUE(is_ok(counters.save(*first)));
  ASSERT_FALSE(counters.save(*second));
  const auto loaded = counters.load("7");
  EXPECT_EQ(loaded->state().sum, 11);
  EXPECT_TRUE(loaded->pending().empty());
}

}  // namespace
}  // namespace daybook::test
