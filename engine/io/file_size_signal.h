// RLIMIT_FSIZE as an error code instead of a signal.
#pragma once

#include <csignal>

namespace daybook::io {

// While one of these lives, a write over the process's file size limit fails with EFBIG only: SIGXFSZ, which kills by
// default, is held back from this thread and taken away at the end.
class FileSizeSignalGuard {
 public:
  FileSizeSignalGuard() noexcept;
  ~FileSizeSignalGuard();
  FileSizeSignalGuard(const FileSizeSignalGuard&) = delete;
  FileSizeSignalGuard& operator=(const FileSizeSignalGuard&) = delete;

 private:
  sigset_t mask_before_{};
  bool was_pending_ = false;  // then it is somebody else's, and stays
};

}  // namespace daybook::io
