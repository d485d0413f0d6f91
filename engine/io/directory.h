// The seam to the operating system: a directory of files, mappings and one lock. Everything that Daybook does to
// a disk goes through these three classes, so that tests can put a simulated disk in their place.
//
// They are virtual for that reason alone; no call here is on the append path (a mapping, once made, is memory).
// Errors carry errno and the name of the call; the caller adds the segment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/error.h>

namespace daybook::io {

enum class Access : std::uint8_t {
  read,        // PROT_READ
  read_write,  // PROT_READ | PROT_WRITE, shared
};

// Bytes of a file in memory, shared with every other mapping of it. Unmapped by the destructor; stays valid after
// its File is gone.
class Mapping {
 public:
  virtual ~Mapping() = default;

  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }

  // Takes away the right to write. Nobody may be writing, or write later. Faults read ahead again.
  virtual Result<void> protect() = 0;

  // Backs [offset, offset + size) with pages now, so that a store there neither faults nor meets a full disk later.
  // An error (EFAULT) says that it cannot be backed; never a signal. Kernels without it: does nothing.
  virtual Result<void> populate(std::uint64_t offset, std::uint64_t size) = 0;

  // Whether a fault in [offset, offset + size), whole pages, brings what lies around it as well. It does until told
  // otherwise. That is in vain where nobody looks around; and it makes large folios in the page cache, of which a sync
  // writes the whole for every byte.
  virtual void read_ahead(std::uint64_t offset, std::uint64_t size, bool ahead) noexcept {
    (void)offset;
    (void)size;
    (void)ahead;
  }

 protected:
  std::span<std::byte> bytes_;
};

// One open file description. One thread at a time may call sync(); the rest is free of state.
class File {
 public:
  virtual ~File() = default;  // closes; never syncs

  virtual Result<std::uint64_t> size() const = 0;
  virtual Result<std::uint64_t> allocated() const = 0;  // bytes that it takes on disk

  // Reads exactly bytes.size(); a short file is Errc::corrupt ("file is short"; expected, actual = sizes).
  virtual Result<void> read_at(std::uint64_t offset, std::span<std::byte> bytes) const = 0;
  // Writes all of it, through short writes and EINTR.
  virtual Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) = 0;

  // Grows the file to `size` with disk blocks behind every byte (fallocate), or Errc::no_space.
  virtual Result<void> allocate(std::uint64_t size) = 0;
  // Writes zeros over [offset, offset + size), in writes of 4 KiB: larger ones make large folios in the page cache,
  // and then every small sync writes a megabyte.
  virtual Result<void> write_zeros(std::uint64_t offset, std::uint64_t size) = 0;
  // Makes [offset, offset + size) read as zeros and gives the blocks back; the file keeps its size.
  virtual Result<void> punch(std::uint64_t offset, std::uint64_t size) = 0;

  // Where the next byte is that may be something else than zero, from `offset` on: a hole is skipped, if the file system
  // says where it ends. At most the size of the file, or `offset` itself when nothing is known.
  [[nodiscard]] virtual std::uint64_t next_data(std::uint64_t offset) const noexcept { return offset; }

  // Where the next hole begins, from `offset` on, at most the size of the file; the largest number when nothing is
  // known.
  [[nodiscard]] virtual std::uint64_t next_hole(std::uint64_t offset) const noexcept {
    (void)offset;
    return ~std::uint64_t{0};
  }

  // Whether read_at() of this description brings more than it is asked for to the cache; Mapping::read_ahead() says what
  // that does. It does until told otherwise.
  virtual void read_ahead(bool ahead) noexcept { (void)ahead; }

  // Forgets what the system has cached of the file from `offset` on and does not have to write: what is read next comes
  // from the disk. Pages that are mapped stay.
  virtual void drop_cache(std::uint64_t offset) noexcept { (void)offset; }

  // fdatasync. Not retried, here or anywhere: after a failure the kernel forgets which pages were dirty. So a failure
  // is always Errc::io, also for ENOSPC: room that comes later does not bring the pages back.
  virtual Result<void> sync() = 0;

  // Maps [0, size); `size` must not be 0 or over the file's (Errc::corrupt, "file is short"). A forked child does not
  // have a read_write mapping.
  virtual Result<std::unique_ptr<Mapping>> map(Access access, std::uint64_t size) = 0;
};

// The right to write to a store, held by one open file description in the system; gone with this object or the process.
class Lock {
 public:
  virtual ~Lock() = default;
};

// A directory, opened once; files are named relative to it and never looked for through links.
class Directory {
 public:
  virtual ~Directory() = default;

  enum class OpenMode : std::uint8_t { read, read_write };

  // Errc::not_found when there is no such file. Refuses what is not a regular file, and to write to a file that has
  // other links or set-id bits (a hard link may be a backup: reading it is fine). A name is one part: no '/', no "..".
  virtual Result<std::unique_ptr<File>> open(std::string_view name, OpenMode mode) = 0;
  // A new empty file, mode 0600; it must not exist (EEXIST).
  virtual Result<std::unique_ptr<File>> create(std::string_view name) = 0;
  // Renames; EEXIST rather than replace `to`.
  virtual Result<void> rename(std::string_view from, std::string_view to) = 0;
  virtual Result<void> remove(std::string_view name) = 0;
  virtual Result<std::vector<std::string>> list() = 0;  // names of entries, unordered, without . and ..
  virtual Result<void> sync() = 0;                      // fsync of the directory: names are durable after it

  // fsync of the directory that this one is in, so that its own name is durable. One that we may not open or sync, like
  // that of a mount point, is no error.
  virtual Result<void> sync_name() = 0;

  // Opens a directory below; creates it when it is missing and `create`, and then syncs this one. One that is there may
  // still not be durable: its maker may have died before that.
  virtual Result<std::unique_ptr<Directory>> subdirectory(std::string_view name, bool create) = 0;

  // Takes the exclusive lock on the file `name` (F_OFD_SETLK on byte 0; created when missing): Errc::locked when
  // somebody else has it, this process included; Error::actual is then the holder's process id, or 0. A forked child
  // does not have it. Closing other descriptors of the file does not end it.
  virtual Result<std::unique_ptr<Lock>> lock(std::string_view name) = 0;

  // Whether the file system keeps what Daybook promises: Errc::unsupported_fs, with its magic number in `actual`.
  virtual Result<void> check_file_system() = 0;
};

// The real thing. `create` makes the directory (mode 0700) when it is missing, and then syncs its parent; for one that
// is there, see sync_name().
Result<std::unique_ptr<Directory>> open_directory(const std::string& path, bool create);

}  // namespace daybook::io
