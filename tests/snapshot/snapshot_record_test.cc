// The format of snapshots: set down a second time by hand, and each field's damage found.
#include "format/snapshot_record.h"

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/rng.h"

namespace daybook::format {
namespace {

constexpr Uuid kLog{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

// Words, so that records are aligned as in a mapping.
class Bytes8 {
 public:
  explicit Bytes8(std::size_t size) : words_((size + 7) / 8), size_(size) {}
  [[nodiscard]] std::span<std::byte> all() { return std::as_writable_bytes(std::span(words_)).first(size_); }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t size_;
};

SnapshotRecord sample() {
  SnapshotRecord record{};
  record.position = 0x0102030405060708;
  record.version = 0x1112131415161718;
  record.epoch = 3;
  record.fingerprint = 0x2122232425262728;
  record.recorded_at = 1'700'000'000'000'000'000;
  record.saved_at = 1'700'000'000'000'000'001;
  return record;
}

Bytes8 encoded(std::string_view key, std::string_view state, SnapshotPlace place) {
  Bytes8 bytes(snapshot_record_size(key.size(), state.size()));
  encode_snapshot(sample(), key, std::as_bytes(std::span(state)), place, bytes.all());
  return bytes;
}

TEST(SnapshotRecordTest, Names) {
  EXPECT_EQ(snapshots_name(7), "00000000000000000007.snapshots");
  EXPECT_EQ(parse_snapshots_name("00000000000000000007.snapshots"), 7u);
  for (const char* name : {"7.snapshots", "00000000000000000000.snapshots", "00000000000000000007.seg", ""}) {
    EXPECT_EQ(parse_snapshots_name(name), std::nullopt) << name;
  }
}

TEST(SnapshotRecordTest, MagicsAndPlaces) {
  EXPECT_EQ(std::memcmp(&kSnapshotMagic, "DYBSNP1\n", 8), 0);
  EXPECT_EQ(offsetof(SnapshotFileHeader, log), 24u);
  EXPECT_EQ(offsetof(SnapshotFileHeader, number), 40u);
  EXPECT_EQ(offsetof(SnapshotFileHeader, salt), 48u);
  EXPECT_EQ(offsetof(SnapshotRecord, position), 8u);
  EXPECT_EQ(offsetof(SnapshotRecord, version), 16u);
  EXPECT_EQ(offsetof(SnapshotRecord, epoch), 24u);
  EXPECT_EQ(offsetof(SnapshotRecord, fingerprint), 32u);
  EXPECT_EQ(offsetof(SnapshotRecord, recorded_at), 40u);
  EXPECT_EQ(offsetof(SnapshotRecord, saved_at), 48u);
  EXPECT_EQ(offsetof(SnapshotRecord, state_size), 56u);
  EXPECT_EQ(offsetof(SnapshotRecord, state_crc), 64u);
  EXPECT_EQ(offsetof(SnapshotRecord, key_size), 68u);
  EXPECT_EQ(snapshot_word(128, SnapshotKind::saved), 0x1001u);
  EXPECT_EQ(static_cast<int>(SnapshotKind::end), 2);
  EXPECT_EQ(static_cast<int>(SnapshotKind::removed), 3);
}

TEST(SnapshotRecordTest, EveryByteOfAFileHeaderCounts) {
  const SnapshotFileHeader header = make_snapshot_file_header(kLog, 5, 99);
  std::array<std::byte, 64> bytes{};
  std::memcpy(bytes.data(), &header, sizeof(header));
  EXPECT_TRUE(check_snapshot_file_header(bytes, kLog, 5));
  EXPECT_EQ(check_snapshot_file_header(bytes, kLog, 5)->salt, 99u);
  EXPECT_FALSE(check_snapshot_file_header(bytes, kLog, 6));
  EXPECT_FALSE(check_snapshot_file_header(bytes, Uuid{}, 5));
  EXPECT_FALSE(check_snapshot_file_header(std::span(bytes).first(63), kLog, 5));
  for (std::byte& byte : bytes) {
    for (int bit = 0; bit < 8; ++bit) {
      byte ^= static_cast<std::byte>(1 << bit);
      EXPECT_FALSE(check_snapshot_file_header(bytes, kLog, 5));
      byte ^= static_cast<std::byte>(1 << bit);
    }
  }
}

TEST(SnapshotRecordTest, ComesBackOfAllSizes) {
  const SnapshotPlace place{.salt = 7, .offset = 0};
  for (const std::size_t key_size : {1u, 7u, 8u, 255u}) {
    for (const std::size_t state_size : {0u, 1u, 8u, 1000u}) {
      const std::string key(key_size, 'k');
      const std::string state(state_size, 's');
      Bytes8 bytes = encoded(key, state, place);
      const SnapshotAt at = check_snapshot(bytes.all(), place);
      ASSERT_EQ(at.kind, SnapshotAt::Kind::record);
      EXPECT_EQ(at.size, bytes.all().size());
      EXPECT_EQ(at.size, 80 + align_up(key_size) + align_up(state_size));
      EXPECT_EQ(snapshot_key(*at.record), key);
      EXPECT_EQ(std::memcmp(snapshot_state(*at.record).data(), state.data(), state.size()), 0);
      EXPECT_EQ(snapshot_state(*at.record).size(), state.size());
      EXPECT_EQ(at.record->state_crc, snapshot_state_crc(std::as_bytes(std::span(state))));
      EXPECT_EQ(at.record->position, sample().position);
      EXPECT_EQ(at.record->version, sample().version);
    }
  }
}

// A flipped bit of header or key makes it no record; but for the one that makes it a removed one. The state is for its own
// checksum.
TEST(SnapshotRecordTest, EveryBitOfHeaderAndKeyCounts) {
  const SnapshotPlace place{.salt = 7, .offset = 0};
  Bytes8 bytes = encoded("some-key", "state", place);
  for (std::size_t i = 0; i < sizeof(SnapshotRecord) + 8; ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      if (i == 0 && bit == 1) continue;  // saved -> removed
      bytes.all()[i] ^= static_cast<std::byte>(1 << bit);
      EXPECT_NE(check_snapshot(bytes.all(), place).kind, SnapshotAt::Kind::record) << i << " " << bit;
      EXPECT_NE(check_snapshot(bytes.all(), place).kind, SnapshotAt::Kind::end) << i << " " << bit;
      bytes.all()[i] ^= static_cast<std::byte>(1 << bit);
    }
  }
  EXPECT_EQ(check_snapshot(bytes.all(), place).kind, SnapshotAt::Kind::record);
}

TEST(SnapshotRecordTest, ARemovedRecordIsStillARecord) {
  const SnapshotPlace place{.salt = 7, .offset = 0};
  Bytes8 bytes = encoded("k", "state", place);
  const std::uint64_t word = snapshot_word(bytes.all().size(), SnapshotKind::removed);
  std::memcpy(bytes.all().data(), &word, sizeof(word));
  const SnapshotAt at = check_snapshot(bytes.all(), place);
  ASSERT_EQ(at.kind, SnapshotAt::Kind::record);
  EXPECT_EQ(snapshot_kind(at.record->word), SnapshotKind::removed);
}

// What a recycled block, or a copy of it, would be.
TEST(SnapshotRecordTest, BelongsToItsFileAndPlace) {
  const SnapshotPlace place{.salt = 7, .offset = 8};
  Bytes8 bytes(16 + snapshot_record_size(1, 5));
  const std::span<std::byte> record = bytes.all().subspan(8, snapshot_record_size(1, 5));
  encode_snapshot(sample(), "k", std::as_bytes(std::span("state", 5)), place, record);
  EXPECT_EQ(check_snapshot(bytes.all(), place).kind, SnapshotAt::Kind::record);
  EXPECT_EQ(check_snapshot(bytes.all(), {.salt = 8, .offset = 8}).kind, SnapshotAt::Kind::bad);
  EXPECT_EQ(check_snapshot(record, {.salt = 7, .offset = 0}).kind, SnapshotAt::Kind::bad);
}

TEST(SnapshotRecordTest, CutShortItIsNone) {
  const SnapshotPlace place{.salt = 7, .offset = 0};
  Bytes8 bytes = encoded("key", "a state", place);
  for (std::size_t size = 0; size < bytes.all().size(); ++size) {
    EXPECT_NE(check_snapshot(bytes.all().first(size), place).kind, SnapshotAt::Kind::record) << size;
  }
}

TEST(SnapshotRecordTest, AnEndIsAnEnd) {
  const SnapshotPlace place{.salt = 7, .offset = 0};
  const SnapshotRecord end = make_snapshot_end(place);
  const auto bytes = std::as_bytes(std::span(&end, 1));
  EXPECT_EQ(check_snapshot(bytes, place).kind, SnapshotAt::Kind::end);
  EXPECT_EQ(check_snapshot(bytes, {.salt = 8, .offset = 0}).kind, SnapshotAt::Kind::bad);
  Bytes8 nothing(200);
  EXPECT_EQ(check_snapshot(nothing.all(), place).kind, SnapshotAt::Kind::nothing);
  EXPECT_EQ(check_snapshot(nothing.all(), {.salt = 7, .offset = 200}).kind, SnapshotAt::Kind::nothing);
}

}  // namespace
}  // namespace daybook::format
