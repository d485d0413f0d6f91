// A decision holds only if nothing that it has read has changed; what it has not read is not in its way.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <daybook/daybook.h>
#include <daybook/sourcing.h>
#include <daybook/sourcing/json.h>

#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace daybook::test {
namespace {

struct Opened {
  static constexpr EventType kEventType{.name = "Opened"};
  std::string room;
  std::int64_t seats = 0;
  [[nodiscard]] std::vector<std::string> tags() const { return {"room:" + room}; }
};
BOOST_DESCRIBE_STRUCT(Opened, (), (room, seats))

struct Taken {
  static constexpr EventType kEventType{.name = "Taken"};
  std::string room;
  std::string guest;
  [[nodiscard]] std::vector<std::string> tags() const { return {"room:" + room, "guest:" + guest}; }
};
BOOST_DESCRIBE_STRUCT(Taken, (), (room, guest))

struct Room {
  using Events = EventSet<Opened, Taken>;
  [[nodiscard]] Query query() const { return Query::tag("room:" + room); }
  void apply(const Opened& event) { free += event.seats; }
  void apply(const Taken&, const EventView& at) {
    --free;
    last = at.position;
  }

  std::string room;
  std::int64_t free = 0;
  Position last = 0;
};

struct Guest {
  using Events = EventSet<Taken>;
  [[nodiscard]] Query query() const { return Query::tag("guest:" + guest); }
  void apply(const Taken&) { ++rooms; }

  std::string guest;
  int rooms = 0;
};

class DecisionTest : public ::testing::Test {
 protected:
  DecisionTest() {
    auto opened = Store::open(dir_ / "store", {.durability = Durability::memory, .segment_size = 1 << 20});
    EXPECT_TRUE(is_ok(opened));
    store_.emplace(std::move(*opened));
  }

  void open_room(const std::string& room, std::int64_t seats) {
    Decision decision(*store_);
    decision.emit("room-" + room, Opened{room, seats});
    ASSERT_TRUE(is_ok(decision.save()));
  }

  // The rule of these tests: a seat if one is free, and one room for each guest.
  Result<Appended> take(const std::string& room, const std::string& guest, const DecisionOptions& options = {}) {
    return decide(
        *store_,
        [&](Decision& decision) -> Result<void> {
          Room seats{.room = room};
          Guest own{.guest = guest};
          DAYBOOK_TRY(decision.read(seats));
          DAYBOOK_TRY(decision.read(own));
          if (yields_) std::this_thread::yield();
          if (seats.free == 0) return refuse("full");
          if (own.rooms != 0) return refuse("has a room");
          decision.emit("room-" + room, Taken{room, guest});
          return {};
        },
        options);
  }

  Room room(const std::string& name) {
    Room room{.room = name};
    EXPECT_TRUE(is_ok(Decision(*store_).read(room)));
    return room;
  }

  TempDir dir_;
  std::optional<Store> store_;
  bool yields_ = false;  // take() lets others come between its look and its append
};

TEST_F(DecisionTest, AModelIsFoldedFromWhatItsQueryMatches) {
  open_room("a", 3);
  open_room("b", 5);
  ASSERT_TRUE(is_ok(take("a", "ada")));
  ASSERT_TRUE(is_ok(take("b", "bob")));
  EXPECT_EQ(room("a").free, 2);
  EXPECT_EQ(room("a").last, 3u);
  EXPECT_EQ(room("b").free, 4);
  EXPECT_EQ(room("b").last, 4u);
  EXPECT_EQ(room("c").free, 0);
}

TEST_F(DecisionTest, EventsCarryTheirTagsAndTheOptionsOfEmit) {
  Decision decision(*store_);
  decision.emit("room-a", Taken{"a", "ada"}, {.tags = {"vip"}, .occurred_at = Timestamp(std::chrono::seconds(5))});
  ASSERT_TRUE(is_ok(decision.save()));
  Cursor cursor = store_->read(Query::tag("vip"));
  const EventView* event = cursor.next();
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->stream, "room-a");
  EXPECT_EQ(event->type, "Taken");
  EXPECT_EQ(event->payload.text(), R"({"room":"a","guest":"ada"})");
  EXPECT_EQ(std::vector<std::string>(event->tags.begin(), event->tags.end()),
            (std::vector<std::string>{"room:a", "guest:ada", "vip"}));
  EXPECT_EQ(event->occurred_at, Timestamp(std::chrono::seconds(5)));
}

// Every model that was read is guarded, and the error says which has changed.
TEST_F(DecisionTest, FailsWhenAnyModelHasChanged) {
  open_room("a", 2);
  open_room("b", 2);
  for (std::uint32_t changed = 0; changed < 2; ++changed) {
    Decision decision(*store_);
    Room room{.room = "a"};
    Guest guest{.guest = "ada"};
    ASSERT_TRUE(is_ok(decision.read(room)));
    ASSERT_TRUE(is_ok(decision.read(guest)));
    decision.emit("room-a", Taken{"a", "ada"});
    // Somebody else: first in the same room, then the same guest elsewhere.
    Decision other(*store_);
    other.emit("room-x", changed == 0 ? Taken{"a", "bob"} : Taken{"b", "ada"});
    const auto first = other.save();
    ASSERT_TRUE(is_ok(first));
    const Position before = store_->published_position();
    const auto saved = decision.save();
    ASSERT_TRUE(fails_with(saved, Errc::condition_failed, 0));
    EXPECT_EQ(saved.error().index, changed);
    EXPECT_EQ(saved.error().actual, first->last_position);
    EXPECT_EQ(store_->published_position(), before);
  }
}

TEST_F(DecisionTest, WhatItHasNotReadIsNotInItsWay) {
  open_room("a", 2);
  Decision decision(*store_);
  Room room{.room = "a"};
  ASSERT_TRUE(is_ok(decision.read(room)));
  decision.emit("room-a", Taken{"a", "ada"});
  // Another room; and, in this decision's own stream, an event that its query does not match.
  ASSERT_NO_FATAL_FAILURE(open_room("b", 1));
  ASSERT_TRUE(is_ok(store_->append("room-a", Expect::any(), {{.type = "Cleaned", .tags = {"room:a"}}})));
  EXPECT_TRUE(is_ok(decision.save()));
}

// A model that is read because of what another has shown: what came between the two is in the second, and no conflict.
TEST_F(DecisionTest, ModelsAreGuardedFromWhenTheyWereRead) {
  open_room("a", 1);
  Decision decision(*store_);
  Room room{.room = "a"};
  ASSERT_TRUE(is_ok(decision.read(room)));
  Decision other(*store_);
  other.emit("room-b", Taken{"b", "ada"});
  ASSERT_TRUE(is_ok(other.save()));
  Guest guest{.guest = "ada"};
  ASSERT_TRUE(is_ok(decision.read(guest)));
  EXPECT_EQ(guest.rooms, 1);
  decision.emit("room-a", Taken{"a", "ada"});
  EXPECT_TRUE(is_ok(decision.save()));
}

TEST_F(DecisionTest, IsMadeAgainAfterAConflict) {
  open_room("a", 2);
  int calls = 0;
  const auto done = decide(*store_, [&](Decision& decision) -> Result<void> {
    Room room{.room = "a"};
    DAYBOOK_TRY(decision.read(room));
    decision.emit("room-a", Taken{"a", "guest-" + std::to_string(room.free)});
    if (++calls == 1) return take("a", "in between") ? Result<void>() : refuse("not taken");
    return {};
  });
  ASSERT_TRUE(is_ok(done));
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(done->last_position, 3u);
  EXPECT_EQ(room("a").free, 0);
  EXPECT_TRUE(store_->exists(Query::tag("guest:guest-1")).value_or(false)) << "decided on the state as it was then";
}

TEST_F(DecisionTest, GivesUpAfterSoManyAttempts) {
  open_room("a", 100);
  int calls = 0;
  const auto done = decide(*store_,
                           [&](Decision& decision) -> Result<void> {
                             Room room{.room = "a"};
                             DAYBOOK_TRY(decision.read(room));
                             decision.emit("room-a", Taken{"a", "late"});
                             const auto first = take("a", "guest-" + std::to_string(++calls));
                             return first ? Result<void>() : fail(first.error());
                           },
                           {.retry = {.attempts = 3}});
  EXPECT_TRUE(fails_with(done, Errc::condition_failed, 0));
  EXPECT_EQ(calls, 3);
  EXPECT_FALSE(store_->exists(Query::tag("guest:late")).value_or(true));
}

TEST_F(DecisionTest, WritesSeveralStreamsTogether) {
  Decision decision(*store_);
  decision.emit("room-a", Opened{"a", 1});
  decision.emit("room-b", Opened{"b", 1});
  decision.emit("room-a", Taken{"a", "ada"});
  const auto saved = decision.save();
  ASSERT_TRUE(is_ok(saved));
  EXPECT_EQ(saved->first_position, 1u);
  EXPECT_EQ(saved->last_position, 3u);
  EXPECT_EQ(saved->last_version, 2u);
  EXPECT_EQ(store_->head("room-a").value().version, 2u);
  EXPECT_EQ(store_->head("room-b").value().version, 1u);
}

TEST_F(DecisionTest, ThatEmitsNothingWritesNothing) {
  open_room("a", 1);
  const auto done = decide(*store_, [&](Decision& decision) {
    Room room{.room = "a"};
    static_cast<void>(decision.read(room));
  });
  ASSERT_TRUE(is_ok(done));
  EXPECT_EQ(done->last_position, 0u);
  EXPECT_EQ(store_->published_position(), 1u);
}

TEST_F(DecisionTest, ACommandThatIsSentTwiceIsDecidedOnce) {
  open_room("a", 5);
  const DecisionOptions once{.command = {.id = CommandId{7}, .event = {.actor = "ada"}}};
  const auto first = take("a", "ada", once);
  ASSERT_TRUE(is_ok(first));
  // The second time the rule would say no.
  const auto second = take("a", "ada", once);
  ASSERT_TRUE(is_ok(second));
  EXPECT_TRUE(second->repeated);
  EXPECT_EQ(second->last_position, first->last_position);
  EXPECT_EQ(room("a").free, 4);
}

TEST_F(DecisionTest, AnEventThatCannotBeEncodedIsNotSaved) {
  Decision decision(*store_);
  decision.emit("room-a", Taken{"a", "ada"});
  decision.emit("room-a", Taken{"a", "\xff"});
  const auto saved = decision.save();
  ASSERT_TRUE(fails_with(saved, Errc::bad_event));
  EXPECT_NE(saved.error().detail.view().find("Taken"), std::string_view::npos);
  EXPECT_EQ(store_->published_position(), 0u);
}

TEST_F(DecisionTest, AnEventThatDoesNotDecodeIsAnError) {
  ASSERT_TRUE(is_ok(store_->append("room-a", Expect::any(), {{.type = "Taken", .payload = "?", .tags = {"room:a"}}})));
  Room room{.room = "a"};
  Decision decision(*store_);
  const auto read = decision.read(room);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, Errc::bad_event);
  EXPECT_NE(read.error().detail.view().find("stream room-a @ version 1"), std::string_view::npos);
}

// Many for few, from several threads: each room is filled to the last seat, and no further; each guest has one room.
TEST_F(DecisionTest, NeverLetsTwoHaveTheLastSeat) {
  constexpr int kRooms = 3;
  constexpr int kSeats = 4;
  constexpr int kGuests = 24;
  for (int room = 0; room < kRooms; ++room) open_room(std::to_string(room), kSeats);
  yields_ = true;
  std::atomic<int> taken = 0;
  std::atomic<int> odd = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < kGuests * kRooms; ++i) {
          const int guest = (i / kRooms + (thread / 2) * kGuests / 2) % kGuests;  // two threads for the same guest
          const auto done =
              take(std::to_string((i + thread) % kRooms), std::to_string(guest), {.retry = {.attempts = 10'000}});
          if (done) {
            ++taken;
          } else if (done.error().code != Errc::refused) {
            ++odd;
          }
        }
      });
    }
  }
  EXPECT_EQ(odd.load(), 0);
  EXPECT_EQ(taken.load(), kRooms * kSeats);
  for (int i = 0; i < kRooms; ++i) EXPECT_EQ(room(std::to_string(i)).free, 0);
  for (int guest = 0; guest < kGuests; ++guest) {
    Guest rooms{.guest = std::to_string(guest)};
    ASSERT_TRUE(is_ok(Decision(*store_).read(rooms)));
    EXPECT_LE(rooms.rooms, 1) << "guest " << guest;
  }
}

}  // namespace
}  // namespace daybook::test
