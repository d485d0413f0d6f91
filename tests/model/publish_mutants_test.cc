// Each of these breaks one order that the proof of the append protocol stands on; the model must find a schedule in
// which it shows.
//
// Not among them, because they change nothing that anybody can see: a word decided by a store instead of a CAS (all
// helpers decide the same), the second look before the frame's fields instead of behind them, and each stream's head
// moved as soon as that stream is recorded.
#include <gtest/gtest.h>

#include <mutants/claims.h>
#include <mutants/publisher.h>

#include "model/core.h"
#include "model/exploration.h"
#include "model/publish_scenarios.h"

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

TEST(PublishMutants, FieldsBeforeHeads) {
  caught_in_random<Publish<PublisherCore<log::field_first::Publisher>, 3, 0>>(kEnough);
}
TEST(PublishMutants, NoSecondLookAtTheWord) {
  caught_in_random<Publish<PublisherCore<log::no_recheck::Publisher>, 3, 0>>(kEnough);
}
TEST(PublishMutants, ClockBehindTheSecondLook) {
  caught_in_random<Publish<PublisherCore<log::clock_late::Publisher>, 3, 0>>(kEnough);
}
TEST(PublishMutants, HeadsMoveBeforeTheRecord) {
  caught_in_random<Publish<PublisherCore<log::record_late::Publisher>, 3, 0>>(kEnough);
}
TEST(PublishMutants, PublishedWordRelaxed) {
  caught_in_random<Publish<PublisherCore<log::publish_relaxed::Publisher>, 2, 1>>(kEnough);
}
TEST(PublishMutants, FilledWordReadRelaxed) {
  caught_in_random<Publish<PublisherCore<log::look_relaxed::Publisher>, 2, 0>>(kEnough);
}

struct FilledRelaxed : RealCore {
  static constexpr auto kFilled = A::relaxed;
};
TEST(PublishMutants, FilledWordStoredRelaxed) { caught_in_random<Publish<FilledRelaxed, 2, 0>>(kEnough); }

struct StoredHeads : Heads {
  void advance(Head* head, std::uint64_t, std::uint64_t to, std::uint64_t last) {
    raise_last_position(head, last);
    A::store(head->version, to + 1, A::release);
  }
};
struct HeadsByStore : RealCore {
  using Heads = StoredHeads;
};
TEST(PublishMutants, HeadMovedByAStore) { caught_in_random<Publish<HeadsByStore, 3, 0>>(kEnough); }

struct ForcedHeads : Heads {
  void advance(Head* head, std::uint64_t, std::uint64_t to, std::uint64_t last) {
    raise_last_position(head, last);
    std::uint64_t now = A::load(head->version, A::relaxed);
    while (!A::cas(head->version, now, to + 1, A::acq_rel)) {
    }
  }
};
struct HeadsByAnyCas : RealCore {
  using Heads = ForcedHeads;
};
TEST(PublishMutants, HeadMovedFromAnyVersion) { caught_in_random<Publish<HeadsByAnyCas, 3, 0>>(kEnough); }

struct HeadsReadRelaxed : Heads {
  [[nodiscard]] static std::uint64_t version(Head* head) { return known_version(A::load(head->version, A::relaxed)); }
};
struct HeadsRelaxedLoad : RealCore {
  using Heads = HeadsReadRelaxed;
};
TEST(PublishMutants, HeadReadRelaxed) { caught_in_random<Publish<HeadsRelaxedLoad, 3, 0>>(kEnough); }

struct HeadsMovedRelaxed : Heads {
  void advance(Head* head, std::uint64_t from, std::uint64_t to, std::uint64_t last) {
    raise_last_position(head, last);
    std::uint64_t word = from + 1;
    A::cas(head->version, word, to + 1, A::relaxed);
  }
};
struct HeadsRelaxedCas : RealCore {
  using Heads = HeadsMovedRelaxed;
};
TEST(PublishMutants, HeadMovedRelaxed) { caught_in_random<Publish<HeadsRelaxedCas, 3, 0>>(kEnough); }

struct LoadedByStore : Heads {
  Head* find_loaded(std::uint32_t stream) {
    Head* const head = find(stream);
    if (!known(head)) A::store(head->version, version_at_open(stream) + 1, A::release);
    return head;
  }
};
struct LoadByStore : RealCore {
  using Heads = LoadedByStore;
};
TEST(PublishMutants, HeadLoadedByAStore) { caught_in_random<Publish<LoadByStore, 2, 0>>(kEnough); }

struct LoadBehindClaim : RealCore {
  static constexpr bool kLoadFirst = false;
};
TEST(PublishMutants, HeadLoadedBehindTheClaim) { caught_in_random<Publish<LoadBehindClaim, 2, 0>>(kEnough); }

struct LooksBehind : RealCore {
  static constexpr bool kLooksBehindTheMark = true;
};
TEST(PublishMutants, ConditionCheckedBehindTheMark) { caught_in_random<Conditional<LooksBehind, 3>>(kEnough); }

TEST(PublishMutants, MarkMovedByAStore) {
  caught_in_random<Publish<ClaimsCore<segment::mark_by_store::Claims>, 3, 0>>(kEnough);
}
TEST(PublishMutants, MarkMovedRelaxed) {
  caught_in_random<Publish<ClaimsCore<segment::mark_relaxed::Claims>, 3, 0>>(kEnough);
}
TEST(PublishMutants, MarkReadRelaxed) {
  caught_in_random<Publish<ClaimsCore<segment::mark_load_relaxed::Claims>, 3, 0>>(kEnough);
}

}  // namespace
}  // namespace daybook::model
