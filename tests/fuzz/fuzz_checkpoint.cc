// Any bytes as a checkpoint: refused, or answers without a step outside them, and answers agree with each other. Checksums
// and sizes are made right before it is looked at; it is read as of the log that it claims.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "index/checkpoint.h"

namespace {

using namespace daybook;         // NOLINT(google-build-using-namespace): one file, no header
using namespace daybook::index;  // NOLINT(google-build-using-namespace)

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "fuzz_checkpoint: %s\n", what);
  std::abort();
}

CheckpointHeader repair(std::span<std::byte> bytes) {
  CheckpointHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  header.magic = kCheckpointMagic;
  header.format_version = kCheckpointVersion;
  header.size = bytes.size();
  std::uint64_t pages = 0;
  for (CheckpointKeys& kind : header.kinds) {
    kind.pages = std::min<std::uint64_t>(kind.pages, bytes.size() / kCheckpointBlock);
    pages += kind.pages;
  }
  const std::uint64_t tables = kCheckpointBlock * (1 + pages);
  if (tables <= bytes.size()) {
    seal_checkpoint_tables(header, bytes.data() + tables, bytes.size() - tables);
    for (std::uint64_t page = 0; page < pages; ++page) {
      std::byte* const at = bytes.data() + kCheckpointBlock * (1 + page);
      const std::uint64_t check = checkpoint_page_check(header, page, at);
      std::memcpy(at, &check, sizeof(check));
    }
  }
  header.check = checkpoint_header_check(header);
  std::memcpy(bytes.data(), &header, sizeof(header));
  return header;
}

void check_key(const Checkpoint& checkpoint, const CheckpointKey& key) {
  require(!key.segments.empty(), "a key is in no segment");
  require(std::ranges::adjacent_find(key.segments, std::greater_equal{}) == key.segments.end(), "segments ascend");
  require(key.segments.back() < checkpoint.segments().size(), "a segment is not there");
  require(key.last_position <= checkpoint.header().position, "a head is behind the end");
  const auto found = checkpoint.find(key.kind, key.hash);
  require(found && *found && **found == key, "a key is found as it is walked over");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint64_t> words(size / 8);
  const auto bytes = std::as_writable_bytes(std::span(words));
  if (bytes.size() < kCheckpointBlock) return 0;
  std::memcpy(bytes.data(), data, bytes.size());
  const CheckpointHeader header = repair(bytes);
  const auto checkpoint = Checkpoint::parse(bytes, header.log);
  if (!checkpoint) return 0;

  Checkpoint::Walk walk(*checkpoint);
  std::uint64_t keys = 0;
  bool whole = true;
  const CheckpointKey* before = nullptr;
  CheckpointKey last;
  for (;;) {
    const auto key = walk.next();
    whole = key.has_value();
    if (!key || *key == nullptr) break;
    if (++keys <= 2'000) check_key(*checkpoint, **key);
    require(before == nullptr || last.kind < (**key).kind || (last.kind == (**key).kind && last.hash < (**key).hash),
            "keys ascend");
    last = **key;
    before = &last;
  }
  // What a checkpoint says can be written again, and then says the same.
  const auto again = encode_checkpoint(header.log, checkpoint->segments(), &*checkpoint, [] { return nullptr; });
  require(again.has_value() == whole, "what can be walked over can be written again");
  if (!again) return 0;
  std::vector<std::uint64_t> copy(again->size() / 8);
  std::memcpy(copy.data(), again->data(), again->size());
  const auto second = Checkpoint::parse(std::as_bytes(std::span(copy)), header.log);
  require(second.has_value(), "what is written is refused");
  if (keys > 0) require(*second->find(last.kind, last.hash) == last, "what is written says something else");
  return 0;
}
