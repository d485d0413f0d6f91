#include "io/file_descriptor.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace daybook::io {
namespace {

constexpr int kFirstOrdinary = STDERR_FILENO + 1;
constexpr int kFlagsAlways = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

FileDescriptor above_standard_ones(int fd) noexcept {
  if (fd < 0 || fd >= kFirstOrdinary) return FileDescriptor(fd);
  const FileDescriptor low(fd);
  return FileDescriptor(::fcntl(fd, F_DUPFD_CLOEXEC, kFirstOrdinary));
}

int openat2_beneath(int directory, const char* name, int flags, unsigned mode) noexcept {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | kFlagsAlways | O_NOFOLLOW);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  long fd = -1;
  do {
    fd = ::syscall(SYS_openat2, directory, name, &how, sizeof(how));
  } while (fd < 0 && (errno == EINTR || errno == EAGAIN));  // EAGAIN: a rename ran beside the look-up
  return static_cast<int>(fd);
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (fd_ < 0) return;
  const int saved = errno;  // destructors run between a failed call and the look at errno
  ::close(fd_);             // never retried: Linux has released the number even when this fails
  errno = saved;
}

FileDescriptor open_at(int directory, const char* name, int flags, unsigned mode) noexcept {
  int fd = -1;
  do {
    fd = ::openat(directory, name, flags | kFlagsAlways, mode);
  } while (fd < 0 && errno == EINTR);
  return above_standard_ones(fd);
}

FileDescriptor open_beneath(int directory, const char* name, int flags, unsigned mode) noexcept {
  const int fd = openat2_beneath(directory, name, flags, mode);
  // Before Linux 5.6 it is missing, and sandboxes older than it answer EPERM. `name` is a single part, so O_NOFOLLOW
  // refuses the same things.
  if (fd < 0 && (errno == ENOSYS || errno == EPERM)) return open_at(directory, name, flags | O_NOFOLLOW, mode);
  return above_standard_ones(fd);
}

}  // namespace daybook::io
