#include "store/snapshot_index.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace daybook {

Generation make_generation(SnapshotFile& file, std::uint64_t offset, const format::SnapshotRecord& record) noexcept {
  return {.position = record.position,
          .version = record.version,
          .epoch = record.epoch,
          .fingerprint = record.fingerprint,
          .recorded_at = record.recorded_at,
          .file = &file,
          .offset = offset};
}

void SnapshotIndex::add(std::string_view key, const Generation& generation) {
  auto found = keys_.find(key);
  if (found == keys_.end()) found = keys_.emplace(std::string(key), Generations()).first;
  Generations& all = found->second;
  all.insert(std::ranges::upper_bound(all, generation.position, {}, &Generation::position), generation);
}

const SnapshotIndex::Generations* SnapshotIndex::find(std::string_view key) const {
  const auto found = keys_.find(key);
  return found == keys_.end() ? nullptr : &found->second;
}

void SnapshotIndex::replace(std::string_view key, Generations generations) {
  if (generations.empty()) return erase(key);
  const auto found = keys_.find(key);
  if (found != keys_.end()) found->second = std::move(generations);
}

void SnapshotIndex::erase(std::string_view key) {
  const auto found = keys_.find(key);
  if (found != keys_.end()) keys_.erase(found);
}

void SnapshotIndex::forget(const SnapshotFile& file) {
  for (auto at = keys_.begin(); at != keys_.end();) {
    std::erase_if(at->second, [&file](const Generation& generation) { return generation.file == &file; });
    at = at->second.empty() ? keys_.erase(at) : std::next(at);
  }
}

}  // namespace daybook
