#include "format/frame.h"

#include <cstring>
#include <optional>

#include "format/crc32c.h"

namespace daybook::format {
namespace {

// Up to here a content is summed up by the instruction alone, in more than one chain.
constexpr std::uint64_t kCrcShortMax = std::min(kCrcPlainMax, kCrcHalvesMax);

// What every checksum of a frame begins with: where it is, and in which segment of which log and epoch.
std::uint64_t place(std::uint64_t salt, std::uint64_t offset) noexcept {
  return salt + offset * 0x9e3779b97f4a7c15u;  // odd, so no two offsets of a segment meet
}

std::uint32_t content_crc(const std::byte* frame, Word word, std::uint64_t offset, std::uint64_t salt) noexcept {
  const std::uint64_t start = content_offset(word.stream_count());
  return crc32c_framed(place(salt, offset), word.with(FrameState::empty).bits, frame + start, word.size() - start);
}

std::uint64_t event_size(const NewEvent& event, std::uint64_t tags_size) noexcept {
  return align_up(sizeof(EventHeader) + event.payload.size() + event.metadata.size() +
                  (event.id ? sizeof(EventId) : 0) + event.type.size() + tags_size);
}

std::uint64_t tags_size(const Tags& tags) noexcept {
  std::uint64_t size = 0;
  for (const std::string_view tag : tags) size += 1 + tag.size();
  return size;
}

// A rule that something to append breaks.
struct Misfit {
  Errc code{};
  const char* what = "";
  std::uint64_t limit = 0;
  std::uint64_t actual = 0;
};

Error refuse(const Misfit& misfit, std::uint32_t index) noexcept {
  return {.code = misfit.code, .what = misfit.what, .expected = misfit.limit, .actual = misfit.actual, .index = index};
}

// Inlined, so that who only asks whether there is a misfit does not make one.
[[gnu::always_inline]] inline std::optional<Misfit> find_misfit(const NewEvent& event,
                                                                std::uint64_t payload_size_max) noexcept {
  if (event.type.empty() || event.type.size() > kEventTypeSizeMax) {
    return Misfit{Errc::invalid_argument, "event type size", kEventTypeSizeMax, event.type.size()};
  }
  if (event.payload.size() > payload_size_max) {
    return Misfit{Errc::too_large, "payload size", payload_size_max, event.payload.size()};
  }
  if (event.metadata.size() > payload_size_max) {
    return Misfit{Errc::too_large, "metadata size", payload_size_max, event.metadata.size()};
  }
  if (event.tags.size() > kTagsMax) {
    return Misfit{Errc::invalid_argument, "number of tags", kTagsMax, event.tags.size()};
  }
  for (const std::string_view tag : event.tags) {
    if (tag.empty() || tag.size() > kTagSizeMax) {
      return Misfit{Errc::invalid_argument, "tag size", kTagSizeMax, tag.size()};
    }
  }
  if (event.occurred_at && event.occurred_at->time_since_epoch().count() == kNoTime) {
    return Misfit{Errc::invalid_argument, "occurred-at time", 0, 0};
  }
  return std::nullopt;
}

[[gnu::always_inline]] inline std::optional<Misfit> find_misfit(std::string_view stream) noexcept {
  if (stream.empty() || stream.size() > kStreamIdSizeMax || stream.find('\0') != std::string_view::npos) {
    return Misfit{Errc::invalid_argument, "stream id", kStreamIdSizeMax, stream.size()};
  }
  return std::nullopt;
}

std::byte* put(std::byte* at, const void* bytes, std::size_t size) noexcept {
  if (size != 0) std::memcpy(at, bytes, size);
  return at + size;
}

// Headers are put together in registers and stored in words of 8 bytes. The checksum loads such words soon after; from
// narrower stores the processor could not forward them, and would wait for each.
std::byte* put_word(std::byte* at, std::uint64_t word) noexcept { return put(at, &word, sizeof(word)); }

constexpr std::uint64_t shifted(std::uint64_t value, std::size_t offset) noexcept { return value << 8 * (offset % 8); }

// An EventHeader; `size` is the event's with its pad.
std::array<std::uint64_t, 4> event_words(const NewEvent& event, std::uint64_t size, std::uint64_t tag_bytes) noexcept {
  using H = EventHeader;
  const std::int64_t occurred_at = event.occurred_at ? event.occurred_at->time_since_epoch().count() : kNoTime;
  const std::uint8_t flags = event.id ? kEventHasId : 0;
  return {static_cast<std::uint64_t>(occurred_at), size | shifted(event.payload.size(), offsetof(H, payload_size)),
          event.metadata.size() | shifted(event.schema_version, offsetof(H, schema_version)),
          tag_bytes | shifted(event.type.size(), offsetof(H, type_size)) |
              shifted(event.tags.size(), offsetof(H, tag_count)) | shifted(flags, offsetof(H, flags))};
}

// The second word of a StreamEntry.
std::uint64_t entry_word(const StreamAppend& append, std::uint64_t id_offset) noexcept {
  using E = StreamEntry;
  const auto kind = static_cast<std::uint64_t>(append.expect.kind());
  return id_offset | shifted(append.events.size(), offsetof(E, event_count)) |
         shifted(append.stream.size(), offsetof(E, id_size)) | shifted(kind, offsetof(E, expectation));
}

std::byte* fill_event(std::byte* at, const NewEvent& event) noexcept {
  const std::uint64_t tag_bytes = tags_size(event.tags);
  const std::uint64_t size = event_size(event, tag_bytes);
  std::byte* const end = at + size;
  for (const std::uint64_t word : event_words(event, size, tag_bytes)) at = put_word(at, word);
  at = put(at, event.payload.data(), event.payload.size());
  at = put(at, event.metadata.data(), event.metadata.size());
  if (event.id) at = put(at, event.id->data(), event.id->size());
  at = put(at, event.type.data(), event.type.size());
  for (const std::string_view tag : event.tags) {
    *at++ = static_cast<std::byte>(tag.size());
    at = put(at, tag.data(), tag.size());
  }
  return end;
}

Error corrupt(const char* what, std::uint64_t segment, std::uint64_t offset, std::uint64_t expected,
              std::uint64_t actual) noexcept {
  return {.code = Errc::corrupt,
          .what = what,
          .segment = segment,
          .offset = offset,
          .expected = expected,
          .actual = actual};
}

std::uint32_t pad_crc(std::uint64_t bits, std::uint64_t offset, std::uint64_t salt) noexcept {
  return crc32c_framed(place(salt, offset), bits, nullptr, 0);
}

// Whether the tags of an event are as many and as long as it says; `at` is the first one.
inline bool tags_hold(const EventHeader& event, const std::byte* at) noexcept {
  std::uint64_t used = 0;
  for (std::uint32_t tag = 0; tag < event.tag_count; ++tag) {
    if (used >= event.tags_size) return false;
    used += 1u + std::to_integer<std::uint64_t>(at[used]);
  }
  return used == event.tags_size;
}

// One event of a frame: null when its parts are as long as they say, else what is wrong. `room` is what is left of the
// frame for it.
inline const char* event_flaw(const std::byte* at, std::uint64_t room, bool* unknown_flag) noexcept {
  if (sizeof(EventHeader) > room) return "event outside its frame";
  const auto& event = *reinterpret_cast<const EventHeader*>(at);
  const std::uint64_t parts = sizeof(EventHeader) + std::uint64_t{event.payload_size} + event.metadata_size +
                              ((event.flags & kEventHasId) != 0 ? sizeof(EventId) : 0) + event.type_size +
                              event.tags_size;
  if (event.size != align_up(parts) || event.size > room) return "event size";
  if ((event.flags & ~kEventHasId) != 0) *unknown_flag = true;
  if (event.type_size == 0 || event.tag_count > kTagsMax) return "event header";
  return tags_hold(event, at + parts - event.tags_size) ? nullptr : "tags of an event";
}

// Walks the content of a frame whose word is plausible; null when every length and offset holds.
inline const char* structural_flaw(const std::byte* frame, Word word, bool* unknown_flag) noexcept {
  const auto& header = *reinterpret_cast<const FrameHeader*>(frame);
  const std::uint32_t streams = word.stream_count();
  const std::uint32_t events = word.event_count();
  const StreamEntry* entries = stream_entries(header, streams);
  std::uint64_t at = events_offset(streams);
  constexpr std::uint64_t kAhead = 1024;

  for (std::uint32_t i = 0; i < events; ++i) {
    // Each event says where the next one is, so the processor cannot look ahead by itself.
    __builtin_prefetch(frame + at + kAhead);
    __builtin_prefetch(frame + at + kAhead + 64);
    if (const char* const flaw = event_flaw(frame + at, word.size() - at, unknown_flag)) return flaw;
    at += reinterpret_cast<const EventHeader*>(frame + at)->size;
  }
  const bool conditional = word.kind() == FrameKind::conditional;
  std::uint64_t counted = 0;
  std::uint64_t end = at;
  for (std::uint32_t i = 0; i < streams; ++i) {
    const StreamEntry& entry = entries[i];
    counted += entry.event_count;
    const std::uint64_t id_end = std::uint64_t{entry.id_offset} + entry.id_size;
    if (entry.id_size == 0 || (entry.event_count == 0 && !conditional) || entry.id_offset < at ||
        id_end > word.size()) {
      return "stream entry";
    }
    end = std::max(end, id_end);
    if (entry.expectation > static_cast<std::uint8_t>(Expect::Kind::exactly)) *unknown_flag = true;
  }
  if (counted != events) return "events of the frame's streams";
  return conditional ? block_flaw(frame, word.size(), end, unknown_flag) : nullptr;
}

// The same for one event to one stream, as most frames are, in a third of the steps, and reads it on the way: true when
// every length and offset holds, and else what is in `event` means nothing. The frame has `size` bytes, at least
// kFrameSizeMin.
[[gnu::always_inline]] inline bool read_sound_single(const std::byte* frame, std::uint64_t size,
                                                     EventView& event) noexcept {
  constexpr std::uint64_t kEntry = content_offset(1) + sizeof(std::uint64_t);
  constexpr std::uint64_t kEvent = events_offset(1);
  const auto& header = *reinterpret_cast<const FrameHeader*>(frame);
  const auto& entry = *reinterpret_cast<const StreamEntry*>(frame + kEntry);
  const auto& stored = *reinterpret_cast<const EventHeader*>(frame + kEvent);
  event.position = load_decided(header.position);
  event.version = load_decided(assigned_at(const_cast<FrameHeader&>(header), 0));
  event.stream = stream_id(header, entry);
  const std::byte* const end = read_parts(stored, load_decided(header.recorded_at), event);
  const auto parts = static_cast<std::uint64_t>(end - (frame + kEvent));
  const bool sound = stored.flags <= kEventHasId && stored.type_size != 0 && stored.tag_count <= kTagsMax &&
                     stored.size == align_up(parts) && entry.event_count == 1 && entry.id_size != 0 &&
                     entry.id_offset >= kEvent + stored.size &&
                     std::uint64_t{entry.id_offset} + entry.id_size <= size &&
                     entry.expectation <= static_cast<std::uint8_t>(Expect::Kind::exactly);
  return sound && tags_hold(stored, end - stored.tags_size);
}

// The least that a frame of so many streams and events takes.
constexpr std::uint64_t least_size(Word word) noexcept {
  return std::max(kFrameSizeMin, content_offset(word.stream_count()) + sizeof(std::uint64_t) +
                                     (sizeof(StreamEntry) + 1) * word.stream_count() +
                                     (sizeof(EventHeader) + kAlign) * word.event_count());
}

// `room`: bytes of the segment from the frame on.
inline bool may_be_decided(Word word, std::uint64_t room) noexcept {
  return word.size() <= room && word.size() >= kFrameSizeMin &&
         (word.state() == FrameState::published || word.state() == FrameState::rejected);
}

inline bool is_plausible(Word word) noexcept {
  return word.has_events() && word.stream_count() != 0 && word.event_count() != 0 && word.size() >= least_size(word);
}

// A decision's checksum up to the assigned versions. `begun`: of the frame's place.
[[gnu::always_inline]] DAYBOOK_CRC_TARGET inline std::uint64_t begin_decision(std::uint64_t begun,
                                                                              const Decision& decision) noexcept {
  std::uint64_t crc = crc_step(begun, decision.word.bits);
  crc = crc_step(crc, decision.position);
  crc = crc_step(crc, static_cast<std::uint64_t>(decision.recorded_at));
  return crc_step(crc, decision.content_crc);
}

DAYBOOK_CRC_TARGET std::uint32_t single_decision_crc_plain(const Decision& decision, std::uint64_t offset,
                                                           std::uint64_t salt, std::uint64_t assigned) noexcept {
  const std::uint64_t crc = begin_decision(crc_step(kCrcInit, place(salt, offset)), decision);
  return static_cast<std::uint32_t>(crc_step(crc, assigned));
}

// Both checksums of a decided frame of so many streams, without a call in between: most of a replay's time is here.
[[gnu::always_inline]] DAYBOOK_CRC_TARGET inline bool sums_up(const std::byte* frame, Word word, std::uint32_t streams,
                                                              std::uint64_t offset, std::uint64_t salt) noexcept {
  const auto& header = *reinterpret_cast<const FrameHeader*>(frame);
  const std::uint64_t start = content_offset(streams);
  const std::uint64_t begun = crc_step(kCrcInit, place(salt, offset));

  std::uint64_t decision = begin_decision(
      begun, {word, load_decided(header.position), load_decided(header.recorded_at), header.content_crc});
  for (std::uint32_t i = 0; i < streams; ++i) {
    decision = crc_step(decision, load_decided(assigned_at(const_cast<FrameHeader&>(header), i)));
  }
  const std::uint64_t size = word.size() - start;
  static_assert(kFrameSizeMin - content_offset(1) >= 16, "crc_halves() takes it");
  const std::uint32_t content = size <= kCrcShortMax
                                    ? crc_halves(crc_step(begun, word.with(FrameState::empty).bits),
                                                 reinterpret_cast<const std::uint8_t*>(frame) + start, size)
                                    : content_crc(frame, word, offset, salt);
  return content == header.content_crc && decision == load_decided(header.decision_crc);
}

DAYBOOK_CRC_TARGET bool sums_up_at(const std::byte* frame, Word word, std::uint64_t offset,
                                   std::uint64_t salt) noexcept {
  return sums_up(frame, word, word.stream_count(), offset, salt);
}

std::uint32_t stored_decision_crc(const std::byte* frame, Word word, std::uint64_t offset,
                                  std::uint64_t salt) noexcept {
  auto& header = const_cast<FrameHeader&>(*reinterpret_cast<const FrameHeader*>(frame));
  return decision_crc({word, load_decided(header.position), load_decided(header.recorded_at), header.content_crc},
                      offset, salt, [&](std::uint32_t i) { return load_decided(assigned_at(header, i)); });
}

std::uint64_t load_u64(const std::byte* from) noexcept {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

// Writes bytes one behind the other in words of 8, and sums up each word as it is stored. A checksum of what was just
// stored in pieces would have to wait until they are in the cache: the processor cannot forward a word that spans two.
// Everything is inlined, so that it stays in registers; what is rare takes a writer and returns it.
class SummingWriter {
 public:
  SummingWriter(std::byte* at, std::uint64_t crc) noexcept : at_(at), crc_(crc) {}

  // Aligned: nothing is pending.
  [[gnu::always_inline]] DAYBOOK_CRC_TARGET void word(std::uint64_t word) noexcept {
    at_ = put_word(at_, word);
    crc_ = crc_step(crc_, word);
  }
  [[gnu::always_inline]] DAYBOOK_CRC_TARGET void bytes(const void* from, std::size_t size) noexcept {
    const auto* bytes = static_cast<const std::byte*>(from);
    const auto left = static_cast<unsigned>(size % 8);
    if (size < 8) {
      if (left != 0) rest(load_few(bytes, left), left);
      return;
    }
    const std::byte* const end = bytes + (size - left);
    if (bits_ == 0) {
      for (const std::byte* const fours = bytes + size / 32 * 32; bytes != fours; bytes += 32) {
        word(load_u64(bytes));
        word(load_u64(bytes + 8));
        word(load_u64(bytes + 16));
        word(load_u64(bytes + 24));
      }
      for (; bytes != end; bytes += 8) word(load_u64(bytes));
    } else {
      for (; bytes != end; bytes += 8) {
        const std::uint64_t next = load_u64(bytes);
        word(pending_ | next << bits_);
        pending_ = next >> (64 - bits_);
      }
    }
    if (left != 0) rest(load_u64(end + left - 8) >> (64 - 8 * left), left);
  }
  // Zeros up to a multiple of 8.
  [[gnu::always_inline]] DAYBOOK_CRC_TARGET void pad() noexcept {
    if (bits_ != 0) word(pending_);
    pending_ = 0;
    bits_ = 0;
  }
  [[nodiscard]] std::uint64_t crc() const noexcept { return crc_; }
  // The checksum of what comes from here on is one of its own.
  void begin_crc(std::uint64_t crc) noexcept { crc_ = crc; }

 private:
  // 1 to 7 bytes.
  static std::uint64_t load_few(const std::byte* from, unsigned size) noexcept {
    if (size >= 4) {
      std::uint32_t low;
      std::uint32_t high;
      std::memcpy(&low, from, 4);
      std::memcpy(&high, from + size - 4, 4);
      return low | std::uint64_t{high} << 8 * (size - 4);
    }
    return static_cast<std::uint64_t>(from[0]) | static_cast<std::uint64_t>(from[size / 2]) << 8 * (size / 2) |
           static_cast<std::uint64_t>(from[size - 1]) << 8 * (size - 1);
  }
  // The same, loaded.
  [[gnu::always_inline]] DAYBOOK_CRC_TARGET void rest(std::uint64_t next, unsigned size) noexcept {
    pending_ |= next << bits_;
    const unsigned filled = bits_ + 8 * size;
    if (filled < 64) {
      bits_ = filled;
      return;
    }
    word(pending_);
    pending_ = next >> 1 >> (63 - bits_);  // what did not fit; shifting by 64 is not defined
    bits_ = filled - 64;
  }

  std::byte* at_;
  std::uint64_t crc_;
  std::uint64_t pending_ = 0;
  unsigned bits_ = 0;
};

[[gnu::noinline]] DAYBOOK_CRC_TARGET SummingWriter put_metadata_and_id(SummingWriter out,
                                                                       const NewEvent& event) noexcept {
  out.bytes(event.metadata.data(), event.metadata.size());
  if (event.id) out.bytes(event.id->data(), event.id->size());
  return out;
}

[[gnu::noinline]] DAYBOOK_CRC_TARGET SummingWriter put_tags(SummingWriter out, const Tags& tags) noexcept {
  for (const std::string_view tag : tags) {
    const auto size = static_cast<std::uint8_t>(tag.size());
    out.bytes(&size, 1);
    out.bytes(tag.data(), tag.size());
  }
  return out;
}

// What fill_single() takes: short enough for the instruction alone. What is longer is copied and summed up faster in two
// goes.
constexpr std::uint64_t kFillSingleMax = content_offset(1) + kCrcShortMax;

// The content of a frame of one event to one stream, and its checksum: the same bytes as fill() makes of any frame. The
// headers have a chain of checksums of their own, so that the one of the bytes behind them need not wait for it.
DAYBOOK_CRC_TARGET void fill_single(std::byte* frame, const FrameShape& shape, const StreamAppend& append,
                                    Address floor, std::uint64_t offset, std::uint64_t salt) noexcept {
  constexpr std::uint64_t kEvent = events_offset(1);
  const NewEvent& event = append.events.front();
  const std::uint64_t tag_bytes = tags_size(event.tags);
  const std::uint64_t id_offset = shape.size - align_up(append.stream.size());
  const std::uint64_t begun = crc_step(crc_step(kCrcInit, place(salt, offset)), shape.word(FrameState::empty).bits);
  SummingWriter out(frame + content_offset(1), begun);
  out.word(floor.packed());
  out.word(append.expect.version());
  out.word(entry_word(append, id_offset));
  for (const std::uint64_t word : event_words(event, id_offset - kEvent, tag_bytes)) out.word(word);
  const std::uint64_t headers = crc_carry(out.crc(), (shape.size - kEvent - sizeof(EventHeader)) / 8);

  out.begin_crc(0);
  out.bytes(event.payload.data(), event.payload.size());
  if (!event.metadata.empty() || event.id) out = put_metadata_and_id(out, event);
  out.bytes(event.type.data(), event.type.size());
  if (tag_bytes != 0) out = put_tags(out, event.tags);
  out.pad();
  out.bytes(append.stream.data(), append.stream.size());
  out.pad();
  reinterpret_cast<FrameHeader*>(frame)->content_crc = static_cast<std::uint32_t>(headers ^ out.crc());
}

// The content of any frame, and its checksum.
void fill_any(std::byte* frame, const FrameShape& shape, std::span<const StreamAppend> streams, Address floor,
              std::uint64_t offset, std::uint64_t salt, const ConditionBlock* block) noexcept {
  std::byte* entry_at = put_word(frame + content_offset(shape.streams), floor.packed());
  std::byte* at = entry_at + sizeof(StreamEntry) * shape.streams;
  for (const StreamAppend& append : streams) {
    for (const NewEvent& event : append.events) at = fill_event(at, event);
  }
  for (const StreamAppend& append : streams) {
    entry_at = put_word(entry_at, append.expect.version());
    entry_at = put_word(entry_at, entry_word(append, static_cast<std::uint64_t>(at - frame)));
    at = put(at, append.stream.data(), append.stream.size());
  }
  if (block != nullptr) {
    const std::uint64_t start = align_up(static_cast<std::uint64_t>(at - frame));
    const std::byte* const end = fill_block(frame + start, *block);
    put_word(frame + shape.size - sizeof(BlockPlace), start | (static_cast<std::uint64_t>(end - frame) - start) << 32);
  }
  reinterpret_cast<FrameHeader*>(frame)->content_crc = content_crc(frame, shape.word(FrameState::empty), offset, salt);
}

}  // namespace

std::uint32_t detail::decision_crc_over(const Decision& decision, std::uint64_t offset, std::uint64_t salt,
                                        std::span<std::uint64_t> words) noexcept {
  words[0] = decision.position;
  words[1] = static_cast<std::uint64_t>(decision.recorded_at);
  words[2] = decision.content_crc;
  return crc32c_framed(place(salt, offset), decision.word.bits, words.data(), words.size_bytes());
}

std::uint32_t detail::single_decision_crc(const Decision& decision, std::uint64_t offset, std::uint64_t salt,
                                          std::uint64_t assigned) noexcept {
  if (kCrcInstruction) [[likely]]
    return single_decision_crc_plain(decision, offset, salt, assigned);
  std::array<std::uint64_t, 4> words{0, 0, 0, assigned};
  return decision_crc_over(decision, offset, salt, words);
}

Word Word::pad(std::uint64_t size, std::uint64_t offset, std::uint64_t salt) noexcept {
  const std::uint64_t bits = static_cast<std::uint64_t>(FrameState::published) |
                             static_cast<std::uint64_t>(FrameKind::pad) << 4 | (size / kAlign) << 8;
  return {bits | std::uint64_t{pad_crc(bits, offset, salt)} >> 4 << 36};
}

Result<FrameShape> measure(std::span<const StreamAppend> streams, std::uint64_t payload_size_max) noexcept {
  if (streams.empty() || streams.size() > kAppendStreamsMax) {
    return fail(refuse({Errc::invalid_argument, "number of streams", kAppendStreamsMax, streams.size()}, 0));
  }
  FrameShape shape{.streams = static_cast<std::uint32_t>(streams.size())};
  shape.size = events_offset(streams.size());
  std::uint64_t ids = 0;
  for (std::uint32_t i = 0; i < shape.streams; ++i) {
    const StreamAppend& append = streams[i];
    if (const auto misfit = find_misfit(append.stream)) return fail(refuse(*misfit, i));
    ids += append.stream.size();
    if (append.events.empty()) ++shape.idle;
    if (append.events.size() > kAppendEventsMax - shape.events) {
      const std::uint64_t events = shape.events + append.events.size();
      return fail(refuse({Errc::invalid_argument, "number of events", kAppendEventsMax, events}, i));
    }
    for (const NewEvent& event : append.events) {
      if (const auto misfit = find_misfit(event, payload_size_max)) return fail(refuse(*misfit, shape.events));
      ++shape.events;
      shape.size += event_size(event, tags_size(event.tags));
      shape.ids += event.id ? 1 : 0;
    }
  }
  shape.size = align_up(shape.size + ids);
  return shape;
}

FrameShape measure_single(const StreamAppend& append, std::uint64_t payload_size_max) noexcept {
  if (append.events.size() != 1 || find_misfit(append.stream)) return {};
  const NewEvent& event = append.events.front();
  if (find_misfit(event, payload_size_max)) return {};
  return {.size = align_up(events_offset(1) + event_size(event, tags_size(event.tags)) + append.stream.size()),
          .events = 1,
          .streams = 1,
          .ids = event.id ? 1u : 0u};
}

FrameShape with_block(FrameShape shape, const ConditionBlock& block) noexcept {
  shape.kind = FrameKind::conditional;
  shape.size += block_size(block) + sizeof(BlockPlace);
  return shape;
}

void fill(std::byte* frame, const FrameShape& shape, std::span<const StreamAppend> streams, Address floor,
          std::int64_t now, std::uint64_t offset, std::uint64_t salt, const ConditionBlock* block) noexcept {
  reinterpret_cast<FrameHeader*>(frame)->recorded_at = now;
  const bool single = shape.events == 1 && shape.streams == 1 && block == nullptr;
  if (single && shape.size <= kFillSingleMax && kCrcInstruction) {
    return fill_single(frame, shape, streams.front(), floor, offset, salt);
  }
  fill_any(frame, shape, streams, floor, offset, salt, block);
}

namespace {

// In place, because a FrameStatus is large and a copy of it for each frame would cost as much as its checksum.
void check_into(FrameStatus& status, std::span<const std::byte> segment, std::uint64_t offset, std::uint64_t salt,
                Check check, std::uint64_t segment_number) noexcept {
  const auto bad = [&](const char* what, std::uint64_t expected, std::uint64_t actual) {
    status.kind = FrameStatus::Kind::bad;
    status.error = corrupt(what, segment_number, offset, expected, actual);
  };
  if (offset % kAlign != 0 || offset >= segment.size()) return bad("frame offset", segment.size(), offset);

  const std::byte* const frame = segment.data() + offset;
  const Word word = load_word(frame);
  status.word = word;
  if (word.bits == 0) return;

  const std::uint64_t room = segment.size() - offset;
  if (word.size() == 0 || word.size() > room) return bad("frame size", room, word.size());
  if (word.kind() == FrameKind::pad) {
    const Word expected = Word::pad(word.size(), offset, salt);
    if (word != expected) return bad("pad check", expected.bits, word.bits);
    status.kind = FrameStatus::Kind::decided;
    return;
  }
  if (word.state() == FrameState::empty || word.state() > FrameState::rejected) {
    return bad("frame state", 0, static_cast<std::uint64_t>(word.state()));
  }
  const std::uint64_t least = least_size(word);
  if (word.size() < least) return bad("frame size", least, word.size());

  const auto& header = *reinterpret_cast<const FrameHeader*>(frame);
  if (check == Check::checksums) {
    const std::uint32_t crc = content_crc(frame, word, offset, salt);
    if (crc != header.content_crc) return bad("content checksum", header.content_crc, crc);
  }
  const bool known_kind = word.has_events();
  bool unknown_flag = !known_kind;
  const char* flaw = nullptr;
  if (known_kind) {
    if (word.stream_count() == 0 || word.event_count() == 0) return bad("frame without events", 1, 0);
    flaw = structural_flaw(frame, word, &unknown_flag);
  }
  if (unknown_flag) {
    status.kind = check == Check::checksums ? FrameStatus::Kind::unknown : FrameStatus::Kind::bad;
    status.error =
        corrupt("frame of an unknown kind", segment_number, offset, 0, static_cast<std::uint64_t>(word.kind()));
    if (status.kind == FrameStatus::Kind::unknown) status.error.code = Errc::unsupported;
    return;
  }
  if (flaw != nullptr) return bad(flaw, 0, 0);
  if (!word.decided()) {
    status.kind = FrameStatus::Kind::undecided;
    return;
  }
  if (check == Check::checksums) {
    const std::uint32_t crc = stored_decision_crc(frame, word, offset, salt);
    const std::uint32_t stored = load_decided(header.decision_crc);
    if (crc != stored) return bad("decision checksum", stored, crc);
  }
  status.kind = FrameStatus::Kind::decided;
}

}  // namespace

Word accept_frame(std::span<const std::byte> segment, std::uint64_t offset, std::uint64_t salt, Check check) noexcept {
  if (offset % kAlign != 0 || offset >= segment.size()) return {};
  const std::byte* const frame = segment.data() + offset;
  const Word word = load_word(frame);
  if (!may_be_decided(word, segment.size() - offset)) return {};
  const bool single = word.is_single();
  EventView event;
  if (single ? !read_sound_single(frame, word.size(), event) : !is_plausible(word)) return {};
  // Before the walk over many events: a checksum reads straight ahead, and the walk then finds them in the cache.
  if (check == Check::checksums && !(kCrcInstruction && sums_up_at(frame, word, offset, salt))) return {};
  bool unknown_flag = false;
  if (!single && (structural_flaw(frame, word, &unknown_flag) != nullptr || unknown_flag)) return {};
  return word;
}

namespace {

// The word of the frame there when it is published, and its only event has been read; zero when it is anything else.
[[gnu::always_inline]] inline Word open_single(std::span<const std::byte> segment, std::uint64_t offset,
                                               EventView& event) noexcept {
  const std::byte* const frame = segment.data() + offset;
  const Word word = load_word(frame);
  if (!word.is_single() || !may_be_decided(word, segment.size() - offset)) return {};
  if (word.state() != FrameState::published || !read_sound_single(frame, word.size(), event)) return {};
  return word;
}

// The check is known when this is compiled, and everything is in one function: the loop has just enough registers. Aligned,
// because it is 2 ns for each event where this loop lies.
template <Check check>
DAYBOOK_CRC_TARGET [[gnu::aligned(64)]] FrameRun read_run(std::span<const std::byte> segment, FrameRun run,
                                                          std::uint64_t salt, std::span<EventView> events) noexcept {
  for (; run.events != events.size() && run.offset < segment.size(); ++run.events, ++run.position) {
    EventView& event = events[run.events];
    const Word word = open_single(segment, run.offset, event);
    if (word.bits == 0 || event.position != run.position) break;
    if (check == Check::checksums && !sums_up(segment.data() + run.offset, word, 1, run.offset, salt)) break;
    run.offset += word.size();
  }
  return run;
}

template <Check check>
DAYBOOK_CRC_TARGET [[gnu::aligned(64)]] std::size_t read_each(std::span<const std::byte> segment,
                                                              std::span<const std::uint64_t> offsets,
                                                              std::uint64_t salt,
                                                              std::span<const std::byte* const> ahead,
                                                              std::span<EventView> events) noexcept {
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    if (i < ahead.size()) prefetch_frame(ahead[i]);
    const std::uint64_t offset = offsets[i];
    if (offset % kAlign != 0 || offset >= segment.size()) return i;
    const Word word = open_single(segment, offset, events[i]);
    if (word.bits == 0) return i;
    if (check == Check::checksums && !sums_up(segment.data() + offset, word, 1, offset, salt)) return i;
  }
  return offsets.size();
}

}  // namespace

std::size_t read_singles(std::span<const std::byte> segment, std::span<const std::uint64_t> offsets, std::uint64_t salt,
                         Check check, std::span<const std::byte* const> ahead, std::span<EventView> events) noexcept {
  if (!kCrcInstruction) return 0;
  return check == Check::checksums ? read_each<Check::checksums>(segment, offsets, salt, ahead, events)
                                   : read_each<Check::structure>(segment, offsets, salt, ahead, events);
}

FrameRun read_singles(std::span<const std::byte> segment, FrameRun run, std::uint64_t salt, Check check,
                      std::span<EventView> events) noexcept {
  if (run.offset % kAlign != 0 || !kCrcInstruction) return run;
  return check == Check::checksums ? read_run<Check::checksums>(segment, run, salt, events)
                                   : read_run<Check::structure>(segment, run, salt, events);
}

FrameStatus check_frame(std::span<const std::byte> segment, std::uint64_t offset, std::uint64_t salt, Check check,
                        std::uint64_t segment_number) noexcept {
  FrameStatus status;
  check_into(status, segment, offset, salt, check, segment_number);
  return status;
}

}  // namespace daybook::format
