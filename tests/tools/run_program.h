// The program as a test runs it: in its own process, with its streams in memory; or the real thing, as a child.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include <sys/types.h>

namespace daybook::test {

struct Outcome {
  int status = -1;
  std::string out;
  std::string err;
};

// Runs the command in this process. `in` is what it reads from standard input.
Outcome run_inside(const std::vector<std::string>& arguments, const std::string& in = {});

// The binary that was built with this test, running. Killed by the destructor if it still does.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments);
  // `user`: as whom it runs; 0 = as this test does. Needs to be root for any other.
  Process(const std::string& program, const std::vector<std::string>& arguments, uid_t user);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Feeds standard input; close_input() ends it.
  void write(const std::string& text) const;
  void close_input();
  // The next line of standard output with its line feed; empty at the end.
  std::string read_line();
  void close_output();

  void signal(int number) const;
  // Waits for the end, and returns the rest of what it wrote. The status is 128 + n when signal n ended it.
  Outcome wait();

 private:
  pid_t id_ = -1;
  int in_ = -1;
  int out_ = -1;
  int err_ = -1;
};

// Runs the binary to its end; or a copy of it.
Outcome run_binary(const std::vector<std::string>& arguments, const std::string& in = {});
Outcome run_binary_at(const std::string& program, const std::vector<std::string>& arguments, const std::string& in,
                      uid_t user);

// Runs any program found in PATH to its end, in `directory`; for what tests need to set up.
Outcome run_other(const std::vector<std::string>& words, const std::string& directory);

}  // namespace daybook::test
