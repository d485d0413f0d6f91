// A store of accounts, and what projections of it must come to: a plain fold over the whole log.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>

#include <daybook/sourcing.h>
#include <daybook/sourcing/json.h>

#include "store/store_fixture.h"

namespace daybook::test {

using namespace std::chrono_literals;

inline constexpr std::chrono::seconds kLong{60};  // for what must come; a test that waits so long has failed

struct Opened {
  static constexpr EventType kEventType{.name = "Opened"};
  std::int64_t cents = 0;
};
struct Moved {
  static constexpr EventType kEventType{.name = "Moved"};
  std::int64_t cents = 0;
};

}  // namespace daybook::test

template <>
struct daybook::Codec<daybook::test::Opened> : daybook::RawCodec<daybook::test::Opened> {};
template <>
struct daybook::Codec<daybook::test::Moved> : daybook::RawCodec<daybook::test::Moved> {};

namespace daybook::test {

// Sums, and a digest that every event that is missing, doubled or out of order changes.
struct Totals {
  static constexpr std::string_view kName = "totals";
  using Events = EventSet<Opened, Moved>;

  void apply(const Opened& event, const EventView& at) { take(at, event.cents); }
  void apply(const Moved& event, const EventView& at) { take(at, event.cents); }
  void take(const EventView& at, std::int64_t amount) {
    cents[std::string(at.stream)] += amount;
    ++events;
    digest = (digest ^ (at.position * 0x9e3779b97f4a7c15u + static_cast<std::uint64_t>(amount))) * 0x100000001b3u;
  }

  friend bool operator==(const Totals&, const Totals&) = default;

  std::map<std::string, std::int64_t> cents;
  std::uint64_t events = 0;
  std::uint64_t digest = 0;
};
BOOST_DESCRIBE_STRUCT(Totals, (), (cents, events, digest))

// The log read without query, index, decoder or projector. `counts` says of each event whether it does.
template <std::predicate<const EventView&> Counts>
Totals fold(const Store& store, Counts counts) {
  Totals totals;
  Cursor cursor = store.read();
  while (const EventView* event = cursor.next()) {
    if ((event->type != "Opened" && event->type != "Moved") || event->payload.size() != 8 || !counts(*event)) continue;
    std::int64_t cents = 0;
    std::memcpy(&cents, event->payload.data(), sizeof(cents));
    totals.take(*event, cents);
  }
  EXPECT_FALSE(cursor.error());
  return totals;
}
inline Totals fold(const Store& store, Position last) {
  return fold(store, [last](const EventView& event) { return event.position <= last; });
}

inline Totals fold(const Store& store) { return fold(store, ~Position{0}); }

inline Position append_event(Store& store, std::string_view stream, std::string_view type, std::int64_t cents,
                             const AppendOptions& options = {}) {
  const std::string_view bytes(reinterpret_cast<const char*>(&cents), sizeof(cents));
  const auto appended = store.append(stream, Expect::any(), {{.type = type, .payload = bytes}}, options);
  EXPECT_TRUE(is_ok(appended));
  return appended ? appended->last_position : 0;
}

// The i-th event of a long story: of eight accounts, and each fourth of a type that no projection asks for.
inline Position append_nth(Store& store, std::uint64_t i, const AppendOptions& options = {}) {
  const std::string stream = "account-" + std::to_string(i * 5 % 8);
  const std::string_view type = i % 4 == 3 ? "Noted" : i < 8 ? "Opened" : "Moved";
  return append_event(store, stream, type, static_cast<std::int64_t>(i * 7919 % 1'000) - 400, options);
}
inline Position append_story(Store& store, std::uint64_t from, std::uint64_t to, const AppendOptions& options = {}) {
  Position last = 0;
  for (std::uint64_t i = from; i < to; ++i) last = append_nth(store, i, options);
  return last;
}

class ProjectionTest : public StoreTest {
 protected:
  Position append_story(std::uint64_t from, std::uint64_t to) { return test::append_story(store(), from, to); }
  // An event of a type that is asked for, that does not decode.
  Position append_poison() {
    const auto appended = store().append("account-0", Expect::any(), {{.type = "Moved", .payload = "poison"}});
    EXPECT_TRUE(is_ok(appended));
    return appended ? appended->last_position : 0;
  }
};

}  // namespace daybook::test
