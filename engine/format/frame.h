// One frame holds one append: 1..n events that become visible together or not at all. Or padding, where an append did
// not fit at the end of a segment. Grammar and recovery rules: docs/format.md, section 3.
//
//   frame    := FrameHeader assigned{streams} content pad                        of kind events
//             | FrameHeader assigned{streams} content pad block BlockPlace       of kind conditional: condition.h
//   assigned := u64                                   version of the stream's first event in this frame; 0 = undecided
//   content  := FloorAddress StreamEntry{streams} event{events} stream_id{streams}
//   event    := EventHeader payload metadata id? type tag{tag_count} pad
//   tag      := size:u8 byte{size}
//
// Everything is aligned to 8 but the bytes of ids, types, tags and metadata; pads are zero. What is written when:
//
//   fill      content, content_crc, own clock in recorded_at, then the word (state filled)
//   publish   assigned, recorded_at, position, decision_crc, then the word (state published or rejected)
//
// The fields that publish writes may be written by several threads at once, always with the same values; so they are
// accessed as atomics, here by the readers and in log/publisher.h by the writers.
//
// Only a conditional frame may name a stream without an event for it: what is expected of that stream is checked, and
// its assigned version is the one that an event would have had.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <daybook/error.h>
#include <daybook/event.h>
#include <daybook/store.h>

#include "format/condition.h"
#include "format/layout.h"

namespace daybook::format {

enum class FrameState : std::uint8_t { empty = 0, filled = 1, published = 2, rejected = 3 };
// An unknown kind makes a frame unsupported.
enum class FrameKind : std::uint8_t { events = 1, pad = 2, conditional = 3 };

// The publish word. Zero = nothing here yet.
//
//   63      52 51      36 35         8 7    4 3     0
//   +---------+----------+------------+------+-------+
//   | streams |  events  |  size / 8  | kind | state |       kind = events or conditional
//   +---------+----------+------------+------+-------+
//   |        check       |  size / 8  | kind | state |       kind = pad: nothing but zeros behind it
//   +--------------------+------------+------+-------+
struct Word {
  std::uint64_t bits = 0;

  static constexpr std::uint64_t kStateMask = 0xf;
  static constexpr std::uint64_t kUnitsMask = (std::uint64_t{1} << 28) - 1;

  static constexpr Word events(FrameState state, std::uint64_t size, std::size_t events, std::size_t streams,
                               FrameKind kind = FrameKind::events) noexcept {
    return {static_cast<std::uint64_t>(state) | static_cast<std::uint64_t>(kind) << 4 | (size / kAlign) << 8 |
            std::uint64_t{events} << 36 | std::uint64_t{streams} << 52};
  }
  static Word pad(std::uint64_t size, std::uint64_t offset, std::uint64_t salt) noexcept;

  [[nodiscard]] constexpr FrameState state() const noexcept { return static_cast<FrameState>(bits & kStateMask); }
  [[nodiscard]] constexpr FrameKind kind() const noexcept { return static_cast<FrameKind>(bits >> 4 & 0xf); }
  // Not padding: an append, with or without conditions.
  [[nodiscard]] constexpr bool has_events() const noexcept {
    return kind() == FrameKind::events || kind() == FrameKind::conditional;
  }
  [[nodiscard]] constexpr std::uint64_t size() const noexcept { return (bits >> 8 & kUnitsMask) * kAlign; }
  [[nodiscard]] constexpr std::uint32_t event_count() const noexcept { return bits >> 36 & 0xffff; }
  [[nodiscard]] constexpr std::uint32_t stream_count() const noexcept { return static_cast<std::uint32_t>(bits >> 52); }
  [[nodiscard]] constexpr Word with(FrameState state) const noexcept {
    return {(bits & ~kStateMask) | static_cast<std::uint64_t>(state)};
  }
  [[nodiscard]] constexpr bool decided() const noexcept { return state() >= FrameState::published; }
  // One event to one stream, unconditionally.
  [[nodiscard]] constexpr bool is_single() const noexcept {
    constexpr std::uint64_t kCounts = ~(kUnitsMask << 8 | kStateMask);
    return (bits & kCounts) ==
           (static_cast<std::uint64_t>(FrameKind::events) << 4 | std::uint64_t{1} << 36 | std::uint64_t{1} << 52);
  }
  friend constexpr bool operator==(const Word&, const Word&) = default;
};

struct FrameHeader {
  std::uint64_t word;          // Word
  std::uint64_t position;      // published: of its first event; rejected: Refusal::actual
  std::int64_t recorded_at;    // published: nanoseconds since 1970; rejected: Refusal::cause()
  std::uint32_t decision_crc;  // over the final word, the two fields above, assigned, and content_crc
  std::uint32_t content_crc;   // over the content, the pad, and the word but its state
};
static_assert(sizeof(FrameHeader) == 32 && alignof(FrameHeader) == kAlign);
static_assert(std::has_unique_object_representations_v<FrameHeader> && std::is_trivially_copyable_v<FrameHeader>);
static_assert(offsetof(FrameHeader, word) == 0, "readers load the publish word atomically");
static_assert(std::atomic_ref<std::uint64_t>::is_always_lock_free);

// Why a frame was rejected: the first thing that did not hold.
struct Refusal {
  enum class Reason : std::uint32_t {
    expectation = 0,  // of stream `index`; actual: the version that it had
    condition = 1,    // number `index`; actual: the position of the event that violates it
    id = 2,           // of event `index`; actual: the position of the event that has it
  };
  Reason reason = Reason::expectation;
  std::uint32_t index = 0;
  std::uint64_t actual = 0;

  [[nodiscard]] constexpr std::int64_t cause() const noexcept {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(reason) << 32 | index);
  }
  static constexpr Refusal unpack(std::int64_t cause, std::uint64_t actual) noexcept {
    return {static_cast<Reason>(static_cast<std::uint64_t>(cause) >> 32), static_cast<std::uint32_t>(cause), actual};
  }
};

// One stream of the frame; its events are the next event_count ones.
struct StreamEntry {
  std::uint64_t expected_version;  // meaningful for Expect::Kind::exactly, else 0
  std::uint32_t id_offset;         // of the id's bytes, from the start of the frame
  std::uint16_t event_count;
  std::uint8_t id_size;
  std::uint8_t expectation;  // Expect::Kind
};
static_assert(offsetof(StreamEntry, id_offset) == 8, "its second word begins with it: fill()");
static_assert(sizeof(StreamEntry) == 16 && std::has_unique_object_representations_v<StreamEntry>);

struct EventHeader {
  std::int64_t occurred_at;  // nanoseconds since 1970; kNoTime = not given
  std::uint32_t size;        // of the whole event with its pad, a multiple of 8
  std::uint32_t payload_size;
  std::uint32_t metadata_size;
  std::uint32_t schema_version;
  std::uint16_t tags_size;  // bytes of all tags, length bytes included
  std::uint8_t type_size;
  std::uint8_t tag_count;
  std::uint8_t flags;  // EventFlag bits; an unknown one makes the frame unsupported
  std::uint8_t zero[3];
};
static_assert(offsetof(EventHeader, size) == 8 && offsetof(EventHeader, metadata_size) == 16 &&
                  offsetof(EventHeader, tags_size) == 24,
              "its words begin with them: fill()");
static_assert(sizeof(EventHeader) == 32 && std::has_unique_object_representations_v<EventHeader>);

enum EventFlag : std::uint8_t { kEventHasId = 1 };
inline constexpr std::int64_t kNoTime = INT64_MIN;

// Offsets of the content and of its first event from the start of a frame, and the least that a frame can be.
constexpr std::uint64_t content_offset(std::uint64_t streams) noexcept {
  return sizeof(FrameHeader) + sizeof(std::uint64_t) * streams;
}
constexpr std::uint64_t events_offset(std::uint64_t streams) noexcept {
  return content_offset(streams) + sizeof(std::uint64_t) + sizeof(StreamEntry) * streams;
}
inline constexpr std::uint64_t kFrameSizeMin = align_up(events_offset(1) + sizeof(EventHeader) + 8 + 1);

// --- writing ---------------------------------------------------------------------------------------------------------

struct FrameShape {
  std::uint64_t size = 0;  // of the frame, a multiple of 8
  std::uint32_t events = 0;
  std::uint32_t streams = 0;
  std::uint32_t ids = 0;   // events that have one
  std::uint32_t idle = 0;  // streams without events: a conditional frame, or none at all
  FrameKind kind = FrameKind::events;

  [[nodiscard]] Word word(FrameState state) const noexcept { return Word::events(state, size, events, streams, kind); }
  friend bool operator==(const FrameShape&, const FrameShape&) = default;
};

// Checks the limits of everything that an append was given and adds up its frame. `Error::index` is the number of the
// stream or event at fault, counted over the whole append.
Result<FrameShape> measure(std::span<const StreamAppend> streams, std::uint64_t payload_size_max) noexcept;

// The same for one event to one stream, as most appends are, in half the time. Empty: for measure() to say.
FrameShape measure_single(const StreamAppend& append, std::uint64_t payload_size_max) noexcept;

// The shape of a frame with the same events and that block.
FrameShape with_block(FrameShape shape, const ConditionBlock& block) noexcept;

// Writes the content of a frame of that shape to zeroed bytes, and its checksum and clock to the header. All that is
// missing then is the word. `offset` is the frame's in its segment. `block`: of a conditional frame, else null.
void fill(std::byte* frame, const FrameShape& shape, std::span<const StreamAppend> streams, Address floor,
          std::int64_t now, std::uint64_t offset, std::uint64_t salt, const ConditionBlock* block = nullptr) noexcept;

// --- access in place -------------------------------------------------------------------------------------------------

inline FrameHeader& frame_at(std::byte* segment, std::uint64_t offset) noexcept {
  return *reinterpret_cast<FrameHeader*>(segment + offset);
}
inline std::uint64_t& assigned_at(FrameHeader& frame, std::uint32_t stream) noexcept {
  return reinterpret_cast<std::uint64_t*>(&frame + 1)[stream];
}
inline const StreamEntry* stream_entries(const FrameHeader& frame, std::uint32_t streams) noexcept {
  return reinterpret_cast<const StreamEntry*>(reinterpret_cast<const std::byte*>(&frame) + content_offset(streams) +
                                              sizeof(std::uint64_t));
}
inline std::string_view stream_id(const FrameHeader& frame, const StreamEntry& entry) noexcept {
  return {reinterpret_cast<const char*>(&frame) + entry.id_offset, entry.id_size};
}
inline Expect expectation(const StreamEntry& entry) noexcept {
  switch (static_cast<Expect::Kind>(entry.expectation)) {
    case Expect::Kind::no_stream: return Expect::no_stream();
    case Expect::Kind::exists: return Expect::exists();
    case Expect::Kind::exactly: return Expect::exactly(entry.expected_version);
    case Expect::Kind::any: break;
  }
  return Expect::any();
}
inline Address frame_floor(const FrameHeader& frame, std::uint32_t streams) noexcept {
  return Address::unpack(
      *reinterpret_cast<const std::uint64_t*>(reinterpret_cast<const std::byte*>(&frame) + content_offset(streams)));
}

// Everything of an event but its position, version and stream. Returns where its parts end, and its pad begins.
[[gnu::always_inline]] inline const std::byte* read_parts(const EventHeader& header, std::int64_t recorded_at,
                                                          EventView& event) noexcept {
  const std::byte* part = reinterpret_cast<const std::byte*>(&header + 1);
  const auto take = [&part](std::size_t size) {
    const std::byte* const start = part;
    part += size;
    return start;
  };
  event.recorded_at = Timestamp(std::chrono::nanoseconds(recorded_at));
  event.has_occurred_at = header.occurred_at != kNoTime;
  event.occurred_at =
      event.has_occurred_at ? Timestamp(std::chrono::nanoseconds(header.occurred_at)) : event.recorded_at;
  event.schema_version = header.schema_version;
  event.payload = Bytes(std::span(take(header.payload_size), header.payload_size));
  event.metadata = Bytes(std::span(take(header.metadata_size), header.metadata_size));
  const bool has_id = (header.flags & kEventHasId) != 0;
  event.id = has_id ? reinterpret_cast<const EventId*>(take(sizeof(EventId))) : nullptr;
  event.type = {reinterpret_cast<const char*>(take(header.type_size)), header.type_size};
  event.tags = TagsView({reinterpret_cast<const char*>(take(header.tags_size)), header.tags_size}, header.tag_count);
  return part;
}

// Atomic loads of what publishing writes. Relaxed is enough for all but the word: a reader has loaded the word with
// acquire and found it decided, which happened after every first store of the values; later stores repeat them.
inline Word load_word(const std::byte* frame) noexcept {
  auto& word = const_cast<FrameHeader*>(reinterpret_cast<const FrameHeader*>(frame))->word;
  return {std::atomic_ref(word).load(std::memory_order_acquire)};
}
template <typename T>
T load_decided(const T& field) noexcept {
  return std::atomic_ref(const_cast<T&>(field)).load(std::memory_order_relaxed);
}

// What publishing decided about a frame.
struct Decision {
  Word word{};  // the final one
  std::uint64_t position = 0;
  std::int64_t recorded_at = 0;
  std::uint32_t content_crc = 0;
};

namespace detail {
// `words` begins with room for three: what the decision says besides the word.
std::uint32_t decision_crc_over(const Decision& decision, std::uint64_t offset, std::uint64_t salt,
                                std::span<std::uint64_t> words) noexcept;
// The same of a frame of one stream, in registers: a third of the time.
std::uint32_t single_decision_crc(const Decision& decision, std::uint64_t offset, std::uint64_t salt,
                                  std::uint64_t assigned) noexcept;
}  // namespace detail

// The checksum of a decision; `assigned(i)` is the version assigned to stream i, as it is or will be.
template <typename Assigned>
std::uint32_t decision_crc(const Decision& decision, std::uint64_t offset, std::uint64_t salt, Assigned assigned) {
  constexpr std::uint32_t kAtOnce = 13;
  const std::uint32_t streams = decision.word.stream_count();
  if (streams == 1) return detail::single_decision_crc(decision, offset, salt, assigned(0));
  std::array<std::uint64_t, 3 + kAtOnce> words;
  const std::uint32_t first = std::min(streams, kAtOnce);
  for (std::uint32_t i = 0; i < first; ++i) words[3 + i] = assigned(i);
  std::uint32_t crc = detail::decision_crc_over(decision, offset, salt, std::span(words).first(3 + first));
  for (std::uint32_t i = first; i < streams; ++i) crc = crc32c_u64(crc, assigned(i));
  return crc;
}

// --- checking --------------------------------------------------------------------------------------------------------

enum class Check : std::uint8_t {
  structure,  // every length and offset is inside the frame: enough to read it without stepping outside
  checksums,  // structure, and both checksums; of an undecided frame only the content's
};

// What stands at an offset of a segment's bytes.
struct FrameStatus {
  enum class Kind : std::uint8_t {
    empty,      // the word is zero
    undecided,  // filled, and whole, but neither published nor rejected
    decided,    // published or rejected, or a pad
    bad,        // see error (corrupt)
    unknown,    // whole by its checksum, but of a kind or with a flag that this version does not know (unsupported)
  };
  Kind kind = Kind::empty;
  Word word{};
  Error error{};
};

// The word of the frame at `offset` when it is one that a reader meets all the time: decided, with events, of this
// version, and right in everything that `check` asks for. Zero: whatever else, see check_frame(). The same rules, without
// their reasons, in a third of the time.
Word accept_frame(std::span<const std::byte> segment, std::uint64_t offset, std::uint64_t salt, Check check) noexcept;

// Reads the event of a frame at each of `offsets`, as long as accept_frame() would take it, it is published, and has that one
// event. Returns of how many; what is in `events` behind them means nothing. Meanwhile frame i of `ahead` is brought to the
// cache along with event i.
std::size_t read_singles(std::span<const std::byte> segment, std::span<const std::uint64_t> offsets, std::uint64_t salt,
                         Check check, std::span<const std::byte* const> ahead, std::span<EventView> events) noexcept;

// To look ahead, in two steps: the line of a frame's first word, and when that is there, what is behind it. Into the second level
// of the cache, and always inlined, as index/prefetch.h says why.
[[gnu::always_inline]] inline void prefetch_word(const std::byte* frame) noexcept { __builtin_prefetch(frame, 0, 2); }
inline void prefetch_frame(const std::byte* frame) noexcept {
  constexpr std::uint64_t kLine = 64;
  constexpr std::uint64_t kShort = 5 * kLine;
  constexpr std::uint64_t kFar = 17 * kLine;  // the processor goes on by itself
  const std::uint64_t size = load_word(frame).size();
  if (size > kShort) {
    // The first level after all: a stream of 1 KiB frames takes 8 % less time.
    for (std::uint64_t at = kLine; at < std::min(size, kFar); at += kLine) __builtin_prefetch(frame + at);
    return;
  }
  // All lines that it may have, because how many it has is what the processor would guess wrong.
  for (std::uint64_t at = kLine; at < kShort; at += kLine) __builtin_prefetch(frame + std::min(at, size), 0, 2);
}

// A row of frames that follow each other.
struct FrameRun {
  std::uint64_t offset = 0;  // behind the last one
  Position position = 0;     // of the event that comes next
  std::size_t events = 0;    // read so far
};

// Goes on with a run: reads the events of frames as above, one behind the other, until `events` is full, `segment` ends, or
// something else comes, an event out of order as well. A replay's inner loop.
FrameRun read_singles(std::span<const std::byte> segment, FrameRun run, std::uint64_t salt, Check check,
                      std::span<EventView> events) noexcept;

// Never reads outside `segment` (the bytes of a file up to data_end), whatever is in it. `segment_number` only names the
// place in errors. Acquires the word.
FrameStatus check_frame(std::span<const std::byte> segment, std::uint64_t offset, std::uint64_t salt, Check check,
                        std::uint64_t segment_number) noexcept;

}  // namespace daybook::format
