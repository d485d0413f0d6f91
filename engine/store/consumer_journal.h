// The journal of a consumer: where it is, as bytes. Little endian; grammar: docs/format.md, section 9.
//
//   journal := JournalHeader record{1..}          the first record is the query
//   record  := RecordHeader body zeros            to a multiple of 8
//
// Each record's checksum is seeded with that of the record before it, so a record counts only behind the very records that
// it was written behind: what an older life of the file has left behind the end can never follow.
// DO NOT CHANGE: these values are on disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <daybook/consumer.h>
#include <daybook/error.h>

namespace daybook::consumers {

struct JournalHeader {
  std::uint64_t magic;
  std::uint32_t format_version;
  std::uint32_t incompatible;  // feature bits: whoever does not know one must not read
  Uuid log;                    // catches a file from another store
  std::uint64_t salt;          // random: no record of another journal counts in this one
  std::uint64_t epoch;         // of the segment that had the event at `position`; 0 = not known
  std::uint64_t position;      // where the consumer was when the file was made
  std::int64_t saved_at;       // nanoseconds since 1970
  std::uint64_t base_size;     // bytes that were synced before the file got its name: damage there is no torn tail
  std::uint64_t check;         // XXH3-128, lower half, of the header before it
};
static_assert(sizeof(JournalHeader) == 80 && std::has_unique_object_representations_v<JournalHeader> &&
              std::is_trivially_copyable_v<JournalHeader>);

enum class RecordKind : std::uint8_t {
  query = 1,     // the query from here on
  position = 2,  // acknowledged up to there; never goes back
  reset = 3,     // somewhere else; what is parked behind it is so no more
  parked = 4,    // an event was set aside, or tried again
  unparked = 5,  // it was handled, or given up
};

struct RecordHeader {
  std::uint64_t check;  // XXH3-128, lower half, of the rest of the record, seeded with the check before
  std::uint32_t size;   // of the record
  std::uint8_t kind;    // RecordKind; an unknown one is not taken for a torn one, but refused
  std::uint8_t zero[3];
};
static_assert(sizeof(RecordHeader) == 16 && std::has_unique_object_representations_v<RecordHeader>);

inline constexpr std::uint64_t kJournalMagic = 0x0a314e4f43594144;  // "DAYCON1\n"
inline constexpr std::uint32_t kJournalVersion = 1;
inline constexpr std::uint32_t kRecordSizeMax = 1u << 20;
inline constexpr std::size_t kParkedErrorMax = 1'000;  // bytes of its text that are kept

// What a journal says.
struct ConsumerState {
  ResumeToken at{};
  Query query{};
  Timestamp saved_at{};
  std::map<Position, ParkedEvent> parked{};
};

// What a reset does: goes there, and takes what is parked behind it back.
void reset_to(ConsumerState& state, const ResumeToken& at, Timestamp now);

// Makes the bytes of a journal, and of the records behind it.
class JournalWriter {
 public:
  // The journal that says `state`, in `bytes()`.
  JournalWriter(const ConsumerState& state, std::uint64_t salt);
  // Goes on behind a record with that check.
  explicit JournalWriter(std::uint64_t check) : check_(check) {}

  void add_query(const Query& query);
  void add_position(const ResumeToken& at, Timestamp now) { add_place(RecordKind::position, at, now); }
  void add_reset(const ResumeToken& at, Timestamp now) { add_place(RecordKind::reset, at, now); }
  void add_parked(const ParkedEvent& event);
  void add_unparked(Position position);

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t check() const noexcept { return check_; }  // of the last record

 private:
  void add_place(RecordKind kind, const ResumeToken& at, Timestamp now);
  void add(RecordKind kind, std::span<const std::byte> body);

  std::vector<std::byte> bytes_;
  std::uint64_t check_ = 0;
};

struct Journal {
  ConsumerState state{};
  std::uint64_t base_size = 0;
  std::uint64_t end = 0;    // behind the last good record; what follows is torn, or nothing
  std::uint64_t check = 0;  // of that record
};

// corrupt: what was synced is not there as it was. unsupported: a newer version wrote it.
Result<Journal> parse_journal(std::span<const std::byte> bytes);

// The same query, however its items and keys are ordered.
bool same_query(const Query& a, const Query& b);

}  // namespace daybook::consumers
