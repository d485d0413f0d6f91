// Group sync over a disk that says what a sync has made durable, and a futex that ends a wait only for a reason.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "log/group_sync.h"

#include "model/relacy_atomics.h"

namespace daybook::model {

using A = RelacyAtomics;

inline constexpr std::size_t kTurns = 2;

struct RealSync {
  template <typename Env>
  using GroupSync = log::GroupSync<Env>;
};

// What log::SyncEnv is to the real one.
class SyncEnv {
 public:
  using Atomics = A;
  struct Point {
    std::uint64_t address = 0;
  };

  explicit SyncEnv(unsigned failing) : failing_(failing) {
    for (auto& description : descriptions_) description($) = 0;
  }

  std::uint64_t publish() { return A::add(published_, std::uint64_t{1}, A::seq_cst) + 1; }
  [[nodiscard]] Point published() { return {A::load(published_, A::acquire)}; }
  [[nodiscard]] bool failed() { return A::load(failed_, A::relaxed) != 0; }
  [[nodiscard]] std::uint64_t covered() { return A::load(covered_, A::acquire); }

  // Covers what was published when it began. One thread at a time for each description.
  bool sync(std::size_t turn, const Point&) {
    hold(turn);
    const std::uint64_t begun = A::load(published_, A::seq_cst);
    const bool fails = A::add(syncs_, 1u, A::relaxed) + 1 == failing_;
    hold(turn);
    if (fails) {
      A::store(failed_, 1u, A::relaxed);
      return false;
    }
    std::uint64_t now = A::load(covered_, A::relaxed);
    while (now < begun && !A::cas(covered_, now, begun, A::acq_rel)) {
    }
    return true;
  }
  void hold(std::size_t turn) { descriptions_[turn]($) = 1; }

  void moved(const Point& point) {
    RL_ASSERT(covered() >= point.address);
    std::uint64_t now = A::load(told_, A::relaxed);
    while (now < point.address && !A::cas(told_, now, point.address, A::relaxed)) {
    }
  }
  [[nodiscard]] std::uint64_t told() { return A::load(told_, A::relaxed); }

  // As SyncEnv::wait() behind its yields.
  void wait(rl::atomic<std::uint32_t>& turns, std::uint32_t seen) {
    A::add(sleepers_, 1u, A::seq_cst);
    sleep(turns, seen);
    A::add(sleepers_, ~0u, A::relaxed);
  }
  void wake(rl::atomic<std::uint32_t>& turns) {
    if (A::load(sleepers_, A::seq_cst) != 0) turns.wake(rl::ctx(), 1'000, $);
  }

 private:
  // A futex compares and goes to sleep in one step, on the newest value; and learns nothing from it but that.
  void sleep(rl::atomic<std::uint32_t>& turns, std::uint32_t seen) {
    A::add(futex_calls_, 1u, A::relaxed);  // a place to switch threads at
    auto& context = rl::ctx();
    context.disable_preemption();
    std::uint32_t value = seen;
    const bool unchanged = turns.compare_exchange_strong(value, seen, rl::mo_relaxed, $);  // not A: no stall in here
    if (unchanged) turns.wait(context, false, false, $);
    context.enable_preemption();
  }

  const unsigned failing_;
  rl::atomic<std::uint64_t> published_{0};
  rl::atomic<std::uint64_t> covered_{0};
  rl::atomic<std::uint64_t> told_{0};
  rl::atomic<std::uint32_t> failed_{0};
  rl::atomic<std::uint32_t> syncs_{0};
  rl::atomic<std::uint32_t> sleepers_{0};
  rl::atomic<std::uint32_t> futex_calls_{0};
  std::array<rl::var<std::uint32_t>, kTurns> descriptions_;
};

// Waiters publish something and wait until it is durable; with `Holder` = 1 a thread more makes durable what was published
// when it looked, and no more, and then takes both turns for a while, as log::Sealer does. Failing: which of the syncs fails, none, or any.
template <typename Core, int Waiters, int Holder, bool Failing>
struct Sync : rl::test_suite<Sync<Core, Waiters, Holder, Failing>, Waiters + Holder> {
  using Group = typename Core::template GroupSync<SyncEnv>;
  static_assert(Group::kTurns == kTurns);

  SyncEnv env{Failing ? 1 + rl::rand(Waiters) : 0};
  Group group{env, 0};

  void thread(unsigned index) {
    if (index < Waiters) {
      wait_for_own();
    } else {
      hold_turns();
    }
  }

  void after() {
    RL_ASSERT(Failing || group.durable() == Waiters);
    RL_ASSERT(group.durable() <= env.covered());
  }

 private:
  void wait_for_own() {
    const std::uint64_t address = env.publish();
    if (group.sync(address)) {
      RL_ASSERT(env.covered() >= address);
      RL_ASSERT(group.durable() >= address);
      RL_ASSERT(env.told() >= address);
    } else {
      RL_ASSERT(Failing && env.failed());
    }
  }

  void hold_turns() {
    const SyncEnv::Point point = env.published();
    if (group.sync_only(point)) {
      RL_ASSERT(env.covered() >= point.address && group.durable() >= point.address && env.told() >= point.address);
    } else {
      RL_ASSERT(Failing && env.failed());
    }
    for (std::size_t turn = 0; turn < kTurns; ++turn) {
      while (!group.try_take(turn)) rl::yield(1, $);
    }
    for (std::size_t turn = 0; turn < kTurns; ++turn) {
      env.hold(turn);
      group.give_back(turn);
    }
  }
};

}  // namespace daybook::model
