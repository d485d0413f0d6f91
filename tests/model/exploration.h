// Runs a relacy test over many schedules.
//
// DAYBOOK_MODEL_FACTOR=10 in the environment explores ten times as many.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "model/relacy.h"

namespace daybook::model {

struct Explored {
  rl::test_result_e result = rl::test_result_success;
  std::uint64_t schedules = 0;
  [[nodiscard]] bool passed() const { return result == rl::test_result_success; }
};

// Swallows relacy's progress reports.
inline std::ostream& nowhere() {
  static std::ostream stream(nullptr);
  return stream;
}

inline std::uint64_t factor() {
  const char* const text = std::getenv("DAYBOOK_MODEL_FACTOR");
  const std::uint64_t value = text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
  return value == 0 ? 1 : value;
}

template <typename Test, typename Scheduler>
Explored run(rl::test_params& params, const char* how) {
  const auto begun = std::chrono::steady_clock::now();
  rl::ostringstream state;
  params.progress_stream = &nowhere();
  params.execution_depth_limit = 20'000;
  const auto result = rl::run_test<Test, Scheduler>(params, state, false);
  const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  const Explored explored{result, static_cast<std::uint64_t>(params.stop_iteration)};
  std::printf("[ explored ] %llu schedules (%s) in %.1f s: %s\n", static_cast<unsigned long long>(explored.schedules),
              how, took, rl::test_result_str(result));
  params.initial_state = state.str();
  return explored;
}

// The schedules of seeds 1..count, until one fails.
template <typename Test>
Explored explore_random(std::uint64_t count) {
  rl::test_params params;
  params.iteration_count = count;
  return run<Test, rl::random_scheduler<Test::params::thread_count>>(params, "random");
}

// Every schedule with up to `switches` forced thread switches.
template <typename Test>
Explored explore_bound(unsigned switches) {
  rl::test_params params;
  params.search_type = rl::sched_bound;
  params.context_bound = switches;
  return run<Test, rl::context_bound_scheduler<Test::params::thread_count>>(params, "context bound");
}

// Shows what happened in the schedule of a seed, step by step.
template <typename Test>
void show(std::uint64_t seed) {
  rl::test_params params;
  params.iteration_count = seed;
  const std::string first = std::to_string(seed) + " ";
  params.initial_state.assign(first.begin(), first.end());
  params.collect_history = true;
  params.output_stream = &std::cout;
  (void)run<Test, rl::random_scheduler<Test::params::thread_count>>(params, "history");
}

// A test that has to hold in every schedule.
template <typename Test>
void holds_in_random(std::uint64_t count) {
  const Explored explored = explore_random<Test>(count * factor());
  EXPECT_TRUE(explored.passed()) << "seed " << explored.schedules;
  if (!explored.passed()) show<Test>(explored.schedules);
}

// The same for all schedules with up to `switches` forced thread switches.
template <typename Test>
void holds_in_bound(unsigned switches) {
  const Explored explored = explore_bound<Test>(switches);
  EXPECT_TRUE(explored.passed()) << "schedule " << explored.schedules;
}

// A mutant: one of the schedules must fail.
template <typename Test>
void caught_in_random(std::uint64_t count) {
  EXPECT_FALSE(explore_random<Test>(count).passed()) << "the mutant survived";
}

}  // namespace daybook::model
