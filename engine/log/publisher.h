// Publishing: a deterministic fold over the log that any thread may carry out for any frame. Doing a step twice changes
// nothing, so nobody ever waits for a thread that is stuck in it; the only thing that holds publishing up is a frame
// that was claimed and is not filled yet.
//
// Invariants. A frame at the mark is decided from (i) itself and (ii) the heads of its streams and the clock as they are
// after all frames before it; frames before it are decided, and what they decided is in the heads, before the mark
// reaches it.
//
// (a) A helper reads the heads and the clock first, then the frame's recorded fields, then the frame's word again; and
//     decides only if the word is still `filled`. A head that was moved by a later frame therefore goes with a word that
//     is decided; a head that was moved for this very frame goes with a recorded field, which wins over the head.
// (b) The decision is recorded in the frame (`assigned`, CAS from 0), for every stream of it, before any head moves.
// (c) A head moves only by CAS from the version before this frame to the one after it, and versions only grow; so a late
//     helper of an old frame changes nothing.
// (d) Position and versions are plain functions of the mark and of what is recorded, and recorded-at is
//     max(clock, own field), which gives the same again when either already holds the result. So late helpers rewrite
//     the same bytes.
// (e) The word goes from `filled` to a decided state once, by CAS, after everything above; who loads it with acquire and
//     finds it decided sees the whole decision.
// (f) A frame is refused by a pure function of (i) and (ii); nothing of it is recorded but what was refused.
// (g) The heads of a frame are loaded before it is claimed: stream_table.h (5). So (a) never meets an unknown one.
// (h) A conditional frame is refused by (iii), too: the frames below the mark, from where its appender had looked before
//     the claim. They are all decided, and what is decided never changes; so every helper, however late, finds the same,
//     and none looks at or behind the mark. Readers of the mark acquire, so they see those frames whole.
//
// What every append goes through is inlined where it is called, also in builds that would call it since conditional
// appends do so as well: 10 ns of 107.
//
// tests/model runs this code under a model checker, with each of these orders broken in turn.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "format/frame.h"
#include "segment/claims.h"

namespace daybook::log {

// `Env` gives the types: Atomics, Segment (with claims(), frame(), next and base), Log (publishing, heads, clock),
// Frame views, refusal(), which is (h), and step(), which does nothing
// outside tests.
template <typename Env>
class Publisher {
  using A = typename Env::Atomics;
  using Segment = typename Env::Segment;
  using Log = typename Env::Log;
  using Head = typename Env::Head;
  using Word = format::Word;
  using FrameState = format::FrameState;
  using FrameKind = format::FrameKind;
  using Mark = segment::Mark;
  using Step = typename Env::Step;
  using Frame = decltype(std::declval<Segment&>().frame(0));

 public:
  explicit Publisher(Log& log) noexcept : log_(log) {}

  // Returns when the frame at `offset` of `own`, which the caller has filled, is decided and the mark is past it.
  // Helps whoever is in the way. `heads` are the heads of the frame's streams, as far as the caller knows them.
  // The caller has entered `own`.
  [[gnu::always_inline]] void publish_through(Segment& own, std::uint64_t offset, Head* const* heads) noexcept {
    // Nearly always the frame is the next one, and nobody else is publishing. Apart from the loop, so that what it needs
    // is in registers: 5 ns of 78. The load of `publishing` acquires the base of the segment that it has come to.
    const bool next = own.claims().mark().offset == offset && A::load(log_.publishing, A::seq_cst) == &own;
    if (next && own.claims().try_lease()) {
      Env::step(Step::leased);
      publish_one(own, offset, heads);
      own.claims().end_lease();
    }
    if (own.claims().mark().offset <= offset) publish_among_others(own, offset, heads);
  }

  // Gets publishing past the frame at `offset` of a segment that the caller has not entered. That frame must be filled.
  void help(Segment& segment, std::uint64_t offset) noexcept {
    segment.claims().enter();
    // Otherwise publishing has left it, and so passed the frame; and it may be retired: claims.h (3).
    if (A::load(log_.publishing, A::seq_cst) == &segment) publish_through(segment, offset, nullptr);
    segment.claims().leave();
  }

 private:
  [[gnu::noinline]] void publish_among_others(Segment& own, std::uint64_t offset, Head* const* heads) noexcept {
    Segment* entered = nullptr;  // an older segment that publishing has still to get through
    for (std::uint32_t round = 0; own.claims().mark().offset <= offset; ++round) {
      Segment* const at = A::load(log_.publishing, A::seq_cst);
      if (at != &own && at != entered) {
        if (entered != nullptr) entered->claims().leave();
        at->claims().enter();
        entered = at;
        continue;  // look again, now that it cannot be retired: claims.h (3)
      }
      const bool leased = at->claims().try_lease();  // NOLINT(clang-analyzer-core.CallAndMessage): never null
      bool moved = false;
      bool through = false;
      if (leased || round % kPatience == kPatience - 1) {
        Env::step(Step::leased);
        while (!through && publish_one(*at, at == &own ? offset : kNoFrame, heads)) {
          moved = true;
          through = own.claims().mark().offset > offset;
        }
      }
      if (leased) at->claims().end_lease();
      if (through || own.claims().mark().offset > offset) break;
      if (moved) round = 0;
      Env::pause(round);
    }
    if (entered != nullptr) entered->claims().leave();
  }

  static constexpr std::uint64_t kNoFrame = ~std::uint64_t{0};

  // How often a thread looks whether the holder of the lease gets on before it helps.
  static constexpr std::uint32_t kPatience = Env::kPatience;

  // One step of the fold: decides the frame at the mark, or moves the mark past it, or on to the next segment.
  // False: nothing can be done here now (not filled yet, or publishing has left the segment).
  // `known` are the heads of the frame at `known_offset`.
  [[gnu::always_inline]] bool publish_one(Segment& segment, std::uint64_t known_offset, Head* const* known) noexcept {
    const Mark mark = segment.claims().mark();
    if (mark.offset >= segment.claims().data_end()) return enter_next(segment, mark);
    const Frame frame = segment.frame(mark.offset);
    Word word{A::load(frame.word(), A::acquire)};
    Env::step(Step::looked);
    if (word.bits == 0) return false;
    if (!word.decided()) {
      Head* const* const heads = mark.offset == known_offset ? known : nullptr;
      // Nearly every frame is of one stream; the loops over streams fold away there.
      if (word.stream_count() == 1) {
        decide<1>(segment, mark, frame, word, heads);
      } else {
        decide_many(segment, mark, frame, word, heads);
      }
      word = Word{A::load(frame.word(), A::acquire)};
      if (!word.decided()) return true;  // decided by nobody yet: another look
    }
    Env::step(Step::decided);
    const bool counts = word.has_events() && word.state() == FrameState::published;
    const std::uint64_t events = counts ? word.event_count() : 0;
    segment.claims().move_mark(mark, {mark.offset + word.size(), mark.events + events});
    Env::step(Step::marked);
    return true;
  }

  bool enter_next(Segment& segment, Mark mark) noexcept {
    Segment* const next = A::load(segment.next, A::acquire);
    if (next == nullptr) return false;
    // The mark is final here, so every helper stores the same base. Entered, because `next` may be retired as soon as
    // publishing has left it: claims.h (3).
    next->claims().enter();
    Segment* expected = &segment;
    if (A::load(log_.publishing, A::seq_cst) == expected) {
      const std::uint64_t base = A::load(segment.base, A::relaxed) + mark.events;
      A::store(next->base, base, A::relaxed);
      Env::describe_base(*next, base);
      Env::step(Step::entering);
      // Releases the base; pairs with the loads of `publishing` above and in readers.
      A::cas(log_.publishing, expected, next, A::seq_cst);
    } else {
      expected = nullptr;
    }
    next->claims().leave();
    return expected == &segment;
  }

  [[gnu::noinline]] void decide_many(Segment& segment, Mark mark, const Frame& frame, Word word,
                                     Head* const* known) noexcept {
    decide<Env::kStreamsMax>(segment, mark, frame, word, known);
  }

  // A frame of at most kMax streams.
  template <std::size_t kMax>
  [[gnu::always_inline]] void decide(Segment& segment, Mark mark, const Frame& frame, Word word,
                                     Head* const* known) noexcept {
    const std::uint32_t streams = kMax == 1 ? 1 : word.stream_count();
    std::array<Head*, kMax> heads;
    std::array<std::uint64_t, kMax> before;

    // (a) The heads and the clock first ...
    for (std::uint32_t i = 0; i < streams; ++i) {
      heads[i] = known != nullptr ? known[i] : log_.heads.find(frame.header(), streams, i);
      before[i] = log_.heads.version(heads[i]);
    }
    const auto clock = A::load(log_.clock, A::acquire);
    Env::step(Step::read_heads);
    // ... the frame second: what is recorded wins ...
    for (std::uint32_t i = 0; i < streams; ++i) {
      const std::uint64_t assigned = A::load(frame.assigned(i), A::acquire);
      if (assigned != 0) before[i] = assigned - 1;
    }
    const auto recorded_at = std::max(A::load(frame.recorded_at(), A::acquire), clock);
    // ... and last its word. Acquire on the loads above keeps this one behind them.
    if (A::load(frame.word(), A::acquire) != word.bits) return;
    Env::step(Step::looked_again);

    for (std::uint32_t i = 0; i < streams; ++i) {
      if (!frame.expect(streams, i).met_by(before[i])) {
        reject(segment, mark.offset, frame, word, before[i], i);
        return;
      }
    }
    // (h)
    if (word.kind() == FrameKind::conditional) {
      if (const auto refusal = Env::refusal(segment, mark.offset)) {
        reject(segment, mark.offset, frame, word, refusal->actual, refusal->cause());
        return;
      }
    }
    // (b)
    for (std::uint32_t i = 0; i < streams; ++i) {
      std::uint64_t expected = 0;
      A::cas(frame.assigned(i), expected, before[i] + 1, A::acq_rel);
    }
    Env::step(Step::recorded);
    // (c)
    const std::uint64_t first = A::load(segment.base, A::relaxed) + mark.events + 1;
    std::uint64_t last = first - 1;
    for (std::uint32_t i = 0; i < streams; ++i) {
      const std::uint64_t events = frame.event_count(streams, i);
      if (events == 0) continue;  // only its expectation
      last += events;
      log_.heads.advance(heads[i], before[i], before[i] + events, last);
    }
    raise_clock(recorded_at);
    Env::step(Step::moved_heads);
    finish(segment, mark.offset, frame, word, word.with(FrameState::published), first, recorded_at);
  }

  [[gnu::noinline]] void reject(Segment& segment, std::uint64_t offset, const Frame& frame, Word filled,
                                std::uint64_t actual, std::int64_t cause) noexcept {
    finish(segment, offset, frame, filled, filled.with(FrameState::rejected), actual, cause);
  }

  // (d), (e). Relaxed stores: the CAS of the word releases them.
  [[gnu::always_inline]] void finish(Segment& segment, std::uint64_t offset, const Frame& frame, Word filled,
                                     Word decided, std::uint64_t position, std::int64_t recorded_at) noexcept {
    A::store(frame.position(), position, A::relaxed);
    A::store(frame.recorded_at(), recorded_at, A::relaxed);
    frame.store_checksum(segment.salt(), offset, decided, position, recorded_at);
    Env::step(Step::described);
    std::uint64_t expected = filled.bits;
    A::cas(frame.word(), expected, decided.bits, A::acq_rel);
  }

  [[gnu::always_inline]] void raise_clock(std::int64_t to) noexcept {
    auto now = A::load(log_.clock, A::relaxed);
    while (now < to && !A::cas(log_.clock, now, to, A::acq_rel)) {
    }
  }

  Log& log_;
};

}  // namespace daybook::log
