// Counts of durations, from which percentiles are read.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace daybook::bench {

// Log-linear: 128 buckets to each power of two, so a percentile is less than 1 % too high. Takes any 64-bit value, in
// whatever unit. Thread safety: none; one per thread, then add().
class Histogram {
 public:
  void record(std::uint64_t value) noexcept {
    ++counts_[bucket(value)];
    ++count_;
    max_ = std::max(max_, value);
  }

  void add(const Histogram& other) noexcept {
    for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    max_ = std::max(max_, other.max_);
  }

  // The least value that `part` (0 .. 1) of the recorded ones do not exceed, rounded up to its bucket's end.
  [[nodiscard]] std::uint64_t percentile(double part) const noexcept {
    const auto wanted = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += counts_[i];
      if (seen >= wanted && seen != 0) return std::min(bucket_end(i), max_);
    }
    return max_;
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }

 private:
  static constexpr unsigned kBits = 7;
  static constexpr std::uint64_t kPerPower = std::uint64_t{1} << kBits;
  static constexpr std::size_t kBuckets = (64 - kBits + 1) * kPerPower;

  static constexpr std::size_t bucket(std::uint64_t value) noexcept {
    if (value < kPerPower) return value;
    const auto dropped = static_cast<unsigned>(std::bit_width(value)) - kBits - 1;  // low bits that are rounded away
    return (dropped + std::uint64_t{1}) * kPerPower + ((value >> dropped) - kPerPower);
  }
  static constexpr std::uint64_t bucket_end(std::size_t index) noexcept {
    if (index < kPerPower) return index;
    const std::uint64_t dropped = index / kPerPower - 1;
    return ((index % kPerPower + kPerPower) << dropped) + ((std::uint64_t{1} << dropped) - 1);
  }

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace daybook::bench
