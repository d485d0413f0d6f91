// Counts of durations, from which percentiles are read.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace daybook::tools {

// Buckets grow with the value: 64 to each power of two, so a percentile is at most 1/64 too high, from 1 ns to 2.4 hours.
// Everything above is in the last bucket. Thread safety: none; one per thread, then add().
class LatencyHistogram {
 public:
  void record(std::uint64_t nanos) noexcept {
    ++counts_[bucket(nanos)];
    ++count_;
    if (nanos > max_) max_ = nanos;
  }

  void add(const LatencyHistogram& other) noexcept;

  // The least value that `part` (0 .. 1) of the recorded values do not exceed, rounded up to a bucket's end.
  [[nodiscard]] std::uint64_t percentile(double part) const noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }

 private:
  static constexpr unsigned kBits = 6;
  static constexpr std::uint64_t kPerPower = std::uint64_t{1} << kBits;
  static constexpr unsigned kPowers = 43 - kBits;
  static constexpr std::size_t kBuckets = (kPowers + 1) * kPerPower;

  static constexpr std::size_t bucket(std::uint64_t nanos) noexcept {
    if (nanos < kPerPower) return nanos;
    const auto power = static_cast<unsigned>(std::bit_width(nanos)) - kBits - 1;  // bits that are rounded away
    const std::size_t index = (power + std::uint64_t{1}) * kPerPower + ((nanos >> power) - kPerPower);
    return index < kBuckets ? index : kBuckets - 1;
  }
  // The largest value in a bucket.
  static constexpr std::uint64_t bucket_end(std::size_t index) noexcept {
    if (index < kPerPower) return index;
    const std::uint64_t power = index / kPerPower - 1;
    return ((index % kPerPower + kPerPower + 1) << power) - 1;
  }

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace daybook::tools
