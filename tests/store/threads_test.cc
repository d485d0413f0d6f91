// Many threads on one store.
#include <array>
#include <atomic>
#include <chrono>
#include <list>
#include <map>
#include <thread>
#include <vector>

#include "store/store_fixture.h"

namespace daybook::test {
namespace {

using namespace std::chrono_literals;

class ThreadsTest : public StoreTest {
 protected:
  template <typename Body>
  static void run(int threads, Body body) {
    std::list<std::jthread> running;
    for (int i = 0; i < threads; ++i) running.emplace_back([&body, i] { body(i); });
  }
};

TEST_F(ThreadsTest, PositionsAndVersionsStayGapFree) {
  constexpr int kEach = 3000;
  run(4, [&](int thread) {
    for (int i = 0; i < kEach; ++i)
      append_to(i % 3 == 0 ? "shared" : "own-" + std::to_string(thread), std::to_string(i));
  });
  std::map<std::string, Version> versions;
  const auto events = read_all(store());
  ASSERT_EQ(events.size(), 4u * kEach);
  for (std::size_t i = 0; i < events.size(); ++i) {
    ASSERT_EQ(events[i].position, i + 1);
    ASSERT_EQ(events[i].version, ++versions[events[i].stream]);
    if (i > 0) {
      ASSERT_GE(events[i].recorded_at, events[i - 1].recorded_at);
    }
  }
  EXPECT_EQ(versions["shared"], 4u * kEach / 3);
  reopen();
  EXPECT_EQ(read_all(store()), events);
}

// Everybody wants to be the next; of those who asked for the same version one is.
TEST_F(ThreadsTest, OneWinnerForEachVersion) {
  constexpr Version kVersions = 2000;
  std::array<std::atomic<int>, kVersions> winners{};
  std::atomic<std::uint64_t> conflicts = 0;
  run(4, [&](int) {
    for (Version version = 0; version < kVersions; ++version) {
      const auto appended = store().append("s", Expect::exactly(version), {{.type = "T"}});
      if (appended) {
        EXPECT_EQ(appended->last_version, version + 1);
        ++winners[version];
        continue;
      }
      EXPECT_EQ(appended.error().code, Errc::wrong_version);
      EXPECT_EQ(appended.error().expected, version);
      EXPECT_GT(appended.error().actual, version);
      ++conflicts;
    }
  });
  for (const auto& count : winners) EXPECT_EQ(count.load(), 1);
  EXPECT_EQ(conflicts.load(), 3 * kVersions);
  EXPECT_EQ(read_positions(store()), positions(1, kVersions));
}

// Transfers between accounts in one frame: whatever is seen, both halves of each are.
TEST_F(ThreadsTest, FramesOverSeveralStreamsAreAtomic) {
  run(4, [&](int thread) {
    const std::array<NewEvent, 1> one{NewEvent{.type = "T"}};
    for (int i = 0; i < 1000; ++i) {
      const bool swap = (i + thread) % 2 == 0;
      std::array streams{StreamAppend{swap ? "a" : "b", Expect::any(), one},
                         StreamAppend{swap ? "b" : "a", Expect::any(), one}};
      const auto appended = store().append(streams);
      ASSERT_TRUE(is_ok(appended));
      EXPECT_EQ(streams[0].last_version, streams[1].last_version) << "always moved together";
    }
  });
  EXPECT_EQ(store().head("a").value().version, 4000u);
  EXPECT_EQ(store().head("b").value().version, 4000u);
}

TEST_F(ThreadsTest, ReadersFollowWriters) {
  constexpr Position kEvents = 12'000;
  std::list<std::jthread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&, i] {
      auto cursor = store().read({.verify = i == 0});
      Position seen = 0;
      while (seen < kEvents) {
        const EventView* const event = cursor.next();
        if (event == nullptr) {
          const auto error = cursor.error();
          ASSERT_FALSE(error.has_value()) << to_text(*error);
          ASSERT_TRUE(cursor.wait(60s));
          continue;
        }
        ASSERT_EQ(event->position, ++seen);
        ASSERT_EQ(event->payload.text(), std::string(event->stream) + "/" + std::to_string(event->version));
      }
    });
  }
  readers.emplace_back([&] {
    while (store().published_position() < kEvents) {
      Position last = 0;
      auto cursor = store().read({.direction = Direction::backward});
      for (int i = 0; i < 200; ++i) {
        const EventView* const event = cursor.next();
        if (event == nullptr) break;
        if (last != 0) {
          ASSERT_EQ(event->position, last - 1);
        }
        last = event->position;
      }
    }
  });
  run(2, [&](int thread) {
    const std::string stream = "s" + std::to_string(thread);
    for (Version version = 1; version <= kEvents / 2; ++version) {
      append_to(stream, stream + "/" + std::to_string(version));
    }
  });
}

TEST_F(ThreadsTest, WaitIsWokenByAnAppend) {
  auto cursor = store().read();
  for (Position i = 1; i <= 50; ++i) {
    std::jthread writer([&] {
      std::this_thread::sleep_for(2ms);
      append();
    });
    const auto begun = std::chrono::steady_clock::now();
    ASSERT_TRUE(cursor.wait(60s));
    ASSERT_LT(std::chrono::steady_clock::now() - begun, 20s);
    ASSERT_EQ(cursor.next()->position, i);
  }
}

TEST_F(ThreadsTest, WaitForDurableIsWokenByTheSync) {
  auto cursor = store().read({.visibility = Visibility::durable});
  for (Position i = 1; i <= 20; ++i) {
    std::jthread writer([&] {
      append();
      std::this_thread::sleep_for(2ms);
      EXPECT_TRUE(is_ok(store().sync()));
    });
    ASSERT_TRUE(cursor.wait(60s));
    ASSERT_GE(store().durable_position(), i);
    ASSERT_EQ(cursor.next()->position, i);
  }
}

TEST_F(ThreadsTest, SyncsOfManyAreShared) {
  reopen(small_segments(Durability::sync));
  run(8, [&](int thread) {
    for (int i = 0; i < 100; ++i) {
      const Appended appended = append_to("s" + std::to_string(thread));
      EXPECT_GE(store().durable_position(), appended.last_position);
    }
  });
  EXPECT_EQ(store().durable_position(), 800u);
}

// The rest of the interface, all at once.
TEST_F(ThreadsTest, AnythingAtAnyTime) {
  std::atomic<bool> stop = false;
  std::list<std::jthread> others;
  others.emplace_back([&] {
    while (!stop) EXPECT_TRUE(is_ok(store().sync()));
  });
  others.emplace_back([&] {
    while (!stop) {
      const auto info = store().info();
      ASSERT_TRUE(is_ok(info));
      const Position durable = store().durable_position();  // first: both grow
      EXPECT_LE(durable, store().published_position());
      EXPECT_TRUE(is_ok(store().head("s")));
    }
  });
  others.emplace_back([&] {
    while (!stop) {
      auto cursor = store().read({.after = store().published_position() / 2});
      for (int i = 0; i < 50 && cursor.next() != nullptr; ++i) {
      }
      EXPECT_TRUE(is_ok(store().resume(cursor.token())));
    }
  });
  run(2, [&](int) { append_many(2000); });
  stop = true;
  others.clear();
  EXPECT_EQ(store().head("s").value().version, 4000u);
}

}  // namespace
}  // namespace daybook::test
