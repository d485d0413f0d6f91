// A small log in relacy's memory: what log::Publisher and segment::Claims see of segments, frames and heads. Plain data
// of a frame is rl::var, so that reading it without synchronisation is found; what several threads write is rl::atomic.
//
// `Core` says which code is under test (core.h): the real templates, or mutants of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <daybook/types.h>

#include "format/frame.h"
#include "segment/claims.h"

#include "model/relacy_atomics.h"

namespace daybook::model {

inline constexpr std::uint32_t kStreams = 2;
inline constexpr std::uint64_t kSlot = 8;  // bytes: the smallest frame
inline constexpr std::uint64_t kDataStart = 8;

using A = RelacyAtomics;

// Events of a frame in each stream: different, so that nobody mixes them up.
constexpr std::uint64_t events_of(std::uint32_t stream) { return stream + 1; }

struct Head {
  rl::atomic<std::uint64_t> version{0};  // + 1; 0 = unknown
  rl::atomic<std::uint64_t> last_position{0};
};

struct Frame {
  rl::atomic<std::uint64_t> word{0};
  rl::atomic<std::uint64_t> position{0};
  rl::atomic<std::int64_t> recorded_at{0};
  rl::atomic<std::uint64_t> check{0};
  std::array<rl::atomic<std::uint64_t>, kStreams> assigned;
  std::array<rl::var<std::uint32_t>, kStreams> stream;
  std::array<rl::var<std::uint64_t>, kStreams> expected;  // kAny, or a version
  rl::var<std::uint64_t> payload;
  rl::var<std::int64_t> own_clock;
  rl::var<std::uint32_t> forbidden;  // of a conditional frame: no event before it may be of this stream

  static constexpr std::uint64_t kAny = 99;

  Frame() {
    for (auto& version : assigned) A::store(version, 0, A::relaxed);
  }

  [[nodiscard]] Expect expect(std::uint32_t index) const {
    const std::uint64_t version = expected[index]($);
    return version == kAny ? Expect::any() : Expect::exactly(version);
  }
};

// Something that changes when any of a decision's fields does.
inline std::uint64_t decision_check(const Frame& frame, format::Word word, std::uint64_t position, std::int64_t time) {
  std::uint64_t hash = word.bits * 31 + position;
  hash = hash * 31 + static_cast<std::uint64_t>(time);
  for (std::uint32_t i = 0; i < word.stream_count(); ++i) hash = hash * 31 + A::load(frame.assigned[i], A::relaxed);
  return hash;
}

// Each access by an appender says so first: the segment must not have been retired.
template <typename Segment>
class FrameView {
 public:
  FrameView(Segment& segment, Frame& frame) : segment_(&segment), frame_(&frame) {}

  [[nodiscard]] rl::atomic<std::uint64_t>& word() const { return touch().word; }
  [[nodiscard]] rl::atomic<std::uint64_t>& position() const { return touch().position; }
  [[nodiscard]] rl::atomic<std::int64_t>& recorded_at() const { return touch().recorded_at; }
  [[nodiscard]] rl::atomic<std::uint64_t>& assigned(std::uint32_t index) const { return touch().assigned[index]; }
  [[nodiscard]] Expect expect(std::uint32_t, std::uint32_t index) const { return touch().expect(index); }
  [[nodiscard]] std::uint64_t event_count(std::uint32_t, std::uint32_t index) const {
    return events_of(touch().stream[index]($));
  }
  [[nodiscard]] const Frame& header() const { return touch(); }
  void store_checksum(std::uint64_t, std::uint64_t, format::Word decided, std::uint64_t position,
                      std::int64_t time) const {
    A::store(touch().check, decision_check(*frame_, decided, position, time), A::relaxed);
  }

 private:
  Frame& touch() const {
    segment_->touch();
    return *frame_;
  }

  Segment* segment_;
  Frame* frame_;
};

template <typename Core>
class Segment {
 public:
  using Claims = typename Core::template Claims<A>;

  explicit Segment(std::uint64_t number = 1) : number_(number), claims_(kDataStart, data_end(), 0), writable_(1) {}

  static constexpr std::uint64_t data_end() { return kDataStart + kSlot * Core::kSlots; }

  [[nodiscard]] Claims& claims() { return claims_; }
  [[nodiscard]] const Claims& claims() const { return claims_; }
  [[nodiscard]] FrameView<Segment> frame(std::uint64_t offset) { return {*this, at(offset)}; }
  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] static std::uint64_t salt() { return 1; }

  // As readers see it: they need no right to write.
  [[nodiscard]] Frame& at(std::uint64_t offset) {
    RL_ASSERT(offset >= kDataStart && offset < data_end() && offset % kSlot == 0);
    return frames_[(offset - kDataStart) / kSlot];
  }

  void pad(std::uint64_t offset) {
    touch();
    A::store(at(offset).word, format::Word::pad(data_end() - offset, offset, salt()).bits, A::release);
  }

  // What takes the right to write away must happen after every access that needs it.
  void touch() { RL_ASSERT(writable_($) == 1); }
  void retire() { writable_($) = 0; }

  rl::atomic<Segment*> next{nullptr};
  rl::atomic<std::uint64_t> base{0};
  rl::atomic<std::uint64_t> base_written{0};

 private:
  const std::uint64_t number_;
  Claims claims_;
  std::array<Frame, Core::kSlots> frames_;
  rl::var<std::uint32_t> writable_;
};

template <typename Core>
struct Log {
  using Segment = model::Segment<Core>;

  rl::atomic<Segment*> publishing{nullptr};
  rl::atomic<Segment*> active{nullptr};
  rl::atomic<std::int64_t> clock{0};
  typename Core::Heads heads;
};

// What a stream was when the log was opened: the first had events before this session, the second is new.
constexpr std::uint64_t version_at_open(std::uint32_t stream) { return stream == 0 ? 1 : 0; }

// The heads of all streams: log::StreamTable without the hash table.
class Heads {
 public:
  // As the owner of a frame does before its claim.
  Head* find_loaded(std::uint32_t stream) {
    Head* const head = find(stream);
    if (!known(head)) load(head, version_at_open(stream));
    return head;
  }

  Head* find(const Frame& frame, std::uint32_t, std::uint32_t index) { return &heads_[frame.stream[index]($)]; }
  Head* find(std::uint32_t stream) { return &heads_[stream]; }

  [[nodiscard]] static bool known(Head* head) { return A::load(head->version, A::acquire) != 0; }
  [[nodiscard]] static std::uint64_t version(Head* head) { return known_version(A::load(head->version, A::acquire)); }

  void load(Head* head, std::uint64_t version) {
    std::uint64_t unknown = 0;
    A::cas(head->version, unknown, version + 1, A::acq_rel);
  }

  void advance(Head* head, std::uint64_t from, std::uint64_t to, std::uint64_t last) {
    raise_last_position(head, last);
    std::uint64_t word = from + 1;
    A::cas(head->version, word, to + 1, A::acq_rel);
  }

 protected:
  static std::uint64_t known_version(std::uint64_t word) {
    RL_ASSERT(word != 0);
    return word - 1;
  }
  static void raise_last_position(Head* head, std::uint64_t last) {
    std::uint64_t now = A::load(head->last_position, A::relaxed);
    while (now < last && !A::cas(head->last_position, now, last, A::relaxed)) {
    }
  }

 private:
  std::array<Head, kStreams> heads_;
};

template <typename Core>
struct Env {
  using Atomics = A;
  using Segment = model::Segment<Core>;
  using Log = model::Log<Core>;
  using Head = model::Head;
  enum class Step {
    leased,
    looked,
    read_heads,
    looked_again,
    recorded,
    moved_heads,
    described,
    decided,
    marked,
    entering,
  };

  static constexpr std::size_t kStreamsMax = kStreams;
  static constexpr std::uint32_t kPatience = 2;

  static void step(Step) {}
  // As log::find_refusal(), looking from the start of the segment on.
  static std::optional<format::Refusal> refusal(Segment& segment, std::uint64_t offset) {
    const std::uint32_t forbidden = segment.at(offset).forbidden($);
    const std::uint64_t end = Core::kLooksBehindTheMark ? Segment::data_end() : offset;
    for (std::uint64_t at = kDataStart; at < end;) {
      const Frame& frame = segment.at(at);
      const format::Word word{A::load(frame.word, A::acquire)};
      if (Core::kLooksBehindTheMark && !word.decided()) break;
      RL_ASSERT(word.decided());
      for (std::uint32_t i = 0; word.state() == format::FrameState::published && i < word.stream_count(); ++i) {
        if (at != offset && frame.stream[i]($) == forbidden) {
          return format::Refusal{format::Refusal::Reason::condition, 0, A::load(frame.position, A::relaxed)};
        }
      }
      at += word.size();
    }
    return std::nullopt;
  }

  static void describe_base(Segment& segment, std::uint64_t base) {
    segment.touch();
    A::store(segment.base_written, base, A::relaxed);
  }
  static void pause(std::uint32_t) { rl::yield(1, $); }
};

}  // namespace daybook::model
