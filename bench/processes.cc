#include "processes.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace daybook::bench {

ChildProcess::ChildProcess(const std::function<void()>& work) : child_(::fork()) {
  if (child_ < 0) {
    std::perror("fork");
    std::exit(1);
  }
  if (child_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  work();
  ::_exit(0);
}

void ChildProcess::wait() noexcept {
  if (child_ <= 0) return;
  while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
  child_ = 0;
}

}  // namespace daybook::bench
