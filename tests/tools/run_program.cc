#include "tools/run_program.h"

#include <array>
#include <csignal>
#include <cstdlib>
#include <span>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program.h"

namespace daybook::test {
namespace {

// What a child is made of.
struct Spawned {
  pid_t id = -1;
  int in = -1;
  int out = -1;
  int err = -1;
};

void require(bool good) {
  if (!good) std::abort();
}

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  require(::pipe2(ends.data(), O_CLOEXEC) == 0);
  return ends;
}

[[noreturn]] void become(const std::vector<std::string>& words, const std::string& directory, uid_t user) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  if (!directory.empty()) require(::chdir(directory.c_str()) == 0);
  if (user != 0) require(::setgid(user) == 0 && ::setuid(user) == 0);
  ::execvp(argv[0], argv.data());
  ::_exit(127);
}

Spawned spawn(const std::vector<std::string>& words, const std::string& directory, uid_t user) {
  const auto in = make_pipe();
  const auto out = make_pipe();
  const auto err = make_pipe();
  const pid_t id = ::fork();
  require(id >= 0);
  if (id == 0) {
    require(::dup2(in[0], 0) == 0 && ::dup2(out[1], 1) == 1 && ::dup2(err[1], 2) == 2);
    become(words, directory, user);
  }
  ::close(in[0]);
  ::close(out[1]);
  ::close(err[1]);
  return {id, in[1], out[0], err[0]};
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 65536> buffer{};
  for (ssize_t size = 0; fd >= 0 && (size = ::read(fd, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return text;
}

void write_all(int fd, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t size = ::write(fd, text.data() + done, text.size() - done);
    if (size <= 0) return;  // it has gone, and will say why
    done += static_cast<std::size_t>(size);
  }
}

int wait_for(pid_t id) {
  int status = 0;
  require(::waitpid(id, &status, 0) == id);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Both outputs at once, or a full pipe would stop the child.
Outcome finish(const Spawned& child) {
  Outcome outcome;
  std::thread err_reader([&] { outcome.err = read_all(child.err); });
  outcome.out = read_all(child.out);
  err_reader.join();
  outcome.status = wait_for(child.id);
  return outcome;
}

void close_if_open(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

std::vector<std::string> with_program(const std::string& program, const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

}  // namespace

Outcome run_inside(const std::vector<std::string>& arguments, const std::string& in) {
  std::istringstream input(in);
  std::ostringstream out;
  std::ostringstream err;
  tools::Io io{.in = input, .out = out, .err = err};
  Outcome outcome;
  outcome.status = tools::run_program(arguments, io);
  outcome.out = out.str();
  outcome.err = err.str();
  return outcome;
}

Process::Process(const std::vector<std::string>& arguments) : Process(DAYBOOK_TOOL, arguments, 0) {}

Process::Process(const std::string& program, const std::vector<std::string>& arguments, uid_t user) {
  std::signal(SIGPIPE, SIG_IGN);  // a child that goes away is the test's to notice
  const Spawned child = spawn(with_program(program, arguments), {}, user);
  id_ = child.id;
  in_ = child.in;
  out_ = child.out;
  err_ = child.err;
}

Process::~Process() {
  if (id_ > 0) {
    ::kill(id_, SIGKILL);
    wait_for(id_);
  }
  close_if_open(in_);
  close_if_open(out_);
  close_if_open(err_);
}

void Process::write(const std::string& text) const { write_all(in_, text); }
void Process::close_input() { close_if_open(in_); }
void Process::close_output() { close_if_open(out_); }
void Process::signal(int number) const { require(::kill(id_, number) == 0); }

std::string Process::read_line() {
  std::string line;
  for (char byte = 0; (line.empty() || line.back() != '\n') && ::read(out_, &byte, 1) == 1;) line += byte;
  return line;
}

Outcome Process::wait() {
  close_input();
  Outcome outcome = finish({id_, in_, out_, err_});
  id_ = -1;
  return outcome;
}

Outcome run_binary(const std::vector<std::string>& arguments, const std::string& in) {
  return run_binary_at(DAYBOOK_TOOL, arguments, in, 0);
}

Outcome run_binary_at(const std::string& program, const std::vector<std::string>& arguments, const std::string& in,
                      uid_t user) {
  Process process(program, arguments, user);
  process.write(in);
  return process.wait();
}

Outcome run_other(const std::vector<std::string>& words, const std::string& directory) {
  Spawned child = spawn(words, directory, 0);
  ::close(child.in);
  const Outcome outcome = finish(child);
  ::close(child.out);
  ::close(child.err);
  return outcome;
}

}  // namespace daybook::test
