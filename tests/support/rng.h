// Random numbers that are the same everywhere for a seed, unlike those of std's distributions.
#pragma once

#include <cstdint>

namespace daybook::test {

// SplitMix64. Thread safety: none.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // 0 .. n-1; n > 0.
  std::uint64_t below(std::uint64_t n) noexcept { return next() % n; }
  bool coin() noexcept { return (next() & 1) != 0; }

 private:
  std::uint64_t state_;
};

}  // namespace daybook::test
