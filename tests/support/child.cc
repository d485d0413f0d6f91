#include "support/child.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace daybook::test {
namespace {

// The letter behind "(name)" in a stat file of /proc: R running, S sleeping, T stopped, Z dead ...
char state_in(const std::filesystem::path& stat) {
  std::ifstream file(stat);
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(')');
  return name_end == std::string::npos || name_end + 2 >= line.size() ? '?' : line[name_end + 2];
}

bool other_threads_sleep() {
  const std::string self = std::to_string(::gettid());
  std::error_code gone;  // a thread may end while it is looked at
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", gone)) {
    if (thread.path().filename() == self) continue;
    if (state_in(thread.path() / "stat") == 'R') return false;
  }
  return true;
}

// A fork copies every lock as it is, and the allocators of the sanitizers of GCC 12 do not take theirs for it: one that
// another thread holds (a store's indexer, which has just been given something to do) is held for good in the child. So
// it is made when the others sleep, if they come to sleep at all: some tests have children of threads that never do.
void wait_until_other_threads_sleep() {
  for (int asleep = 0, looked = 0; asleep < 3 && looked < 500; ++looked) {
    asleep = other_threads_sleep() ? asleep + 1 : 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// How many EXPECTs have failed in the running test so far.
int failures() {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  if (test == nullptr) return 0;
  int failed = 0;
  for (int i = 0; i < test->result()->total_part_count(); ++i) {
    if (test->result()->GetTestPartResult(i).failed()) ++failed;
  }
  return failed;
}

[[noreturn]] void run_and_exit(const std::function<void()>& body) {
  const int before_fork = failures();
  body();
  std::fflush(nullptr);
  ::_exit(failures() == before_fork ? 0 : 1);
}

}  // namespace

Child::Child(const std::function<void()>& body) {
  std::fflush(nullptr);
  wait_until_other_threads_sleep();
  id_ = ::fork();
  if (id_ == 0) run_and_exit(body);
  if (id_ < 0) std::abort();
}

Child::~Child() { kill(); }

void Child::kill() {
  if (id_ < 0) return;
  ::kill(id_, SIGKILL);
  ::waitpid(id_, nullptr, 0);
  id_ = -1;
}

bool Child::succeeded() {
  int status = 0;
  if (id_ < 0 || ::waitpid(id_, &status, 0) != id_) return false;
  id_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  if (WIFSIGNALED(status)) std::fprintf(stderr, "child: killed by signal %d\n", WTERMSIG(status));
  if (WIFEXITED(status)) std::fprintf(stderr, "child: exit status %d\n", WEXITSTATUS(status));
  return false;
}

bool Child::wait_until_asleep() const {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < limit) {
    if (state_in("/proc/" + std::to_string(id_) + "/stat") == 'S') return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

bool succeeds_in_child(const std::function<void()>& body) { return Child(body).succeeded(); }

Gate::Gate() {
  int ends[2];
  if (::pipe(ends) < 0) std::abort();
  read_end_ = ends[0];
  write_end_ = ends[1];
}

Gate::~Gate() {
  ::close(read_end_);
  ::close(write_end_);
}

void Gate::open() {
  const char byte = 0;
  if (::write(write_end_, &byte, 1) != 1) std::abort();
}

void Gate::wait() const {
  char byte = 0;
  if (::read(read_end_, &byte, 1) != 1) std::abort();
}

}  // namespace daybook::test
