// Damage to every bit, every sector and every length of a small real store. Each damaged store must either say what is
// wrong, or hold exactly the events of the undamaged one; only behind the last sync of a store whose writer was killed
// may events be missing, and then the report says so. No damage may go unseen by everybody: what reading and recovery
// pass over, `verify` flags.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "format/layout.h"
#include "sweep/judge.h"
#include "sweep/sample_store.h"

namespace daybook::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || !defined(NDEBUG)
constexpr std::uint64_t kEvery = 61;  // of the flips and lengths; odd, so that every bit of a byte has its turn
#else
constexpr std::uint64_t kEvery = 1;
#endif
constexpr std::size_t kSector = 512;

std::string segment(std::uint64_t number) { return format::segment_name(number); }

// Runs body(judge, i) for i in [0, count), each `every`-th, on two threads.
Tally sweep(const Sample& sample, std::uint64_t count, std::uint64_t every,
            const std::function<void(Judge&, std::uint64_t)>& body) {
  constexpr unsigned kThreads = 2;
  std::vector<Tally> tallies(kThreads);
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      Judge judge(sample);
      for (std::uint64_t i = thread * every; i < count && !judge.tally().violation; i += kThreads * every)
        body(judge, i);
      tallies[thread] = judge.tally();
    });
  }
  for (std::thread& thread : threads) thread.join();
  Tally all;
  for (const Tally& tally : tallies) all.add(tally);
  return all;
}

void report(const char* what, const Tally& tally, std::chrono::steady_clock::time_point begun) {
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begun;
  std::printf(
      "%s: %llu in %.1f s: %llu refused, %llu cut and reported, %llu whole and flagged, %llu healed, %llu without a "
      "change, "
      "%llu undetected; %llu also read, %llu opened by their tail\n",
      what, static_cast<unsigned long long>(tally.images), time.count(), static_cast<unsigned long long>(tally.refused),
      static_cast<unsigned long long>(tally.cut), static_cast<unsigned long long>(tally.flagged),
      static_cast<unsigned long long>(tally.healed), static_cast<unsigned long long>(tally.harmless),
      static_cast<unsigned long long>(tally.undetected), static_cast<unsigned long long>(tally.read),
      static_cast<unsigned long long>(tally.tails));
  std::fflush(stdout);
}

class SweepTest : public ::testing::TestWithParam<Ended> {
 protected:
  void expect_detected(const char* what, const Tally& tally, std::chrono::steady_clock::time_point begun) {
    report(what, tally, begun);
    EXPECT_FALSE(tally.violation) << *tally.violation;
    EXPECT_EQ(tally.undetected, 0u);
    EXPECT_GT(tally.images, 0u);
  }

  const Sample sample_ = make_sample(GetParam(), 1);
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

// Undamaged, it is found whole: otherwise "detected" means nothing.
TEST_P(SweepTest, TheSampleIsWhole) {
  ASSERT_EQ(sample_.segments.size(), 2u);
  Judge judge(sample_);
  judge.judge([](MemoryStore&) {}, true, [] { return std::string("no damage"); });
  EXPECT_FALSE(judge.tally().violation) << *judge.tally().violation;
  EXPECT_EQ(judge.tally().healed, 1u);
  EXPECT_EQ(sample_.history->events().size() > sample_.durable, sample_.killed);
}

TEST_P(SweepTest, EveryBit) {
  // Segment 1 is the same in both samples.
  const std::uint64_t first = sample_.killed ? 2 : 1;
  const std::uint64_t bits = format::kSegmentSizeMin * 8;
  const Tally tally = sweep(sample_, (3 - first) * bits, kEvery, [&](Judge& judge, std::uint64_t i) {
    const std::string name = segment(first + i / bits);
    const std::uint64_t bit = i % bits;
    judge.judge([&](MemoryStore& store) { store.touch(name)[bit / 8] ^= std::byte{1} << (bit % 8); },
                i % (61 * kEvery) == 0,
                [&] { return name + ", bit " + std::to_string(bit % 8) + " of byte " + std::to_string(bit / 8); });
  });
  expect_detected("flipped bits", tally, begun_);
}

TEST_P(SweepTest, EveryBitOfLock) {
  const Tally tally = sweep(sample_, sizeof(format::LivePage) * 8, 1, [&](Judge& judge, std::uint64_t bit) {
    judge.judge([&](MemoryStore& store) { store.touch_lock()[bit / 8] ^= std::byte{1} << (bit % 8); }, true,
                [&] { return "LOCK, bit " + std::to_string(bit); });
  });
  // Nothing in it is needed: damage may refuse a log, never change it.
  EXPECT_EQ(tally.cut, 0u);
  EXPECT_FALSE(tally.violation && tally.violation->find("undetected") == std::string::npos) << *tally.violation;
}

TEST_P(SweepTest, EveryLength) {
  const std::uint64_t lengths = format::kSegmentSizeMin;
  const Tally tally = sweep(sample_, 2 * lengths, kEvery, [&](Judge& judge, std::uint64_t i) {
    const std::string name = segment(1 + i / lengths);
    judge.judge([&](MemoryStore& store) { store.touch(name).resize(i % lengths); }, i % (7 * kEvery) == 0,
                [&] { return name + ", cut to " + std::to_string(i % lengths); });
  });
  expect_detected("lengths", tally, begun_);
  EXPECT_EQ(tally.refused, tally.images);
}

void overwrite(MemoryFile& file, std::uint64_t sector, const std::byte* bytes) {
  std::copy_n(bytes, kSector, file.begin() + static_cast<std::ptrdiff_t>(sector * kSector));
}

// Lost, misdirected and garbled writes.
TEST_P(SweepTest, EverySector) {
  const std::uint64_t sectors = format::kSegmentSizeMin / kSector;
  const Sample other = make_sample(GetParam(), 1);  // the same events in another log
  const MemoryFile zeros(kSector, std::byte{0});
  const MemoryFile ones(kSector, std::byte{0xff});
  const Tally tally = sweep(sample_, 2 * sectors * 4, 1, [&](Judge& judge, std::uint64_t i) {
    const std::uint64_t number = 1 + i / 4 / sectors;
    const std::uint64_t sector = i / 4 % sectors;
    const auto at = static_cast<std::ptrdiff_t>(sector * kSector);
    const std::byte* from = nullptr;
    switch (i % 4) {
      case 0: from = zeros.data(); break;
      case 1: from = ones.data(); break;
      case 2: from = other.segments.at(segment(number)).data() + at; break;
      default: from = sample_.segments.at(segment(3 - number)).data() + at; break;
    }
    judge.judge(
        [&](MemoryStore& store) { overwrite(store.touch(segment(number)), sector, from); }, true,
        [&] {
          constexpr const char* kKinds[] = {"zeros", "ones", "that of another log", "that of the other segment"};
          return segment(number) + ", sector " + std::to_string(sector) + " is " + kKinds[i % 4];
        });
  });
  expect_detected("sectors", tally, begun_);
}

TEST_P(SweepTest, EveryTwoSectorsSwapped) {
  const std::uint64_t sectors = format::kSegmentSizeMin / kSector;
  const Tally tally = sweep(sample_, 2 * sectors * sectors, kEvery == 1 ? 1 : 7, [&](Judge& judge, std::uint64_t i) {
    const std::string name = segment(1 + i / (sectors * sectors));
    const std::uint64_t one = i / sectors % sectors;
    const std::uint64_t two = i % sectors;
    if (one >= two) return;
    judge.judge(
        [&](MemoryStore& store) {
          MemoryFile& file = store.touch(name);
          std::swap_ranges(file.begin() + static_cast<std::ptrdiff_t>(one * kSector),
                           file.begin() + static_cast<std::ptrdiff_t>((one + 1) * kSector),
                           file.begin() + static_cast<std::ptrdiff_t>(two * kSector));
        },
        i % 5 == 0,
        [&] { return name + ", sectors " + std::to_string(one) + " and " + std::to_string(two) + " swapped"; });
  });
  expect_detected("swapped sectors", tally, begun_);
}

TEST_P(SweepTest, WholeFiles) {
  const Sample other = make_sample(GetParam(), 1);
  const MemoryFile first = sample_.segments.at(segment(1));
  const MemoryFile second = sample_.segments.at(segment(2));
  using Change = std::function<void(MemoryStore&)>;
  const auto remove = [](MemoryStore& store, std::uint64_t number) {
    store.touch(segment(number));
    store.segments.erase(segment(number));
  };
  const std::vector<std::pair<const char*, Change>> changes{
      {"the first is missing", [&](MemoryStore& store) { remove(store, 1); }},
      {"the last is missing", [&](MemoryStore& store) { remove(store, 2); }},
      {"both are swapped",
       [&](MemoryStore& store) {
         store.touch(segment(1)) = second;
         store.touch(segment(2)) = first;
       }},
      {"the first is there twice", [&](MemoryStore& store) { store.touch(segment(2)) = first; }},
      {"the last is there twice", [&](MemoryStore& store) { store.touch(segment(1)) = second; }},
      {"a copy of the first follows", [&](MemoryStore& store) { store.touch(segment(3)) = first; }},
      {"a copy of the last follows", [&](MemoryStore& store) { store.touch(segment(3)) = second; }},
      {"a gap follows", [&](MemoryStore& store) { store.touch(segment(4)) = second; }},
      {"the first is another log's",
       [&](MemoryStore& store) { store.touch(segment(1)) = other.segments.at(segment(1)); }},
      {"the last is another log's",
       [&](MemoryStore& store) { store.touch(segment(2)) = other.segments.at(segment(2)); }},
      {"the first is empty", [&](MemoryStore& store) { store.touch(segment(1)).clear(); }},
      {"the last is empty", [&](MemoryStore& store) { store.touch(segment(2)).clear(); }},
      {"the first is zeros", [&](MemoryStore& store) { store.touch(segment(1)).assign(first.size(), std::byte{}); }},
      {"the last is zeros", [&](MemoryStore& store) { store.touch(segment(2)).assign(second.size(), std::byte{}); }},
      {"the last is longer", [&](MemoryStore& store) { store.touch(segment(2)).resize(second.size() + 4096); }},
  };
  Judge judge(sample_);
  for (const auto& [name, change] : changes) judge.judge(change, true, [&] { return std::string(name); });
  expect_detected("files", judge.tally(), begun_);
}

INSTANTIATE_TEST_SUITE_P(Samples, SweepTest, ::testing::Values(Ended::closed, Ended::killed),
                         [](const auto& sample) { return sample.param == Ended::closed ? "Closed" : "Killed"; });

}  // namespace
}  // namespace daybook::test
