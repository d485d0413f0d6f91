// A small aggregate that counts how often its events are applied: so that a test sees what a load has read.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <daybook/sourcing.h>
#include <daybook/sourcing/json.h>
#include <daybook/store.h>

#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace daybook::test {

struct Started {
  static constexpr EventType kEventType{.name = "Started"};
  std::string owner;
};
BOOST_DESCRIBE_STRUCT(Started, (), (owner))

struct Added {
  static constexpr EventType kEventType{.name = "Added"};
  std::int64_t amount = 0;
  [[nodiscard]] std::vector<std::string> tags() const { return {amount < 0 ? "minus" : "plus"}; }
};
BOOST_DESCRIBE_STRUCT(Added, (), (amount))

struct Counter {
  static constexpr std::string_view kCategory = "counter";
  using Events = EventSet<Started, Added>;

  void apply(const Started& event) {
    ++applied;
    owner = event.owner;
  }
  void apply(const Added& event) {
    ++applied;
    sum += event.amount;
  }

  std::string owner;
  std::int64_t sum = 0;

  friend bool operator==(const Counter&, const Counter&) = default;
  inline static std::atomic<std::uint64_t> applied = 0;  // of all counters
};
BOOST_DESCRIBE_STRUCT(Counter, (), (owner, sum))

// How many events `work` applied.
template <typename Work>
std::uint64_t applied_by(Work&& work) {
  const std::uint64_t before = Counter::applied;
  work();
  return Counter::applied - before;
}

// A store in a folder of its own.
class SourcingTest : public ::testing::Test {
 protected:
  SourcingTest() { open(); }

  void open() {
    store_.reset();
    auto opened = Store::open(dir_ / "store", {.durability = Durability::memory, .segment_size = 4u << 20});
    EXPECT_TRUE(is_ok(opened));
    store_.emplace(std::move(*opened));
  }
  Store& store() { return *store_; }

  // Appends n times 1 to a counter.
  static void add(Repository<Counter>& counters, std::string_view id, int n) {
    for (int i = 0; i < n; ++i) {
      ASSERT_TRUE(is_ok(counters.update(id, [](auto& counter) { counter.emit(Added{1}); })));
    }
  }

  TempDir dir_;
  std::optional<Store> store_;
};

}  // namespace daybook::test
