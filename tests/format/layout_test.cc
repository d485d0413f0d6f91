// What is on disk is set down here a second time, by hand: a change of a structure that nobody meant fails here.
#include "format/layout.h"

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "format/frame.h"
#include "segment/segment_builder.h"
#include "support/rng.h"

namespace daybook::format {
namespace {

using test::fixed_uuid;

template <typename T>
std::vector<std::uint8_t> bytes_of(const T& value) {
  std::vector<std::uint8_t> bytes(sizeof(T));
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

// Little endian, put down byte by byte.
class ByHand {
 public:
  ByHand& u8(std::uint64_t value) { return put(value, 1); }
  ByHand& u16(std::uint64_t value) { return put(value, 2); }
  ByHand& u32(std::uint64_t value) { return put(value, 4); }
  ByHand& u64(std::uint64_t value) { return put(value, 8); }
  ByHand& text(std::string_view text) {
    for (const char c : text) u8(static_cast<std::uint8_t>(c));
    return *this;
  }
  ByHand& uuid(const Uuid& uuid) {
    bytes_.insert(bytes_.end(), uuid.begin(), uuid.end());
    return *this;
  }
  [[nodiscard]] const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  ByHand& put(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    return *this;
  }
  std::vector<std::uint8_t> bytes_;
};

TEST(LayoutTest, FixedPlaces) {
  EXPECT_EQ(kFormatVersion, 1u);
  EXPECT_EQ(kPage, 4096u);
  EXPECT_EQ(kDataStart, 4096u);
  EXPECT_EQ(kHeaderCopy, 2048u);
  EXPECT_EQ(kBaseOffset, 1024u);
  EXPECT_EQ(kAlign, 8u);
  EXPECT_EQ(data_end(65'536), 61'440u);
  EXPECT_EQ(kSegmentSizeMin, 65'536u);
  EXPECT_EQ(kSegmentSizeMax, 536'870'912u);
  EXPECT_EQ(kSegmentSizeDefault, 134'217'728u);
}

TEST(LayoutTest, Magics) {
  EXPECT_EQ(std::memcmp(&kSegmentMagic, "DYBOOK1\n", 8), 0);
  EXPECT_EQ(std::memcmp(&kFooterMagic, "DYBOEND\n", 8), 0);
  EXPECT_EQ(std::memcmp(&kLiveMagic, "DYBLIVE\n", 8), 0);
}

TEST(LayoutTest, SegmentHeader) {
  const SegmentHeader header{.magic = 0x0102030405060708,
                             .format_version = 0x11121314,
                             .zero = 0x21222324,
                             .incompatible = 0x31323334,
                             .compatible = 0x41424344,
                             .log = fixed_uuid(0x10),
                             .segment = fixed_uuid(0x90),
                             .number = 0x5152535455565758,
                             .epoch = 0x6162636465666768,
                             .size = 0x7172737475767778,
                             .created_at = 0x0f0e0d0c0b0a0908,
                             .zero_too = 0x81828384,
                             .crc = 0x91929394};
  const ByHand by_hand = ByHand()
                             .u64(0x0102030405060708)
                             .u32(0x11121314)
                             .u32(0x21222324)
                             .u32(0x31323334)
                             .u32(0x41424344)
                             .uuid(fixed_uuid(0x10))
                             .uuid(fixed_uuid(0x90))
                             .u64(0x5152535455565758)
                             .u64(0x6162636465666768)
                             .u64(0x7172737475767778)
                             .u64(0x0f0e0d0c0b0a0908)
                             .u32(0x81828384)
                             .u32(0x91929394);
  EXPECT_EQ(bytes_of(header), by_hand.bytes());
  EXPECT_EQ(by_hand.bytes().size(), 96u);
}

TEST(LayoutTest, SegmentBaseAndFooter) {
  EXPECT_EQ(bytes_of(SegmentBase{.position = 0x0102030405060708, .check = 0x1112131415161718}),
            ByHand().u64(0x0102030405060708).u64(0x1112131415161718).bytes());
  EXPECT_EQ(SegmentFooter::closed, 1u);
  EXPECT_EQ(SegmentFooter::sealed, 2u);
  const SegmentFooter footer{.magic = 1,
                             .kind = 2,
                             .zero = 3,
                             .valid_end = 4,
                             .hash_end = 5,
                             .base_position = 6,
                             .events = 7,
                             .frames = 8,
                             .recorded_first = 9,
                             .recorded_last = 10,
                             .hash_low = 11,
                             .hash_high = 12,
                             .zero_too = 13,
                             .crc = 14};
  const ByHand by_hand =
      ByHand().u64(1).u32(2).u32(3).u64(4).u64(5).u64(6).u64(7).u64(8).u64(9).u64(10).u64(11).u64(12).u32(13).u32(14);
  EXPECT_EQ(bytes_of(footer), by_hand.bytes());
  EXPECT_EQ(by_hand.bytes().size(), 96u);
}

TEST(LayoutTest, LivePage) {
  const LivePage page{.magic = 1,
                      .format_version = 2,
                      .writer = 3,
                      .log = fixed_uuid(4),
                      .boot = fixed_uuid(50),
                      .since = 5,
                      .wake = 6,
                      .sleepers = 7,
                      .durable = 8,
                      .durable_again = 9};
  ByHand by_hand = ByHand().u64(1).u32(2).u32(3).uuid(fixed_uuid(4)).uuid(fixed_uuid(50)).u64(5).u32(6).u32(7).u64(8);
  for (int i = 0; i < 55; ++i) by_hand.u64(0);
  EXPECT_EQ(bytes_of(page), by_hand.u64(9).bytes());
}

TEST(LayoutTest, FramesOfAllParts) {
  EXPECT_EQ(bytes_of(FrameHeader{.word = 1, .position = 2, .recorded_at = 3, .decision_crc = 4, .content_crc = 5}),
            ByHand().u64(1).u64(2).u64(3).u32(4).u32(5).bytes());
  EXPECT_EQ(
      bytes_of(StreamEntry{.expected_version = 1, .id_offset = 2, .event_count = 3, .id_size = 4, .expectation = 5}),
      ByHand().u64(1).u32(2).u16(3).u8(4).u8(5).bytes());
  EXPECT_EQ(bytes_of(EventHeader{.occurred_at = 1,
                                 .size = 2,
                                 .payload_size = 3,
                                 .metadata_size = 4,
                                 .schema_version = 5,
                                 .tags_size = 6,
                                 .type_size = 7,
                                 .tag_count = 8,
                                 .flags = 9,
                                 .zero = {10, 11, 12}}),
            ByHand().u64(1).u32(2).u32(3).u32(4).u32(5).u16(6).u8(7).u8(8).u8(9).u8(10).u8(11).u8(12).bytes());
  EXPECT_EQ(kEventHasId, 1);
  EXPECT_EQ(kNoTime, INT64_MIN);
  EXPECT_EQ(static_cast<int>(Expect::Kind::any), 0);
  EXPECT_EQ(static_cast<int>(Expect::Kind::no_stream), 1);
  EXPECT_EQ(static_cast<int>(Expect::Kind::exists), 2);
  EXPECT_EQ(static_cast<int>(Expect::Kind::exactly), 3);
}

// A whole frame, byte by byte: the grammar at the top of frame.h.
TEST(LayoutTest, AFrameOfTwoEvents) {
  test::SegmentBuilder segment;
  segment.set_floor({.segment = 1, .offset = 4096});
  const EventId id = fixed_uuid(0xc0);
  constexpr std::array<std::string_view, 2> kTags{"t", "uu"};
  const std::array<NewEvent, 1> first{{{.type = "A",
                                        .payload = "payload",
                                        .schema_version = 3,
                                        .metadata = "me",
                                        .tags = Tags(kTags),
                                        .id = id,
                                        .occurred_at = Timestamp(std::chrono::nanoseconds(77))}}};
  const std::array<NewEvent, 1> second{{{.type = "BB"}}};
  std::array<StreamAppend, 2> streams{{{.stream = "s", .expect = Expect::exactly(0), .events = first},
                                       {.stream = "tt", .expect = Expect::no_stream(), .events = second}}};
  const std::uint64_t offset = segment.publish(streams);
  ASSERT_EQ(offset, 4096u);
  const auto& header = frame_at(segment.bytes().data(), offset);

  ByHand by_hand;
  by_hand.u64(std::uint64_t{2} | std::uint64_t{1} << 4 | std::uint64_t{25} << 8 | std::uint64_t{2} << 36 |
              std::uint64_t{2} << 52);  // published, events, 25 times 8 bytes, 2 events, 2 streams
  by_hand.u64(1).u64(1'700'000'001'000'000'000).u32(header.decision_crc).u32(header.content_crc);
  by_hand.u64(1).u64(1);                       // assigned versions
  by_hand.u64(std::uint64_t{1} << 32 | 4096);  // floor: segment 1, offset 4096
  by_hand.u64(0).u32(192).u16(1).u8(1).u8(3);  // stream s: exactly 0
  by_hand.u64(0).u32(193).u16(1).u8(2).u8(1);  // stream tt: no stream
  by_hand.u64(77).u32(64).u32(7).u32(2).u32(3).u16(5).u8(1).u8(2).u8(1).u8(0).u8(0).u8(0);
  by_hand.text("payloadme").uuid(id).text("A\x01t\x02uu").u8(0);
  by_hand.u64(0x8000000000000000).u32(40).u32(0).u32(0).u32(1).u16(0).u8(2).u8(0).u8(0).u8(0).u8(0).u8(0);
  by_hand.text("BB").u16(0).u32(0);
  by_hand.text("stt").u8(0).u32(0);
  const std::vector<std::uint8_t>& expected = by_hand.bytes();

  std::vector<std::uint8_t> found(expected.size());
  std::memcpy(found.data(), segment.bytes().data() + offset, found.size());
  EXPECT_EQ(found, expected);
}

TEST(LayoutTest, AddressesAreInTheOrderOfTheLog) {
  EXPECT_LT((Address{1, 5000}), (Address{2, 4096}));
  EXPECT_LT((Address{2, 4096}), (Address{2, 4104}));
  EXPECT_LT((Address{1, 0xffffffff}).packed(), (Address{2, 0}).packed());
  EXPECT_EQ(Address::unpack((Address{7, 9}).packed()), (Address{7, 9}));
}

// An epoch, a segment or a log that did not count would let bytes of another one pass.
TEST(LayoutTest, TheSaltDependsOnLogSegmentAndEpoch) {
  const SegmentHeader header = test::SegmentBuilder().header();
  const std::uint64_t salt = segment_salt(header);
  for (std::size_t i = 0; i < 16; ++i) {
    SegmentHeader other = header;
    other.log[i] ^= 1;
    EXPECT_NE(segment_salt(other), salt) << "log, byte " << i;
    other = header;
    other.segment[i] ^= 1;
    EXPECT_NE(segment_salt(other), salt) << "segment, byte " << i;
  }
  for (int bit = 0; bit < 64; ++bit) {
    SegmentHeader other = header;
    other.epoch ^= std::uint64_t{1} << bit;
    EXPECT_NE(segment_salt(other), salt) << "epoch, bit " << bit;
  }
}

TEST(LayoutTest, ChecksCoverEveryByteBeforeThem) {
  const SegmentHeader header = test::SegmentBuilder().header();
  const SegmentFooter footer{.magic = kFooterMagic, .kind = SegmentFooter::sealed};
  for (std::size_t i = 0; i < 92; ++i) {
    SegmentHeader other = header;
    reinterpret_cast<std::byte*>(&other)[i] ^= std::byte{0x10};
    EXPECT_NE(header_crc(other), header_crc(header)) << i;
    SegmentFooter foot = footer;
    reinterpret_cast<std::byte*>(&foot)[i] ^= std::byte{0x10};
    EXPECT_NE(footer_crc(foot, 5), footer_crc(footer, 5)) << i;
  }
  EXPECT_NE(footer_crc(footer, 5), footer_crc(footer, 6));
  EXPECT_NE(base_check(1, 5), base_check(2, 5));
  EXPECT_NE(base_check(1, 5), base_check(1, 6));
  EXPECT_NE(base_check(0, 0), 0u) << "a page of zeros must not look like a base";
}

TEST(LayoutTest, DurableAddressesComeBack) {
  const Uuid log = fixed_uuid(1);
  test::Rng rng(3);
  for (int i = 0; i < 10'000; ++i) {
    const Address address{static_cast<std::uint32_t>(1 + rng.below((1u << 26) - 1)),
                          static_cast<std::uint32_t>(rng.below(kSegmentSizeMax / 8 + 1) * 8)};
    if (address.offset == kSegmentSizeMax) continue;
    const std::uint64_t sealed = seal_durable(address, log);
    ASSERT_NE(sealed, 0u);
    ASSERT_EQ(open_durable(sealed, log), address);
  }
  EXPECT_EQ(open_durable(0, log), std::nullopt);
  EXPECT_EQ(seal_durable({.segment = 0, .offset = 4096}, log), 0u);
  EXPECT_EQ(seal_durable({.segment = 1u << 26, .offset = 4096}, log), 0u);
  EXPECT_NE(seal_durable({.segment = (1u << 26) - 1, .offset = 4096}, log), 0u);
}

TEST(LayoutTest, DurableAddressesOfOthersAndWithFlippedBitsAreRefused) {
  const Uuid log = fixed_uuid(1);
  const std::uint64_t sealed = seal_durable({.segment = 12, .offset = 81'920}, log);
  for (int bit = 0; bit < 64; ++bit) {
    EXPECT_EQ(open_durable(sealed ^ std::uint64_t{1} << bit, log), std::nullopt) << bit;
  }
  // 12 bits of check: a few of all other logs would pass.
  int passed = 0;
  for (int i = 0; i < 4096; ++i) {
    Uuid other = log;
    other[3] = static_cast<std::uint8_t>(i);
    other[9] = static_cast<std::uint8_t>(1 + i / 256);
    if (open_durable(sealed, other)) ++passed;
  }
  EXPECT_LE(passed, 8);
}

TEST(LayoutTest, SegmentNames) {
  EXPECT_EQ(segment_name(1), "00000000000000000001.seg");
  EXPECT_EQ(segment_name(18'446'744'073'709'551'615u), "18446744073709551615.seg");
  for (const std::uint64_t number : {std::uint64_t{1}, std::uint64_t{42}, UINT64_MAX}) {
    EXPECT_EQ(parse_segment_name(segment_name(number)), number);
  }
  for (const char* const name :
       {"", ".seg", "1.seg", "00000000000000000000.seg", "0000000000000000001.seg", "000000000000000000001.seg",
        "00000000000000000001.SEG", "00000000000000000001.idx", "+0000000000000000001.seg", "-0000000000000000001.seg",
        " 0000000000000000001.seg", "0000000000000000000x.seg", "18446744073709551616.seg", "99999999999999999999.seg",
        "00000000000000000001.seg ", "00000000000000000001.seg.tmp"}) {
    EXPECT_EQ(parse_segment_name(name), std::nullopt) << name;
  }
}

TEST(LayoutTest, TemporaryNames) {
  EXPECT_EQ(temporary_name(1, 5), "00000000000000000001-5.tmp");
  EXPECT_TRUE(is_temporary_name(temporary_name(1, 0)));
  EXPECT_TRUE(is_temporary_name(temporary_name(UINT64_MAX, UINT64_MAX)));
  EXPECT_EQ(parse_segment_name(temporary_name(1, 5)), std::nullopt);
  for (const char* const name : {"", "x.tmp", "00000000000000000001.seg", "00000000000000000001.tmp",
                                 "0000000000000000000a-5.tmp", "00000000000000000001-5.tmp2", "LOCK"}) {
    EXPECT_FALSE(is_temporary_name(name)) << name;
  }
}

}  // namespace
}  // namespace daybook::format
