// Power cuts and kills at every step of a consumer, on a simulated disk. A saved position may be an older one; it is never
// ahead of what was acknowledged, never a mixture, and never lost.
#include <array>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <daybook/store.h>

#include "store/consumer_file.h"
#include "store/store_access.h"
#include "support/result_matchers.h"
#include "support/rng.h"
#include "support/sim_disk.h"

namespace daybook::test {
namespace {

using consumers::ConsumerFile;
using consumers::ConsumerState;

// What can be told apart of a state, as text.
std::string picture(const ConsumerState& state) {
  std::string text = std::to_string(state.at.position) + "/" + std::to_string(state.at.epoch);
  for (const auto& [position, event] : state.parked) {
    text += " " + std::to_string(position) + "x" + std::to_string(event.attempts);
  }
  return text + " " + (state.query.items.empty() ? "" : state.query.items[0].streams[0]);
}

// One life of a journal: does things to it at random, and after every call of the seam looks at what a crash would leave.
class JournalLife {
 public:
  // `before`: what the disk may still come back to, because a life before was killed, and had not synced it.
  JournalLife(SimDisk& disk, Rng& rng, std::vector<std::string> before)
      : disk_(disk), rng_(rng), states_(std::move(before)) {}

  void run(int steps) {
    const auto directory = disk_.open();
    auto opened = ConsumerFile::open(*directory, "a", 600);  // written anew every few records
    ASSERT_TRUE(is_ok(opened));
    file_ = std::move(*opened);
    const std::string found = file_->exists() ? picture(file_->state()) : "none";
    if (states_.empty()) {
      states_ = {found};
    } else {
      ASSERT_EQ(states_.back(), found);
    }
    disk_.faults().before_each_call([this](IoCall) { look(); });
    for (int i = 0; i < steps && !::testing::Test::HasFatalFailure(); ++i) step();
    disk_.faults().before_each_call({});
    look();
    file_.reset();
  }

  [[nodiscard]] std::uint64_t images() const { return images_; }
  // What the disk may come back to now.
  [[nodiscard]] std::vector<std::string> possible() const {
    return {states_.begin() + static_cast<std::ptrdiff_t>(durable_), states_.end()};
  }

 private:
  void step() {
    if (!file_->exists()) {
      ConsumerState state;
      state.at = {.log = {1}, .epoch = 1, .position = 5};
      state.query = Query::stream("s");
      begin(state);
      ASSERT_TRUE(is_ok(file_->begin(state)));
      return done(ConsumerFile::Sync::yes);
    }
    ConsumerState next = file_->state();
    const auto sync = rng_.below(4) == 0 ? ConsumerFile::Sync::yes : ConsumerFile::Sync::no;
    switch (rng_.below(8)) {
      case 0: {
        const Position position = next.at.position + 1 + rng_.below(20);
        ParkedEvent event{.position = position, .version = 1, .stream = "s", .type = "T", .error = "no"};
        event.attempts = next.parked.contains(position) ? next.parked[position].attempts + 1 : 1;
        next.parked[position] = event;
        begin(next);
        ASSERT_TRUE(is_ok(file_->park(event, sync)));
        return done(sync);
      }
      case 1: {
        if (next.parked.empty()) return;
        const Position position = next.parked.begin()->first;
        next.parked.erase(position);
        begin(next);
        ASSERT_TRUE(is_ok(file_->unpark(position, sync)));
        return done(sync);
      }
      case 2: {
        const ResumeToken at{.log = {1}, .epoch = 2 + rng_.below(5), .position = rng_.below(next.at.position + 10)};
        reset_to(next, at, {});
        begin(next);
        ASSERT_TRUE(is_ok(file_->reset(at)));
        return done(ConsumerFile::Sync::yes);
      }
      case 3: {
        next.query = Query::stream("q" + std::to_string(rng_.below(100)));
        begin(next);
        ASSERT_TRUE(is_ok(file_->set_query(next.query)));
        return done(ConsumerFile::Sync::yes);
      }
      default: {
        next.at.position += 1 + rng_.below(3);
        begin(next);
        ASSERT_TRUE(is_ok(file_->save(next.at, sync)));
        return done(sync);
      }
    }
  }

  void begin(const ConsumerState& next) {
    states_.push_back(picture(next));
    in_step_ = true;
  }
  void done(ConsumerFile::Sync sync) {
    in_step_ = false;
    ASSERT_EQ(picture(file_->state()), states_.back());
    if (sync == ConsumerFile::Sync::yes) durable_ = states_.size() - 1;
  }

  void look() {
    disk_.observe();
    for (const CrashPolicy policy : kCrashPolicies) {
      const std::size_t oldest = std::min(durable_, states_.size() - 1);
      check(disk_.crash(rng_, policy), oldest, name(policy));
    }
    check(disk_.kill(), states_.size() - (in_step_ && states_.size() > 1 ? 2 : 1), "kill");
  }

  // Opens what a crash has left, twice: opening it may have to repair it.
  void check(const SimDisk& after, std::size_t oldest, const char* how) {
    ++images_;
    for (int open = 0; open < 2; ++open) {
      const auto directory = after.open();
      auto file = ConsumerFile::open(*directory, "a");
      ASSERT_TRUE(is_ok(file)) << how;
      const std::string found = (*file)->exists() ? picture((*file)->state()) : "none";
      const auto allowed = std::span(states_).subspan(oldest);
      ASSERT_NE(std::ranges::find(allowed, found), allowed.end())
          << how << ": " << found << ", of " << oldest << ".." << states_.size() - 1 << ", last " << states_.back();
    }
  }

  SimDisk& disk_;
  Rng& rng_;
  std::unique_ptr<ConsumerFile> file_;
  std::vector<std::string> states_;  // each that was, the one that is being made last
  std::size_t durable_ = 0;          // a power cut leaves this one, or a later one
  bool in_step_ = false;
  std::uint64_t images_ = 0;
};

// Lives after each other on one disk, each begun with what a crash of the one before has left.
TEST(ConsumerCrashTest, AJournalIsOneOfItsStatesAfterACrashAtAnyStep) {
  std::uint64_t images = 0;
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    SimDisk disk;
    std::vector<std::string> before;
    for (int life = 0; life < 4; ++life) {
      JournalLife one(disk, rng, before);
      one.run(25);
      ASSERT_FALSE(::testing::Test::HasFatalFailure());
      images += one.images();
      const bool killed = rng.coin();
      before = killed ? one.possible() : std::vector<std::string>{};
      disk = killed ? disk.kill() : disk.crash(rng, kCrashPolicies[rng.below(kCrashPolicies.size())]);
    }
  }
  std::printf("%llu images\n", static_cast<unsigned long long>(images));
  EXPECT_GT(images, 10'000u);
}

// Every call of the seam fails once: the error is told, and what is there is the state before or after.
TEST(ConsumerCrashTest, AFailedCallLeavesTheStateBeforeOrAfter) {
  for (const int error_number : {EIO, ENOSPC}) {
    for (std::uint64_t nth = 1;; ++nth) {
      SimDisk disk;
      const ResumeToken first{.log = {1}, .epoch = 1, .position = 1};
      {
        const auto directory = disk.open();
        auto file = ConsumerFile::open(*directory, "a").value();
        ASSERT_TRUE(is_ok(file->begin({.at = first})));
      }
      Position told = 1;
      bool failed = false;
      const auto directory = disk.open();
      const std::uint64_t before = disk.faults().count();
      disk.fail_at(nth, error_number);
      if (auto file = ConsumerFile::open(*directory, "a", 100)) {
        for (Position position = 2; position <= 8; ++position) {
          const ResumeToken at{.log = {1}, .epoch = 1, .position = position};
          const auto sync = position % 2 == 0 ? ConsumerFile::Sync::yes : ConsumerFile::Sync::no;
          const auto saved = (*file)->save(at, sync);
          if (saved) told = position;
          failed = failed || !saved;
        }
      } else {
        failed = true;
      }
      const bool struck = disk.faults().count() - before >= nth;
      disk.faults().clear();
      auto again = ConsumerFile::open(*directory, "a");
      ASSERT_TRUE(is_ok(again)) << nth;
      EXPECT_GE((*again)->state().at.position, told) << nth;
      EXPECT_LE((*again)->state().at.position, 8u) << nth;
      if (!struck) {
        EXPECT_FALSE(failed);
        EXPECT_EQ(told, 8u);
        EXPECT_GT(nth, 30u);  // calls that were made to fail
        break;
      }
    }
  }
}

// --- with a store ---

OpenOptions in_memory() { return {.durability = Durability::memory, .segment_size = 64 << 10}; }

struct Outcomes {
  std::uint64_t stale = 0;
  std::uint64_t behind = 0;  // opened at a position before what was acknowledged
};

// Appends, syncs and consumes at random, loses power at a moment, and opens both again.
void run_store(std::uint64_t seed, Visibility visibility, bool sync, Outcomes& run) {
  Rng rng(seed);
  SimDisk disk;
  ConsumerOptions options{.visibility = visibility, .checkpoint_events = 3, .sync = sync};
  std::map<Position, std::string> seen;
  Position acked = 0;
  SimDisk after;
  {
    auto store = StoreAccess::open(disk.open(), in_memory()).value();
    auto consumer = store.consumer("a", options).value();
    for (int i = 0; i < 60; ++i) {
      switch (rng.below(4)) {
        case 0:
        case 1:
          ASSERT_TRUE(is_ok(store.append("s", Expect::any(), {{.type = "T", .payload = std::to_string(rng.next())}})));
          break;
        case 2:
          if (rng.coin()) {
            ASSERT_TRUE(is_ok(store.sync()));
          }
          break;
        default:
          while (const EventView* const event = consumer.next()) {
            seen[event->position] = event->payload.text();
            if (rng.below(4) == 0) break;
          }
          ASSERT_FALSE(consumer.error());
          ASSERT_TRUE(is_ok(consumer.ack()));
          acked = consumer.position();
          if (rng.coin()) (void)consumer.save();
      }
      disk.observe();
    }
    after = disk.crash(rng, kCrashPolicies[rng.below(kCrashPolicies.size())]);
  }
  auto store = StoreAccess::open(after.open(), in_memory());
  ASSERT_TRUE(is_ok(store));
  auto consumer = store->consumer("a", options);
  if (!consumer && visibility == Visibility::published) {
    ASSERT_TRUE(fails_with(consumer, Errc::stale_token));
    ++run.stale;
    options.reset = StartAt::beginning();
    consumer = store->consumer("a", options);
  }
  ASSERT_TRUE(is_ok(consumer));
  ASSERT_LE(consumer->position(), acked);
  run.behind += consumer->position() < acked ? 1 : 0;
  if (visibility == Visibility::published) return;
  // What is seen again is what was seen, and nothing in between is missing.
  Position expected = consumer->position();
  ASSERT_TRUE(is_ok(store->sync()));
  while (const EventView* const event = consumer->next()) {
    ASSERT_EQ(event->position, ++expected);
    if (seen.contains(event->position)) {
      ASSERT_EQ(event->payload.text(), seen[event->position]);
    }
  }
  ASSERT_GE(expected, seen.empty() ? 0 : seen.rbegin()->first);
}

TEST(ConsumerCrashTest, AConsumerOfDurableEventsIsNeverAheadOfTheLog) {
  for (const bool sync : {false, true}) {
    Outcomes run;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      ASSERT_NO_FATAL_FAILURE(run_store(seed, Visibility::durable, sync, run));
    }
    EXPECT_EQ(run.stale, 0u);
    EXPECT_GT(run.behind, 0u);
  }
}

TEST(ConsumerCrashTest, AConsumerOfPublishedEventsMayBeAndIsTold) {
  Outcomes run;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ASSERT_NO_FATAL_FAILURE(run_store(seed, Visibility::published, true, run));
  }
  EXPECT_GT(run.stale, 0u);
}

}  // namespace
}  // namespace daybook::test
