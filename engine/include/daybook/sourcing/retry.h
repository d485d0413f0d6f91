// Trying again after a conflict.
#pragma once

#include <cstdint>

#include <daybook/error.h>
#include <daybook/export.h>
#include <daybook/retry.h>

namespace daybook {

// Whether somebody else's append came first: what trying again, on the state as it is now, may mend.
[[nodiscard]] inline bool is_conflict(const Error& error) {
  return error.code == Errc::wrong_version || error.code == Errc::condition_failed;
}

// Sleeps before attempt number `attempt` + 1 (from 1): for a random part, at least half, of the policy's delay, so that those
// who collided do not collide again.
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
