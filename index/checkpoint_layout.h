// Where things are in a checkpoint. Little endian, read in place.
//
//   header        one block: CheckpointHeader, the rest zero
//   pages         of 4 KiB, by KeyKind, then by hash: a run of pages for each kind
//   segments      CheckpointSegment for each covered segment, in order
//   page index    u64 for each page: the hash of its first key
//
//   page    := CheckpointPage entry{count} zeros
//   entry   := hash version? position? set         varints; hash is the distance to the entry before (the first: to
//                                                  the page index, 0); version and position of streams alone
//   set     := list: (n - 1) << 1, first, (gap - 1){n - 1}       varints; of ordinals of the segment table
//            | bitmap: shift << 1 | 1, size, byte{size}          a bit stands for 2^shift segments; the last byte is not 0
//   varint  := 7 bits at a time, the lowest first, the highest bit set on all but the last byte; the shortest form
//
// DO NOT CHANGE: these values are on disk.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <daybook/types.h>

#include "index/key.h"

namespace daybook::index {

static_assert(std::endian::native == std::endian::little, "a checkpoint is read in place");

inline constexpr std::size_t kCheckpointKinds = 4;     // KeyKind stream to id
inline constexpr std::size_t kCheckpointBlock = 4096;  // of the header, and of each page

// What a checkpoint says of a segment that it covers.
struct CheckpointSegment {
  std::uint64_t number = 0;
  Uuid segment{};
  std::uint64_t epoch = 0;
  std::uint64_t base_position = 0;  // position of the event before its first
  std::uint64_t events = 0;
  std::uint64_t valid_end = 0;      // bytes of the segment's file; the frames that end at or below it are covered
  std::int64_t recorded_first = 0;  // smallest and largest times, nanoseconds since 1970; 0 when there are no events
  std::int64_t recorded_last = 0;
  std::int64_t occurred_first = 0;
  std::int64_t occurred_last = 0;
  friend bool operator==(const CheckpointSegment&, const CheckpointSegment&) = default;
};
static_assert(sizeof(CheckpointSegment) == 88 && std::has_unique_object_representations_v<CheckpointSegment>);

struct CheckpointKeys {
  std::uint64_t pages;
  std::uint64_t keys;
};

struct CheckpointHeader {
  std::uint64_t magic;
  std::uint32_t format_version;
  std::uint32_t zero;
  std::uint32_t incompatible;  // feature bits: a reader that does not know one must not read
  std::uint32_t compatible;    // feature bits: a reader that does not know one may read
  Uuid log;                    // catches a file from another store
  std::uint64_t epoch;         // of the last covered segment
  std::uint64_t position;      // of the last event that is covered
  std::uint64_t segment;       // where the log is covered to: the number of a segment
  std::uint64_t offset;        // and the offset in it
  std::uint64_t size;          // of the file: catches a truncated one
  std::uint64_t segments;      // how many are covered
  std::array<CheckpointKeys, kCheckpointKinds> kinds;
  std::uint64_t tables_low;  // XXH3-128 of the bytes from the segment table to the end
  std::uint64_t tables_high;
  std::uint64_t check;  // XXH3-64 of the header before it
};
inline constexpr std::uint64_t kCheckpointMagic = 0x0a31504b43594144;  // "DAYCKP1\n"
inline constexpr std::uint32_t kCheckpointVersion = 1;
static_assert(sizeof(CheckpointHeader) == 176 && offsetof(CheckpointHeader, check) == 168);
static_assert(std::has_unique_object_representations_v<CheckpointHeader> &&
              std::is_trivially_copyable_v<CheckpointHeader>);

struct CheckpointPage {
  std::uint64_t check;  // XXH3-64 of the page behind it, seeded with the checkpoint and the page's number
  std::uint16_t count;  // entries; never 0
  std::uint16_t size;   // bytes of them
  std::uint32_t zero;
};
static_assert(sizeof(CheckpointPage) == 16 && std::has_unique_object_representations_v<CheckpointPage>);
inline constexpr std::size_t kCheckpointPageRoom = kCheckpointBlock - sizeof(CheckpointPage);

// More than a segment of the largest size can hold.
inline constexpr std::uint64_t kCheckpointEventsMax = 1u << 28;
// A set that would be larger is written with bits that stand for more segments each.
inline constexpr std::size_t kCheckpointSetMax = 1024;

// The checksums of a checkpoint, to write and to check them.
std::uint64_t checkpoint_header_check(const CheckpointHeader& header) noexcept;
// `page` is a block, number `number` of the pages.
std::uint64_t checkpoint_page_check(const CheckpointHeader& header, std::uint64_t number,
                                    const std::byte* page) noexcept;
void seal_checkpoint_tables(CheckpointHeader& header, const std::byte* tables, std::size_t size) noexcept;

}  // namespace daybook::index
