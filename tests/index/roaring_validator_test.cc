#include "index/roaring_validator.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "index/ordinals.h"

namespace daybook::index {
namespace {

using Bytes = std::vector<std::byte>;
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 32;

// Bytes made by hand, little endian.
class Builder {
 public:
  Builder& u16(std::uint32_t value) { return put(static_cast<std::uint16_t>(value)); }
  Builder& u32(std::uint32_t value) { return put(value); }
  Builder& u8(std::uint32_t value) { return put(static_cast<std::uint8_t>(value)); }
  Builder& fill(std::size_t count, std::uint8_t value) {
    bytes_.insert(bytes_.end(), count, std::byte{value});
    return *this;
  }
  operator Bytes() const { return bytes_; }  // NOLINT(google-explicit-constructor)

 private:
  template <typename T>
  Builder& put(T value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  Bytes bytes_;
};

constexpr std::uint32_t kNoRuns = 12346;
constexpr std::uint32_t kRuns = 12347;

// One container without runs: 16 bytes of head, then the container.
Builder plain(std::uint32_t count) { return Builder().u32(kNoRuns).u32(1).u16(0).u16(count - 1).u32(16); }
// One container of runs: 9 bytes of head.
Builder runs(std::uint32_t count, std::uint32_t n) { return Builder().u32(kRuns).u8(1).u16(0).u16(count - 1).u16(n); }

std::string rule_of(const Bytes& bytes, std::uint64_t limit = kNoLimit) {
  const auto content = validate_roaring(bytes, limit);
  return content ? "" : content.error().what;
}

Ordinals odds(std::uint32_t count, std::uint32_t step = 2) {
  std::vector<std::uint32_t> list;
  for (std::uint32_t i = 0; i < count; ++i) list.push_back(1 + i * step);
  return Ordinals::of(list);
}

Ordinals with_range(const Ordinals& set, std::uint32_t begin, std::uint32_t end) {
  std::vector<std::uint32_t> list(set.size());
  set.read(0, list);
  for (std::uint32_t ordinal = begin; ordinal != end; ++ordinal) list.push_back(ordinal);
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return Ordinals::of(list);
}

// A set of every form that a container has, and of heads with and without offsets.
std::vector<Ordinals> samples() {
  std::vector<Ordinals> sets;
  sets.push_back({});
  sets.push_back(odds(3));
  sets.push_back(odds(300, 7));
  sets.push_back(odds(5000));
  sets.push_back(Ordinals::range(5, 500));
  sets.push_back(Ordinals::range(65'530, 65'550));
  sets.push_back(Ordinals::range(0, 65'536));
  sets.push_back(with_range(odds(5, 60'000), 70'000, 70'100));
  sets.push_back(with_range(odds(9, 65'536), 400'000, 400'100));
  return sets;
}

TEST(RoaringValidatorTest, AcceptsWhatIsWritten) {
  for (const Ordinals& set : samples()) {
    const auto content = validate_roaring(set.to_roaring(), kNoLimit);
    ASSERT_TRUE(content) << content.error().what << " at " << content.error().offset;
    EXPECT_EQ(content->count, set.size());
    if (set.empty()) continue;
    EXPECT_EQ(content->first, set.first());
    EXPECT_EQ(content->last, set.last());
    EXPECT_TRUE(validate_roaring(set.to_roaring(), std::uint64_t{set.last()} + 1));
    EXPECT_FALSE(validate_roaring(set.to_roaring(), set.last()));
  }
}

// What CRoaring 0.2.66 takes, and then writes 65,536 values to room for 5,000; a view would find as many.
TEST(RoaringValidatorTest, RefusesALyingCardinality) {
  const Bytes lie = plain(5000).fill(8192, 0xff);
  ASSERT_EQ(lie.size(), 8208u);
  EXPECT_EQ(rule_of(lie), "bitmap cardinality");
  EXPECT_EQ(rule_of(plain(65'536).fill(8192, 0xff)), "");
}

TEST(RoaringValidatorTest, NamesTheBrokenRule) {
  EXPECT_EQ(rule_of(Bytes()), "bitmap cookie");
  EXPECT_EQ(rule_of(Builder().u32(12345).u32(0)), "bitmap cookie");
  EXPECT_EQ(rule_of(Builder().u32(kNoRuns)), "bitmap cookie");
  EXPECT_EQ(rule_of(Builder().u32(kNoRuns | 1u << 16).u32(0)), "bitmap cookie");
  EXPECT_EQ(rule_of(Builder().u32(kNoRuns).u32(0)), "");
  EXPECT_EQ(rule_of(Builder().u32(kNoRuns).u32(0).u8(0)), "bitmap ends before its bytes");
  EXPECT_EQ(rule_of(Builder().u32(kNoRuns).u32(65'537)), "bitmap containers");
  EXPECT_EQ(rule_of(Builder().u32(kNoRuns).u32(65'536)), "bitmap head is cut");

  EXPECT_EQ(rule_of(plain(2).u16(7).u16(9)), "");
  EXPECT_EQ(rule_of(plain(2).u16(7).u16(7)), "bitmap array ascends");
  EXPECT_EQ(rule_of(plain(2).u16(7)), "bitmap array is cut");
  EXPECT_EQ(rule_of(plain(2).u16(7).u16(9).u16(11)), "bitmap ends before its bytes");
  EXPECT_EQ(rule_of(plain(2).u16(7).u16(9), 9), "bitmap value");
  EXPECT_EQ(rule_of(plain(4097).fill(8191, 0)), "bitmap bitset is cut");
  EXPECT_EQ(rule_of(Builder().u32(kNoRuns).u32(1).u16(0).u16(0).u32(17).u16(1)), "bitmap container offset");
  EXPECT_EQ(rule_of(Builder().u32(kNoRuns).u32(2).u16(1).u16(0).u16(1).u16(0).u32(24).u32(26).u16(1).u16(1)),
            "bitmap keys ascend");

  EXPECT_EQ(rule_of(runs(10, 1).u16(5).u16(9)), "");
  EXPECT_EQ(rule_of(Builder().u32(kRuns).u8(0).u16(0).u16(0).u16(1)), "bitmap without runs, and the cookie for them");
  EXPECT_EQ(rule_of(Builder().u32(kRuns).u8(3).u16(0).u16(9).u16(1).u16(5).u16(9)), "bitmap run flags");
  EXPECT_EQ(rule_of(runs(10, 0)), "bitmap runs");
  EXPECT_EQ(rule_of(runs(10, 2).u16(5).u16(9)), "bitmap runs are cut");
  EXPECT_EQ(rule_of(runs(11, 1).u16(5).u16(9)), "bitmap cardinality");
  EXPECT_EQ(rule_of(runs(10, 2).u16(0).u16(4).u16(5).u16(4)), "bitmap runs ascend");  // touch: they are one run
  EXPECT_EQ(rule_of(runs(10, 2).u16(0).u16(4).u16(6).u16(4)), "");
  EXPECT_EQ(rule_of(runs(10, 2).u16(6).u16(4).u16(0).u16(4)), "bitmap runs ascend");
  EXPECT_EQ(rule_of(runs(10, 1).u16(65'530).u16(9)), "bitmap run ends outside");
  EXPECT_EQ(rule_of(runs(1, 1).u16(5).u16(0)), "bitmap runs are larger than without");
}

// An accepted bitmap is what is written of its elements again, but for arrays and bitsets that are smaller as runs.
void expect_canonical(const Bytes& bytes) {
  const auto content = validate_roaring(bytes, kNoLimit);
  if (!content) return;
  const Ordinals set = Ordinals::view(bytes);
  ASSERT_EQ(set.size(), content->count);
  std::vector<std::uint32_t> all(set.size());
  ASSERT_EQ(set.read(0, all), all.size());
  ASSERT_TRUE(std::is_sorted(all.begin(), all.end()));
  const Bytes again = set.to_roaring();
  ASSERT_TRUE(again == bytes || again.size() < bytes.size());
}

TEST(RoaringValidatorTest, EveryFlippedBitIsRefusedOrAnotherValidBitmap) {
  for (const Ordinals& set : samples()) {
    Bytes bytes = set.to_roaring();
    const std::size_t step = bytes.size() > 1000 ? 17 : 1;
    for (std::size_t bit = 0; bit < bytes.size() * 8; bit += step) {
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
      expect_canonical(bytes);
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    }
  }
}

TEST(RoaringValidatorTest, EveryTruncationIsRefused) {
  for (const Ordinals& set : samples()) {
    const Bytes bytes = set.to_roaring();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      // A copy of its own, so that a sanitizer sees a read behind it.
      const Bytes cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_FALSE(validate_roaring(cut, kNoLimit)) << size;
    }
    Bytes more = bytes;
    more.push_back(std::byte{0});
    ASSERT_FALSE(validate_roaring(more, kNoLimit));
  }
}

}  // namespace
}  // namespace daybook::index
