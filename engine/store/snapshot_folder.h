// The files of snapshots of a store, in order: <store>/snapshots.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <daybook/error.h>
#include <daybook/types.h>

#include "io/directory.h"
#include "store/snapshot_file.h"

namespace daybook {

// Records go to the end of the last file. A file of another log or version, and one that cannot be read, is left alone;
// numbers are never given twice.
// Thread safety: const methods, from any thread while none of the others runs.
class SnapshotFolder {
 public:
  using Visit = std::function<void(SnapshotFile&, std::uint64_t offset, const format::SnapshotRecord&)>;

  SnapshotFolder(std::shared_ptr<io::Directory> store, const Uuid& log, io::Directory::OpenMode mode)
      : store_(std::move(store)), log_(log), mode_(mode) {}

  // Finds the files, and visits their records. There may be no folder. Once; again after an error.
  Result<void> open(const Visit& visit);

  // Another process has written more. Looks at memory, unless the last file has ended and none has followed it yet.
  [[nodiscard]] bool is_behind() const noexcept;
  // Visits what is new; then forget() is told of the files that are gone. What was handed out of those stays valid.
  Result<void> catch_up(const Visit& visit, const std::function<void(const SnapshotFile&)>& forget);

  // The file that has room for a record of that size, and for an end, at its next_place(): made, or made larger, if need be.
  // Makes the folder.
  Result<SnapshotFile*> make_room(std::uint64_t record_size);
  // Records go to a new file from now on.
  Result<void> begin_file(std::uint64_t size = 0);
  // Never write to the last file again.
  void abandon() noexcept { current_ = nullptr; }
  // The right to write is gone.
  void only_read() noexcept { mode_ = io::Directory::OpenMode::read; }

  [[nodiscard]] SnapshotFile* current() const noexcept { return current_; }
  [[nodiscard]] std::span<const std::shared_ptr<SnapshotFile>> files() const noexcept { return files_; }
  [[nodiscard]] std::uint64_t foreign() const noexcept { return foreign_; }
  [[nodiscard]] std::uint64_t used() const noexcept;  // bytes of records, in all files
  [[nodiscard]] io::Directory* directory() const noexcept { return directory_.get(); }

  // Takes the name of a file away, and closes it.
  Result<void> remove_file(std::uint64_t number);
  void drop(const SnapshotFile& file);

 private:
  Result<bool> open_directory();
  Result<std::shared_ptr<SnapshotFile>> create_file(std::uint64_t size);
  Result<std::vector<std::uint64_t>> numbers() const;
  static Result<void> scan(SnapshotFile& file, const Visit& visit);
  // False: it is not there any more.
  bool open_file(std::uint64_t number, const Visit& visit);
  // Opens the files that are new. The numbers of all.
  Result<std::vector<std::uint64_t>> open_new(const Visit& visit);
  void go_on_with_last();

  const std::shared_ptr<io::Directory> store_;
  const Uuid log_;
  io::Directory::OpenMode mode_;
  std::unique_ptr<io::Directory> directory_;  // null: there is none yet
  std::vector<std::shared_ptr<SnapshotFile>> files_;
  SnapshotFile* current_ = nullptr;  // where records go; null: to a new file
  std::uint64_t newest_ = 0;         // largest number seen
  std::uint64_t foreign_ = 0;
};

}  // namespace daybook
