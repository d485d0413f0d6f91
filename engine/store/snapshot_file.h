// One file of snapshots: <store>/snapshots/<number, 20 digits>.snapshots, mapped for reading, written with pwrite.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <daybook/error.h>
#include <daybook/types.h>

#include "format/snapshot_record.h"
#include "io/directory.h"

namespace daybook {

// Thread safety: what changes it (scan, catch_up, grow, advance) excludes everything else; write() and mark_removed() are for one
// thread at a time, and others may read meanwhile.
class SnapshotFile {
 public:
  // How the records end.
  enum class Ending : std::uint8_t {
    open,  // where nothing is, yet
    end,   // with a mark: the next one is in a later file
    cut,   // at bytes that are no record
  };

  // Null: it is not a file of this log, or not one that this version may read. It has no records before scan().
  static Result<std::shared_ptr<SnapshotFile>> open(io::Directory& directory, std::uint64_t number, const Uuid& log,
                                                    io::Directory::OpenMode mode);
  // A new one of `size` bytes, all of them on disk. It gets its name when its header is there; nothing is synced.
  static Result<std::shared_ptr<SnapshotFile>> create(io::Directory& directory, std::uint64_t number, const Uuid& log,
                                                      std::uint64_t size);

  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return mapping_->bytes().size(); }  // bytes that are mapped
  [[nodiscard]] std::uint64_t end() const noexcept { return end_; }                       // where the next record goes
  [[nodiscard]] std::uint64_t used() const noexcept { return end_ - sizeof(format::SnapshotFileHeader); }
  [[nodiscard]] Ending ending() const noexcept { return ending_; }
  [[nodiscard]] bool writable() const noexcept { return writable_; }
  [[nodiscard]] format::SnapshotPlace next_place() const noexcept { return {salt_, end_}; }

  // Visits the records (not the removed ones) from end() on, which moves: visit(offset, record).
  template <typename Visit>
  void scan(Visit visit);

  // Whether there is more than scan() has seen. No system call.
  [[nodiscard]] bool has_more() const noexcept;
  // Maps what the file has grown by; scan() looks again at what was no record.
  Result<void> catch_up();
  // Everything behind end() is zero.
  [[nodiscard]] Result<bool> is_clean() const;

  // Of an offset that scan() has visited, or at which a record was written.
  [[nodiscard]] const format::SnapshotRecord& record(std::uint64_t offset) const noexcept {
    return *reinterpret_cast<const format::SnapshotRecord*>(mapping_->bytes().data() + offset);
  }
  // Another process may have removed it.
  [[nodiscard]] bool is_removed(std::uint64_t offset) const noexcept;
  [[nodiscard]] const std::shared_ptr<io::Mapping>& mapping() const noexcept { return mapping_; }

  // Makes it `size` bytes large, all of them on disk and mapped. An error: it is as before.
  Result<void> grow(std::uint64_t size);
  // Writes a record, encoded for next_place(), which has room for it, and advance()s over it is for the caller. After an
  // error, nothing may be written here any more.
  Result<void> write(std::span<const std::byte> record);
  void advance(std::uint64_t record_size) noexcept { end_ += record_size; }
  // Says that the next record is in a later file. Best effort.
  void write_end() noexcept;
  Result<void> mark_removed(std::uint64_t offset);
  Result<void> sync() { return file_->sync(); }

 private:
  SnapshotFile(std::unique_ptr<io::File> file, std::shared_ptr<io::Mapping> mapping, std::uint64_t number,
               std::uint64_t salt, bool writable) noexcept
      : file_(std::move(file)), number_(number), salt_(salt), writable_(writable), mapping_(std::move(mapping)) {}

  const std::unique_ptr<io::File> file_;
  const std::uint64_t number_;
  const std::uint64_t salt_;
  const bool writable_;
  std::shared_ptr<io::Mapping> mapping_;  // snapshots that were handed out keep it
  std::uint64_t end_ = sizeof(format::SnapshotFileHeader);
  Ending ending_ = Ending::open;
};

template <typename Visit>
void SnapshotFile::scan(Visit visit) {
  while (ending_ == Ending::open) {
    const std::span<const std::byte> bytes = mapping_->bytes();
    const format::SnapshotAt at = format::check_snapshot(bytes, {salt_, end_});
    if (at.kind == format::SnapshotAt::Kind::nothing) return;
    if (at.kind == format::SnapshotAt::Kind::end) ending_ = Ending::end;
    if (at.kind == format::SnapshotAt::Kind::bad) ending_ = Ending::cut;
    if (at.kind != format::SnapshotAt::Kind::record) return;
    if (!is_removed(end_)) visit(end_, *at.record);
    end_ += at.size;
  }
}

}  // namespace daybook
