// One measurement, printed: a line of figures and a line of percentiles, or a JSON document.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "command.h"
#include "latency_histogram.h"

namespace daybook::tools {

struct BenchReport {
  std::string name;                                           // "append"
  std::vector<std::pair<std::string, std::uint64_t>> inputs;  // what was asked for
  std::string conditions;                                     // "durability sync": what the figures depend on most
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;  // of payload
  std::chrono::nanoseconds time{};
  std::string per = "append";  // what a latency is of
  LatencyHistogram latency;

  void print(Io& io, bool json) const;
};

}  // namespace daybook::tools
