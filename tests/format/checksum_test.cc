#include "format/checksum.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "format/crc32c.h"
#include "support/rng.h"

namespace daybook::format {
namespace {

// One bit at a time, from the polynomial: shares nothing with the code under test.
std::uint32_t crc32c_bitwise(std::uint32_t crc, std::span<const std::uint8_t> bytes) {
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
  }
  return crc;
}

std::uint32_t crc_of(std::span<const std::uint8_t> bytes) { return crc32c(kCrcInit, bytes.data(), bytes.size()); }

// RFC 3720, B.4. It inverts the register at the end; the format stores it as it is.
TEST(Crc32cTest, VectorsOfRfc3720) {
  std::array<std::uint8_t, 32> bytes{};
  EXPECT_EQ(~crc_of(bytes), 0x8a9136aau);
  bytes.fill(0xff);
  EXPECT_EQ(~crc_of(bytes), 0x62a8ab43u);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  EXPECT_EQ(~crc_of(bytes), 0x46dd794eu);
  std::iota(bytes.rbegin(), bytes.rend(), std::uint8_t{0});
  EXPECT_EQ(~crc_of(bytes), 0x113fdb5cu);

  // "iSCSI - SCSI Read (10) Command PDU"
  std::array<std::uint8_t, 48> pdu{};
  pdu[0] = 0x01;
  pdu[1] = 0xc0;
  pdu[16] = 0x14;
  pdu[22] = 0x04;
  pdu[27] = 0x14;
  pdu[31] = 0x18;
  pdu[32] = 0x28;
  pdu[40] = 0x02;
  EXPECT_EQ(~crc_of(pdu), 0xd9963a56u);
}

TEST(Crc32cTest, CheckValueOfTheCatalogue) {
  constexpr std::string_view kDigits = "123456789";
  EXPECT_EQ(~crc32c(kCrcInit, kDigits.data(), kDigits.size()), 0xe3069283u);
}

// Nothing and zeros must not give zero: fresh pages would then carry a valid checksum.
TEST(Crc32cTest, NothingAndZerosAreNotZero) {
  EXPECT_EQ(crc32c(kCrcInit, nullptr, 0), kCrcInit);
  const std::vector<std::uint8_t> zeros(8192);
  for (std::size_t size = 0; size <= zeros.size(); ++size) ASSERT_NE(crc32c(kCrcInit, zeros.data(), size), 0u) << size;
}

// The instruction, ISA-L's folding and the table each have their own treatment of heads and tails.
TEST(Crc32cTest, EveryLengthAndAlignmentAgreesWithTheBitwiseOne) {
  constexpr std::size_t kSizeMax = 4096;
  constexpr std::array<std::size_t, 6> kAlignments{0, 1, 3, 4, 7, 63};
  test::Rng rng(1);
  std::vector<std::uint8_t> bytes(kSizeMax + 64);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
  for (const std::size_t start : kAlignments) {
    std::uint32_t reference = kCrcInit;
    for (std::size_t size = 0; size <= kSizeMax; ++size) {
      ASSERT_EQ(crc32c(kCrcInit, bytes.data() + start, size), reference) << start << " + " << size;
      reference = crc32c_bitwise(reference, std::span(bytes).subspan(start + size, 1));
    }
  }
}

DAYBOOK_CRC_TARGET std::uint32_t halves(std::uint32_t crc, const std::uint8_t* at, std::size_t size) {
  return crc_halves(crc, at, size);
}

TEST(Crc32cTest, HalvesAreTheWhole) {
  if (!kCrcInstruction) return;  // then nobody calls it
  test::Rng rng(3);
  std::vector<std::uint8_t> bytes(std::min<std::size_t>(kCrcHalvesMax, 1024));
  for (int round = 0; round < 100; ++round) {
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
    const auto crc = static_cast<std::uint32_t>(rng.next());
    for (std::size_t size = 16; size <= bytes.size(); size += 8) {
      ASSERT_EQ(halves(crc, bytes.data(), size), crc32c_bitwise(crc, std::span(bytes).first(size))) << size;
    }
  }
}

DAYBOOK_CRC_TARGET std::uint32_t joined(std::uint32_t crc, std::span<const std::uint8_t> words) {
  const auto before = static_cast<std::uint32_t>(crc_carry(crc, words.size() / 8));
  return before ^ crc_run(0, words.data(), words.size());
}

TEST(Crc32cTest, AChecksumCarriedOverWordsIsJoinedToTheirs) {
  if (!kCrcInstruction) return;  // then nobody calls it
  test::Rng rng(4);
  std::vector<std::uint8_t> bytes(kCrcHalvesMax);
  for (int round = 0; round < 100; ++round) {
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
    const auto crc = static_cast<std::uint32_t>(rng.next());
    for (std::size_t size = 8; size <= bytes.size(); size += 8) {
      const auto words = std::span(bytes).first(size);
      ASSERT_EQ(joined(crc, words), crc32c_bitwise(crc, words)) << size;
    }
  }
}

TEST(Crc32cTest, MayBeExtendedAtAnyPoint) {
  test::Rng rng(2);
  std::vector<std::uint8_t> bytes(1000);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
  const std::uint32_t whole = crc_of(bytes);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    ASSERT_EQ(crc32c(crc32c(kCrcInit, bytes.data(), cut), bytes.data() + cut, bytes.size() - cut), whole) << cut;
  }
  const std::uint64_t value = 0x0123456789abcdef;
  EXPECT_EQ(crc32c_u64(kCrcInit, value), crc32c(kCrcInit, &value, sizeof(value)));
}

// From XXH_TEST in xxHash's own repository: the empty input with seed 0.
TEST(Xxh3Test, KnownValues) {
  EXPECT_EQ(xxh3_128({}), (Hash128{0x6001c324468d497f, 0x99aa06d3014798d8}));
  std::array<std::byte, 100> bytes{};
  EXPECT_EQ(xxh3_128(bytes), xxh3_128(bytes, 0));
  EXPECT_NE(xxh3_128(bytes), xxh3_128(bytes, 1));
}

}  // namespace
}  // namespace daybook::format
