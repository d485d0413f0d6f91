#include "article/bank_process.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bank::test {

BankProcess::BankProcess(std::filesystem::path output, const std::vector<std::string>& arguments)
    : output_(std::move(output)) {
  std::filesystem::remove(output_);
  std::string program = DAYBOOK_EXAMPLE_BANK;
  std::vector<char*> words{program.data()};
  std::vector<std::string> own = arguments;
  for (std::string& argument : own) words.push_back(argument.data());
  words.push_back(nullptr);
  id_ = ::fork();
  if (id_ < 0) std::abort();
  if (id_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int file = ::open(output_.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0 || ::dup2(file, STDOUT_FILENO) < 0) ::_exit(127);
  ::execv(words[0], words.data());
  ::_exit(127);
}

BankProcess::~BankProcess() { kill(); }

bool BankProcess::wait_until_it_works(std::chrono::milliseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  while (std::chrono::steady_clock::now() < until) {
    std::error_code none;
    if (const auto size = std::filesystem::file_size(output_, none); !none && size > 0) return true;
    if (::waitpid(id_, nullptr, WNOHANG) == id_) {
      id_ = -1;
      return false;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return false;
}

bool BankProcess::kill() {
  if (id_ < 0) return false;
  int status = 0;
  ::kill(id_, SIGKILL);
  ::waitpid(id_, &status, 0);
  id_ = -1;
  return WIFSIGNALED(status);
}

daybook::Position BankProcess::acknowledged() const {
  std::ifstream file(output_);
  daybook::Position highest = 0;
  for (std::string line; std::getline(file, line);) {
    daybook::Position position = 0;
    std::from_chars(line.data(), line.data() + line.size(), position);
    highest = std::max(highest, position);
  }
  return highest;
}

}  // namespace bank::test
