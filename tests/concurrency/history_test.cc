// A million and more concurrent operations, and one order that explains them all.
#include "concurrency/history.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <daybook/store.h>

#include "support/result_matchers.h"
#include "support/rng.h"
#include "support/temp_dir.h"

namespace daybook::concurrency {
namespace {

using test::is_ok;
using test::Rng;

#if defined(__SANITIZE_THREAD__)
constexpr std::uint32_t kAppends = 25'000;  // of each writer
#elif defined(__SANITIZE_ADDRESS__)
constexpr std::uint32_t kAppends = 40'000;
#else
constexpr std::uint32_t kAppends = 240'000;
#endif
constexpr std::uint32_t kWriters = 4;
constexpr std::uint32_t kReaders = 2;
constexpr StreamNumber kHot = 4;  // streams that everybody is after
constexpr StreamNumber kStreams = 20'000;

Time now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

// What an event carries: who it is, and bytes that follow from that.
struct Payload {
  std::uint32_t thread;
  std::uint32_t operation;
  std::uint32_t index;
  std::uint32_t stream;
  std::array<std::uint64_t, 6> random;

  static std::uint64_t size_of(std::uint32_t thread, std::uint32_t operation, std::uint32_t index) {
    return sizeof(Payload) - 8 * Rng(thread * 31u + operation * 7u + index).below(6);
  }
  void make(std::uint32_t of_thread, std::uint32_t of_operation, std::uint32_t of_index, StreamNumber of_stream) {
    thread = of_thread;
    operation = of_operation;
    index = of_index;
    stream = of_stream;
    Rng rng((std::uint64_t{thread} << 48) ^ (std::uint64_t{operation} << 16) ^ (std::uint64_t{index} << 8) ^ stream);
    for (auto& word : random) word = rng.next();
  }
};

std::string stream_name(StreamNumber stream) { return "s" + std::to_string(stream); }

// The event as its payload says; fails when a byte of that is wrong.
LoggedEvent logged(const EventView& event) {
  Payload found{};
  EXPECT_GE(event.payload.size(), 16u);
  EXPECT_LE(event.payload.size(), sizeof(found));
  std::memcpy(&found, event.payload.data(), std::min(event.payload.size(), sizeof(found)));
  Payload expected{};
  expected.make(found.thread, found.operation, found.index, found.stream);
  EXPECT_EQ(event.payload.size(), Payload::size_of(found.thread, found.operation, found.index));
  EXPECT_EQ(std::memcmp(&expected, event.payload.data(), event.payload.size()), 0) << "at " << event.position;
  EXPECT_EQ(event.stream, stream_name(found.stream));
  return {found.thread, found.operation, found.index, found.stream, event.version};
}

class Writer {
 public:
  Writer(Store& store, std::uint32_t thread, Session& session)
      : store_(store), thread_(thread), session_(session), rng_(thread + 1) {
    for (StreamNumber i = 0; i < kStreams; ++i) names_.push_back(stream_name(i));
    versions_.resize(kStreams);
  }

  void run() {
    session_.appends.reserve(kAppends);
    for (std::uint32_t i = 0; i < kAppends && !::testing::Test::HasFailure(); ++i) {
      append(i);
      if (rng_.below(8) == 0) head();
    }
  }

 private:
  StreamNumber choose_stream() {
    return static_cast<StreamNumber>(rng_.below(2) == 0 ? rng_.below(kHot) : rng_.below(kStreams));
  }

  // Mostly what this thread last knew of the stream; sometimes what it cannot be.
  Expect choose_expectation(StreamNumber stream) {
    switch (rng_.below(6)) {
      case 0: return Expect::any();
      case 1: return versions_[stream] == 0 ? Expect::no_stream() : Expect::exists();
      case 2: return rng_.below(8) == 0 ? Expect::no_stream() : Expect::any();
      default: return Expect::exactly(versions_[stream] + (rng_.below(16) == 0 ? 1 : 0));
    }
  }

  void append(std::uint32_t number) {
    AppendOperation operation;
    operation.streams = rng_.below(8) == 0 ? 2 + static_cast<std::uint32_t>(rng_.below(2)) : 1;
    std::array<StreamAppend, kStreamsOfAppend> streams;
    std::uint32_t index = 0;
    for (std::uint32_t i = 0; i < operation.streams; ++i) {
      StreamPart& part = operation.parts[i];
      do part.stream = choose_stream();
      while (std::any_of(operation.parts.begin(), operation.parts.begin() + i,
                         [&](const StreamPart& other) { return other.stream == part.stream; }));
      part.expect = choose_expectation(part.stream);
      part.events = rng_.below(8) == 0 ? 2 : 1;
      for (std::uint32_t j = 0; j < part.events; ++j, ++index) {
        payloads_[index].make(thread_, number, index, part.stream);
        const auto bytes = std::as_bytes(std::span(&payloads_[index], 1));
        events_[index] = {.type = "t", .payload = bytes.first(Payload::size_of(thread_, number, index))};
      }
      streams[i] = {.stream = names_[part.stream],
                    .expect = part.expect,
                    .events = std::span(events_).subspan(index - part.events, part.events)};
    }

    operation.invoked = now();
    const auto appended = store_.append(std::span(streams).first(operation.streams));
    operation.returned = now();
    operation.refused = !appended;
    if (appended) {
      operation.first = appended->first_position;
      operation.last = appended->last_position;
      for (std::uint32_t i = 0; i < operation.streams; ++i) {
        operation.parts[i].last_version = streams[i].last_version;
        versions_[operation.parts[i].stream] = streams[i].last_version;
      }
    } else {
      const Error& error = appended.error();
      ASSERT_EQ(error.code, Errc::wrong_version);
      ASSERT_LT(error.index, operation.streams);
      const StreamPart& part = operation.parts[error.index];
      ASSERT_EQ(error.expected, part.expect.version());
      operation.refused_index = static_cast<std::uint32_t>(error.index);
      operation.refused_actual = error.actual;
      versions_[part.stream] = error.actual;
    }
    session_.appends.push_back(operation);
  }

  void head() {
    HeadOperation operation{.stream = choose_stream()};
    operation.invoked = now();
    const auto head = store_.head(names_[operation.stream]);
    operation.returned = now();
    ASSERT_TRUE(is_ok(head));
    operation.version = head->version;
    operation.position = head->last_position;
    session_.heads.push_back(operation);
  }

  Store& store_;
  const std::uint32_t thread_;
  Session& session_;
  Rng rng_;
  std::vector<std::string> names_;
  std::vector<Version> versions_;  // as this thread last heard
  std::array<Payload, 2 * kStreamsOfAppend> payloads_{};
  std::array<NewEvent, 2 * kStreamsOfAppend> events_{};
};

void read_along(const Store& store, const std::atomic<bool>& done, ReadSession& session) {
  Cursor cursor = store.read();
  Position position = 0;
  for (bool last = false; !::testing::Test::HasFailure();) {
    ReadOperation read;
    for (;;) {
      read.invoked = now();
      const EventView* const event = cursor.next();
      read.returned = now();
      if (event == nullptr) break;
      ASSERT_EQ(event->position, ++position);
      session.events.push_back(logged(*event));
    }
    ASSERT_FALSE(cursor.error().has_value());
    read.position = position;
    session.reads.push_back(read);
    if (last) return;
    last = done.load();
    if (!last) (void)cursor.wait(std::chrono::milliseconds(1));
  }
}

TEST(HistoryOfTheStore, OneOrderExplainsIt) {
  test::TempDir directory;
  auto store = Store::open(directory / "log", {.durability = Durability::memory, .segment_size = 256u << 10});
  ASSERT_TRUE(is_ok(store));

  History history{.streams = kStreams};
  history.sessions.resize(kWriters);
  history.readers.resize(kReaders + 1);
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (std::uint32_t i = 0; i < kReaders; ++i) {
    readers.emplace_back([&, i] { read_along(*store, done, history.readers[i]); });
  }
  std::vector<std::thread> writers;
  for (std::uint32_t i = 0; i < kWriters; ++i) {
    writers.emplace_back([&, i] { Writer(*store, i, history.sessions[i]).run(); });
  }
  for (auto& writer : writers) writer.join();
  done = true;
  for (auto& reader : readers) reader.join();
  ASSERT_FALSE(HasFailure());

  // The log as it is in the end, read by somebody who saw nothing of the rest.
  read_along(*store, done, history.readers.back());
  history.log = history.readers.back().events;
  EXPECT_EQ(history.log.size(), store->published_position());
  EXPECT_EQ(find_flaw(history).value_or("none"), "none");

  std::uint64_t operations = 0;
  std::uint64_t refused = 0;
  for (const Session& session : history.sessions) {
    operations += session.appends.size() + session.heads.size();
    refused += static_cast<std::uint64_t>(std::ranges::count(session.appends, true, &AppendOperation::refused));
  }
  for (const ReadSession& reader : history.readers) operations += reader.reads.size();
  const auto info = store->info();
  ASSERT_TRUE(is_ok(info));
  std::printf("[ history  ] %llu operations (%llu appends refused), %zu events, %zu segments\n",
              static_cast<unsigned long long>(operations), static_cast<unsigned long long>(refused), history.log.size(),
              info->segments.size());
  EXPECT_GE(operations, std::uint64_t{kWriters} * kAppends);
  EXPECT_GT(refused, operations / 100) << "hardly any conflicts: this says little";
  EXPECT_GT(info->segments.size(), 2u);
  EXPECT_TRUE(is_ok(store->close()));
}

// --- the checker itself ---

// Two threads, two streams; nothing wrong with it.
//
//   thread 0   [10 a1: s0 any     20]  [30 a2: s0 exactly 1      40]   [90 refused: s1 exactly 0, actual 2 95]
//   thread 1        [15 b1: s1 no stream, two events 50]  [60 b2: s0 exactly 2 and s1 exists 80]
//   reader     (25: 1 event)   (55: 4 events)   (100: 6 events)
class HistoryChecker : public ::testing::Test {
 protected:
  HistoryChecker() {
    history_.streams = 3;
    history_.sessions.resize(2);
    Session& a = history_.sessions[0];
    Session& b = history_.sessions[1];
    a.appends.push_back(append(10, 20, 1, {{{0, Expect::any(), 1, 1}}}));
    b.appends.push_back(append(15, 50, 2, {{{1, Expect::no_stream(), 2, 2}}}));
    a.appends.push_back(append(30, 40, 4, {{{0, Expect::exactly(1), 1, 2}}}));
    b.appends.push_back(append(60, 80, 5, {{{0, Expect::exactly(2), 1, 3}, {1, Expect::exists(), 1, 3}}}, 2));
    a.appends.push_back(append(90, 95, 0, {{{1, Expect::exactly(0), 1, 0}}}));
    a.appends.back().refused = true;
    a.appends.back().refused_actual = 3;
    a.heads.push_back({26, 28, 0, 1, 1});
    a.heads.push_back({96, 97, 2, 0, 0});
    history_.log = {{0, 0, 0, 0, 1}, {1, 0, 0, 1, 1}, {1, 0, 1, 1, 2},
                    {0, 1, 0, 0, 2}, {1, 1, 0, 0, 3}, {1, 1, 1, 1, 3}};
    history_.readers.resize(1);
    history_.readers[0].events = history_.log;
    history_.readers[0].reads = {{24, 25, 1}, {51, 55, 4}, {99, 100, 6}};
  }

  static AppendOperation append(Time invoked, Time returned, Position first,
                                std::array<StreamPart, kStreamsOfAppend> parts, std::uint32_t streams = 1) {
    AppendOperation operation{.invoked = invoked, .returned = returned, .streams = streams, .parts = parts};
    operation.first = first;
    operation.last = first + operation.events() - 1;
    return operation;
  }

  // The history with something done to it must be refused for that reason.
  void refuses(const std::string& reason, const std::function<void(History&)>& spoil) const {
    History spoilt = history_;
    spoil(spoilt);
    const std::string flaw = find_flaw(spoilt).value_or("nothing");
    EXPECT_TRUE(flaw.starts_with(reason)) << flaw;
  }

  AppendOperation& a(History& history, std::size_t i) const { return history.sessions[0].appends[i]; }
  AppendOperation& b(History& history, std::size_t i) const { return history.sessions[1].appends[i]; }

  History history_;
};

TEST_F(HistoryChecker, TakesWhatIsRight) { EXPECT_EQ(find_flaw(history_).value_or("none"), "none"); }

TEST_F(HistoryChecker, FindsInventedAndDoubledEvents) {
  refuses("an event that nobody appended", [](History& h) { h.log[3].operation = 7; });
  refuses("an event that nobody appended", [](History& h) { h.log.push_back({5, 0, 0, 0, 4}); });
  refuses("an append twice", [](History& h) { h.log.push_back(h.log[3]); });
  refuses("an event of an append that was refused", [](History& h) { h.log.push_back({0, 2, 0, 1, 4}); });
}

TEST_F(HistoryChecker, FindsLostEvents) {
  refuses("a lost append", [](History& h) { h.log.resize(4); });
  refuses("an append that is not whole", [](History& h) { h.log.pop_back(); });
  refuses("a lost append", [this](History& h) {
    h.sessions[0].appends.push_back(a(h, 1));
    a(h, 3).invoked = a(h, 3).returned = 99;
  });
}

TEST_F(HistoryChecker, FindsWrongPlaces) {
  refuses("an append that was told other positions", [this](History& h) { ++a(h, 1).first; });
  refuses("an append that was told other positions", [this](History& h) { ++a(h, 1).last; });
  refuses("an append that was told another version", [this](History& h) { ++a(h, 1).parts[0].last_version; });
  refuses("an event out of its order", [](History& h) { ++h.log[3].version; });
  refuses("an event out of its order", [](History& h) { std::swap(h.log[1], h.log[2]); });
}

TEST_F(HistoryChecker, FindsBrokenExpectations) {
  refuses("an append that expected another version",
          [this](History& h) { a(h, 1).parts[0].expect = Expect::exactly(0); });
  refuses("an append that expected another version",
          [this](History& h) { b(h, 0).parts[0].expect = Expect::exists(); });
  refuses("an append that expected another version",
          [this](History& h) { b(h, 1).parts[1].expect = Expect::exactly(3); });
}

TEST_F(HistoryChecker, FindsUnjustifiedRefusals) {
  refuses("a refusal though", [this](History& h) { a(h, 2).parts[0].expect = Expect::exactly(3); });
  // Version 2 was gone at 80, before the call; version 1 was never to be seen; 9 is to come.
  refuses("a refusal for version 2", [this](History& h) { a(h, 2).refused_actual = 2; });
  refuses("a refusal for version 1", [this](History& h) { a(h, 2).refused_actual = 1; });
  refuses("a refusal for version 9", [this](History& h) { a(h, 2).refused_actual = 9; });
  refuses("a refusal for no stream", [this](History& h) { a(h, 2).refused_index = 1; });
  // Called before the append was begun that it complains of.
  refuses("a refusal for version 3", [this](History& h) { a(h, 2).invoked = 45, a(h, 2).returned = 59; });
}

TEST_F(HistoryChecker, FindsBrokenTime) {
  // b1 returns before a1 begins, and is behind it in the log.
  refuses("an append that had returned", [this](History& h) { b(h, 0).invoked = 5, b(h, 0).returned = 9; });
  refuses("a thread that is in two places", [this](History& h) { a(h, 1).invoked = 19; });
}

TEST_F(HistoryChecker, FindsWrongHeads) {
  refuses("a head at version", [](History& h) { h.sessions[0].heads[0].version = 3; });
  refuses("a head at version", [](History& h) { h.sessions[0].heads[0].version = 0; });
  refuses("a head at version", [](History& h) { h.sessions[0].heads[1].version = 1; });
  refuses("a head with the position", [](History& h) { h.sessions[0].heads[0].position = 2; });
  refuses("a head with the position", [](History& h) { h.sessions[0].heads[0].position = 0; });
}

TEST_F(HistoryChecker, FindsWrongReads) {
  refuses("a reader that saw no prefix",
          [](History& h) { h.readers[0].events.erase(h.readers[0].events.begin() + 2); });
  refuses("a reader that saw no prefix", [](History& h) { ++h.readers[0].events[5].operation; });
  refuses("a reader that went back", [](History& h) { h.readers[0].reads[1].position = 0; });
  refuses("a reader that saw what was not begun", [](History& h) { h.readers[0].reads[1].position = 6; });
  refuses("a reader that was told of the end", [](History& h) { h.readers[0].reads[1].position = 3; });
}

}  // namespace
}  // namespace daybook::concurrency
