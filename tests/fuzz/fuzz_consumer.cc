// Any bytes as the journal of a consumer: refused, or a state that can be written again and then says the same. Checksums
// are made right before it is looked at, so that what is behind them is reached.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "format/checksum.h"
#include "store/consumer_journal.h"

namespace {

using namespace daybook;             // NOLINT(google-build-using-namespace): one file, no header
using namespace daybook::consumers;  // NOLINT(google-build-using-namespace)

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "fuzz_consumer: %s\n", what);
  std::abort();
}

void repair(std::span<std::byte> bytes) {
  JournalHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  header.magic = kJournalMagic;
  header.format_version = kJournalVersion;
  header.incompatible = 0;
  header.check = format::xxh3_128(std::as_bytes(std::span(&header, 1)).first(offsetof(JournalHeader, check))).low;
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::uint64_t check = header.check;
  for (auto rest = bytes.subspan(sizeof(header)); rest.size() >= sizeof(RecordHeader);) {
    RecordHeader record;
    std::memcpy(&record, rest.data(), sizeof(record));
    if (record.size < sizeof(record) || record.size > rest.size()) return;
    record.check = format::xxh3_128(rest.subspan(sizeof(record.check), record.size - sizeof(record.check)), check).low;
    check = record.check;
    std::memcpy(rest.data(), &record.check, sizeof(record.check));
    rest = rest.subspan(record.size);
  }
}

void look(std::span<const std::byte> bytes) {
  const auto journal = parse_journal(bytes);
  if (!journal) return;
  require(journal->end <= bytes.size() && journal->end >= journal->base_size, "the end is inside");
  const JournalWriter again(journal->state, 1);
  const auto second = parse_journal(again.bytes());
  require(second.has_value(), "what is written is refused");
  require(second->end == again.bytes().size(), "what is written is read whole");
  require(second->state.query == journal->state.query, "the query is another one");
  require(second->state.at.position == journal->state.at.position, "the position is another one");
  require(second->state.parked.size() == journal->state.parked.size(), "other events are parked");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  look(bytes);
  if (size < sizeof(JournalHeader)) return 0;
  repair(bytes);
  look(bytes);
  return 0;
}
