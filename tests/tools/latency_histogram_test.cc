#include "latency_histogram.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "support/rng.h"

namespace daybook::tools {
namespace {

// Against the sorted values themselves, over nine powers of ten.
TEST(LatencyHistogramTest, PercentilesAreAtMostOneSixtyFourthTooHigh) {
  test::Rng rng(6);
  LatencyHistogram histogram;
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 100'000; ++i) {
    values.push_back(rng.next() >> (22 + rng.below(42)));
    histogram.record(values.back());
  }
  std::ranges::sort(values);
  for (const double part : {0.0001, 0.01, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
    const auto index = static_cast<std::size_t>(part * static_cast<double>(values.size())) - 1;
    const std::uint64_t exact = values[index];
    const std::uint64_t found = histogram.percentile(part);
    EXPECT_GE(found, exact) << part;
    EXPECT_LE(found, exact + exact / 64 + 1) << part;
  }
  EXPECT_EQ(histogram.max(), values.back());
  EXPECT_EQ(histogram.count(), values.size());
}

TEST(LatencyHistogramTest, SmallValuesAreExact) {
  LatencyHistogram histogram;
  for (std::uint64_t value = 0; value < 128; ++value) histogram.record(value);
  EXPECT_EQ(histogram.percentile(1.0 / 128), 0u);
  EXPECT_EQ(histogram.percentile(0.5), 63u);
  EXPECT_EQ(histogram.percentile(1.0), 127u);
}

TEST(LatencyHistogramTest, EmptyHugeAndAdded) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.percentile(0.5), 0u);
  histogram.record(~std::uint64_t{0});
  EXPECT_EQ(histogram.percentile(0.5), ~std::uint64_t{0});
  LatencyHistogram other;
  other.record(5);
  other.record(6);
  other.add(histogram);
  EXPECT_EQ(other.count(), 3u);
  EXPECT_EQ(other.percentile(0.34), 6u);
  EXPECT_EQ(other.max(), ~std::uint64_t{0});
}

}  // namespace
}  // namespace daybook::tools
