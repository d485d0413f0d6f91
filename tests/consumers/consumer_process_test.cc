// A writer in one process, consumers in others that are killed again and again: every event at least once, in order.
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <daybook/store.h>

#include "support/child.h"
#include "support/result_matchers.h"
#include "support/rng.h"
#include "support/temp_dir.h"

namespace daybook::test {
namespace {

using namespace std::chrono_literals;

constexpr Position kEvents = 60'000;
constexpr std::size_t kStreams = 16;

// What the processes share. A life is one consumer process.
struct Page {
  std::atomic<Position> acknowledged = 0;                 // the highest that ack() has returned for
  std::atomic<Position> frontier = 0;                     // the highest that any life has handled
  std::atomic<std::uint64_t> handled = 0;                 // calls
  std::atomic<std::uint32_t> broken = 0;                  // rules that were
  std::array<std::atomic<Version>, kStreams> versions{};  // the highest of each stream that any life has handled
  std::array<std::atomic<std::uint8_t>, kEvents + 1> seen{};
};

class SharedPage {
 public:
  SharedPage() {
    void* const memory = ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    page_ = new (memory) Page;
  }
  ~SharedPage() { ::munmap(page_, sizeof(Page)); }
  SharedPage(const SharedPage&) = delete;
  SharedPage& operator=(const SharedPage&) = delete;
  Page* operator->() const { return page_; }
  Page& operator*() const { return *page_; }

 private:
  Page* page_ = nullptr;
};

std::unique_ptr<Child> start(const std::function<void()>& body) {
  return std::make_unique<Child>([&body] {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    body();
  });
}

void raise_to(std::atomic<std::uint64_t>& value, std::uint64_t to) {
  std::uint64_t now = value.load();
  while (now < to && !value.compare_exchange_weak(now, to)) {
  }
}

void write_events(const std::filesystem::path& path) {
  auto store = Store::open(path, {.durability = Durability::memory, .segment_size = 256 << 10});
  ASSERT_TRUE(is_ok(store));
  for (Position i = store->published_position(); i < kEvents; ++i) {
    const std::string stream = "s" + std::to_string(i * 7 % kStreams);
    ASSERT_TRUE(is_ok(store->append(stream, Expect::any(), {{.type = "T", .payload = std::to_string(i + 1)}})));
    if (i % 64 == 0) std::this_thread::sleep_for(100us);
  }
  ASSERT_TRUE(is_ok(store->close()));
}

Result<Store> open_when_there(const std::filesystem::path& path) {
  for (;;) {
    auto store = Store::open(path, {.mode = Mode::read_only});
    if (store || store.error().code != Errc::not_found) return store;
    std::this_thread::sleep_for(1ms);
  }
}

void note(Page& page, const EventView& event) {
  if (event.payload.text() != std::to_string(event.position)) ++page.broken;
  page.seen[event.position].store(1);
  raise_to(page.frontier, event.position);
  ++page.handled;
}

// One event after the other: the first is not behind a gap, the others follow.
void pull(const std::filesystem::path& path, Page& page) {
  auto store = open_when_there(path);
  ASSERT_TRUE(is_ok(store));
  auto consumer = store->consumer("pull", {.visibility = Visibility::published, .checkpoint_events = 50});
  ASSERT_TRUE(is_ok(consumer));
  Position last = consumer->position();
  // Saved is what was acknowledged; one acknowledgement may be saved that its process did not live to note.
  if (last > page.frontier.load()) ++page.broken;
  while (last < kEvents) {
    const EventView* const event = consumer->next();
    if (event == nullptr) {
      ASSERT_FALSE(consumer->error());
      (void)consumer->wait(1h);
      continue;
    }
    if (event->position != last + 1) ++page.broken;
    last = event->position;
    note(page, *event);
    ASSERT_TRUE(is_ok(consumer->ack()));
    raise_to(page.acknowledged, last);
  }
}

// Each stream in order: no version comes before the one before it has been handled, in this life or an earlier one.
void push(const std::filesystem::path& path, Page& page) {
  auto store = open_when_there(path);
  ASSERT_TRUE(is_ok(store));
  SubscriptionOptions options{.workers = 3, .queue_events = 100};
  options.consumer.visibility = Visibility::published;
  options.consumer.checkpoint_events = 50;
  auto subscription = store->subscribe("push", options, [&](const EventView& event) -> Result<void> {
    auto& version = page.versions[static_cast<std::size_t>(std::stoi(std::string(event.stream.substr(1))))];
    if (event.version > version.load() + 1) ++page.broken;
    note(page, event);
    raise_to(version, event.version);
    return {};
  });
  ASSERT_TRUE(is_ok(subscription));
  ASSERT_TRUE(is_ok(subscription->wait_for(kEvents, 1h)));
  ASSERT_TRUE(is_ok(subscription->stop()));
}

void kill_again_and_again(void (*consume)(const std::filesystem::path&, Page&), std::string_view name) {
  const TempDir temp;
  const std::filesystem::path path = temp / "store";
  const SharedPage page;
  Rng rng(7);
  const auto writer = start([&] { write_events(path); });
  int kills = 0;
  while (page->frontier < kEvents) {
    const auto consumer = start([&] { consume(path, *page); });
    // Some work first, so that lives are not all spent opening; the number is left to chance, as is the moment.
    const std::uint64_t until = page->handled + rng.below(4'000);
    while (page->handled < until && page->frontier < kEvents) std::this_thread::sleep_for(500us);
    consumer->kill();
    ++kills;
  }
  const auto last = start([&] { consume(path, *page); });
  EXPECT_TRUE(last->succeeded());
  EXPECT_TRUE(writer->succeeded());

  EXPECT_EQ(page->broken, 0u);
  std::uint64_t missing = 0;
  for (Position i = 1; i <= kEvents; ++i) missing += page->seen[i] == 0 ? 1 : 0;
  EXPECT_EQ(missing, 0u);
  auto store = Store::open(path, {.mode = Mode::read_only});
  ASSERT_TRUE(is_ok(store));
  const auto consumers = store->consumers();
  ASSERT_TRUE(is_ok(consumers));
  ASSERT_EQ(consumers->size(), 1u);
  EXPECT_EQ((*consumers)[0].name, name);
  EXPECT_EQ((*consumers)[0].position, kEvents);
  std::printf("%d kills, %llu events handled for %llu\n", kills, static_cast<unsigned long long>(page->handled.load()),
              static_cast<unsigned long long>(kEvents));
  EXPECT_GT(kills, 3);
}

TEST(ConsumerProcessTest, AKilledConsumerGoesOnAndMissesNothing) { kill_again_and_again(pull, "pull"); }
TEST(ConsumerProcessTest, AKilledGroupGoesOnAndKeepsTheOrderOfStreams) { kill_again_and_again(push, "push"); }

// A position is safe from the death of the process as soon as ack() has saved it: without any sync.
TEST(ConsumerProcessTest, WhatIsSavedSurvivesAKill) {
  const TempDir temp;
  auto store = Store::open(temp / "store", {.durability = Durability::memory, .segment_size = 64 << 10});
  ASSERT_TRUE(is_ok(store));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(is_ok(store->append("s", Expect::any(), {{.type = "T"}})));
  Gate saved;
  const auto child = start([&] {
    auto reader = Store::open(temp / "store", {.mode = Mode::read_only});
    auto consumer = reader->consumer("a", {.visibility = Visibility::published, .checkpoint_events = 1}).value();
    for (int i = 0; i < 4; ++i) (void)consumer.next();
    ASSERT_TRUE(is_ok(consumer.ack()));
    (void)consumer.next();
    saved.open();
    ::pause();
  });
  saved.wait();
  const auto held = store->consumer("a");
  ASSERT_TRUE(fails_with(held, Errc::locked, EAGAIN));
  EXPECT_EQ(held.error().actual, static_cast<std::uint64_t>(child->id()));
  child->kill();
  const auto consumer = store->consumer("a", {.visibility = Visibility::published});
  ASSERT_TRUE(is_ok(consumer));
  EXPECT_EQ(consumer->position(), 4u);
}

}  // namespace
}  // namespace daybook::test
