#include "store/snapshot_file.h"

#include <utility>

#include "io/system.h"
#include "segment/zero_check.h"

namespace daybook {

using OpenMode = io::Directory::OpenMode;

Result<std::shared_ptr<SnapshotFile>> SnapshotFile::open(io::Directory& directory, std::uint64_t number,
                                                         const Uuid& log, OpenMode mode) {
  const std::string name = format::snapshots_name(number);
  auto file = directory.open(name, mode);
  bool writable = mode == OpenMode::read_write;
  if (!file && writable && file.error().code != Errc::not_found) {
    // Not ours to write to: a hard link of a backup, say.
    file = directory.open(name, OpenMode::read);
    writable = false;
  }
  if (!file) return fail(file.error());
  const auto size = (*file)->size();
  if (!size) return fail(size.error());
  if (*size < sizeof(format::SnapshotFileHeader)) return std::shared_ptr<SnapshotFile>();
  auto mapping = (*file)->map(io::Access::read, *size);
  if (!mapping) return fail(mapping.error());
  const auto header = format::check_snapshot_file_header((*mapping)->bytes(), log, number);
  if (!header) return std::shared_ptr<SnapshotFile>();
  return std::shared_ptr<SnapshotFile>(
      new SnapshotFile(std::move(*file), std::move(*mapping), number, header->salt, writable));
}

Result<std::shared_ptr<SnapshotFile>> SnapshotFile::create(io::Directory& directory, std::uint64_t number,
                                                           const Uuid& log, std::uint64_t size) {
  const std::string temporary = format::temporary_name(number, io::random_u64());
  auto file = directory.create(temporary);
  if (!file) return fail(file.error());
  const format::SnapshotFileHeader header = format::make_snapshot_file_header(log, number, io::random_u64());
  const auto make = [&]() -> Result<std::unique_ptr<io::Mapping>> {
    DAYBOOK_TRY((*file)->allocate(size));
    DAYBOOK_TRY((*file)->write_at(0, std::as_bytes(std::span(&header, 1))));
    auto mapping = (*file)->map(io::Access::read, size);
    if (!mapping) return fail(mapping.error());
    DAYBOOK_TRY(directory.rename(temporary, format::snapshots_name(number)));
    return mapping;
  };
  auto mapping = make();
  if (!mapping) {
    (void)directory.remove(temporary);
    return fail(mapping.error());
  }
  return std::shared_ptr<SnapshotFile>(
      new SnapshotFile(std::move(*file), std::move(*mapping), number, header.salt, true));
}

bool SnapshotFile::has_more() const noexcept {
  return ending_ == Ending::open && size() - end_ >= sizeof(format::SnapshotRecord) &&
         format::load_snapshot_word(mapping_->bytes(), end_) != 0;
}

Result<void> SnapshotFile::catch_up() {
  const auto size = file_->size();
  if (!size) return fail(size.error());
  if (*size > this->size()) {
    auto mapping = file_->map(io::Access::read, *size);
    if (!mapping) return fail(mapping.error());
    mapping_ = std::move(*mapping);
  }
  // A word is written at once, but nobody promises that it is seen at once: what was no record may be one by now.
  if (ending_ == Ending::cut) ending_ = Ending::open;
  return {};
}

Result<bool> SnapshotFile::is_clean() const {
  const auto nonzero = segment::find_nonzero(*file_, end_, size() / format::kAlign * format::kAlign);
  if (!nonzero) return fail(nonzero.error());
  return !nonzero->has_value();
}

bool SnapshotFile::is_removed(std::uint64_t offset) const noexcept {
  return format::snapshot_kind(format::load_snapshot_word(mapping_->bytes(), offset)) == format::SnapshotKind::removed;
}

Result<void> SnapshotFile::grow(std::uint64_t size) {
  DAYBOOK_TRY(file_->allocate(size));
  return catch_up();
}

Result<void> SnapshotFile::write(std::span<const std::byte> record) {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  DAYBOOK_TRY(file_->write_at(end_ + kWord, record.subspan(kWord)));
  return file_->write_at(end_, record.first(kWord));
}

void SnapshotFile::write_end() noexcept {
  if (!writable_ || ending_ != Ending::open || size() - end_ < sizeof(format::SnapshotRecord)) return;
  const format::SnapshotRecord end = format::make_snapshot_end(next_place());
  if (write(std::as_bytes(std::span(&end, 1)))) ending_ = Ending::end;
}

Result<void> SnapshotFile::mark_removed(std::uint64_t offset) {
  const std::uint64_t size = format::load_snapshot_word(mapping_->bytes(), offset) >> 8;
  const std::uint64_t word = format::snapshot_word(size * format::kAlign, format::SnapshotKind::removed);
  return file_->write_at(offset, std::as_bytes(std::span(&word, 1)));
}

}  // namespace daybook
