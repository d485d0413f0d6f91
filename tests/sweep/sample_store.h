// A small real store in memory, with everything in it that a segment can hold.
#pragma once

#include <cstddef>
#include <memory>

#include "crash/history.h"
#include "sweep/memory_directory.h"

namespace daybook::test {

enum class Ended {
  closed,  // cleanly
  killed,  // SIGKILL; the last few events were never synced
};

struct Sample {
  MemoryFiles top;
  MemoryFiles segments;  // 1 is sealed, 2 is the last
  std::unique_ptr<History> history;
  std::size_t durable = 0;  // events that no damage may take away unnoticed
  bool killed = false;
};

// The same events for the same seed, in another log each time.
Sample make_sample(Ended ended, std::uint64_t seed);

}  // namespace daybook::test
