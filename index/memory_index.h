// The index of a segment that is still written: grows event by event.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

#include "index/segment_index.h"

namespace daybook::index {

// What add_event is told of an event besides its tags. Views into the segment, which must live as long as the index.
struct IndexedEvent {
  std::string_view stream;
  std::string_view type;
  std::string_view id{};         // 16 bytes, or empty: it has none
  std::string_view schema{};     // 4 bytes, or empty: it is version 1
  std::int64_t recorded_at = 0;  // nanoseconds since 1970
  std::int64_t occurred_at = 0;  // nanoseconds since 1970
};

// An index in memory, brought up to date from the log in its order: begin_frame, add_event for each event of the frame, the
// next frame.
//
// No key is copied: an entry points at the text of the key in the segment. Most keys of a segment have one or two events,
// so an entry of 32 bytes holds up to four ordinals itself, and only what has more gets a set of its own. Allocates; throws
// std::bad_alloc when there is no memory, and is good for nothing but destruction then.
//
// Thread safety: none while it grows; const members from any number of threads while it does not.
class MemoryIndex final : public SegmentIndex {
 public:
  // `hash` is another one than key_hash in tests alone.
  explicit MemoryIndex(KeyHash hash = key_hash);

  // The frame that the next events are in; offset (a multiple of 8, below 32 GiB) grows from frame to frame, and every
  // frame gets at least one event.
  void begin_frame(std::uint64_t offset);

  // The next event. `tags`: a forward range of string_view, each into the segment; a tag given twice counts once.
  template <typename Tags>
  void add_event(const IndexedEvent& event, const Tags& tags) {
    begin_event(event);
    for (const std::string_view tag : tags) add_key({KeyKind::tag, tag});
    ++events_;
  }

  // Takes in the keys that add_event put aside: to be called after the last add_event and before anything is asked. Keys
  // are taken in by the dozen, because each is a chain of cache misses, and those of many keys overlap.
  void settle();

  [[nodiscard]] std::uint32_t events() const override { return events_; }
  [[nodiscard]] Place place(std::uint32_t ordinal) const override;
  [[nodiscard]] std::uint32_t ordinal_at(std::uint64_t frame_offset) const override;
  [[nodiscard]] TimeRange recorded() const override { return recorded_; }
  [[nodiscard]] TimeRange occurred() const override { return occurred_; }

  // What the events carry is not asked for: every key is known here.
  [[nodiscard]] Postings find(const Key& key, const EventKeys& events) const override;
  [[nodiscard]] std::uint64_t count(const Key& key, const EventKeys& events) const override;
  void each_key(KeyKind kind, const EventKeys& events, const KeyVisitor& visit) const override;
  [[nodiscard]] Postings find(const Key& key) const;
  [[nodiscard]] std::uint64_t count(const Key& key) const;

  // Bytes on the heap, about.
  [[nodiscard]] std::size_t heap_bytes() const noexcept;

  // For the writer of the sidecar: the frames (offset / 8, and the ordinal of the first event), and the keys of each kind by
  // a number, in the order of their first appearance.
  [[nodiscard]] std::span<const std::uint32_t> frame_units() const noexcept { return frame_units_; }
  [[nodiscard]] std::span<const std::uint32_t> frame_firsts() const noexcept { return frame_firsts_; }
  [[nodiscard]] std::uint32_t keys(KeyKind kind) const noexcept;
  [[nodiscard]] std::string_view key_text(KeyKind kind, std::uint32_t number) const noexcept;
  [[nodiscard]] std::uint32_t key_count(KeyKind kind, std::uint32_t number) const noexcept;
  [[nodiscard]] Postings key_postings(KeyKind kind, std::uint32_t number) const;
  // Its ordinals into `out`, without making a set; returns how many there were room for.
  std::size_t copy_ordinals(KeyKind kind, std::uint32_t number, std::span<std::uint32_t> out) const noexcept;
  [[nodiscard]] std::uint64_t hash_of(const Key& key) const noexcept { return hash_(key); }

 private:
  static constexpr std::uint32_t kInlineMax = 4;

  struct Entry {
    const char* text = nullptr;
    std::uint32_t count = 0;
    std::uint32_t text_size = 0;
    // count <= kInlineMax: the ordinals. Above: the number of its set in sets_, and, last, the last ordinal.
    std::array<std::uint32_t, kInlineMax> ordinals{};

    [[nodiscard]] std::string_view key() const noexcept { return {text, text_size}; }
    [[nodiscard]] std::uint32_t last() const noexcept {
      return ordinals[count < kInlineMax ? count - 1 : kInlineMax - 1];
    }
  };
  static_assert(sizeof(Entry) == 32);

  // Of the hash table: which entry, and enough of its hash to find another place for it.
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t entry = 0;  // (number << 3 | kind) + 1; 0 = free

    [[nodiscard]] std::uint32_t kind() const noexcept { return (entry - 1) & 7; }
    [[nodiscard]] std::uint32_t number() const noexcept { return (entry - 1) >> 3; }
  };

  struct Pending {
    Key key;
    std::uint32_t hash = 0;
    std::uint32_t ordinal = 0;
    Entry* entry = nullptr;  // its own, most likely: fetched
  };

  void begin_event(const IndexedEvent& event);
  void add_key(const Key& key);
  void post(const Pending& pending);
  void append(Entry& entry, std::uint32_t ordinal);
  void grow();
  [[nodiscard]] std::size_t home(std::uint32_t hash) const noexcept { return hash & (slots_.size() - 1); }
  [[nodiscard]] Entry* likely_entry(const Pending& pending) noexcept;
  Entry& find_or_add(const Pending& pending);
  [[nodiscard]] std::size_t slot_of(const Key& key, std::uint32_t hash) const noexcept;
  [[nodiscard]] const Entry* find_entry(const Key& key) const noexcept;
  [[nodiscard]] const Entry& entry_at(KeyKind kind, std::uint32_t number) const noexcept;
  [[nodiscard]] Postings postings(const Entry& entry) const;

  const KeyHash hash_;
  std::uint32_t events_ = 0;
  TimeRange recorded_{};
  TimeRange occurred_{};
  std::vector<std::uint32_t> frame_units_;
  std::vector<std::uint32_t> frame_firsts_;

  std::vector<Slot> slots_;  // a power of two, linear probing
  std::size_t used_ = 0;     // slots
  std::array<std::deque<Entry>, kKeyKinds>
      entries_;  // by kind; a deque neither moves what it has nor keeps twice the room
  std::deque<Ordinals> sets_;

  // What settle() has to do.
  static constexpr std::size_t kPendingMax = 64;
  std::array<Pending, kPendingMax> pending_{};
  std::size_t pending_count_ = 0;
};

}  // namespace daybook::index
