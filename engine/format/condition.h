// The condition block of a conditional frame: what the append depends on, so that whoever publishes the frame can decide
// it without the thread that wrote it. Grammar: docs/format.md, section 3.
//
//   block     := ConditionHeader condition{conditions}
//   condition := ConditionEntry item{items} item{except} pad
//   item      := streams:u16 types:u16 tags:u16 key{streams} key{types} key{tags}
//   key       := size:u8 byte{size}
//
// The block stands behind the stream ids, 8-aligned; the last word of the frame, BlockPlace, says where.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <span>
#include <type_traits>

#include <daybook/event.h>
#include <daybook/query.h>
#include <daybook/types.h>

#include "format/layout.h"

namespace daybook::format {

struct ConditionHeader {
  std::uint64_t looked;      // Address: everything published below it was checked before the frame was claimed
  std::uint32_t flags;       // ConditionFlag bits; an unknown one makes the frame unsupported
  std::uint32_t conditions;  // 0 .. kAppendConditionsMax
};
static_assert(sizeof(ConditionHeader) == 16 && std::has_unique_object_representations_v<ConditionHeader>);

enum ConditionFlag : std::uint32_t { kUniqueIds = 1 };  // no published event may have the id of one of the frame's

struct ConditionEntry {
  std::uint64_t after;  // events at positions above it count
  std::uint32_t size;   // of the whole condition with its pad, a multiple of 8
  std::uint16_t items;
  std::uint16_t except;
  std::uint8_t windows;  // bit i: windows[i] is given
  std::uint8_t zero[7];
  std::array<std::int64_t, 4> window;  // recorded from, before; occurred from, before; 0 when not given
};
static_assert(sizeof(ConditionEntry) == 56 && std::has_unique_object_representations_v<ConditionEntry>);

struct BlockPlace {
  std::uint32_t offset;  // of the block, from the start of the frame, a multiple of 8
  std::uint32_t size;
};
static_assert(sizeof(BlockPlace) == 8 && std::has_unique_object_representations_v<BlockPlace>);

// --- writing ---------------------------------------------------------------------------------------------------------

// What a frame is to carry.
struct ConditionBlock {
  std::span<const AppendCondition> conditions;  // within the limits of queries
  Address looked{};
  bool unique_ids = false;
};

// Bytes of the block, a multiple of 8.
std::uint64_t block_size(const ConditionBlock& block) noexcept;
// Writes it to zeroed bytes. Where it ends.
std::byte* fill_block(std::byte* at, const ConditionBlock& block) noexcept;

// --- reading in place, what passed block_flaw() ----------------------------------------------------------------------

struct StoredItem {
  TagsView streams;  // keys are stored as tags are
  TagsView types;
  TagsView tags;
};

// The items of a condition: a forward range.
class StoredItems {
 public:
  class Iterator {
   public:
    using value_type = StoredItem;
    using difference_type = std::ptrdiff_t;
    Iterator() noexcept = default;
    Iterator(const char* at, std::uint32_t left) noexcept : at_(at), left_(left) {}
    StoredItem operator*() const noexcept { return parse().item; }
    Iterator& operator++() noexcept {
      at_ = parse().end;
      --left_;
      return *this;
    }
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) noexcept { return a.left_ == b.left_; }
    [[nodiscard]] const char* at() const noexcept { return at_; }

   private:
    struct Parsed {
      StoredItem item;
      const char* end = nullptr;
    };
    [[nodiscard]] Parsed parse() const noexcept;

    const char* at_ = nullptr;
    std::uint32_t left_ = 0;
  };

  StoredItems() noexcept = default;
  StoredItems(const char* at, std::uint32_t count) noexcept : at_(at), count_(count) {}
  [[nodiscard]] Iterator begin() const noexcept { return {at_, count_}; }
  [[nodiscard]] Iterator end() const noexcept { return {nullptr, 0}; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

 private:
  const char* at_ = nullptr;
  std::uint32_t count_ = 0;
};

// A condition as it is stored; the members of the query are named as those of daybook::Query.
struct StoredCondition {
  Position after = 0;
  StoredItems items;
  StoredItems except;
  std::optional<Timestamp> recorded_from;
  std::optional<Timestamp> recorded_before;
  std::optional<Timestamp> occurred_from;
  std::optional<Timestamp> occurred_before;
};

// The block of a conditional frame.
class StoredBlock {
 public:
  StoredBlock(const std::byte* frame, std::uint64_t size) noexcept {
    BlockPlace place;
    std::memcpy(&place, frame + size - sizeof(place), sizeof(place));
    header_ = reinterpret_cast<const ConditionHeader*>(frame + place.offset);
  }

  [[nodiscard]] Address looked() const noexcept { return Address::unpack(header_->looked); }
  [[nodiscard]] bool unique_ids() const noexcept { return (header_->flags & kUniqueIds) != 0; }
  [[nodiscard]] std::uint32_t conditions() const noexcept { return header_->conditions; }

  // Calls visit(index, StoredCondition) until it returns true. Whether it did.
  template <typename Visit>
  bool any(Visit visit) const {
    const std::byte* at = reinterpret_cast<const std::byte*>(header_ + 1);
    for (std::uint32_t i = 0; i < header_->conditions; ++i) {
      if (visit(i, read(at))) return true;
      at += reinterpret_cast<const ConditionEntry*>(at)->size;
    }
    return false;
  }

 private:
  static StoredCondition read(const std::byte* at) noexcept;

  const ConditionHeader* header_;
};

// --- checking --------------------------------------------------------------------------------------------------------

// The block of a frame of `size` bytes whose other parts end at `end`: null when every byte of it is as it must be, else
// what is wrong. Reads nothing outside the frame.
const char* block_flaw(const std::byte* frame, std::uint64_t size, std::uint64_t end, bool* unknown_flag) noexcept;

}  // namespace daybook::format
