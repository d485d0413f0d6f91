// Each of these breaks one thing that rolling over and retiring segments stand on.
#include <gtest/gtest.h>

#include <mutants/claims.h>
#include <mutants/publisher.h>

#include "model/core.h"
#include "model/exploration.h"
#include "model/roll_scenario.h"

namespace daybook::model {
namespace {

constexpr std::uint64_t kEnough = 3'000'000;

template <template <typename> typename Mutant>
struct PublisherCore : RealCore {
  template <typename Env>
  using Publisher = Mutant<Env>;
};

template <template <typename> typename Mutant>
struct ClaimsCore : RealCore {
  template <typename Policy>
  using Claims = Mutant<Policy>;
};

TEST(RollMutants, BaseStoredBehindTheEntry) {
  caught_in_random<Roll<PublisherCore<log::base_late::Publisher>, 2, 1>>(kEnough);
}
TEST(RollMutants, NextEnteredUncounted) {
  caught_in_random<Roll<PublisherCore<log::enter_next_uncounted::Publisher>, 3, 1>>(kEnough);
}
TEST(RollMutants, HelpersUncounted) {
  caught_in_random<Roll<PublisherCore<log::helper_uncounted::Publisher>, 3, 1>>(kEnough);
}
TEST(RollMutants, NoSecondLookAtPublishing) {
  caught_in_random<Roll<PublisherCore<log::no_second_look::Publisher>, 3, 1>>(kEnough);
}
TEST(RollMutants, EnterRelaxed) { caught_in_random<Roll<ClaimsCore<segment::enter_relaxed::Claims>, 3, 1>>(kEnough); }
TEST(RollMutants, QuiescentRelaxed) {
  caught_in_random<Roll<ClaimsCore<segment::quiescent_relaxed::Claims>, 2, 1>>(kEnough);
}
TEST(RollMutants, QuiescentTailRelaxed) {
  caught_in_random<Roll<ClaimsCore<segment::quiescent_tail_relaxed::Claims>, 3, 1>>(kEnough);
}
TEST(RollMutants, QuiescentDeparturesRelaxed) {
  caught_in_random<Roll<ClaimsCore<segment::quiescent_departures_relaxed::Claims>, 2, 1>>(kEnough);
}
TEST(RollMutants, QuiescentCountsEntriesFirst) {
  caught_in_random<Roll<ClaimsCore<segment::quiescent_tail_first::Claims>, 3, 1>>(kEnough);
}
TEST(RollMutants, LeaveRelaxed) { caught_in_random<Roll<ClaimsCore<segment::leave_relaxed::Claims>, 2, 1>>(kEnough); }
TEST(RollMutants, NobodyPads) { caught_in_random<Roll<ClaimsCore<segment::pad_forgotten::Claims>, 2, 2>>(kEnough); }

}  // namespace
}  // namespace daybook::model
