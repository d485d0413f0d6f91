// Other processes, for benchmarks that need them.
#pragma once

#include <sys/types.h>

#include <functional>

namespace daybook::bench {

// Runs `work` in a child of this process, which must have no other threads. The child ends by _exit(), or by what
// `work` does to it; the destructor waits for it.
class ChildProcess {
 public:
  explicit ChildProcess(const std::function<void()>& work);
  ~ChildProcess() { wait(); }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  void wait() noexcept;

 private:
  pid_t child_;
};

}  // namespace daybook::bench
