// Part of a test in another process.
#pragma once

#include <functional>

#include <sys/types.h>

namespace daybook::test {

// A forked child that runs `body` and exits. EXPECT and ASSERT work in it: what fails there is printed, and makes
// the child exit with 1 instead of 0.
// Killed and waited for by the destructor, so that no test leaves one behind.
class Child {
 public:
  explicit Child(const std::function<void()>& body);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t id() const noexcept { return id_; }

  // Sends SIGKILL and waits until the process is gone.
  void kill();

  // Waits for the end; true = it exited with 0. Otherwise says what happened on stderr.
  bool succeeded();

  // Waits, at most 10 s, until the child sleeps in the kernel; false = it never did.
  [[nodiscard]] bool wait_until_asleep() const;

 private:
  pid_t id_ = -1;
};

// Runs `body` in a child to its end: EXPECT_TRUE(succeeds_in_child([&] { ... })).
bool succeeds_in_child(const std::function<void()>& body);

// A gate between processes, made before the fork: each open() lets one wait() through.
class Gate {
 public:
  Gate();
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  void open();
  void wait() const;

 private:
  int read_end_ = -1;
  int write_end_ = -1;
};

}  // namespace daybook::test
