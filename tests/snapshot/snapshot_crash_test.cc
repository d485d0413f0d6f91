// Power cuts and failing calls at every step of saving, pruning and removing, on the simulated disk. Whatever is left:
// latest() returns a state that was saved for exactly that key and position, of events that are in the log, and saving works.
#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "snapshot/snapshot_fixture.h"
#include "store/store_access.h"
#include "support/sim_disk.h"

namespace daybook::test {
namespace {

constexpr std::array<std::string_view, 3> kKeys{"a", "b", "c"};

Result<Store> open(const SimDisk& disk) { return StoreAccess::open(disk.open(), small_segments()); }

void append(Store& store, int count) {
  for (int i = 0; i < count; ++i) ASSERT_TRUE(is_ok(store.append("s", Expect::any(), {{.type = "T"}})));
}

// What has been asked for so far: more than that must never be found.
struct Told {
  std::map<std::string, std::set<Position>, std::less<>> saved;
};

Position position_of(const std::string& found) {
  return found == "nothing" ? 0 : std::stoull(found.substr(found.find('@') + 1));
}

// Opens what is left. `least` says what must be there.
void check_image(const SimDisk& image, const Told& told, const std::map<std::string, Position>& least) {
  auto store = open(image);
  ASSERT_TRUE(is_ok(store));
  SnapshotStore& snapshots = store->snapshots();
  const Position published = store->published_position();
  std::map<std::string, std::string, std::less<>> found;
  for (const std::string_view key : kKeys) {
    found[std::string(key)] = newest(snapshots, key);  // compares the state with what was saved for that position
    const Position position = position_of(found[std::string(key)]);
    ASSERT_LE(position, published);
    if (position != 0) {
      const auto saved = told.saved.find(key);
      ASSERT_TRUE(saved != told.saved.end() && saved->second.contains(position)) << key << "@" << position;
    }
  }
  for (const auto& [key, position] : least) ASSERT_GE(position_of(found[key]), position) << key;
  // Positions that were cut off are taken again, by other events.
  append(*store, 30);
  for (const std::string_view key : kKeys) ASSERT_EQ(newest(snapshots, key), found[std::string(key)]);
  const Position last = store->published_position();
  ASSERT_TRUE(is_ok(save(snapshots, "a", last)));
  ASSERT_EQ(newest(snapshots, "a"), "a@" + std::to_string(last));
  ASSERT_TRUE(is_ok(snapshots.prune({.keep_newest = 1})));
  ASSERT_EQ(newest(snapshots, "a"), "a@" + std::to_string(last));
  ASSERT_EQ(newest(snapshots, "b"), found["b"]);
}

// Images of a disk before each call that is made to it, for every policy. Threads of the store make calls, too, and may be in
// the midst of one when that is over.
class Images {
 public:
  Images(SimDisk& disk, std::uint64_t seed) : disk_(disk), taking_(std::make_shared<Taking>(seed)) {
    disk.faults().before_each_call([&disk, taking = taking_](IoCall call) {
      const std::scoped_lock lock(taking->mutex);
      if (taking->over) return;
      for (const CrashPolicy policy : kCrashPolicies) {
        taking->taken.push_back(
            {disk.crash(taking->rng, policy), std::string("before ") + test::name(call) + ", " + test::name(policy)});
      }
    });
  }
  // Noise in a sector that is written, to mark what is in it as removed, takes with it what else is there.
  void without_noise() {
    std::erase_if(stop(), [](const Image& image) { return image.how.ends_with("garbage_in_flight"); });
  }
  ~Images() { stop(); }
  Images(const Images&) = delete;
  Images& operator=(const Images&) = delete;

  std::size_t check(const Told& told, const std::map<std::string, Position>& least) {
    for (const Image& image : stop()) {
      SCOPED_TRACE(image.how);
      check_image(image.disk, told, least);
      if (::testing::Test::HasFailure()) break;
    }
    return taking_->taken.size();
  }

 private:
  struct Image {
    SimDisk disk;
    std::string how;
  };
  struct Taking {
    explicit Taking(std::uint64_t seed) : rng(seed) {}
    std::mutex mutex;
    bool over = false;
    Rng rng;
    std::vector<Image> taken;
  };

  std::vector<Image>& stop() {
    disk_.faults().before_each_call({});
    const std::scoped_lock lock(taking_->mutex);
    taking_->over = true;
    return taking_->taken;
  }

  SimDisk& disk_;
  const std::shared_ptr<Taking> taking_;
};

void save_some(SnapshotStore& snapshots, Told& told, std::initializer_list<Position> positions,
               std::size_t size = 200) {
  for (const Position position : positions) {
    for (const std::string_view key : kKeys) {
      told.saved[std::string(key)].insert(position);
      ASSERT_TRUE(is_ok(save(snapshots, key, position, size)));
    }
  }
}

TEST(SnapshotCrashTest, InTheMidstOfSaving) {
  std::size_t images = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimDisk disk;
    Told told;
    auto store = open(disk);
    ASSERT_TRUE(is_ok(store));
    append(*store, 10);
    ASSERT_TRUE(is_ok(store->sync()));
    append(*store, 10);
    Images taken(disk, seed);
    save_some(store->snapshots(), told, {5, 15, 18}, 700);
    told.saved["c"].insert(20);
    ASSERT_TRUE(is_ok(save(store->snapshots(), "c", 20, 90'000))) << "the file grows";
    images += taken.check(told, {});
  }
  std::printf("%zu images\n", images);
  EXPECT_GT(images, 500u);
}

// What was durable before stays, whatever step of a pruning is cut off.
TEST(SnapshotCrashTest, InTheMidstOfPruning) {
  std::size_t images = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimDisk disk;
    Told told;
    {
      auto store = open(disk);
      append(*store, 20);
      save_some(store->snapshots(), told, {2, 4, 6, 8});
      ASSERT_TRUE(is_ok(store->close()));
    }
    auto store = open(disk);
    EXPECT_EQ(newest(store->snapshots(), "a"), "a@8");
    Images taken(disk, seed);
    ASSERT_TRUE(is_ok(store->snapshots().prune({.keep_newest = 1})));
    ASSERT_TRUE(is_ok(store->sync()));
    images += taken.check(told, {{"a", 8}, {"b", 8}, {"c", 8}});
  }
  std::printf("%zu images\n", images);
  EXPECT_GT(images, 200u);
}

TEST(SnapshotCrashTest, AKeyThatWasRemovedStaysAway) {
  SimDisk disk;
  Told told;
  {
    auto store = open(disk);
    append(*store, 20);
    save_some(store->snapshots(), told, {2, 4});
    ASSERT_TRUE(is_ok(store->close()));
  }
  auto store = open(disk);
  {
    Images taken(disk, 1);
    ASSERT_TRUE(is_ok(store->snapshots().remove("b")));
    taken.without_noise();
    EXPECT_GT(taken.check(told, {{"a", 4}, {"c", 4}}), 8u);
  }
  told.saved.erase("b");
  Rng rng(1);
  for (const CrashPolicy policy : kCrashPolicies) {
    SCOPED_TRACE(name(policy));
    check_image(disk.crash(rng, policy), told, {{"a", 4}, {"c", 4}});
  }
}

struct Fault {
  const char* name;
  int error_number;
  Repeat repeat;
};

class SnapshotFaultTest : public ::testing::TestWithParam<Fault> {};

// The n-th call fails, for every n: an error is an error, nothing half is shown, and when the disk is well again all is.
TEST_P(SnapshotFaultTest, EveryCallMayFail) {
  const Fault& fault = GetParam();
  std::uint64_t errors = 0;
  std::uint64_t n = 1;
  for (;; ++n) {
    SCOPED_TRACE("call " + std::to_string(n));
    SimDisk disk;
    auto store = open(disk);
    append(*store, 20);
    ASSERT_TRUE(is_ok(store->sync()));
    SnapshotStore& snapshots = store->snapshots();
    std::map<std::string, Position, std::less<>> newest_saved;
    const std::uint64_t before = disk.faults().count();
    disk.fail_at(n, fault.error_number, fault.repeat);
    const auto note = [&](const Result<void>& result) { errors += result ? 0 : 1; };
    for (const Position position : {2, 4, 6, 8}) {
      for (const std::string_view key : kKeys) {
        const auto saved = save(snapshots, key, position, position == 6 ? 50'000 : 300);
        note(saved);
        if (saved) newest_saved[std::string(key)] = position;
      }
      if (position == 4 || position == 8) note(snapshots.prune({.keep_newest = 1}));
    }
    const auto removed = snapshots.remove("c");
    note(removed);
    const std::uint64_t calls = disk.faults().count() - before;
    disk.faults().clear();
    for (const std::string_view key : {"a", "b"}) {
      ASSERT_EQ(position_of(newest(snapshots, key)), newest_saved[std::string(key)]) << key;
    }
    ASSERT_TRUE(is_ok(save(snapshots, "a", 10)));
    ASSERT_TRUE(is_ok(snapshots.prune({.keep_newest = 1})));
    if (!removed) {
      ASSERT_TRUE(is_ok(snapshots.remove("c")));
    }
    // Another process finds the same.
    auto reader = StoreAccess::open(disk.open(), read_only());
    ASSERT_TRUE(is_ok(reader));
    ASSERT_EQ(newest(reader->snapshots(), "a"), "a@10");
    ASSERT_EQ(position_of(newest(reader->snapshots(), "b")), newest_saved["b"]);
    ASSERT_EQ(newest(reader->snapshots(), "c"), "nothing");
    if (calls < n) break;
  }
  std::printf("%s: %llu calls, %llu errors\n", fault.name, static_cast<unsigned long long>(n - 1),
              static_cast<unsigned long long>(errors));
  EXPECT_GT(n, 40u);
  EXPECT_GT(errors, n / 2);
}

INSTANTIATE_TEST_SUITE_P(Faults, SnapshotFaultTest,
                         ::testing::Values(Fault{"EioOnce", EIO, Repeat::once},
                                           Fault{"EioForEver", EIO, Repeat::for_ever},
                                           Fault{"EnospcOnce", ENOSPC, Repeat::once},
                                           Fault{"EnospcForEver", ENOSPC, Repeat::for_ever}),
                         [](const auto& fault) { return std::string(fault.param.name); });

// A full disk is an error of the save alone, and saving goes on when there is room.
TEST(SnapshotCrashTest, AFullDisk) {
  SimDisk disk;
  auto store = open(disk);
  append(*store, 20);
  SnapshotStore& snapshots = store->snapshots();
  ASSERT_TRUE(is_ok(save(snapshots, "a", 1)));
  disk.set_capacity(1);
  const auto refused = save(snapshots, "a", 2, 100'000);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::no_space);
  EXPECT_EQ(newest(snapshots, "a"), "a@1");
  ASSERT_TRUE(is_ok(save(snapshots, "a", 3))) << "there is room in the file for a small one";
  disk.set_capacity(1u << 30);
  ASSERT_TRUE(is_ok(save(snapshots, "a", 4, 100'000)));
  EXPECT_EQ(newest(snapshots, "a"), "a@4");
}

}  // namespace
}  // namespace daybook::test
