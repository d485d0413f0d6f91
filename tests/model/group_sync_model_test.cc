#include <gtest/gtest.h>

#include "model/exploration.h"
#include "model/group_sync_scenario.h"

namespace daybook::model {
namespace {

TEST(GroupSync, ThreeWaiters) { holds_in_random<Sync<RealSync, 3, 0, false>>(200'000); }
TEST(GroupSync, FourWaiters) { holds_in_random<Sync<RealSync, 4, 0, false>>(100'000); }
TEST(GroupSync, TwoWaitersAndASealer) { holds_in_random<Sync<RealSync, 2, 1, false>>(150'000); }
TEST(GroupSync, AFailureReachesEverybody) { holds_in_random<Sync<RealSync, 3, 0, true>>(150'000); }

}  // namespace
}  // namespace daybook::model
