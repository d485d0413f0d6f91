#include "log/checkpoint_file.h"

#include <algorithm>
#include <string>
#include <vector>

#include "format/layout.h"
#include "log/derived_file.h"

namespace daybook::log {
namespace {

constexpr std::size_t kKept = 2;

// Positions of the checkpoints that are there, the newest first.
std::vector<Position> positions(const std::vector<std::string>& names) {
  std::vector<Position> found;
  for (const std::string& name : names) {
    if (const auto position = format::parse_checkpoint_name(name)) found.push_back(*position);
  }
  std::ranges::sort(found, std::greater());
  return found;
}

}  // namespace

std::unique_ptr<CheckpointFile> CheckpointFile::open_newest(io::Directory& checkpoints, const Uuid& log) {
  const auto names = checkpoints.list();
  if (!names) return nullptr;
  for (const Position position : positions(*names)) {
    auto file = checkpoints.open(format::checkpoint_name(position), io::Directory::OpenMode::read);
    if (!file) continue;
    const auto size = (*file)->size();
    if (!size || *size == 0) continue;
    auto mapping = (*file)->map(io::Access::read, *size);
    if (!mapping) continue;
    auto checkpoint = index::Checkpoint::parse((*mapping)->bytes(), log);
    if (!checkpoint) continue;
    return std::unique_ptr<CheckpointFile>(new CheckpointFile(std::move(*mapping), *checkpoint));
  }
  return nullptr;
}

Result<void> write_checkpoint(io::Directory& checkpoints, Position position, std::span<const std::byte> bytes) {
  DAYBOOK_TRY(write_derived_file(checkpoints, format::checkpoint_name(position), position, bytes));
  const auto names = checkpoints.list();
  if (!names) return fail(names.error());
  const auto all = positions(*names);
  for (std::size_t i = kKept; i < all.size(); ++i) (void)checkpoints.remove(format::checkpoint_name(all[i]));
  for (const std::string& left : *names) {
    if (format::is_temporary_name(left)) (void)checkpoints.remove(left);  // of a writer that was killed
  }
  return {};
}

}  // namespace daybook::log
