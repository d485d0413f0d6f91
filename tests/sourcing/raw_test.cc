#include <daybook/sourcing/raw.h>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include <daybook/sourcing/codec.h>

namespace {

struct Tick {
  std::uint8_t venue = 0;  // seven bytes of padding follow
  double price = 0;
  std::array<std::uint32_t, 2> sizes{};
  friend bool operator==(const Tick&, const Tick&) = default;
};
struct Larger {
  std::array<double, 4> values{};
};

}  // namespace

template <>
struct daybook::Codec<Tick> : daybook::RawCodec<Tick> {};
static_assert(daybook::Encodable<Tick>);

namespace daybook {
namespace {

TEST(RawCodecTest, BytesComeBackAsTheyWere) {
  const Tick tick{.venue = 7, .price = -0.1, .sizes = {1, 0xffffffff}};
  std::string bytes = "x";
  ASSERT_TRUE(Codec<Tick>::encode(tick, bytes));
  ASSERT_EQ(bytes.size(), 1 + sizeof(Tick));
  EXPECT_EQ(bytes[0], 'x');
  Tick back;
  ASSERT_TRUE(Codec<Tick>::decode(std::string_view(bytes).substr(1), back));
  EXPECT_EQ(back, tick);
}

TEST(RawCodecTest, AnyOtherSizeIsRefused) {
  const std::string bytes(sizeof(Tick) + 8, 'x');
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    Tick tick;
    const auto done = Codec<Tick>::decode(std::string_view(bytes).substr(0, size), tick);
    EXPECT_EQ(done.has_value(), size == sizeof(Tick)) << size;
    if (done) continue;
    EXPECT_EQ(done.error().code, Errc::bad_event);
    EXPECT_EQ(done.error().detail.view(), std::to_string(size) + " bytes for " + std::to_string(sizeof(Tick)));
  }
}

#if defined(__GNUC__) && !defined(__clang__)
// What was in memory before is nobody's business: equal structs are equal bytes.
TEST(RawCodecTest, PaddingIsStoredAsZeros) {
  alignas(Tick) std::array<unsigned char, sizeof(Tick)> memory;
  memory.fill(0xee);
  Tick* const tick = new (memory.data()) Tick;
  tick->venue = 1;
  std::string bytes;
  ASSERT_TRUE(Codec<Tick>::encode(*tick, bytes));
  for (std::size_t i = 1; i < 8; ++i) EXPECT_EQ(bytes[i], 0) << i;
}
#endif

TEST(RawCodecTest, TheFingerprintFollowsTheSize) {
  EXPECT_NE(RawCodec<Tick>::fingerprint(), RawCodec<Larger>::fingerprint());
}

}  // namespace
}  // namespace daybook
