// The process around the program: its streams, its signals, its exit status.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <sys/ioctl.h>
#include <unistd.h>

#include "fd_buffer.h"
#include "program.h"

namespace {

using daybook::tools::FdBuffer;
using daybook::tools::Io;

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free, "it is written by a signal handler");

// The first signal asks the command to stop in order; the second ends the process.
void listen_to_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted.store(true); };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is an error of write()
}

bool set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

bool wants_colour(bool terminal) {
  if (set("NO_COLOR")) return false;
  if (set("CLICOLOR_FORCE") && std::getenv("CLICOLOR_FORCE") != std::string_view("0")) return true;
  const char* term = std::getenv("TERM");
  return terminal && term != nullptr && term != std::string_view("dumb");
}

std::size_t terminal_columns() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  std::cin.tie(nullptr);
  listen_to_signals();

  FdBuffer out_buffer(STDOUT_FILENO);
  FdBuffer err_buffer(STDERR_FILENO);
  std::ostream out(&out_buffer);
  std::ostream err(&err_buffer);
  err << std::unitbuf;

  Io io{.in = std::cin, .out = out, .err = err};
  io.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  io.err_is_terminal = isatty(STDERR_FILENO) == 1;
  io.colour = wants_colour(io.out_is_terminal);
  io.columns = io.out_is_terminal ? terminal_columns() : 0;
  if (const char* store = std::getenv("DAYBOOK_STORE")) io.store = store;
  io.interrupted = &interrupted;
  io.reader_gone = [&out_buffer] { return out_buffer.reader_gone(); };

  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const int status = daybook::tools::run_program(arguments, io);
  out.flush();
  if (out_buffer.error() != 0 && out_buffer.error() != EPIPE) {  // EPIPE: `| head` got what it wanted
    err << "daybook: standard output: " << std::strerror(out_buffer.error()) << '\n';
    return daybook::tools::kFailed;
  }
  return status;
}
