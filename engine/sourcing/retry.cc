#include <daybook/sourcing/retry.h>

#include <algorithm>
#include <random>
#include <thread>

namespace daybook {

void back_off(const RetryPolicy& policy, std::uint32_t attempt) {
  thread_local std::minstd_rand random(std::random_device{}());
  const std::uint32_t doublings = std::min(attempt - 1, 30U);
  const auto longest = std::min(policy.first_delay * (std::int64_t{1} << doublings), policy.delay_max);
  if (longest.count() <= 0) return;
  std::uniform_int_distribution<std::int64_t> share(longest.count() / 2, longest.count());
  std::this_thread::sleep_for(std::chrono::nanoseconds(share(random)));
}

}  // namespace daybook
