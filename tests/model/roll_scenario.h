// Several small segments: padding, entering the next one, and retiring what everybody has left.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "model/core.h"
#include "model/model_appender.h"

namespace daybook::model {

// The first appender appends two frames, the others one each. A thread more takes the right to write away from segments
// that are ready for it, as log::Sealer does, but in any order: whoever touches one of those afterwards, or at the same
// time, fails.
//
// Segments have room for `Slots` of the smallest frame. With one, every frame fills its segment, so that threads meet at
// the borders all the time; with two, frames are of both sizes and segments may end in a pad.
template <typename Core, int Appenders, std::size_t Slots>
struct Roll : rl::test_suite<Roll<Core, Appenders, Slots>, Appenders + 1> {
  struct Small : Core {
    static constexpr std::size_t kSlots = Slots;
  };
  static constexpr std::size_t kSegments = Appenders + 1;

  std::array<Segment<Small>, kSegments> segments = make(std::make_index_sequence<kSegments>());
  Log<Small> log;
  std::array<Plan, Appenders + 1> plans;
  rl::atomic<std::uint32_t> done{0};

  void before() {
    for (std::size_t i = 0; i + 1 < kSegments; ++i) A::store(segments[i].next, &segments[i + 1], A::release);
    A::store(log.publishing, &segments[0], A::seq_cst);
    A::store(log.active, &segments[0], A::seq_cst);
    for (std::uint64_t i = 0; i < plans.size(); ++i) {
      plans[i] = Slots == 1 ? Plan::simple(i + 1) : Plan::random(i + 1, 1 + rl::rand(2));
    }
  }

  void thread(unsigned index) {
    if (index == Appenders) return retire();
    Appender<Small> appender(log);
    appender.append(plans[index]);
    if (index == 0) appender.append(plans[Appenders]);
    A::add(done, 1u, A::relaxed);
  }

  void after() { Fold<Small>().check(log, segments[0], plans); }

 private:
  template <std::size_t... I>
  static std::array<Segment<Small>, kSegments> make(std::index_sequence<I...>) {
    return {Segment<Small>(I + 1)...};
  }

  void retire() {
    std::array<bool, kSegments> retired{};
    for (bool last = false; !last;) {
      last = A::load(done, A::relaxed) == Appenders;
      for (std::size_t i = 0; i + 1 < kSegments; ++i) {
        if (retired[i] || !ready(segments[i])) continue;
        segments[i].retire();
        retired[i] = true;
      }
      rl::yield(1, $);
    }
  }

  // As Sealer::ready().
  [[nodiscard]] bool ready(const Segment<Small>& segment) const {
    return A::load(log.publishing, A::seq_cst)->number() > segment.number() &&
           A::load(log.active, A::seq_cst)->number() > segment.number() && segment.claims().quiescent();
  }
};

}  // namespace daybook::model
