// Many threads after the same thing: of those whose conditions exclude each other, exactly one is appended.
#include <array>
#include <atomic>
#include <barrier>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <daybook/store.h>

#include "concurrency/whole_log.h"
#include "support/result_matchers.h"
#include "support/rng.h"
#include "support/stored_event.h"
#include "support/temp_dir.h"

namespace daybook::concurrency {
namespace {

using test::is_ok;
using test::Rng;

#if defined(__SANITIZE_THREAD__)
constexpr int kRounds = 3'000;
#elif defined(__SANITIZE_ADDRESS__)
constexpr int kRounds = 5'000;
#else
constexpr int kRounds = 60'000;
#endif
constexpr int kThreads = 4;

class ContestTest : public ::testing::Test {
 protected:
  ContestTest() {
    // Small segments: conditions are checked across their borders.
    auto opened = Store::open(directory_ / "log", {.durability = Durability::memory, .segment_size = 256u << 10});
    EXPECT_TRUE(is_ok(opened));
    if (opened) store_.emplace(std::move(*opened));
  }

  template <typename Body>
  static void run(Body body) {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) threads.emplace_back([&body, thread] { body(thread); });
  }

  Store& store() { return *store_; }

  test::TempDir directory_;
  std::optional<Store> store_;
};

// Numbers without a gap, and none twice, though no stream says which is next: everybody goes on from what it knows, as
// soon as it knows it.
TEST_F(ContestTest, ConsecutiveNumbers) {
  std::atomic<std::uint64_t> refused = 0;
  std::atomic<std::uint64_t> won = 0;
  run([&](int thread) {
    Rng rng(static_cast<std::uint64_t>(thread) + 1);
    const std::string stream = "thread-" + std::to_string(thread);
    Position last = 0;
    std::uint64_t number = 0;
    for (int i = 0; i < kRounds && !HasFailure(); ++i) {
      const std::string text = std::to_string(number + 1);
      const AppendCondition newest{Query::type("Invoice"), last};
      const auto appended = store().append(stream, Expect::any(), {{.type = "Invoice", .payload = text}}, newest);
      if (appended) {
        last = appended->last_position;
        ++number;
        ++won;
      } else {
        ASSERT_EQ(appended.error().code, Errc::condition_failed) << describe(appended.error());
        ASSERT_GT(appended.error().actual, last);
        ++refused;
        auto cursor = store().read({.after = last});
        while (const EventView* const event = cursor.next()) {
          last = event->position;
          if (event->type == "Invoice") number = std::stoull(std::string(event->payload.text()));
        }
      }
      if (rng.below(8) == 0) {
        ASSERT_TRUE(is_ok(store().append(stream, Expect::any(), {{.type = "Noise"}})));
      }
    }
  });
  std::uint64_t number = 0;
  for (const auto& event : test::read_all(store())) {
    if (event.type != "Invoice") continue;
    ASSERT_EQ(event.payload, std::to_string(++number)) << "at " << event.position;
  }
  EXPECT_EQ(number, won);
  std::printf("[ contest  ] %llu appended, %llu refused\n", static_cast<unsigned long long>(won),
              static_cast<unsigned long long>(refused));
  EXPECT_GT(refused.load(), 0u);
}

// All threads want the same name at the same moment.
TEST_F(ContestTest, OneWinnerForEachName) {
  std::vector<std::atomic<int>> winners(kRounds);
  std::atomic<Position> from = 0;
  std::barrier together(kThreads, [&]() noexcept { from = store().published_position(); });
  run([&](int thread) {
    const std::string stream = "thread-" + std::to_string(thread);
    for (int round = 0; round < kRounds; ++round) {
      together.arrive_and_wait();
      const std::string name = "name:" + std::to_string(round);
      const std::array<std::string_view, 1> tags{name};
      const NewEvent event{.type = "Registered", .tags = Tags(tags)};
      // No earlier round is about this name, so it is enough to look behind those.
      const AppendCondition free{Query::tag(name), from.load()};
      const auto appended = store().append(stream, Expect::any(), std::span(&event, 1), free);
      if (appended) {
        ++winners[round];
      } else {
        EXPECT_EQ(appended.error().code, Errc::condition_failed);
      }
    }
  });
  for (int round = 0; round < kRounds; ++round) ASSERT_EQ(winners[round].load(), 1) << round;
  EXPECT_EQ(check_log(store()), static_cast<Position>(kRounds));
  EXPECT_TRUE(is_ok(store().close()));
}

// A stream that is only expected decides as one that is written to.
TEST_F(ContestTest, ExpectedStreamsThatNobodyWritesTo) {
  std::atomic<std::uint64_t> written = 0;
  run([&](int thread) {
    const std::array<NewEvent, 1> one{NewEvent{.type = "T"}};
    const std::string own = "own-" + std::to_string(thread);
    for (int round = 0; round < kRounds / 4; ++round) {
      const Version version = store().head("gate").value().version;
      if (round % 4 == thread) {
        if (store().append("gate", Expect::exactly(version), one)) ++written;
        continue;
      }
      const std::string seen = std::to_string(version);
      const std::array<NewEvent, 1> event{NewEvent{.type = "Seen", .payload = seen}};
      std::array streams{StreamAppend{own, Expect::any(), event}, StreamAppend{"gate", Expect::exactly(version)}};
      const auto appended = store().append(streams);
      if (!appended) {
        ASSERT_EQ(appended.error().code, Errc::wrong_version);
        ASSERT_EQ(appended.error().index, 1u);
        ASSERT_TRUE(streams[1].refused);
        ASSERT_NE(streams[1].actual, version);
      }
    }
  });
  Version gate = 0;
  for (const auto& event : test::read_all(store())) {
    if (event.stream == "gate") {
      ++gate;
    } else {
      ASSERT_EQ(event.payload, std::to_string(gate)) << "at " << event.position;
    }
  }
  EXPECT_EQ(gate, written);
}

// A check says what held at one point of the log: two streams that are always written together have the same version.
TEST_F(ContestTest, ChecksSeeOnePoint) {
  std::atomic<bool> done = false;
  std::atomic<std::uint64_t> held = 0;
  run([&](int thread) {
    const std::array<NewEvent, 1> one{NewEvent{.type = "T"}};
    if (thread < 2) {
      for (int round = 0; round < kRounds / 2; ++round) {
        std::array streams{StreamAppend{"a", Expect::any(), one}, StreamAppend{"b", Expect::any(), one}};
        ASSERT_TRUE(is_ok(store().append(streams)));
      }
      done = true;
      return;
    }
    while (!done) {
      const Version version = store().head("a").value().version;
      std::array streams{StreamAppend{"a", Expect::exactly(version)}, StreamAppend{"b", Expect::any()}};
      const auto checked = store().append(streams);
      if (!checked) continue;
      ASSERT_EQ(streams[0].last_version, streams[1].last_version);
      ASSERT_EQ(checked->last_position, 2 * version);
      ++held;
    }
  });
  EXPECT_GT(held.load(), 0u);
}

// All threads append the same, with the same ids: it is there once, and everybody is told where.
TEST_F(ContestTest, EqualIds) {
  constexpr int kAppends = kRounds / 2;
  std::vector<std::array<std::atomic<Position>, kThreads>> told(kAppends);
  std::atomic<int> first = 0;
  std::barrier together(kThreads);
  run([&](int thread) {
    for (int round = 0; round < kAppends; ++round) {
      if (round % 4 == 0) together.arrive_and_wait();
      std::array<NewEvent, 2> events{NewEvent{.type = "T"}, NewEvent{.type = "T"}};
      for (std::size_t i = 0; i < events.size(); ++i) {
        Rng rng(static_cast<std::uint64_t>(round) * 2 + i);
        EventId id{};
        for (auto& byte : id) byte = static_cast<std::uint8_t>(rng.next());
        events[i].id = id;
      }
      // The version is right for whoever is first, since everybody has been through the rounds before; for the others it
      // is the past.
      const std::string stream = "s" + std::to_string(round % 3);
      const auto version = static_cast<Version>(2 * (round / 3));
      const auto appended = store().append(stream, round % 2 == 0 ? Expect::any() : Expect::exactly(version), events);
      EXPECT_TRUE(is_ok(appended));
      if (!appended) continue;
      if (!appended->repeated) ++first;
      told[round][thread] = appended->first_position;
    }
  });
  EXPECT_EQ(first.load(), kAppends);
  EXPECT_EQ(check_log(store()), 2u * kAppends);
  for (const auto& positions : told) {
    for (const auto& position : positions) ASSERT_EQ(position.load(), positions[0].load());
  }
}

}  // namespace
}  // namespace daybook::concurrency
