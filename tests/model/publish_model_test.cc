#include <gtest/gtest.h>

#include "model/core.h"
#include "model/exploration.h"
#include "model/publish_scenarios.h"

namespace daybook::model {
namespace {

TEST(Publish, TwoAppendersAndAReader) { holds_in_random<Publish<RealCore, 2, 1>>(200'000); }
TEST(Publish, ThreeAppenders) { holds_in_random<Publish<RealCore, 3, 0>>(250'000); }
TEST(Publish, ThreeConditionalAppenders) { holds_in_random<Conditional<RealCore, 3>>(150'000); }
TEST(Publish, TwoAppendersAllForcedSwitches) { holds_in_bound<Race<RealCore, 2>>(2); }

}  // namespace
}  // namespace daybook::model
