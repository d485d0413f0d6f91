// Where things are in a store's files: names, sizes, offsets, and the structures at fixed places. docs/format.md is
// the contract; every number there is checked against this file by tests/format.
//
// DO NOT CHANGE: these values are on disk.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include <daybook/types.h>

#include "format/checksum.h"

namespace daybook::format {

static_assert(std::endian::native == std::endian::little, "format 1 is read in place");

inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::uint64_t kPage = 4096;
inline constexpr std::uint64_t kDataStart = kPage;  // frames begin behind the header page
inline constexpr std::uint64_t kAlign = 8;          // of frames and of everything in them that is read in place

inline constexpr std::uint64_t kSegmentSizeMin = 64u << 10;
inline constexpr std::uint64_t kSegmentSizeMax = 512u << 20;
inline constexpr std::uint64_t kSegmentSizeDefault = 128u << 20;

// The last page of a segment is the footer's; frames end before it.
constexpr std::uint64_t data_end(std::uint64_t segment_size) noexcept { return segment_size - kPage; }

constexpr std::uint64_t align_up(std::uint64_t size) noexcept { return (size + kAlign - 1) & ~(kAlign - 1); }

// A place in the log: the segment's number and the byte offset in its file, ordered as the log is.
struct Address {
  std::uint32_t segment = 0;
  std::uint32_t offset = 0;

  [[nodiscard]] constexpr std::uint64_t packed() const noexcept { return std::uint64_t{segment} << 32 | offset; }
  static constexpr Address unpack(std::uint64_t packed) noexcept {
    return {static_cast<std::uint32_t>(packed >> 32), static_cast<std::uint32_t>(packed)};
  }
  friend constexpr auto operator<=>(const Address&, const Address&) = default;
};

//   0        8     12    16    20    24    40    56     64     72    80        88     92   96
//   +--------+-----+-----+-----+-----+-----+-----+------+------+-----+---------+------+-----+
//   | magic  | ver | zero| inc | com | log | seg | num  | epoch| size| created | zero | crc |
//   +--------+-----+-----+-----+-----+-----+-----+------+------+-----+---------+------+-----+
//
// The first thing in a segment, and again at kHeaderCopy. Written once, before the file gets its name.
struct SegmentHeader {
  std::uint64_t magic;
  std::uint32_t format_version;
  std::uint32_t zero;
  std::uint32_t incompatible;  // feature bits: a reader that does not know one must not read
  std::uint32_t compatible;    // feature bits: a reader that does not know one may read
  Uuid log;                    // the same in every segment of a log: catches a file from another store
  Uuid segment;                // of this file alone: catches frames of a recycled or copied file
  std::uint64_t number;        // as in the file's name: catches a renamed file
  std::uint64_t epoch;         // grows with every unclean recovery: old bytes can never pass for new frames
  std::uint64_t size;          // of the file in bytes: catches a truncated one
  std::int64_t created_at;     // nanoseconds since 1970
  std::uint32_t zero_too;
  std::uint32_t crc;  // CRC32C of the bytes before it
};
inline constexpr std::uint64_t kSegmentMagic = 0x0a314b4f4f425944;  // "DYBOOK1\n"
inline constexpr std::uint64_t kHeaderCopy = 2048;
static_assert(sizeof(SegmentHeader) == 96 && offsetof(SegmentHeader, crc) == 92);
static_assert(std::has_unique_object_representations_v<SegmentHeader> && std::is_trivially_copyable_v<SegmentHeader>);

// Written when publishing enters the segment: the position of the event before its first. A hint that saves readers a
// walk; recovery knows it from the segments before and never trusts it.
struct SegmentBase {
  std::uint64_t position;
  std::uint64_t check;  // base_check(position, salt); anything else = not written yet
};
inline constexpr std::uint64_t kBaseOffset = 1024;
static_assert(sizeof(SegmentBase) == 16);

// The last page of a segment: how it ended.
struct SegmentFooter {
  enum Kind : std::uint32_t {
    closed = 1,  // the log was closed cleanly here; appending may go on, after this footer is zeroed
    sealed = 2,  // nothing is ever written to this file again
  };
  std::uint64_t magic;
  std::uint32_t kind;
  std::uint32_t zero;
  std::uint64_t valid_end;      // where the last frame ends
  std::uint64_t hash_end;       // what the hash covers: valid_end, and the pad's word when there is one
  std::uint64_t base_position;  // position of the event before the first one here
  std::uint64_t events;         // published events
  std::uint64_t frames;         // published frames
  std::int64_t recorded_first;  // recorded-at of the first and last event; 0 when there are none
  std::int64_t recorded_last;
  std::uint64_t hash_low;  // sealed: XXH3-128 of the file's bytes [0, hash_end)
  std::uint64_t hash_high;
  std::uint32_t zero_too;
  std::uint32_t crc;  // salted CRC32C of the bytes before it
};
inline constexpr std::uint64_t kFooterMagic = 0x0a444e454f425944;  // "DYBOEND\n"
static_assert(sizeof(SegmentFooter) == 96 && offsetof(SegmentFooter, crc) == 92);
static_assert(std::has_unique_object_representations_v<SegmentFooter> && std::is_trivially_copyable_v<SegmentFooter>);

// The file LOCK: one page that live processes share. Nothing in it is needed to read or recover a log.
struct LivePage {
  std::uint64_t magic;
  std::uint32_t format_version;
  std::uint32_t writer;  // process id of the one who has, or had, the store open for writing
  Uuid log;
  Uuid boot;               // which boot of the machine `durable` was written in
  std::int64_t since;      // when the writer opened the store
  std::uint32_t wake;      // futex: counts the times that sleepers were woken
  std::uint32_t sleepers;  // 1 = somebody sleeps on `wake`, or is about to
  std::uint64_t durable;   // packed with a check: seal_durable(). What it says was true when written, and stays so.
  std::array<std::uint8_t, 440> zero;
  std::uint64_t durable_again;  // the same in another sector, raised after it: the lower of both counts
};
inline constexpr std::uint64_t kLiveMagic = 0x0a4556494c425944;  // "DYBLIVE\n"
static_assert(sizeof(LivePage) == 520 && offsetof(LivePage, durable_again) == 512);
static_assert(std::has_unique_object_representations_v<LivePage> && std::is_trivially_copyable_v<LivePage>);

// What salts every checksum in a segment: a function of log, segment and epoch.
std::uint64_t segment_salt(const SegmentHeader& header) noexcept;

std::uint32_t header_crc(const SegmentHeader& header) noexcept;
std::uint32_t footer_crc(const SegmentFooter& footer, std::uint64_t salt) noexcept;
std::uint64_t base_check(std::uint64_t position, std::uint64_t salt) noexcept;

// A durable address in 64 bits: 26 bits segment, 26 bits offset / 8, 12 bits check. 0 = none. Beyond segment 2^26 it
// says nothing rather than something wrong.
std::uint64_t seal_durable(Address address, const Uuid& log) noexcept;
std::optional<Address> open_durable(std::uint64_t sealed, const Uuid& log) noexcept;

// Names. A name that was not made by the first function of a pair is refused by the second.
inline constexpr std::string_view kLockName = "LOCK";
inline constexpr std::string_view kSegmentsName = "segments";
inline constexpr std::string_view kCheckpointsName = "checkpoints";
inline constexpr std::string_view kSnapshotsName = "snapshots";
std::string segment_name(std::uint64_t number);
std::string sidecar_name(std::uint64_t number);
std::optional<std::uint64_t> parse_sidecar_name(std::string_view name) noexcept;
std::string checkpoint_name(std::uint64_t position);
std::optional<std::uint64_t> parse_checkpoint_name(std::string_view name) noexcept;
std::string snapshots_name(std::uint64_t number);
std::optional<std::uint64_t> parse_snapshots_name(std::string_view name) noexcept;
std::optional<std::uint64_t> parse_segment_name(std::string_view name) noexcept;
std::string temporary_name(std::uint64_t number, std::uint64_t random);
bool is_temporary_name(std::string_view name) noexcept;

}  // namespace daybook::format
