// A sidecar is a file, and files are damaged, cut, or made by somebody who wants in. With wrong checksums it is refused;
// with right ones it is refused or answers without stepping outside, which the sanitizers see.
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "index/index_model.h"
#include "index/sidecar.h"
#include "index/sidecar_layout.h"
#include "support/rng.h"

namespace daybook::index {
namespace {

std::vector<std::byte> encoded(const IndexModel& model) {
  MemoryIndex index;
  model.fill(index);
  return encode_sidecar(index, model.identity());
}

// Rare keys, lists of demoted ones, runs, arrays and a bitset; batches, and a frame for each event.
IndexModel small_model(std::uint64_t batch) {
  return IndexModel::random(batch, {.events = 200, .streams = 100, .types = 3, .tags = 40, .batch_max = batch});
}

void repair(std::vector<std::byte>& bytes) {
  if (bytes.size() < sizeof(SidecarHeader)) return;
  SidecarHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  header.body_size = bytes.size() - sizeof(header);
  const SidecarHash hash = sidecar_body_hash(bytes.data() + sizeof(header), header.body_size);
  header.hash_low = hash.low;
  header.hash_high = hash.high;
  header.check = sidecar_header_check(header);
  std::memcpy(bytes.data(), &header, sizeof(header));
}

TEST(SidecarDamageTest, EveryFlippedBitIsNoticed) {
  for (const std::uint64_t batch : {1u, 5u}) {
    const IndexModel model = small_model(batch);
    std::vector<std::byte> bytes = encoded(model);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
      ASSERT_FALSE(try_parse(bytes, model.identity())) << bit;
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    }
  }
}

TEST(SidecarDamageTest, EveryTruncationIsNoticed) {
  const IndexModel model = small_model(5);
  const std::vector<std::byte> bytes = encoded(model);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(try_parse(std::span(bytes).first(size), model.identity())) << size;
  }
  std::vector<std::byte> more = bytes;
  more.resize(more.size() + 8);
  ASSERT_FALSE(try_parse(more, model.identity()));
}

// One bit at a time, checksums made right again: no bit of the file is of no consequence but those that only choose
// between valid answers.
TEST(SidecarDamageTest, EveryFlippedBitWithRightChecksumsIsHarmless) {
  std::uint64_t accepted = 0;
  std::uint64_t all = 0;
  for (const std::uint64_t batch : {1u, 5u}) {
    const IndexModel model = small_model(batch);
    const std::vector<std::byte> bytes = encoded(model);
    for (std::size_t bit = 0; bit < bytes.size() * 8; bit += 3) {
      std::vector<std::byte> damaged = bytes;
      damaged[bit / 8] ^= std::byte{1} << (bit % 8);
      repair(damaged);
      ++all;
      const auto parsed = try_parse(damaged, model.identity());
      if (!parsed) continue;
      ++accepted;
      if (bit % 11 == 0) exercise(*parsed->sidecar, model);
    }
  }
  RecordProperty("accepted", static_cast<int>(accepted));
  RecordProperty("all", static_cast<int>(all));
  EXPECT_LT(accepted, all / 2);
}

TEST(SidecarDamageTest, RandomDamageWithRightChecksumsIsHarmless) {
  test::Rng rng(1);
  for (const std::uint64_t batch : {1u, 5u}) {
    const IndexModel model = small_model(batch);
    const std::vector<std::byte> bytes = encoded(model);
    for (int round = 0; round < 3'000; ++round) {
      std::vector<std::byte> damaged = bytes;
      for (std::uint64_t n = 1 + rng.below(4); n > 0; --n) {
        // Words of numbers that mean something more often than noise does.
        static constexpr std::uint32_t kWords[] = {0,          1,          2, 63, 64,    65,   200,
                                                   0x7fffffff, 0xffffffff, 8, 16, 12346, 12347};
        const std::size_t at = rng.below(damaged.size() / 4) * 4;
        const auto word = rng.coin() ? kWords[rng.below(std::size(kWords))] : static_cast<std::uint32_t>(rng.next());
        std::memcpy(damaged.data() + at, &word, sizeof(word));
      }
      if (rng.below(8) == 0) damaged.resize(rng.below(damaged.size()));
      repair(damaged);
      if (const auto parsed = try_parse(damaged, model.identity())) exercise(*parsed->sidecar, model);
    }
  }
}

}  // namespace
}  // namespace daybook::index
