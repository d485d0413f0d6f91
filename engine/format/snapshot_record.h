// Where things are in a file of snapshots. Little endian, read in place. docs/format.md, section 6.
//
//   file    := SnapshotFileHeader record{} zeros
//   record  := SnapshotRecord key pad state pad      pads are zeros up to a multiple of 8
//
// A record is written but for its word, and then its word: whoever reads the file while it grows sees whole records.
//
// DO NOT CHANGE: these values are on disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include <daybook/snapshot.h>
#include <daybook/types.h>

#include "format/layout.h"

namespace daybook::format {

struct SnapshotFileHeader {
  std::uint64_t magic;
  std::uint32_t format_version;
  std::uint32_t zero;
  std::uint32_t incompatible;  // feature bits: a reader that does not know one must not read
  std::uint32_t compatible;    // feature bits: a reader that does not know one may read
  Uuid log;                    // catches a file from another store
  std::uint64_t number;        // as in the file's name: catches a renamed file
  std::uint64_t salt;          // random, part of every record's checksum: catches records of a recycled or copied file
  std::uint32_t zero_too;
  std::uint32_t crc;  // CRC32C of the bytes before it
};
inline constexpr std::uint64_t kSnapshotMagic = 0x0a31504e53425944;  // "DYBSNP1\n"
inline constexpr std::uint32_t kSnapshotVersion = 1;
static_assert(sizeof(SnapshotFileHeader) == 64 && offsetof(SnapshotFileHeader, crc) == 60);
static_assert(std::has_unique_object_representations_v<SnapshotFileHeader> &&
              std::is_trivially_copyable_v<SnapshotFileHeader>);

enum class SnapshotKind : std::uint8_t {
  none = 0,
  saved = 1,
  end = 2,      // of the file: what comes next is in a later one. Has neither key nor state
  removed = 3,  // was `saved`; the only change that is ever made to a record
};

struct SnapshotRecord {
  std::uint64_t
      word;  // size of the whole record / 8, and in the lowest 8 bits its kind; 0 = nothing here. Written last
  std::uint64_t position;
  std::uint64_t version;
  std::uint64_t epoch;  // of the segment that held the event at `position`: catches a snapshot of what a crash cut off
  std::uint64_t fingerprint;
  std::int64_t recorded_at;  // of that event, nanoseconds since 1970
  std::int64_t saved_at;
  std::uint64_t state_size;
  std::uint32_t
      state_crc;          // CRC32C of the state: verified when the state is wanted, not when the file is looked through
  std::uint8_t key_size;  // 1..255
  std::uint8_t zero[3];
  std::uint32_t zero_too;
  std::uint32_t crc;  // CRC32C of salt, offset in the file, the bytes before it (as `saved`) and the key
};
static_assert(sizeof(SnapshotRecord) == 80 && offsetof(SnapshotRecord, crc) == 76);
static_assert(std::has_unique_object_representations_v<SnapshotRecord> && std::is_trivially_copyable_v<SnapshotRecord>);

constexpr std::uint64_t snapshot_word(std::uint64_t record_size, SnapshotKind kind) noexcept {
  return record_size / kAlign << 8 | static_cast<std::uint64_t>(kind);
}
constexpr SnapshotKind snapshot_kind(std::uint64_t word) noexcept { return static_cast<SnapshotKind>(word & 0xff); }

constexpr std::uint64_t snapshot_record_size(std::uint64_t key_size, std::uint64_t state_size) noexcept {
  return sizeof(SnapshotRecord) + align_up(key_size) + align_up(state_size);
}

SnapshotFileHeader make_snapshot_file_header(const Uuid& log, std::uint64_t number, std::uint64_t salt) noexcept;

// The header of a file that is of this log, has this number and may be read; nothing otherwise.
std::optional<SnapshotFileHeader> check_snapshot_file_header(std::span<const std::byte> file, const Uuid& log,
                                                             std::uint64_t number) noexcept;

// Where a record stands.
struct SnapshotPlace {
  std::uint64_t salt = 0;
  std::uint64_t offset = 0;
};

// Writes a record of `fields` (its word, sizes and checksums are set here) with key and state to `out`, which has
// snapshot_record_size() bytes. The key has 1..255 bytes, the state at most kSnapshotStateSizeMax.
void encode_snapshot(SnapshotRecord fields, std::string_view key, std::span<const std::byte> state, SnapshotPlace place,
                     std::span<std::byte> out) noexcept;
SnapshotRecord make_snapshot_end(SnapshotPlace place) noexcept;

std::uint32_t snapshot_crc(const SnapshotRecord& record, std::string_view key, SnapshotPlace place) noexcept;
std::uint32_t snapshot_state_crc(std::span<const std::byte> state) noexcept;

// What stands at an offset of a file. The state is not looked at.
struct SnapshotAt {
  enum class Kind : std::uint8_t { nothing, record, end, bad };
  Kind kind = Kind::nothing;
  const SnapshotRecord* record = nullptr;  // when it is a record: saved or removed
  std::uint64_t size = 0;                  // of the record
};

// Never reads outside `file`, whatever is in it. `place.offset` is a multiple of 8. Acquires the word.
SnapshotAt check_snapshot(std::span<const std::byte> file, SnapshotPlace place) noexcept;

// The word of the record at an offset inside the file; acquires it.
std::uint64_t load_snapshot_word(std::span<const std::byte> file, std::uint64_t offset) noexcept;

// Of a record that check_snapshot() has found.
inline std::string_view snapshot_key(const SnapshotRecord& record) noexcept {
  return {reinterpret_cast<const char*>(&record + 1), record.key_size};
}
inline std::span<const std::byte> snapshot_state(const SnapshotRecord& record) noexcept {
  return {reinterpret_cast<const std::byte*>(&record + 1) + align_up(record.key_size), record.state_size};
}

}  // namespace daybook::format
