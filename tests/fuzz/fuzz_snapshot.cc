// Any bytes as a file of snapshots: refused, or walked through without a step outside them; what is found can be written
// again and is then the same. Checksums are made right before it is looked at, in the file's header and along the chain of
// records; with the first byte odd they are left as they are.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "format/snapshot_record.h"

namespace {

using namespace daybook;          // NOLINT(google-build-using-namespace): one file, no header
using namespace daybook::format;  // NOLINT(google-build-using-namespace)

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "fuzz_snapshot: %s\n", what);
  std::abort();
}

void repair(std::span<std::byte> file) {
  SnapshotFileHeader header;
  std::memcpy(&header, file.data(), sizeof(header));
  header = make_snapshot_file_header(header.log, header.number, header.salt);
  std::memcpy(file.data(), &header, sizeof(header));
  for (std::uint64_t at = sizeof(header); at < file.size() && file.size() - at >= sizeof(SnapshotRecord);) {
    SnapshotRecord record;
    std::memcpy(&record, file.data() + at, sizeof(record));
    const std::uint64_t key_end = at + sizeof(record) + record.key_size;
    if (record.word == 0 || key_end > file.size()) return;
    std::ranges::fill(record.zero, std::uint8_t{0});
    record.zero_too = 0;
    record.state_size = std::min(record.state_size, file.size() - key_end);
    const std::uint64_t size = snapshot_record_size(record.key_size, record.state_size);
    record.word = snapshot_word(size, snapshot_kind(record.word));
    const char* const key = reinterpret_cast<const char*>(file.data() + at + sizeof(record));
    record.crc = snapshot_crc(record, {key, record.key_size}, {header.salt, at});
    std::memcpy(file.data() + at, &record, sizeof(record));
    at += size;
  }
}

void check_record(std::span<const std::byte> file, const SnapshotAt& at, std::uint64_t offset) {
  const SnapshotRecord& record = *at.record;
  const auto state = snapshot_state(record);
  require(record.position != 0 && record.key_size != 0, "a record says whose state it is, and of which event");
  require(at.size >= sizeof(record) && at.size % kAlign == 0 && at.size <= file.size() - offset, "it fits");
  require(
      state.data() >= file.data() && state.size() <= static_cast<std::size_t>(file.data() + file.size() - state.data()),
      "so does its state");
  if (snapshot_state_crc(state) != record.state_crc || snapshot_kind(record.word) != SnapshotKind::saved) return;
  std::vector<std::uint64_t> words(at.size / 8);
  const auto again = std::as_writable_bytes(std::span(words));
  encode_snapshot(record, snapshot_key(record), state, {.salt = 1, .offset = 0}, again);
  const SnapshotAt second = check_snapshot(again, {.salt = 1, .offset = 0});
  require(second.kind == SnapshotAt::Kind::record && second.size == at.size, "what is copied is a record");
  require(second.record->state_crc == record.state_crc, "of the same state");
  require(snapshot_key(*second.record) == snapshot_key(record), "and key");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 + sizeof(SnapshotFileHeader)) return 0;
  std::vector<std::uint64_t> words(size / 8 + 1);  // aligned as a mapping is
  const auto file = std::as_writable_bytes(std::span(words)).first(size - 1);
  std::memcpy(file.data(), data + 1, file.size());
  if (data[0] % 2 == 0) repair(file);
  SnapshotFileHeader claimed;
  std::memcpy(&claimed, file.data(), sizeof(claimed));
  const auto header = check_snapshot_file_header(file, claimed.log, claimed.number);
  if (!header) return 0;
  std::uint64_t offset = sizeof(*header);
  for (;;) {
    const SnapshotAt at = check_snapshot(file, {header->salt, offset});
    if (at.kind != SnapshotAt::Kind::record) break;
    check_record(file, at, offset);
    offset += at.size;
  }
  require(offset <= file.size() || offset == sizeof(*header), "a walk ends in the file");
  return 0;
}
