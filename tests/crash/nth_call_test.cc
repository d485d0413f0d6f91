// A script of everything that a writer does, again and again: the power goes before its n-th call of the system, or that
// call fails, once or from then on, for every n until the script gets through. Whatever happens: nothing that was
// acknowledged is lost, an error is an error and not a hang or a signal, and when the disk is well again the store is.
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <daybook/store.h>

#include "crash/history.h"
#include "crash/image.h"
#include "format/layout.h"
#include "store/store_access.h"
#include "support/rng.h"
#include "support/sim_disk.h"

namespace daybook::test {
namespace {

// One run of it on a disk that may fail.
class Script {
 public:
  explicit Script(SimDisk& disk) : disk_(disk) {
    options_.segment_size = format::kSegmentSizeMin;
    options_.durability = Durability::sync;
  }

  void everything() {
    open();
    append(100, Durability::sync);
    for (int i = 0; i < 3; ++i) append(300, Durability::memory);
    sync();
    for (int i = 0; i < 9; ++i) append(8'000, i % 3 == 0 ? Durability::sync : Durability::memory);  // into segment 2
    append(200, Durability::sync);
    close();
    open();
    append(500, Durability::memory);
    for (int i = 0; i < 4; ++i) append(12'000, Durability::memory);
    close();
    open();
    append(20, Durability::sync);
    store_.reset();
  }

  [[nodiscard]] const History& history() const { return history_; }
  [[nodiscard]] const OpenOptions& options() const { return options_; }
  [[nodiscard]] std::uint64_t errors() const { return errors_; }
  [[nodiscard]] const std::optional<std::string>& violation() const { return violation_; }

 private:
  void open() {
    store_.reset();
    if (given_up_) return;
    auto store = StoreAccess::open(disk_.open(), options_);
    if (!store) {
      note(store.error());
      // After a failed sync of a directory nobody can know whether its names ever become durable.
      given_up_ = std::string_view(store.error().what) == "fsync";
      return;
    }
    store_.emplace(std::move(*store));
    const std::size_t found = store_->published_position();
    if (found < history_.before().durable || found > history_.events().size()) {
      violate("opened with " + std::to_string(found) + " events");
    } else {
      history_.truncate(found);
    }
  }

  void append(std::size_t payload, Durability durability) {
    if (!store_ || violation_) return;
    std::vector<StoredEvent> frame;
    ++serial_;
    frame.emplace_back(1, serial_, "stream-" + std::to_string(serial_ % 3), payload);
    history_.attempt(frame);
    const NewEvent event = frame[0].as_new();
    const auto appended =
        store_->append(frame[0].stream, Expect::any(), std::span(&event, 1), {.durability = durability});
    if (appended) {
      if (appended->first_position != history_.events().size()) violate("a wrong position");
      history_.publish();
      if (durability == Durability::sync) history_.sync();
      return;
    }
    note(appended.error());
    // A failed sync comes after publishing: the event may be there or not. The log takes no more.
    if (store_->published_position() < history_.events().size()) {
      history_.refuse(1);
    } else if (const auto more = store_->append("x", Expect::any(), {{.type = "X"}}); more) {
      violate("a log whose sync failed goes on");
    }
  }

  void sync() {
    if (!store_ || violation_) return;
    if (const auto synced = store_->sync()) {
      history_.sync();
    } else {
      note(synced.error());
    }
  }

  void close() {
    if (!store_ || violation_) return;
    if (const auto closed = store_->close()) {
      history_.sync();
    } else {
      note(closed.error());
    }
    store_.reset();
  }

  void note(const Error& error) {
    ++errors_;
    if (error.code == Errc::corrupt) violate("a fault is taken for corruption: " + describe(error));
  }
  void violate(const std::string& text) {
    if (!violation_) violation_ = text;
  }

  SimDisk& disk_;
  OpenOptions options_;
  History history_;
  std::optional<Store> store_;
  std::uint64_t serial_ = 0;
  std::uint64_t errors_ = 0;
  bool given_up_ = false;
  std::optional<std::string> violation_;
};

struct Mode {
  const char* name;
  int error_number;
  Repeat repeat;
};

class NthCallTest : public ::testing::TestWithParam<Mode> {};

TEST_P(NthCallTest, FailsAndNothingAcknowledgedIsLost) {
  const Mode& mode = GetParam();
  std::uint64_t n = 1;
  std::uint64_t with_errors = 0;
  for (;; ++n) {
    SCOPED_TRACE("call " + std::to_string(n));
    SimDisk disk;
    disk.fail_at(n, mode.error_number, mode.repeat);
    Script script(disk);
    script.everything();
    ASSERT_FALSE(script.violation()) << *script.violation();
    if (disk.faults().count() < n) break;
    with_errors += script.errors() > 0 ? 1 : 0;
    disk.faults().clear();

    const History::Bounds bounds = script.history().before();
    const Expected expected{&script.history(), bounds.durable, script.history().events().size()};
    Rng rng(n);
    for (const CrashPolicy policy : kCrashPolicies) {
      const Verdict verdict = recover_and_compare(disk.crash(rng, policy), expected);
      ASSERT_FALSE(verdict.violation) << name(policy) << ": " << *verdict.violation;
    }
    // And without a crash, on the disk as it is.
    const Verdict verdict = open_and_compare(disk, expected, script.options());
    ASSERT_FALSE(verdict.violation) << *verdict.violation;
  }
  std::printf("%s: the script makes %llu calls; %llu of the failures reached the caller\n", mode.name,
              static_cast<unsigned long long>(n - 1), static_cast<unsigned long long>(with_errors));
  EXPECT_GT(n, 50u);
  EXPECT_GT(with_errors, n / 4);
}

INSTANTIATE_TEST_SUITE_P(Faults, NthCallTest,
                         ::testing::Values(Mode{"EioOnce", EIO, Repeat::once},
                                           Mode{"EioForEver", EIO, Repeat::for_ever},
                                           Mode{"EnospcOnce", ENOSPC, Repeat::once},
                                           Mode{"EnospcForEver", ENOSPC, Repeat::for_ever}),
                         [](const auto& mode) { return std::string(mode.param.name); });

TEST(CrashBeforeEveryCallTest, NothingAcknowledgedIsLost) {
  struct Image {
    SimDisk disk;
    History::Bounds bounds;
    const char* call;
  };
  std::uint64_t images = 0;
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    SimDisk disk;
    Script script(disk);
    Rng rng(seed);
    std::mutex mutex;
    std::vector<Image> taken;
    disk.faults().before_each_call([&](IoCall call) {
      const std::scoped_lock lock(mutex);
      for (const CrashPolicy policy : kCrashPolicies) {
        const History::Bounds bounds = script.history().before();
        SimDisk image = disk.crash(rng, policy);
        taken.push_back({std::move(image), script.history().after(bounds), name(call)});
      }
    });
    script.everything();
    disk.faults().before_each_call({});
    ASSERT_EQ(script.errors(), 0u);
    ASSERT_FALSE(script.violation()) << *script.violation();
    for (const Image& image : taken) {
      ++images;
      const Verdict verdict =
          recover_and_compare(image.disk, {&script.history(), image.bounds.durable, image.bounds.attempted});
      ASSERT_FALSE(verdict.violation) << "before " << image.call << ": " << *verdict.violation;
    }
  }
  std::printf("%llu images\n", static_cast<unsigned long long>(images));
  EXPECT_GT(images, 1000u);
}

// A process is killed in its first open, and the next one goes on with whatever it finds: names that nobody has synced,
// too.
TEST(KillBeforeEveryCallTest, WhatIsAcknowledgedLaterSurvivesPowerLoss) {
  SimDisk disk;
  const OpenOptions options{.durability = Durability::sync, .segment_size = format::kSegmentSizeMin};
  std::mutex mutex;
  std::vector<SimDisk> killed;
  disk.faults().before_each_call([&](IoCall) {
    const std::scoped_lock lock(mutex);
    killed.push_back(disk.kill());
  });
  ASSERT_TRUE(StoreAccess::open(disk.open(), options).has_value());
  disk.faults().before_each_call({});
  EXPECT_GT(killed.size(), 20u);
  Rng rng(1);
  for (std::size_t i = 0; i < killed.size(); ++i) {
    SCOPED_TRACE("call " + std::to_string(i));
    auto store = StoreAccess::open(killed[i].open(), options);
    ASSERT_TRUE(store.has_value());
    ASSERT_TRUE(store->append("s", Expect::any(), {{.type = "T"}}).has_value());
    for (const CrashPolicy policy : {CrashPolicy::all_old, CrashPolicy::uniform}) {
      const SimDisk crashed = killed[i].crash(rng, policy);
      auto after = StoreAccess::open(crashed.open(), options);
      ASSERT_TRUE(after.has_value()) << name(policy);
      EXPECT_EQ(after->published_position(), 1u) << name(policy);
    }
  }
}

}  // namespace
}  // namespace daybook::test
