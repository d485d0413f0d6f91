// One segment: claim, fill, publish and help.
#pragma once

#include <array>
#include <cstdint>

#include "model/core.h"
#include "model/model_appender.h"

namespace daybook::model {

// Each appender appends one frame; with `Readers` = 1 a thread more follows the words.
template <typename Core, int Appenders, int Readers>
struct Publish : rl::test_suite<Publish<Core, Appenders, Readers>, Appenders + Readers> {
  Segment<Core> segment;
  Log<Core> log;
  std::array<Plan, Appenders> plans;

  void before() {
    A::store(log.publishing, &segment, A::seq_cst);
    A::store(log.active, &segment, A::seq_cst);
    for (std::uint64_t i = 0; i < Appenders; ++i) plans[i] = Plan::random(i + 1, 1);
  }

  void thread(unsigned index) {
    if (index < Appenders) {
      Appender<Core>(log).append(plans[index]);
      return;
    }
    std::uint64_t seen = 0;
    for (int look = 0; look < 3; ++look) {
      const std::uint64_t now = read_prefix(segment);
      RL_ASSERT(now >= seen);
      seen = now;
      rl::yield(1, $);
    }
  }

  void after() { Fold<Core>().check(log, segment, plans); }
};

// Each appender appends one frame under a condition that frames of the others may violate.
template <typename Core, int Appenders>
struct Conditional : rl::test_suite<Conditional<Core, Appenders>, Appenders> {
  Segment<Core> segment;
  Log<Core> log;
  std::array<Plan, Appenders> plans;

  void before() {
    A::store(log.publishing, &segment, A::seq_cst);
    A::store(log.active, &segment, A::seq_cst);
    for (std::uint64_t i = 0; i < Appenders; ++i) plans[i] = Plan::conditional(i + 1);
  }
  void thread(unsigned index) { Appender<Core>(log).append(plans[index]); }
  void after() { Fold<Core>().check(log, segment, plans); }
};

// Each appender appends one frame to the same stream, and expects it to be as it was at open. No choices but of threads and
// values, so that a search of all schedules comes to an end.
template <typename Core, int Appenders>
struct Race : rl::test_suite<Race<Core, Appenders>, Appenders> {
  Segment<Core> segment;
  Log<Core> log;
  std::array<Plan, Appenders> plans;

  void before() {
    A::store(log.publishing, &segment, A::seq_cst);
    A::store(log.active, &segment, A::seq_cst);
    for (std::uint64_t i = 0; i < Appenders; ++i) plans[i] = Plan::simple(i + 1, version_at_open(0));
  }
  void thread(unsigned index) { Appender<Core>(log).append(plans[index]); }
  void after() { Fold<Core>().check(log, segment, plans); }
};

}  // namespace daybook::model
