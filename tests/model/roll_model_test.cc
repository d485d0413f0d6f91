#include <gtest/gtest.h>

#include "model/core.h"
#include "model/exploration.h"
#include "model/roll_scenario.h"

namespace daybook::model {
namespace {

TEST(Roll, TwoAppendersAndPads) { holds_in_random<Roll<RealCore, 2, 2>>(100'000); }
TEST(Roll, ThreeAppendersAndPads) { holds_in_random<Roll<RealCore, 3, 2>>(50'000); }
TEST(Roll, TwoAppendersFullSegments) { holds_in_random<Roll<RealCore, 2, 1>>(200'000); }
TEST(Roll, ThreeAppendersFullSegments) { holds_in_random<Roll<RealCore, 3, 1>>(100'000); }

}  // namespace
}  // namespace daybook::model
