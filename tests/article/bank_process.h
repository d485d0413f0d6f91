// The bank's program, at work, until it is killed.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

#include <daybook/types.h>

namespace bank::test {

// Thread safety: none. Killed and waited for by the destructor.
class BankProcess {
 public:
  // Starts the program with these arguments; what it prints goes to a file.
  BankProcess(std::filesystem::path output, const std::vector<std::string>& arguments);
  ~BankProcess();
  BankProcess(const BankProcess&) = delete;
  BankProcess& operator=(const BankProcess&) = delete;

  // True = it has printed something; false = not in that time, or it has ended without.
  [[nodiscard]] bool wait_until_it_works(std::chrono::milliseconds timeout);

  // SIGKILL; true = it was alive to be killed.
  bool kill();

  // The highest position that it has acknowledged; 0 = none.
  [[nodiscard]] daybook::Position acknowledged() const;

 private:
  std::filesystem::path output_;
  pid_t id_ = -1;
};

}  // namespace bank::test
