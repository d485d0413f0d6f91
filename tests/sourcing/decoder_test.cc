#include <daybook/sourcing/decoder.h>

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <daybook/sourcing/raw.h>

#include "sourcing/event_at_7.h"

namespace {

struct Deposited {
  static constexpr daybook::EventType kEventType{.name = "Deposited", .schema_version = 2, .aliases = {"PaidIn"}};
  std::int64_t cents = 0;
};
struct Closed {
  static constexpr daybook::EventType kEventType{.name = "Closed"};
  std::int32_t reason = 0;
};

}  // namespace

template <>
struct daybook::Codec<Deposited> : daybook::RawCodec<Deposited> {};
template <>
struct daybook::Codec<Closed> : daybook::RawCodec<Closed> {};

namespace daybook {
namespace {

using testing::event_at_7;
using Events = EventSet<Deposited, Closed>;

// What a visitor was called with, as text.
struct Visits {
  std::vector<std::string> seen;
  void operator()(const Deposited& event, const EventView& stored) {
    seen.push_back("deposited " + std::to_string(event.cents) + " @ " + std::to_string(stored.version));
  }
  void operator()(const Closed& event, const EventView& stored) {
    seen.push_back("closed " + std::to_string(event.reason) + " @ " + std::to_string(stored.version));
  }
};

template <typename T>
std::string bytes_of(const T& event) {
  std::string bytes;
  EXPECT_TRUE(Codec<T>::encode(event, bytes));
  return bytes;
}

TEST(EventDecoderTest, VisitsTheStructOfTheType) {
  Visits visits;
  const EventDecoder<Events> decoder;
  const std::string deposit = bytes_of(Deposited{.cents = -5});
  const std::string close = bytes_of(Closed{.reason = 3});
  EXPECT_EQ(decoder.decode(event_at_7("Deposited", 2, deposit), visits), 1u);
  EXPECT_EQ(decoder.decode(event_at_7("Closed", 1, close), visits), 1u);
  EXPECT_EQ(decoder.decode(event_at_7("PaidIn", 2, deposit), visits), 1u);  // by its alias
  EXPECT_EQ(visits.seen, (std::vector<std::string>{"deposited -5 @ 7", "closed 3 @ 7", "deposited -5 @ 7"}));
}

TEST(EventDecoderTest, AnUnknownTypeFailsUnlessItMayBeSkipped) {
  Visits visits;
  const EventDecoder<Events> decoder;
  const auto failed = decoder.decode(event_at_7("Opened", 1, ""), visits);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::bad_event);
  EXPECT_EQ(failed.error().detail.view(),
            "stream account-1 @ version 7 (position 123): Opened v1: type is not in the event set");
  EXPECT_EQ(decoder.decode(event_at_7("Opened", 1, ""), visits, UnknownEvents::skip), 0u);
  EXPECT_TRUE(visits.seen.empty());
}

// An old event that nobody brought up to date must not be taken for a new one, nor be passed over.
TEST(EventDecoderTest, AnotherSchemaVersionFailsAlwaysWithoutACatalog) {
  Visits visits;
  const EventDecoder<Events> decoder;
  const std::string deposit = bytes_of(Deposited{.cents = 1});
  for (const auto unknown : {UnknownEvents::fail, UnknownEvents::skip}) {
    for (const std::uint32_t version : {0u, 1u, 3u}) {
      const auto failed = decoder.decode(event_at_7("Deposited", version, deposit), visits, unknown);
      ASSERT_FALSE(failed);
      EXPECT_EQ(failed.error().code, Errc::bad_event);
      EXPECT_EQ(failed.error().detail.view(), "stream account-1 @ version 7 (position 123): Deposited v" +
                                                  std::to_string(version) + ": no path to v2");
    }
  }
  EXPECT_TRUE(visits.seen.empty());
}

TEST(EventDecoderTest, ABadPayloadNamesTheEvent) {
  Visits visits;
  const EventDecoder<Events> decoder;
  const auto failed = decoder.decode(event_at_7("Deposited", 2, "short"), visits);
  ASSERT_FALSE(failed);
  EXPECT_EQ(describe(failed.error()),
            "bad_event: cannot decode: stream account-1 @ version 7 (position 123): Deposited v2: 5 bytes for 8: "
            "the size is another");
}

// Whatever the names, what is wrong fits in.
TEST(EventDecoderTest, LongNamesLeaveRoomForTheRule) {
  Visits visits;
  const EventDecoder<Events> decoder;
  const std::string name(255, 'n');
  EventView event = event_at_7(name, 4'294'967'295, "");
  event.stream = name;
  event.version = event.position = ~std::uint64_t{0};
  const auto failed = decoder.decode(event, visits);
  ASSERT_FALSE(failed);
  EXPECT_TRUE(failed.error().detail.view().ends_with(": type is not in the event set")) << failed.error().detail.view();
}

TEST(EventDecoderTest, AnErrorOfTheVisitorIsReturnedAsItIs) {
  const EventDecoder<Events> decoder;
  const auto refused =
      decoder.decode(event_at_7("Closed", 1, bytes_of(Closed{})),
                     [](const auto&, const EventView&) -> Result<void> { return refuse("not today"); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::refused);
  EXPECT_EQ(refused.error().detail.view(), "not today");
}

}  // namespace
}  // namespace daybook
