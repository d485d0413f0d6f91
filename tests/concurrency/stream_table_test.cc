// The stream table grows under load. Each stream has one thread that moves it on and so knows its version; all the
// others look, and repeat what has long been done, as late helpers do. Whoever comes first loads a stream, and anybody
// may do it again at any time.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "log/stream_table.h"
#include "support/rng.h"

namespace daybook::concurrency {
namespace {

using log::Head;
using log::StreamKey;
using log::StreamTable;

#if defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kStreams = 3'000;
constexpr std::uint64_t kSteps = 30'000;
#else
constexpr std::uint64_t kStreams = 20'000;
constexpr std::uint64_t kSteps = 400'000;
#endif
constexpr std::uint64_t kThreads = 4;

constexpr std::uint64_t position_of(std::uint64_t version) { return version * 10; }
constexpr std::uint64_t version_at_open(std::uint64_t stream) { return stream % 3 * 5; }
constexpr StreamHead head_at_open(std::uint64_t stream) {
  return {version_at_open(stream), position_of(version_at_open(stream))};
}

class Streams {
 public:
  explicit Streams(std::uint64_t capacity) : table_(capacity), streams_(kStreams) {
    for (std::uint64_t i = 0; i < kStreams; ++i) {
      streams_[i].key = table_.key("stream-" + std::to_string(i));
      streams_[i].begun = streams_[i].done = version_at_open(i);
    }
  }

  StreamTable& table() { return table_; }

  // A thread's work: its own streams, and a look at everybody's.
  void work(std::uint64_t thread) {
    test::Rng rng(thread + 1);
    std::vector<Head*> heads(kStreams);  // kept, so that most of them are old
    for (std::uint64_t step = 0; step < kSteps && !::testing::Test::HasFailure(); ++step) {
      const std::uint64_t stream = rng.below(1 + step * kStreams / kSteps);
      if (heads[stream] == nullptr || rng.below(16) == 0) heads[stream] = table_.find(streams_[stream].key);
      ASSERT_NE(heads[stream], nullptr);
      if (!table_.known_version(heads[stream]) || rng.below(16) == 0) {
        table_.load(heads[stream], head_at_open(stream));
      }
      if (stream % kThreads == thread) {
        move_on(streams_[stream], heads[stream]);
      } else {
        look(streams_[stream], heads[stream]);
      }
    }
  }

  void check() {
    for (std::uint64_t i = 0; i < kStreams; ++i) {
      const Stream& stream = streams_[i];
      Head* const head = table_.find(stream.key);
      ASSERT_NE(head, nullptr);
      if (!table_.known_version(head)) {
        EXPECT_EQ(stream.done, version_at_open(i));
        continue;
      }
      EXPECT_EQ(table_.version(head), stream.done);
      EXPECT_EQ(table_.last_position(head), position_of(stream.done));
    }
  }

 private:
  struct Stream {
    StreamKey key;
    std::atomic<std::uint64_t> begun = 0;  // versions that its thread has begun to move to
    std::atomic<std::uint64_t> done = 0;
  };

  void move_on(Stream& stream, Head* head) {
    const std::uint64_t version = stream.done.load(std::memory_order_relaxed);
    ASSERT_EQ(table_.version(head), version);
    stream.begun.store(version + 1, std::memory_order_seq_cst);
    table_.advance(head, version, version + 1, position_of(version + 1));
    stream.done.store(version + 1, std::memory_order_seq_cst);
    ASSERT_EQ(table_.version(head), version + 1);
    ASSERT_EQ(table_.last_position(head), position_of(version + 1));
  }

  void look(Stream& stream, Head* head) {
    const std::uint64_t least = stream.done.load(std::memory_order_seq_cst);
    if (least > 0) table_.advance(head, least - 1, least, position_of(least));  // done already
    const std::uint64_t version = table_.version(head);
    const std::uint64_t most = stream.begun.load(std::memory_order_seq_cst);
    ASSERT_GE(version, least);
    ASSERT_LE(version, most);
    ASSERT_GE(table_.last_position(head), position_of(version));
  }

  StreamTable table_;
  std::vector<Stream> streams_;
};

void run(Streams& streams) {
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < kThreads; ++i) threads.emplace_back([&, i] { streams.work(i); });
  for (auto& thread : threads) thread.join();
  streams.check();
}

TEST(StreamTableUnderLoad, GrowsInTheBackground) {
  Streams streams(4);
  std::atomic<bool> stop = false;
  std::thread grower([&] {
    while (!stop) streams.table().grow();
  });
  run(streams);
  stop = true;
  grower.join();
}

TEST(StreamTableUnderLoad, GrowsNowAndThen) {
  Streams streams(4);
  std::atomic<bool> stop = false;
  std::thread grower([&] {
    while (!stop) {
      streams.table().grow();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  run(streams);
  stop = true;
  grower.join();
}

TEST(StreamTableUnderLoad, GrowsWhereNobodyCares) {
  Streams streams(4);
  run(streams);
  for (int i = 0; i < 64; ++i) streams.table().grow();
  streams.check();
}

// Everybody looks for the same new streams at the same time: each must be in one slot only.
TEST(StreamTableUnderLoad, OneSlotForAStream) {
  constexpr std::uint64_t kRounds = kStreams / 4;
  for (const bool grown : {false, true}) {
    StreamTable table(4);
    std::atomic<std::uint64_t> round = 0;
    std::array<std::atomic<std::uint64_t>, kThreads> arrived{};
    std::vector<StreamKey> keys(kRounds);
    for (std::uint64_t i = 0; i < kRounds; ++i) keys[i] = table.key("stream-" + std::to_string(i));

    std::vector<std::thread> threads;
    for (std::uint64_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (std::uint64_t i = 0; i < kRounds; ++i) {
          while (round.load() < i) std::this_thread::yield();
          // All load it and ask for version 1: it is one stream, so it ends there.
          Head* const one = table.find(keys[i]);
          table.load(one, {});
          table.advance(one, 0, 1, i + 1);
          arrived[thread] = i + 1;
          if (thread != 0) continue;
          for (auto& other : arrived) {
            while (other.load() <= i) std::this_thread::yield();
          }
          if (grown) table.grow();
          Head* const head = table.find(keys[i]);
          EXPECT_EQ(table.version(head), 1u);
          table.advance(head, 1, 2, i + 1);
          round = i + 1;
        }
      });
    }
    for (auto& thread : threads) thread.join();
    for (const auto& key : keys) ASSERT_EQ(table.version(table.find(key)), 2u);
  }
}

}  // namespace
}  // namespace daybook::concurrency
