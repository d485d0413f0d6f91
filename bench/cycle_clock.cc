#include "cycle_clock.h"

#include <algorithm>
#include <vector>

namespace daybook::bench {
namespace {

double measure_rate() noexcept {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const std::uint64_t ticks_before = begin_ticks();
  auto end = start;
  while (end - start < std::chrono::milliseconds(50)) end = Clock::now();
  const std::uint64_t ticks = end_ticks() - ticks_before;
  return static_cast<double>(ticks) / std::chrono::duration<double, std::nano>(end - start).count();
}

double measure_overhead() noexcept {
  std::vector<std::uint64_t> pairs(10'001);
  for (auto& pair : pairs) {
    const std::uint64_t before = begin_ticks();
    pair = end_ticks() - before;
  }
  std::ranges::nth_element(pairs, pairs.begin() + 5'000);
  return static_cast<double>(pairs[5'000]) / ticks_per_ns();
}

}  // namespace

double ticks_per_ns() noexcept {
  static const double rate = measure_rate();
  return rate;
}

double clock_overhead_ns() noexcept {
  static const double overhead = measure_overhead();
  return overhead;
}

}  // namespace daybook::bench
