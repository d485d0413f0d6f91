// Each of these breaks one thing that group sync stands on.
#include <gtest/gtest.h>

#include <mutants/group_sync.h>

#include "model/exploration.h"
#include "model/group_sync_scenario.h"

namespace daybook::model {
namespace {

constexpr std::uint64_t kEnough = 3'000'000;

template <template <typename> typename Mutant>
struct SyncCore {
  template <typename Env>
  using GroupSync = Mutant<Env>;
};

template <template <typename> typename Mutant>
using Waiters = Sync<SyncCore<Mutant>, 4, 0, false>;
template <template <typename> typename Mutant>
using WaitersAndSealer = Sync<SyncCore<Mutant>, 2, 1, false>;

TEST(GroupSyncMutants, PointTakenBehindTheSync) { caught_in_random<Waiters<log::point_late::GroupSync>>(kEnough); }
TEST(GroupSyncMutants, DurableBeforeAnybodyIsTold) { caught_in_random<Waiters<log::told_late::GroupSync>>(kEnough); }
TEST(GroupSyncMutants, CountedBeforeGivenBack) { caught_in_random<Waiters<log::counted_early::GroupSync>>(kEnough); }
TEST(GroupSyncMutants, WokenWithoutCount) { caught_in_random<Waiters<log::not_counted::GroupSync>>(kEnough); }
TEST(GroupSyncMutants, WokenBeforeTheCount) { caught_in_random<Waiters<log::woken_early::GroupSync>>(kEnough); }
TEST(GroupSyncMutants, NotWoken) { caught_in_random<Waiters<log::not_woken::GroupSync>>(kEnough); }
TEST(GroupSyncMutants, TurnsReadBehindTheLook) { caught_in_random<Waiters<log::seen_late::GroupSync>>(kEnough); }
TEST(GroupSyncMutants, TurnGivenBackRelaxed) {
  caught_in_random<WaitersAndSealer<log::give_back_relaxed::GroupSync>>(kEnough);
}
TEST(GroupSyncMutants, DurableMovedByAStore) { caught_in_random<Waiters<log::durable_by_store::GroupSync>>(kEnough); }
TEST(GroupSyncMutants, DurableReadRelaxed) { caught_in_random<Waiters<log::durable_load_relaxed::GroupSync>>(kEnough); }
TEST(GroupSyncMutants, FailureTakenForSuccess) {
  caught_in_random<Sync<SyncCore<log::failure_raises::GroupSync>, 3, 0, true>>(kEnough);
}

}  // namespace
}  // namespace daybook::model
