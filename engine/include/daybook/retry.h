// Trying again.
#pragma once

#include <chrono>
#include <cstdint>

namespace daybook {

// How often to try, and how long to wait between: the delay doubles with every attempt, from `first_delay` up to
// `delay_max`. What is tried, and which failures are worth another attempt, is said where a policy is taken.
struct RetryPolicy {
  std::uint32_t attempts = 10;  // in all, at least 1; 1 = do not try again
  std::chrono::nanoseconds first_delay = std::chrono::microseconds(20);
  std::chrono::nanoseconds delay_max = std::chrono::milliseconds(20);
};

}  // namespace daybook
