// Appends to the model's log: the steps of log::Appender around the publisher, and the checks of every scenario.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "model/core.h"
#include "model/model_log.h"

namespace daybook::model {

// What one append asks for.
struct Plan {
  std::uint64_t payload = 0;
  std::uint64_t size = kSlot;
  std::int64_t clock = 0;
  std::uint32_t streams = 0;
  std::array<std::uint32_t, kStreams> stream{};
  std::array<std::uint64_t, kStreams> expected{};
  format::FrameKind kind = format::FrameKind::events;
  std::uint32_t forbidden = 0;  // conditional: no event before it in the log may be of this stream

  // Any or an exact version, of one stream or both.
  static Plan random(std::uint64_t payload, std::uint64_t slots) {
    Plan plan{.payload = payload, .size = slots * kSlot, .clock = static_cast<std::int64_t>(10 + rl::rand(3))};
    const unsigned which = rl::rand(3);
    if (which != 1) plan.add(0);
    if (which != 0) plan.add(1);
    return plan;
  }

  // To one stream, if there is no event of one of the streams yet.
  static Plan conditional(std::uint64_t payload) {
    Plan plan{.payload = payload,
              .clock = static_cast<std::int64_t>(10 + rl::rand(3)),
              .kind = format::FrameKind::conditional,
              .forbidden = rl::rand(kStreams)};
    plan.add(rl::rand(kStreams));
    return plan;
  }

  // To one stream.
  static Plan simple(std::uint64_t payload, std::uint64_t expected = Frame::kAny) {
    Plan plan{.payload = payload, .clock = 10};
    plan.add(0, expected);
    return plan;
  }

 private:
  void add(std::uint32_t id) {
    const unsigned choice = rl::rand(4);
    add(id, choice < 2 ? Frame::kAny : version_at_open(id) + (choice - 2) * events_of(id));
  }
  void add(std::uint32_t id, std::uint64_t version) {
    stream[streams] = id;
    expected[streams++] = version;
  }
};

template <typename Core>
class Appender {
  using Env = model::Env<Core>;
  using Segment = model::Segment<Core>;
  using Word = format::Word;
  using FrameState = format::FrameState;

 public:
  explicit Appender(Log<Core>& log) : log_(log), publisher_(log) {}

  void append(const Plan& plan) {
    std::array<Head*, kStreams> heads{};
    if (Core::kLoadFirst) find_heads(plan, heads);

    Segment* segment = nullptr;
    const std::uint64_t offset = claim(plan.size, segment);
    fill(*segment, offset, plan);
    if (!Core::kLoadFirst) find_heads(plan, heads);
    publisher_.publish_through(*segment, offset, heads.data());
    check_outcome(*segment, offset);
    segment->claims().leave();
  }

 private:
  void find_heads(const Plan& plan, std::array<Head*, kStreams>& heads) {
    for (std::uint32_t i = 0; i < plan.streams; ++i) heads[i] = log_.heads.find_loaded(plan.stream[i]);
  }

  std::uint64_t claim(std::uint64_t size, Segment*& segment) {
    for (;;) {
      segment = A::load(log_.active, A::seq_cst);
      auto& claims = segment->claims();
      if (!claims.full()) {
        const segment::Claim claim = claims.claim(size);
        if (claim.kind == segment::Claim::Kind::owned) return claim.offset;
        if (claim.kind == segment::Claim::Kind::padder) segment->pad(claim.offset);
        claims.leave();
      }
      Segment* const next = A::load(segment->next, A::acquire);
      RL_ASSERT(next != nullptr);
      Segment* expected = segment;
      A::cas(log_.active, expected, next, A::seq_cst);
    }
  }

  static void fill(Segment& segment, std::uint64_t offset, const Plan& plan) {
    const auto view = segment.frame(offset);
    Frame& frame = segment.at(offset);
    std::size_t events = 0;
    for (std::uint32_t i = 0; i < plan.streams; ++i) {
      frame.stream[i]($) = plan.stream[i];
      frame.expected[i]($) = plan.expected[i];
      events += events_of(plan.stream[i]);
    }
    frame.payload($) = plan.payload;
    frame.own_clock($) = plan.clock;
    frame.forbidden($) = plan.forbidden;
    A::store(view.recorded_at(), plan.clock, A::relaxed);
    A::store(view.word(), Word::events(FrameState::filled, plan.size, events, plan.streams, plan.kind).bits,
             Core::kFilled);
  }

  // As Appender::read_outcome() does: what was decided is seen by whoever sees the word.
  static void check_outcome(Segment& segment, std::uint64_t offset) {
    const auto frame = segment.frame(offset);
    const Word word{A::load(frame.word(), A::acquire)};
    RL_ASSERT(word.decided());
    const std::uint64_t position = A::load(frame.position(), A::relaxed);
    const std::int64_t time = A::load(frame.recorded_at(), A::relaxed);
    RL_ASSERT(A::load(segment.at(offset).check, A::relaxed) ==
              decision_check(segment.at(offset), word, position, time));
  }

  Log<Core>& log_;
  typename Core::template Publisher<Env> publisher_;
};

// Follows the words from the start and checks what it sees; returns at the first frame that is not decided.
// The number of events seen.
template <typename Core>
std::uint64_t read_prefix(Segment<Core>& first) {
  std::uint64_t seen = 0;
  std::int64_t time = 0;
  for (Segment<Core>* segment = &first; segment != nullptr; segment = A::load(segment->next, A::acquire)) {
    for (std::uint64_t offset = kDataStart; offset < segment->data_end();) {
      const Frame& frame = segment->at(offset);
      const format::Word word{A::load(frame.word, A::acquire)};
      if (!word.decided()) return seen;
      offset += word.size();
      if (!word.has_events()) continue;
      RL_ASSERT(static_cast<std::uint64_t>(frame.payload($)) != 0);
      const std::uint64_t position = A::load(frame.position, A::relaxed);
      const std::int64_t recorded_at = A::load(frame.recorded_at, A::relaxed);
      RL_ASSERT(A::load(frame.check, A::relaxed) == decision_check(frame, word, position, recorded_at));
      if (word.state() != format::FrameState::published) continue;
      RL_ASSERT(position == seen + 1);
      RL_ASSERT(recorded_at >= time);
      time = recorded_at;
      seen += word.event_count();
    }
  }
  return seen;
}

// When all is done: every frame is as a sequential fold over the frames in claim order makes it, and so are the heads.
template <typename Core>
class Fold {
 public:
  // `plans` by payload, from 1.
  void check(Log<Core>& log, Segment<Core>& first, std::span<const Plan> plans) {
    Segment<Core>* const last = A::load(log.publishing, A::seq_cst);
    for (Segment<Core>* segment = &first;; segment = A::load(segment->next, A::acquire)) {
      check_segment(*segment, plans);
      if (segment == last) break;
    }
    RL_ASSERT(frames_ == plans.size());
    for (std::uint32_t i = 0; i < kStreams; ++i) {
      const std::uint64_t word = A::load(log.heads.find(i)->version, A::relaxed);
      RL_ASSERT(word == versions_[i] + 1 || (word == 0 && versions_[i] == version_at_open(i)));
      RL_ASSERT(A::load(log.heads.find(i)->last_position, A::relaxed) == last_[i]);
    }
    RL_ASSERT(A::load(log.clock, A::relaxed) == clock_);
  }

 private:
  void check_segment(Segment<Core>& segment, std::span<const Plan> plans) {
    const segment::Mark mark = segment.claims().mark();
    RL_ASSERT(A::load(segment.base, A::relaxed) == position_);
    RL_ASSERT(segment.number() == 1 || A::load(segment.base_written, A::relaxed) == position_);
    RL_ASSERT(mark.offset == std::min(segment.claims().claimed(), segment.data_end()));
    const std::uint64_t before = position_;
    for (std::uint64_t offset = kDataStart; offset < mark.offset;) {
      const Frame& frame = segment.at(offset);
      const format::Word word{A::load(frame.word, A::relaxed)};
      RL_ASSERT(word.decided() && word.size() != 0);
      offset += word.size();
      if (word.kind() == format::FrameKind::pad) continue;
      const std::uint64_t payload = frame.payload($);
      RL_ASSERT(payload >= 1 && payload <= plans.size());
      check_frame(frame, word, plans[payload - 1]);
    }
    RL_ASSERT(mark.events == position_ - before);
  }

  void check_frame(const Frame& frame, format::Word word, const Plan& plan) {
    ++frames_;
    RL_ASSERT(word.size() == plan.size && word.stream_count() == plan.streams);
    bool met = true;
    for (std::uint32_t i = 0; i < plan.streams; ++i) {
      met = met && (plan.expected[i] == Frame::kAny || plan.expected[i] == versions_[plan.stream[i]]);
    }
    if (plan.kind == format::FrameKind::conditional)
      met = met && versions_[plan.forbidden] == version_at_open(plan.forbidden);
    RL_ASSERT(word.state() == (met ? format::FrameState::published : format::FrameState::rejected));
    const std::uint64_t position = A::load(frame.position, A::relaxed);
    const std::int64_t recorded_at = A::load(frame.recorded_at, A::relaxed);
    RL_ASSERT(A::load(frame.check, A::relaxed) == decision_check(frame, word, position, recorded_at));
    for (std::uint32_t i = 0; i < plan.streams; ++i) {
      const std::uint64_t assigned = A::load(frame.assigned[i], A::relaxed);
      RL_ASSERT(assigned == (met ? versions_[plan.stream[i]] + 1 : 0));
    }
    if (!met) return;
    RL_ASSERT(position == position_ + 1);
    clock_ = std::max(clock_, plan.clock);
    RL_ASSERT(recorded_at == clock_);
    for (std::uint32_t i = 0; i < plan.streams; ++i) {
      position_ += events_of(plan.stream[i]);
      versions_[plan.stream[i]] += events_of(plan.stream[i]);
      last_[plan.stream[i]] = position_;
    }
  }

  std::uint64_t position_ = 0;
  std::array<std::uint64_t, kStreams> versions_{version_at_open(0), version_at_open(1)};
  std::array<std::uint64_t, kStreams> last_{};
  std::int64_t clock_ = 0;
  std::size_t frames_ = 0;
};

}  // namespace daybook::model
