#include "io/posix_lock.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>
#include <vector>

#include "io/lock_holder.h"
#include "io/system.h"
#include "io/system_error.h"

namespace daybook::io {
namespace {

// The open lock files of this process. A forked child shares their descriptions, and a lock lives as long as its
// description: without this, a writer that is killed would leave its lock to whatever it has forked.
class LockFiles {
 public:
  static LockFiles& instance() {
    static LockFiles* const files = new LockFiles;  // never destroyed: a child may be forked during exit
    return *files;
  }

  void add(int fd) {
    const std::scoped_lock lock(mutex_);
    fds_.push_back(fd);
  }

  void remove(int fd) {
    const std::scoped_lock lock(mutex_);
    std::erase(fds_, fd);
  }

 private:
  LockFiles() {
    ::pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                     [] { instance().close_in_child(); });
  }

  void close_in_child() {
    for (const int fd : fds_) ::close(fd);
    fds_.clear();
    mutex_.unlock();
  }

  std::mutex mutex_;
  std::vector<int> fds_;
};

// Byte 0 is the writer's; the others are free for other uses of the file.
struct flock writer_lock(short type) noexcept {
  struct flock lock {};  // l_pid must be 0 for F_OFD_*
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = 0;
  lock.l_len = 1;
  return lock;
}

class PosixLock final : public Lock {
 public:
  explicit PosixLock(FileDescriptor fd) : fd_(std::move(fd)), fork_generation_(io::fork_generation()) {
    LockFiles::instance().add(fd_.get());
  }

  ~PosixLock() override {
    if (fork_generation_ != io::fork_generation()) {  // closed by LockFiles; the number may be another file's by now
      static_cast<void>(fd_.release());
      return;
    }
    LockFiles::instance().remove(fd_.get());
    // Not left to close(): a child between vfork and exec has the description open, too.
    struct flock unlock = writer_lock(F_UNLCK);
    ::fcntl(fd_.get(), F_OFD_SETLK, &unlock);
  }

  PosixLock(const PosixLock&) = delete;
  PosixLock& operator=(const PosixLock&) = delete;

 private:
  FileDescriptor fd_;
  const std::uint32_t fork_generation_;
};

}  // namespace

Result<std::unique_ptr<Lock>> lock_file(FileDescriptor fd) {
  struct flock lock = writer_lock(F_WRLCK);
  if (::fcntl(fd.get(), F_OFD_SETLK, &lock) == 0) return std::make_unique<PosixLock>(std::move(fd));
  if (errno != EAGAIN && errno != EACCES) return fail_with_errno("fcntl(F_OFD_SETLK)");
  const int error_number = errno;
  return fail({.code = Errc::locked,
               .sys_errno = error_number,
               .what = "fcntl(F_OFD_SETLK)",
               .actual = find_lock_holder(fd.get())});
}

}  // namespace daybook::io
