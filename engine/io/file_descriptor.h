// An owning file descriptor.
#pragma once

#include <utility>

namespace daybook::io {

// Closes what it owns. Thread safety: as an int.
class FileDescriptor {
 public:
  FileDescriptor() noexcept = default;
  explicit FileDescriptor(int fd) noexcept : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// Opens `name` below the directory `directory` (AT_FDCWD: anywhere). O_CLOEXEC, O_NONBLOCK and O_NOCTTY are added: a
// FIFO that lies there under the name of a segment must not hang us. Retries EINTR.
//
// Never returns 0, 1 or 2, whatever is free: something in the process will write to "stderr" one day, and it must not
// land in a segment. Not open: see errno.
FileDescriptor open_at(int directory, const char* name, int flags, unsigned mode = 0) noexcept;

// As open_at, but never looks outside the directory nor through a link, the last part of `name` included.
FileDescriptor open_beneath(int directory, const char* name, int flags, unsigned mode = 0) noexcept;

}  // namespace daybook::io
