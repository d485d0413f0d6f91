#include "io/file_size_signal.h"

#include <cerrno>
#include <ctime>

namespace daybook::io {
namespace {

sigset_t only_file_size() noexcept {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGXFSZ);
  return set;
}

bool is_pending() noexcept {
  sigset_t pending;
  sigemptyset(&pending);
  sigpending(&pending);
  return sigismember(&pending, SIGXFSZ) == 1;
}

}  // namespace

FileSizeSignalGuard::FileSizeSignalGuard() noexcept {
  was_pending_ = is_pending();
  const sigset_t set = only_file_size();
  pthread_sigmask(SIG_BLOCK, &set, &mask_before_);
}

FileSizeSignalGuard::~FileSizeSignalGuard() {
  const int saved = errno;
  if (!was_pending_ && is_pending()) {
    const sigset_t set = only_file_size();
    const timespec now{};
    sigtimedwait(&set, nullptr, &now);
  }
  pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  errno = saved;
}

}  // namespace daybook::io
