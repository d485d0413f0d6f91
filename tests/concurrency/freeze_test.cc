// One thread stops at a step of its append, for as long as the test lasts. Nobody else may be stopped by that.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <daybook/store.h>

#include "concurrency/freezing.h"
#include "concurrency/whole_log.h"
#include "format/frame.h"
#include "store/store_access.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace daybook::concurrency {
namespace {

using log::Step;
using test::is_ok;

constexpr int kThreads = 2;
constexpr int kAppends = 1500;  // of each: several segments
constexpr std::uint32_t kPayloadMax = 1u << 20;

struct NamedStep {
  Step step;
  const char* name;
};

class FreezeTest : public ::testing::TestWithParam<NamedStep> {
 protected:
  FreezeTest() {
    auto opened = Store::open(directory_ / "log", {.durability = Durability::memory, .segment_size = 64u << 10});
    EXPECT_TRUE(is_ok(opened));
    if (opened) store_.emplace(std::move(*opened));
  }

  [[nodiscard]] log::LogState& state() { return StoreAccess::writer(*store_).state(); }

  // The append of the frozen thread.
  [[nodiscard]] StreamAppend frozen_append(std::uint64_t version) const {
    return {.stream = "frozen", .expect = Expect::exactly(version), .events = {&frozen_event_, 1}};
  }

  // Appends with an appender that freezes, until it did. The number of appends that it made, all of them successful.
  std::uint64_t append_until_frozen(Freezer& at) {
    freezer = &at;
    FreezingAppender appender(state(), kPayloadMax);
    std::uint64_t appends = 0;
    for (; !at.was_frozen(); ++appends) {
      std::array append{frozen_append(appends)};
      format::Address end;
      const auto outcome = appender.append(append, {}, end);
      EXPECT_TRUE(is_ok(outcome));
      EXPECT_EQ(append[0].last_version, appends + 1);
      if (!outcome) break;
    }
    freezer = nullptr;
    return appends;
  }

  // The ordinary store. What a thread appends to its own stream and to one that all share.
  void append_many(int thread, int count) {
    const std::string own = "thread-" + std::to_string(thread);
    const std::string payload(200, 'x');
    for (int i = 0; i < count; ++i) {
      const NewEvent event{.type = "ordinary", .payload = payload};
      const bool shared = i % 3 == 0;
      const auto expect = shared ? Expect::any() : Expect::exists();
      const auto appended = i == 1 ? store_->append(own, Expect::no_stream(), {event})
                                   : store_->append(shared ? "shared" : own, expect, {event});
      ASSERT_TRUE(is_ok(appended));
    }
  }

  // Whether the sealer has taken away the right to write to the first segment.
  [[nodiscard]] bool first_is_sealed() const {
    const auto info = store_->info();
    EXPECT_TRUE(is_ok(info));
    return info && info->segments.front().sealed;
  }

  const std::string frozen_payload_ = std::string(700, 'f');
  const NewEvent frozen_event_{.type = "frozen", .payload = frozen_payload_};
  test::TempDir directory_;
  std::optional<Store> store_;
};

std::string name_of_step(const ::testing::TestParamInfo<NamedStep>& tested) { return tested.param.name; }

template <typename Condition>
bool becomes_true(const Condition& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// The steps at which a frozen thread does not hold up what others see.
class FrozenAside : public FreezeTest {};

TEST_P(FrozenAside, OthersAppendThousands) {
  Freezer freeze(GetParam().step, 1);
  std::uint64_t frozen_appends = 0;
  std::thread victim([&] { frozen_appends = append_until_frozen(freeze); });
  freeze.wait_until_frozen();

  const auto before = store_->published_position();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&, thread] { append_many(thread, kAppends); });
  for (auto& thread : threads) thread.join();
  const auto after = store_->published_position();
  EXPECT_GE(after - before, std::uint64_t{kThreads} * kAppends);
  EXPECT_GE(state().publishing.load()->number(), 8u) << "the others must have gone through several segments";
  EXPECT_EQ(check_log(*store_), after);

  // Nobody may take its memory away while it is in there. It goes on with whatever it was doing to it, long after.
  const bool inside = GetParam().step != Step::begun;
  if (inside) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  if (inside && GetParam().step != Step::entering) {
    EXPECT_FALSE(first_is_sealed());
  }
  freeze.thaw();
  victim.join();
  EXPECT_TRUE(becomes_true([this] { return first_is_sealed(); }));
  EXPECT_EQ(check_log(*store_), std::uint64_t{kThreads} * kAppends + frozen_appends);
  EXPECT_TRUE(is_ok(store_->close()));
}

INSTANTIATE_TEST_SUITE_P(Steps, FrozenAside,
                         ::testing::Values(NamedStep{Step::begun, "begun"}, NamedStep{Step::filled, "filled"},
                                           NamedStep{Step::leased, "leased"}, NamedStep{Step::looked, "looked"},
                                           NamedStep{Step::read_heads, "read_heads"},
                                           NamedStep{Step::looked_again, "looked_again"},
                                           NamedStep{Step::recorded, "recorded"},
                                           NamedStep{Step::moved_heads, "moved_heads"},
                                           NamedStep{Step::described, "described"}, NamedStep{Step::decided, "decided"},
                                           NamedStep{Step::marked, "marked"}, NamedStep{Step::entering, "entering"},
                                           NamedStep{Step::published, "published"}),
                         name_of_step);

// Between claim and fill there is nothing that others could publish; they go as far as that.
class FrozenInside : public FreezeTest {};

TEST_P(FrozenInside, OthersClaimAndFillBehindIt) {
  Freezer freeze(GetParam().step, 1);
  std::uint64_t frozen_appends = 0;
  std::thread victim([&] { frozen_appends = append_until_frozen(freeze); });
  freeze.wait_until_frozen();

  segment::ActiveSegment& segment = *state().active.load();
  const std::uint64_t hole = segment.claims().mark().offset;
  const Position before = store_->published_position();
  const std::array frozen{frozen_append(0)};
  const auto frozen_size = format::measure(frozen, kPayloadMax);
  ASSERT_TRUE(is_ok(frozen_size));
  std::atomic<int> returned = 0;
  std::array<Position, kThreads> positions{};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      const NewEvent event{.type = "behind", .payload = "x"};
      const auto appended = store_->append("behind-" + std::to_string(thread), Expect::no_stream(), {event});
      ++returned;
      ASSERT_TRUE(is_ok(appended));
      positions[static_cast<std::size_t>(thread)] = appended->first_position;
    });
  }

  // Everybody has claimed, and filled: the words behind the hole say so.
  const auto filled_behind = [&] {
    const std::uint64_t end = segment.claims().claimed();
    int filled = 0;
    std::uint64_t offset = hole + frozen_size->size;
    while (offset < end) {
      const format::Word word = format::load_word(segment.bytes() + offset);
      if (word.bits == 0) break;
      EXPECT_EQ(word.state(), format::FrameState::filled);
      offset += word.size();
      ++filled;
    }
    return filled;
  };
  EXPECT_TRUE(becomes_true([&] { return filled_behind() == kThreads; }));
  EXPECT_EQ(store_->published_position(), before);
  EXPECT_EQ(returned, 0);

  freeze.thaw();
  victim.join();
  for (auto& thread : threads) thread.join();
  // The frozen one had claimed first, so it comes first.
  for (const Position position : positions) EXPECT_GT(position, before + 1);
  EXPECT_EQ(check_log(*store_), frozen_appends + kThreads);
  append_many(9, kAppends);
  EXPECT_EQ(check_log(*store_), frozen_appends + kThreads + kAppends);
  EXPECT_TRUE(is_ok(store_->close()));
}

INSTANTIATE_TEST_SUITE_P(Steps, FrozenInside,
                         ::testing::Values(NamedStep{Step::claimed, "claimed"}, NamedStep{Step::copied, "copied"}),
                         name_of_step);

}  // namespace
}  // namespace daybook::concurrency
