// A store with consumers.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <daybook/consumer.h>

#include "store/store_fixture.h"

namespace daybook::test {

class ConsumersTest : public StoreTest {
 protected:
  // A consumer that must be there. It sees everything that is published: stores of tests append in memory, and nothing of
  // that is durable for a while.
  Consumer open(std::string_view name, ConsumerOptions options = {}) {
    options.visibility = Visibility::published;
    auto consumer = store().consumer(name, options);
    EXPECT_TRUE(is_ok(consumer));
    if (!consumer) std::abort();
    return std::move(*consumer);
  }

  // The positions of at most `count` events.
  static std::vector<Position> read(Consumer& consumer, std::size_t count) {
    std::vector<Position> found;
    while (found.size() < count) {
      const EventView* const event = consumer.next();
      if (event == nullptr) break;
      found.push_back(event->position);
    }
    const auto error = consumer.error();
    EXPECT_FALSE(error.has_value()) << to_text(*error);
    return found;
  }

  // Opens a consumer, and acknowledges one event: its position, or 0.
  Position first_of(std::string_view name, const ConsumerOptions& options) {
    auto consumer = open(name, options);
    const auto found = read(consumer, 1);
    EXPECT_TRUE(is_ok(consumer.ack()));
    return found.empty() ? 0 : found[0];
  }
};

}  // namespace daybook::test
