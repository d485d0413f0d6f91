// A line on the terminal that says how far a long job is.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "command.h"

namespace daybook::tools {

// Prints on io.err when that is a terminal and the job has run for half a second; wipes the line at the end.
// Thread safety: none.
class Progress {
 public:
  // `total` = 0: not known. `unit` is what is counted: "events".
  // `step`: of so many units one costs as much as reading the clock.
  Progress(Io& io, std::string command, std::string unit, std::uint64_t total, bool quiet, std::uint64_t step = 256);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  // Cheap enough to call for every event.
  void update(std::uint64_t done) {
    if (enabled_ && done >= next_look_) look(done);
  }
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  void look(std::uint64_t done);

  Io& io_;
  const std::string command_;
  const std::string unit_;
  const std::uint64_t total_;
  const std::uint64_t step_;
  const bool enabled_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point next_print_ = start_ + std::chrono::milliseconds(500);
  std::uint64_t next_look_ = 0;
  bool visible_ = false;
};

}  // namespace daybook::tools
