// The keys of a segment with many events, and those that a SmallTable cannot tell apart: with their text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <daybook/error.h>

#include "index/small_table.h"

namespace daybook::index {

// One key of a large table, as it is in the file. Data and text are where those of the entries before end.
struct LargeEntry {
  std::uint64_t hash;
  std::uint32_t count;  // of events
  std::uint32_t first;  // ordinal of the first event
  std::uint32_t last;
  std::uint32_t text_offset;  // from the start of all text
  std::uint32_t text_size;    // 1..255
  std::uint32_t data_offset;  // from the start of all data, a multiple of 8
  std::uint32_t data_size;    // without the pad
  std::uint32_t form;         // of the data: kPackedForm or kRoaringForm
};
static_assert(sizeof(LargeEntry) == 40 && std::has_unique_object_representations_v<LargeEntry>);

// How the events of a key are written. DO NOT CHANGE: these values are on disk.
inline constexpr std::uint32_t kPackedForm = 0;   // PackedList
inline constexpr std::uint32_t kRoaringForm = 1;  // the portable Roaring format; kLargeFrom events or more

// A sorted table, read in place:
//
//   count:u32 text_size:u32 data_size:u64
//   LargeEntry{count}   ascending by hash, then by text
//   text, pad           to 8 bytes
//   (data, pad){count}  in the form that the entry says
//
// Answers without a look at any event. Data of kLargeFrom events or more is read where it lies. Packed lists take the fewest
// bytes for all sets but those with long runs; those that are too dense for an array in some slab are bitmaps, which are
// intersected by words.
//
// The bytes must outlive the table; an empty one has none. Thread safety: const members from any thread.
class LargeTable {
 public:
  LargeTable() noexcept = default;  // empty

  // Appends the table of those keys to `out`, whose size is a multiple of 8 and stays one.
  static void encode(const MemoryIndex& index, KeyKind kind, std::vector<HashedKey> keys, std::vector<std::byte>& out);

  // What a table that is read must agree with.
  struct Rule {
    KeyKind kind{};
    std::uint32_t events = 0;  // of the segment
    KeyHash hash = key_hash;
  };
  // The table that the bytes are, all of them, aligned to 8. Every rule is checked, every ordinal looked at. Errc::corrupt;
  // Error::offset counts from the start of the bytes.
  static Result<LargeTable> parse(std::span<const std::byte> bytes, const Rule& rule);

  [[nodiscard]] std::span<const LargeEntry> entries() const noexcept { return entries_; }
  [[nodiscard]] std::string_view text(const LargeEntry& entry) const noexcept {
    return text_.substr(entry.text_offset, entry.text_size);
  }
  // Brings what find() looks at first to the cache.
  void prefetch(std::uint64_t hash) const noexcept;
  // Null: the key is not in the table. Else one of entries().
  [[nodiscard]] const LargeEntry* find(std::uint64_t hash, std::string_view text) const noexcept;
  // The events of one of entries(): a view of the bytes, or a list of its own if they are few.
  [[nodiscard]] Postings postings(const LargeEntry& entry) const;

 private:
  // Where an entry of that hash should be, as hashes are spread evenly. Of a table that is not empty.
  [[nodiscard]] std::size_t likely(std::uint64_t hash) const noexcept;
  [[nodiscard]] std::span<const std::byte> data(const LargeEntry& entry) const noexcept {
    return data_.subspan(entry.data_offset, entry.data_size);
  }
  [[nodiscard]] std::uint64_t offset_of(const void* at) const noexcept;
  [[nodiscard]] bool ordered(const LargeEntry& before, const LargeEntry& entry) const noexcept;
  [[nodiscard]] Result<> check(const Rule& rule) const noexcept;
  [[nodiscard]] Result<> check_key(const LargeEntry& entry, const Rule& rule) const noexcept;
  [[nodiscard]] Result<> check_data(const LargeEntry& entry, std::uint32_t events) const noexcept;
  [[nodiscard]] Result<> check_bitmap(const LargeEntry& entry, std::uint32_t events) const noexcept;

  std::span<const LargeEntry> entries_;
  std::string_view text_;
  std::span<const std::byte> data_;
};

}  // namespace daybook::index
