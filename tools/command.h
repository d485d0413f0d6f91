// What a command of the program is, and what it has of the world outside.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

namespace daybook::tools {

class Arguments;

// What the program's exit status says. Scripts branch on it: never renumber.
enum ExitCode : int {
  kOk = 0,
  kNo = 1,           // ran fine, and the answer is no: damage found, not found, a conflict
  kUsage = 2,        // the command line is wrong
  kFailed = 3,       // could not run: I/O, lock, full disk, bad input
  kUnsupported = 4,  // written by a newer version
  kRefused = 5,      // needs --yes
  kInterrupted = 130,
};

// The world outside, passed in, so that a test can run a command in its own process.
struct Io {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool colour = false;                             // on `out`
  std::size_t columns = 0;                         // of the terminal behind `out`; 0 = lines have no limit
  std::string store{};                             // $DAYBOOK_STORE
  const std::atomic<bool>* interrupted = nullptr;  // set by SIGINT and SIGTERM
  std::function<bool()> reader_gone{};             // nobody will read `out` any more

  [[nodiscard]] bool stop() const { return interrupted && interrupted->load(); }
};

// One verb. It lives in cmd_<verb>.cc, and in the table in program.cc.
struct Command {
  std::string_view name;  // "cat"; "bench append" is the verb `append` of the group `bench`
  std::string_view summary;
  std::string_view details;  // behind the options in --help
  // Names options and operands; returns what to run when they have their values.
  std::function<int(Io&)> (*declare)(Arguments& arguments);
};

// The usual Command::declare: T holds the values of its options, has declare(Arguments&) and run(Io&).
template <typename T>
std::function<int(Io&)> declare_command(Arguments& arguments) {
  auto command = std::make_shared<T>();
  command->declare(arguments);
  return [command](Io& io) { return command->run(io); };
}

}  // namespace daybook::tools
