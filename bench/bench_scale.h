// How much work the benchmarks of this program do.
#pragma once

#include <cstdint>

namespace daybook::bench {

// 1 unless the command line says --scale=<n>: how many times more rounds than the quick default.
std::uint64_t scale() noexcept;

}  // namespace daybook::bench
