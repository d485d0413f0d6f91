// The heads of all streams: version and last position, in a hash table that grows without stopping anybody.
//
// A stream is known here by a 128-bit hash of its id, keyed with a secret of this process; ids themselves are not kept.
// (Two streams would have to agree in 128 bits that nobody outside the process can predict.)
//
// Slots are found by linear probing and never removed. When a table fills up, a larger one is linked behind it and the
// slots move over one by one, by grow(). Look-ups begin at the oldest table that still has slots to move, and go on to
// its successor where they find that a slot has moved or cannot be there. Old tables are kept until the end; all
// together they are smaller than the newest.
//
// Invariants
//
// (1) A key is in one slot of a table: everybody probes from the same place, slots are claimed by CAS of the first key
//     word and never emptied, and whoever meets a claimed slot without a second key word may complete it with its own;
//     the loser of that CAS goes on probing.
// (2) An empty slot of a table that has a successor is closed (CAS) before a key is looked for in the successor; so no
//     key can be put in the old table behind the back of somebody who did not find it there.
// (3) A version moves to the successor in three steps: frozen here (no CAS on it succeeds any more), copied there by CAS
//     from 0, marked as moved here. Versions only grow, so a late copy changes nothing.
// (4) Exactly one slot of a key accepts new versions: its slot in the successor is used only by those who saw it frozen
//     here and made sure that it is copied.
// (5) A head is unknown (its version word is 0) until it is loaded with what it was when the log was opened. That is a
//     function of the log below the point where this session began, which nothing changes any more. Nobody advances a
//     head before it is loaded: the owner of a frame loads its heads before it claims, and whoever else publishes the
//     frame has seen it filled, which happened after that. So a load by CAS from 0 that comes late, or twice, changes
//     nothing; and zeroed memory, a slot just made and a slot copied while unknown all mean the same.
#pragma once

#include <atomic>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include <daybook/store.h>
#include <daybook/types.h>

#include "format/frame.h"

namespace daybook::log {

struct StreamKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend constexpr auto operator<=>(const StreamKey&, const StreamKey&) = default;
};

struct alignas(32) Head {
  std::atomic<std::uint64_t> low;      // 0 = empty
  std::atomic<std::uint64_t> high;     // 0 = not complete yet
  std::atomic<std::uint64_t> version;  // + 1; 0 = unknown; and the bits frozen, moved
  std::atomic<std::uint64_t> last_position;
};
static_assert(sizeof(Head) == 32, "two to a cache line, none across");

// Thread safety: all methods, from any thread at any time; grow() from one at a time. Lock-free. find() maps memory only
// when grow() did not come in time.
class StreamTable {
 public:
  explicit StreamTable(std::uint64_t capacity = kCapacityDefault);
  ~StreamTable();
  StreamTable(const StreamTable&) = delete;
  StreamTable& operator=(const StreamTable&) = delete;

  [[nodiscard]] StreamKey key(std::string_view stream) const noexcept;
  // Brings the slot where a key would be to the cache, so that several look-ups overlap.
  void prefetch(StreamKey key) const noexcept;

  // The head of a stream; made, and unknown, when there is none. Null: no memory for it.
  Head* find(StreamKey key) noexcept;
  Head* find(const format::FrameHeader& frame, std::uint32_t streams, std::uint32_t index) noexcept;

  // The head of a stream, or null when there is none. Makes nothing.
  Head* peek(StreamKey key) noexcept;

  // All follow a head that has moved since it was found. Acquire. Nothing: unknown; the last two must not be asked then.
  [[nodiscard]] std::optional<Version> known_version(Head* head) noexcept {
    const std::uint64_t word = head->version.load(std::memory_order_acquire);
    return is_settled(word) ? word - 1 : settled_version(head);
  }
  [[gnu::always_inline]] [[nodiscard]] Version version(Head* head) noexcept {
    const std::uint64_t word = head->version.load(std::memory_order_acquire);
    return is_settled(word) ? word - 1 : require_version(head);
  }
  [[nodiscard]] Position last_position(Head* head) noexcept;

  // Makes an unknown head what it was when the log was opened; changes no other: (5). Release.
  void load(Head* head, const StreamHead& at_open) noexcept;

  // Moves a known version from `from` to `to` and the last position up to `last`, unless somebody has. Release.
  void advance(Head* head, Version from, Version to, Position last) noexcept;

  // What a background thread does now and then, so that appenders never map memory: makes the next table when the
  // newest is half full, and moves the slots of older ones. Errors are none: without memory the table goes on as it is.
  void grow() noexcept;

  static constexpr std::uint64_t kCapacityDefault = 1u << 16;

 private:
  struct Table;

  static constexpr std::uint64_t kFrozen = std::uint64_t{1} << 63;
  static constexpr std::uint64_t kMoved = std::uint64_t{1} << 62;
  static constexpr std::uint64_t kWordMask = kMoved - 1;
  static constexpr std::uint64_t kClosed = 1;  // a first key word that no key has: key() avoids 0 and 1

  // Known, and here: the case of every append. Inlined, because a function that returns an optional does so in memory, in
  // pieces, and the processor waits when it loads them as a whole.
  static bool is_settled(std::uint64_t word) noexcept { return word != 0 && (word & (kFrozen | kMoved)) == 0; }
  std::optional<Version> settled_version(Head* head) noexcept;
  Version require_version(Head* head) noexcept;

  Head* find_from(Table* table, StreamKey key) noexcept;
  Head* follow(Table& table, Head& head) noexcept;
  Head* follow_moved(Table& table, Head& head, std::uint64_t word) noexcept;
  Head* settle(Head* head) noexcept;
  bool move_word(Head* head, std::uint64_t from, std::uint64_t to, Position last) noexcept;
  static Table* successor(Table& table) noexcept;
  bool move_all(Table& table) noexcept;

  Table* const first_;
  std::atomic<Table*> oldest_;  // the oldest one with slots to move
  const std::uint64_t secret_;
};

}  // namespace daybook::log
