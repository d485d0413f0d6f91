#include "log/stream_table.h"

#include <new>

#include "format/assert.h"
#include "format/checksum.h"
#include "io/system.h"
#include "io/zeroed_pages.h"

namespace daybook::log {
namespace {

void raise(std::atomic<std::uint64_t>& position, std::uint64_t to) noexcept {
  std::uint64_t now = position.load(std::memory_order_relaxed);
  while (now < to && !position.compare_exchange_weak(now, to, std::memory_order_relaxed)) {
  }
}

}  // namespace

struct StreamTable::Table {
  // Huge pages, because a look-up among millions of streams is a cache miss and should not be a TLB miss as well.
  explicit Table(std::uint64_t slots) noexcept
      : capacity(slots), pages(slots * sizeof(Head)), heads(static_cast<Head*>(pages.data())) {}
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  [[nodiscard]] Head& home(StreamKey key, std::uint64_t probe) const noexcept {
    return heads[(key.high + probe) & (capacity - 1)];
  }
  [[nodiscard]] bool crowded() const noexcept {
    return taken.load(std::memory_order_relaxed) > capacity - capacity / 8;
  }

  const std::uint64_t capacity;  // a power of two
  const io::ZeroedPages pages;
  Head* const heads;
  std::atomic<std::uint64_t> taken = 0;
  std::atomic<Table*> next = nullptr;
};

StreamTable::StreamTable(std::uint64_t capacity)
    : first_(new Table(capacity)), oldest_(first_), secret_(io::random_u64()) {
  if (first_->heads == nullptr) throw std::bad_alloc();
}

StreamTable::~StreamTable() {
  for (Table* table = first_; table != nullptr;) {
    Table* const next = table->next.load(std::memory_order_relaxed);
    delete table;
    table = next;
  }
}

StreamKey StreamTable::key(std::string_view stream) const noexcept {
  const format::Hash128 hash = format::xxh3_128(std::as_bytes(std::span(stream)), secret_);
  return {hash.low <= kClosed ? hash.low + 2 : hash.low, hash.high == 0 ? 1 : hash.high};
}

void StreamTable::prefetch(StreamKey key) const noexcept {
  __builtin_prefetch(&oldest_.load(std::memory_order_acquire)->home(key, 0), 1);
}

Head* StreamTable::find(StreamKey key) noexcept {
  Table* const table = oldest_.load(std::memory_order_acquire);
  Head& head = table->home(key, 0);
  // As nearly always: known there, and not leaving.
  const bool there = head.low.load(std::memory_order_acquire) == key.low &&
                     head.high.load(std::memory_order_acquire) == key.high &&
                     (head.version.load(std::memory_order_acquire) & (kFrozen | kMoved)) == 0;
  return there ? &head : find_from(table, key);
}

Head* StreamTable::find(const format::FrameHeader& frame, std::uint32_t streams, std::uint32_t index) noexcept {
  return find(key(format::stream_id(frame, format::stream_entries(frame, streams)[index])));
}

Head* StreamTable::find_from(Table* table, StreamKey key) noexcept {
  while (table != nullptr) {
    for (std::uint64_t probe = 0; probe < table->capacity; ++probe) {
      Head& head = table->home(key, probe);
      std::uint64_t low = head.low.load(std::memory_order_acquire);
      if (low == 0) {
        const bool leaving = table->next.load(std::memory_order_acquire) != nullptr ||
                             (table->crowded() && successor(*table) != nullptr);
        const std::uint64_t desired = leaving ? kClosed : key.low;  // (2)
        if (head.low.compare_exchange_strong(low, desired, std::memory_order_acq_rel)) {
          low = desired;
          if (!leaving) table->taken.fetch_add(1, std::memory_order_relaxed);
        }
      }
      if (low == kClosed) break;
      if (low != key.low) continue;
      std::uint64_t high = 0;
      if (head.high.load(std::memory_order_acquire) == key.high ||
          head.high.compare_exchange_strong(high, key.high, std::memory_order_acq_rel) || high == key.high) {
        return follow(*table, head);  // (1)
      }
    }
    table = successor(*table);
  }
  return nullptr;
}

Head* StreamTable::peek(StreamKey key) noexcept {
  Table* table = oldest_.load(std::memory_order_acquire);
  for (; table != nullptr; table = table->next.load(std::memory_order_acquire)) {
    for (std::uint64_t probe = 0; probe < table->capacity; ++probe) {
      Head& head = table->home(key, probe);
      const std::uint64_t low = head.low.load(std::memory_order_acquire);
      if (low == 0) return nullptr;  // not closed, so nobody has gone on from here
      if (low == kClosed) break;
      if (low == key.low && head.high.load(std::memory_order_acquire) == key.high) return follow(*table, head);
    }
  }
  return nullptr;
}

// Where the key of a slot is now: here, unless it is frozen.
inline Head* StreamTable::follow(Table& table, Head& head) noexcept {
  const std::uint64_t word = head.version.load(std::memory_order_acquire);
  return (word & (kFrozen | kMoved)) == 0 ? &head : follow_moved(table, head, word);
}

[[gnu::noinline]] Head* StreamTable::follow_moved(Table& table, Head& head, std::uint64_t word) noexcept {
  Head* const there = find_from(table.next.load(std::memory_order_acquire),
                                {head.low.load(std::memory_order_relaxed), head.high.load(std::memory_order_acquire)});
  if (there == nullptr || (word & kMoved) != 0) return there;
  // (3) The last position first: who sees the version there sees it too. An unknown head leaves 0 where 0 is.
  raise(there->last_position, head.last_position.load(std::memory_order_acquire));
  std::uint64_t none = 0;
  there->version.compare_exchange_strong(none, word & kWordMask, std::memory_order_acq_rel);
  head.version.fetch_or(kMoved, std::memory_order_release);
  return there;
}

Head* StreamTable::settle(Head* head) noexcept {
  for (Table* table = first_; table != nullptr; table = table->next.load(std::memory_order_acquire)) {
    if (head >= table->heads && head < table->heads + table->capacity) return follow(*table, *head);
  }
  return head;
}

std::optional<Version> StreamTable::settled_version(Head* head) noexcept {
  for (;;) {
    const std::uint64_t word = head->version.load(std::memory_order_acquire);
    if (word == 0) return std::nullopt;
    if (is_settled(word)) return word - 1;
    Head* const there = settle(head);
    DAYBOOK_ASSERT(there != nullptr);  // the successor is twice as large, and was there before anything was frozen
    head = there;
  }
}

Version StreamTable::require_version(Head* head) noexcept {
  const auto version = settled_version(head);
  DAYBOOK_ASSERT(version);
  return *version;
}

Position StreamTable::last_position(Head* head) noexcept {
  (void)version(head);
  Head* const there = settle(head);
  return (there == nullptr ? head : there)->last_position.load(std::memory_order_acquire);
}

void StreamTable::load(Head* head, const StreamHead& at_open) noexcept {
  (void)move_word(head, 0, at_open.version + 1, at_open.last_position);
}

void StreamTable::advance(Head* head, Version from, Version to, Position last) noexcept {
  DAYBOOK_ASSERT(move_word(head, from + 1, to + 1, last));
}

// The last position first: who sees the version sees it too. False: the head is unknown and `from` is not.
bool StreamTable::move_word(Head* head, std::uint64_t from, std::uint64_t to, Position last) noexcept {
  for (;;) {
    raise(head->last_position, last);
    std::uint64_t word = from;
    if (head->version.compare_exchange_strong(word, to, std::memory_order_acq_rel)) return true;
    if ((word & (kFrozen | kMoved)) == 0) return word != 0;  // somebody has
    Head* const there = settle(head);
    DAYBOOK_ASSERT(there != nullptr);
    head = there;
  }
}

void StreamTable::grow() noexcept {
  Table* table = oldest_.load(std::memory_order_acquire);
  if (table->next.load(std::memory_order_acquire) == nullptr) {
    if (table->taken.load(std::memory_order_relaxed) <= table->capacity / 2) return;
    if (successor(*table) == nullptr) return;
  }
  if (move_all(*table)) oldest_.store(table->next.load(std::memory_order_acquire), std::memory_order_release);
}

// False: a slot is claimed and has no second key word yet; try again later.
bool StreamTable::move_all(Table& table) noexcept {
  bool complete = true;
  for (std::uint64_t i = 0; i < table.capacity; ++i) {
    Head& head = table.heads[i];
    std::uint64_t low = 0;
    if (head.low.compare_exchange_strong(low, kClosed, std::memory_order_acq_rel) || low == kClosed) continue;
    head.version.fetch_or(kFrozen, std::memory_order_acq_rel);
    const bool named = head.high.load(std::memory_order_acquire) != 0;
    if (!named || follow(table, head) == nullptr) complete = false;
  }
  return complete;
}

StreamTable::Table* StreamTable::successor(Table& table) noexcept {
  Table* next = table.next.load(std::memory_order_acquire);
  if (next != nullptr) return next;
  auto* made = new (std::nothrow) Table(table.capacity * 2);
  if (made == nullptr || made->heads == nullptr) {
    delete made;
    return nullptr;
  }
  if (table.next.compare_exchange_strong(next, made, std::memory_order_acq_rel)) return made;
  delete made;
  return next;
}

}  // namespace daybook::log
