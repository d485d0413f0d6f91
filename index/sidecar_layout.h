// Where things are in a sidecar, the file segments/<number>.idx: header, then sections, one behind the other, each aligned
// to 8, its pad inside it and zero. Little endian, read in place.
//
//   small{5}      for each KeyKind, in the order of its values: keys of few events, without their text: small_table.h; first,
//                 because they are aligned to 64
//   frame_units   MonotoneList: offset / 8 of each frame
//   frame_firsts  MonotoneList: ordinal of the first event of each frame; empty when every frame has one event
//   large{5}      for each KeyKind: all other keys: large_table.h
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

static_assert(std::endian::native == std::endian::little, "a sidecar is read in place");

// A part of the file.
struct SidecarSection {
  std::uint64_t offset;  // from the start of the file; where the section before ends
  std::uint64_t size;    // in bytes, a multiple of 8
};

constexpr std::size_t small_section(KeyKind kind) noexcept { return static_cast<std::size_t>(kind); }
inline constexpr std::size_t kFrameUnitsSection = kKeyKinds;
inline constexpr std::size_t kFrameFirstsSection = kKeyKinds + 1;
constexpr std::size_t large_section(KeyKind kind) noexcept { return kKeyKinds + 2 + static_cast<std::size_t>(kind); }
inline constexpr std::size_t kSidecarSections = 2 + 2 * kKeyKinds;

struct SidecarHeader {
  std::uint64_t magic;
  std::uint32_t format_version;
  std::uint32_t zero;
  std::uint32_t incompatible;   // feature bits: a reader that does not know one must not read
  std::uint32_t compatible;     // feature bits: a reader that does not know one may read
  Uuid log;                     // as in the segment's header: catches a file from another store
  Uuid segment;                 // catches the sidecar of a segment that was replaced
  std::uint64_t number;         // of the segment: catches a renamed file
  std::uint64_t epoch;          // catches the sidecar of a segment that recovery cut
  std::uint64_t base_position;  // position of the event before the first one
  std::uint64_t valid_end;      // the frames below this offset of the segment are covered
  std::uint32_t events;
  std::uint32_t frames;
  std::int64_t recorded_first;  // smallest and largest times, nanoseconds since 1970; 0 when there are no events
  std::int64_t recorded_last;
  std::int64_t occurred_first;
  std::int64_t occurred_last;
  std::uint64_t body_size;  // bytes behind the header: catches a truncated file
  std::uint64_t hash_low;   // XXH3-128 of them
  std::uint64_t hash_high;
  std::array<SidecarSection, kSidecarSections> sections;
  std::array<std::uint64_t, 4> reserved;  // 0
  std::uint64_t check;                    // XXH3-64 of the header before it
};
inline constexpr std::uint64_t kSidecarMagic = 0x0a31584449425944;  // "DYBIDX1\n"
inline constexpr std::uint32_t kSidecarVersion = 4;
static_assert(sizeof(SidecarHeader) == 384 && offsetof(SidecarHeader, check) == 376);
static_assert(std::has_unique_object_representations_v<SidecarHeader> && std::is_trivially_copyable_v<SidecarHeader>);

// More than a segment of the largest size can hold.
inline constexpr std::uint32_t kSidecarEventsMax = 1u << 28;

// Keys with so many events and more are in the large table; no others are written as a bitmap.
inline constexpr std::uint32_t kLargeFrom = 64;

constexpr std::uint64_t sidecar_align(std::uint64_t size) noexcept { return (size + 7) & ~std::uint64_t{7}; }

// The checksums of a sidecar, to write and to check them.
std::uint64_t sidecar_header_check(const SidecarHeader& header) noexcept;
struct SidecarHash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const SidecarHash&, const SidecarHash&) = default;
};
// `body` is everything behind the header.
SidecarHash sidecar_body_hash(const std::byte* body, std::size_t size) noexcept;

}  // namespace daybook::index
