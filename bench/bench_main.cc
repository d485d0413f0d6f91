// The main() of every benchmark program: Google Benchmark's, and --scale=<n>.
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include "bench_scale.h"
#include "cycle_clock.h"

namespace daybook::bench {
namespace {

std::uint64_t scale_given = 1;

constexpr std::string_view kScale = "--scale=";

bool parse_scale(std::string_view text) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), scale_given);
  return error == std::errc{} && end == text.data() + text.size() && scale_given >= 1 && scale_given <= 1'000;
}

// Takes --scale out of the arguments. False: it is there and makes no sense.
bool take_scale(int& argc, char** argv) {
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with(kScale)) {
      argv[kept++] = argv[i];
    } else if (!parse_scale(argument.substr(kScale.size()))) {
      return false;
    }
  }
  argc = kept;
  return true;
}

}  // namespace

std::uint64_t scale() noexcept { return scale_given; }

}  // namespace daybook::bench

int main(int argc, char** argv) {
  if (!daybook::bench::take_scale(argc, argv)) {
    std::fputs("--scale=<n>: n times more rounds than the quick default, 1 to 1000\n", stderr);
    return 2;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("scale", std::to_string(daybook::bench::scale()));
  benchmark::AddCustomContext("clock_overhead_ns", std::to_string(daybook::bench::clock_overhead_ns()));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
