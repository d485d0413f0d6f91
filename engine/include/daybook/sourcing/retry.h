// Trying again after a conflict.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include <daybook/error.h>
#include <daybook/export.h>

namespace daybook {

// How often to try, and how long to wait between: the delay doubles from `first_delay` up to `delay_max`, and each wait
// is a random share of it, so that those who collided do not collide again.
struct RetryPolicy {
  std::uint32_t attempts = 10;  // in all; 1 = do not try again
  std::chrono::nanoseconds first_delay = std::chrono::microseconds(20);
  std::chrono::nanoseconds delay_max = std::chrono::milliseconds(20);
};

// Whether somebody else's append came first: what trying again, on the state as it is now, may mend.
[[nodiscard]] inline bool is_conflict(const Error& error) {
  return error.code == Errc::wrong_version || error.code == Errc::condition_failed;
}

// Sleeps before attempt number `attempt` + 1 (from 1).
DAYBOOK_EXPORT void back_off(const RetryPolicy& policy, std::uint32_t attempt);

// Calls `decide`, which loads, decides and saves, until it succeeds, fails for another reason than a conflict, or the
// attempts are over: then its last error is returned. `decide` returns a Result, and is called by this thread.
template <typename Decide>
auto retry_on_conflict(const RetryPolicy& policy, Decide&& decide) -> decltype(decide()) {
  for (std::uint32_t attempt = 1;; ++attempt) {
    auto done = decide();
    if (done || !is_conflict(done.error()) || attempt >= policy.attempts) return done;
    back_off(policy, attempt);
  }
}

}  // namespace daybook
