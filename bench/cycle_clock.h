// The cheapest clock there is, for timing single appends.
#pragma once

#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace daybook::bench {

// Ticks of the processor's time stamp counter, which all its cores share; elsewhere nanoseconds.
// begin_ticks() before the thing measured, end_ticks() after it: the second waits until everything before is done.
inline std::uint64_t begin_ticks() noexcept {
#if defined(__x86_64__)
  return __rdtsc();
#else
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

inline std::uint64_t end_ticks() noexcept {
#if defined(__x86_64__)
  unsigned core;
  return __rdtscp(&core);
#else
  return begin_ticks();
#endif
}

// Measured against CLOCK_MONOTONIC at first use.
double ticks_per_ns() noexcept;

// What a measurement of nothing gives: the median of many pairs. Part of every latency here, and not subtracted.
double clock_overhead_ns() noexcept;

}  // namespace daybook::bench
