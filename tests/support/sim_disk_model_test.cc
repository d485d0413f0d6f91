// Random operations on a simulated disk, against two plain rules: what was synced is in every image, and a sector of an
// image never holds what it never held.
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "support/result_matchers.h"
#include "support/sim_disk.h"

namespace daybook::test {
namespace {

using io::Access;

constexpr std::size_t kSector = 512;
constexpr std::size_t kSectors = 24;  // three pages

// One file, of sectors that each hold one number, and every number that a sector may hold after a power cut.
class Model {
 public:
  void store(std::size_t sector, std::uint64_t number) {
    newest_[sector] = number;
    possible_[sector].insert(number);
  }
  void sync() {
    for (std::size_t i = 0; i < kSectors; ++i) possible_[i] = {newest_[i]};
  }
  [[nodiscard]] bool allows(std::size_t sector, std::uint64_t number) const {
    return possible_[sector].contains(number);
  }
  [[nodiscard]] std::uint64_t newest(std::size_t sector) const { return newest_[sector]; }
  [[nodiscard]] bool is_durable(std::size_t sector) const { return possible_[sector].size() == 1; }

 private:
  std::array<std::uint64_t, kSectors> newest_{};
  std::array<std::set<std::uint64_t>, kSectors> possible_ = [] {
    std::array<std::set<std::uint64_t>, kSectors> sectors;
    sectors.fill({0});
    return sectors;
  }();
};

std::array<std::byte, kSector> sector_of(std::uint64_t number) {
  std::array<std::byte, kSector> bytes;
  for (std::size_t at = 0; at < kSector; at += sizeof(number)) std::memcpy(bytes.data() + at, &number, sizeof(number));
  return bytes;
}

// The number in a sector, if it holds one number only.
std::optional<std::uint64_t> number_in(std::span<const std::byte> bytes) {
  std::uint64_t number = 0;
  std::memcpy(&number, bytes.data(), sizeof(number));
  const auto expected = sector_of(number);
  if (std::memcmp(bytes.data(), expected.data(), kSector) != 0) return std::nullopt;
  return number;
}

class RandomRun {
 public:
  explicit RandomRun(std::uint64_t seed) : rng_(seed) {
    file_ = directory_->create("f").value();
    EXPECT_TRUE(is_ok(file_->allocate(kSectors * kSector)));
    EXPECT_TRUE(is_ok(file_->sync()));
    EXPECT_TRUE(is_ok(directory_->sync()));
    mapping_ = file_->map(Access::read_write, kSectors * kSector).value();
  }

  void step() {
    switch (rng_.below(8)) {
      case 0:
        EXPECT_TRUE(is_ok(file_->sync()));
        model_.sync();
        break;
      case 1: disk_.observe(); break;
      case 2: write_by_call(); break;
      case 3: map_again(); break;
      default: store(); break;
    }
  }

  // Returns how many sectors were not as they were in memory.
  std::size_t check_image(CrashPolicy policy) {
    const SimDisk image = disk_.crash(rng_, policy);
    const auto bytes = image.newest("f");
    EXPECT_TRUE(bytes.has_value());
    if (!bytes) return 0;
    std::size_t old = 0;
    for (std::size_t i = 0; i < kSectors; ++i) {
      const auto number = number_in(std::span(*bytes).subspan(i * kSector, kSector));
      if (!number) {
        EXPECT_EQ(policy, CrashPolicy::garbage_in_flight);
        EXPECT_FALSE(model_.is_durable(i));
        continue;
      }
      EXPECT_TRUE(model_.allows(i, *number)) << "sector " << i << " of " << name(policy) << ": " << *number;
      old += *number != model_.newest(i) ? 1 : 0;
    }
    EXPECT_TRUE(old == 0 || policy != CrashPolicy::all_new);
    return old;
  }

 private:
  // A store is possible after a crash from the next observation on; the model takes it at once, and each one is observed.
  void store() {
    const std::size_t sector = rng_.below(kSectors);
    const auto bytes = sector_of(++next_);
    std::memcpy(mapping_->bytes().data() + sector * kSector, bytes.data(), kSector);
    model_.store(sector, next_);
    disk_.observe();
  }
  void write_by_call() {
    const std::size_t sector = rng_.below(kSectors);
    EXPECT_TRUE(is_ok(file_->write_at(sector * kSector, sector_of(++next_))));
    model_.store(sector, next_);
  }
  void map_again() {
    if (rng_.coin()) mapping_.reset();
    mapping_ = file_->map(Access::read_write, kSectors * kSector).value();
  }

  Rng rng_;
  SimDisk disk_;
  std::unique_ptr<io::Directory> directory_ = disk_.open();
  std::unique_ptr<io::File> file_;
  std::unique_ptr<io::Mapping> mapping_;
  Model model_;
  std::uint64_t next_ = 0;
};

TEST(SimDiskModelTest, ImagesHoldWhatWasSyncedAndNothingThatNeverWas) {
  std::map<CrashPolicy, std::size_t> old;
  for (std::uint64_t seed = 0; seed < 200 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomRun run(seed);
    for (int step = 0; step < 60; ++step) {
      run.step();
      for (const CrashPolicy policy : kCrashPolicies) old[policy] += run.check_image(policy);
    }
  }
  // And the simulator bites: every policy but all_new has lost something.
  for (const CrashPolicy policy : kCrashPolicies) {
    EXPECT_TRUE(old[policy] > 100 || policy == CrashPolicy::all_new) << name(policy);
  }
}

}  // namespace
}  // namespace daybook::test
