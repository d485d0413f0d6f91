// Resume tokens: they find their event again, or are refused.
#include <array>
#include <fstream>

#include "store/store_fixture.h"
#include "support/child.h"

namespace daybook::test {
namespace {

class TokenTest : public StoreTest {
 protected:
  // The token of a reader that has seen `position`.
  ResumeToken token_at(Position position) {
    auto cursor = store().read({.after = position - 1});
    const EventView* const event = cursor.next();
    EXPECT_NE(event, nullptr);
    return cursor.token();
  }
  std::vector<Position> positions_after(const ResumeToken& token) {
    auto cursor = store().resume(token);
    EXPECT_TRUE(is_ok(cursor));
    std::vector<Position> positions;
    if (!cursor) return positions;
    for (const StoredEvent& event : read_all(std::move(*cursor))) positions.push_back(event.position);
    return positions;
  }

  // As after a crash of the machine: the writer did not close, and of what it appended only `kept` events are on the
  // disk. Everything is in the first segment.
  void crash_with_loss(std::size_t appended, std::size_t kept) {
    store_.reset();
    std::uint64_t end = 0;
    std::uint64_t kept_end = 0;
    {
      TempDir shadow;
      Gate done;
      std::array<int, 2> pipe{};
      ASSERT_EQ(::pipe(pipe.data()), 0);
      Child writer([&] {
        auto store = Store::open(path(), small_segments());
        ASSERT_TRUE(is_ok(store));
        std::array<std::uint64_t, 2> ends{};
        for (std::size_t i = 0; i <= appended; ++i) {
          if (i == kept) ends[0] = store->info()->segments[0].used;
          if (i == appended) ends[1] = store->info()->segments[0].used;
          if (i < appended) {
            ASSERT_TRUE(is_ok(store->append("s", Expect::any(), {{.type = "T"}})));
          }
        }
        ASSERT_EQ(::write(pipe[1], ends.data(), sizeof(ends)), static_cast<ssize_t>(sizeof(ends)));
        ::pause();
      });
      std::array<std::uint64_t, 2> ends{};
      ASSERT_EQ(::read(pipe[0], ends.data(), sizeof(ends)), static_cast<ssize_t>(sizeof(ends)));
      ::close(pipe[0]);
      ::close(pipe[1]);
      writer.kill();
      kept_end = ends[0];
      end = ends[1];
    }
    std::fstream segment(path() / "segments" / "00000000000000000001.seg", std::ios::in | std::ios::out);
    ASSERT_TRUE(segment.is_open());
    segment.seekp(static_cast<std::streamoff>(kept_end));
    segment << std::string(end - kept_end, '\0');
  }
};

TEST_F(TokenTest, ResumesBehindTheLastEventSeen) {
  append_many(3000);
  auto cursor = store().read();
  EXPECT_EQ(positions_after(cursor.token()), positions(1, 3000));
  for (Position position = 1; position <= 3000; ++position) {
    ASSERT_EQ(cursor.next()->position, position);
    const ResumeToken token = cursor.token();
    EXPECT_EQ(token.position, position);
    EXPECT_EQ(token.log, store().info()->log);
    EXPECT_EQ(token.epoch, 1u);
    if (position % 500 == 7) {
      ASSERT_EQ(positions_after(token), positions(position + 1, 3000));
    }
  }
  EXPECT_EQ(cursor.next(), nullptr);
  const ResumeToken last = cursor.token();
  EXPECT_TRUE(positions_after(last).empty());
  append();
  EXPECT_EQ(positions_after(last), positions(3001, 3001));
}

TEST_F(TokenTest, OfACursorThatHasSeenNothingYet) {
  append_many(10);
  EXPECT_EQ(positions_after(store().read({.after = 4}).token()), positions(5, 10));
  EXPECT_EQ(positions_after(ResumeToken{}), positions(1, 10));
}

TEST_F(TokenTest, OfABackwardCursor) {
  append_many(10);
  auto cursor = store().read({.direction = Direction::backward});
  for (int i = 0; i < 3; ++i) ASSERT_NE(cursor.next(), nullptr);
  EXPECT_EQ(positions_after(cursor.token()), positions(9, 10));
}

TEST_F(TokenTest, OptionsOfTheReadStay) {
  append_many(10);
  ASSERT_TRUE(is_ok(store().sync()));
  const ResumeToken token = token_at(4);
  append_many(5);
  auto cursor =
      store().resume(token, {.after = 12, .direction = Direction::backward, .visibility = Visibility::durable});
  ASSERT_TRUE(is_ok(cursor));
  const auto events = read_all(std::move(*cursor));
  ASSERT_EQ(events.size(), 6u) << "forward from the token, durable ones";
  EXPECT_EQ(events.front().position, 5u);
}

TEST_F(TokenTest, StaysGoodOverCloseAndOpen) {
  append_many(10);
  const ResumeToken token = token_at(4);
  reopen();
  EXPECT_EQ(positions_after(token), positions(5, 10));
}

TEST_F(TokenTest, StaysGoodOverACrashThatSparedItsEvent) {
  crash_with_loss(10, 7);
  auto reader = Store::open(path(), read_only());
  ASSERT_TRUE(is_ok(reader));
  auto cursor = reader->read({.after = 6});
  ASSERT_NE(cursor.next(), nullptr);
  const ResumeToken token = cursor.token();
  EXPECT_EQ(token.position, 7u);
  reopen();
  EXPECT_TRUE(store().recovery().unclean);
  EXPECT_EQ(store().published_position(), 7u);
  append_many(3);
  EXPECT_EQ(positions_after(token), positions(8, 10));
}

TEST_F(TokenTest, BeyondWhatSurvivedIsStale) {
  append_many(10);
  ResumeToken token = token_at(10);
  store_.reset();
  std::filesystem::remove_all(path());
  crash_with_loss(10, 7);
  reopen();
  token.log = store().info()->log;
  const auto lost = store().resume(token);
  ASSERT_TRUE(fails_with(lost, Errc::stale_token));
  EXPECT_EQ(lost.error().expected, 10u);
  // And when its position is taken by another event, that one is not passed off as it.
  append_many(10);
  EXPECT_TRUE(fails_with(store().resume(token), Errc::stale_token));
  EXPECT_EQ(token_at(10).epoch, 2u);
  EXPECT_EQ(positions_after(token_at(10)), positions(11, 17));
  token.position = 7;
  EXPECT_EQ(positions_after(token), positions(8, 17)) << "what it saw up to here is still the same";
}

TEST_F(TokenTest, OfAnotherLogIsStale) {
  append_many(10);
  ResumeToken token = token_at(4);
  token.log[0] ^= 1;
  EXPECT_TRUE(fails_with(store().resume(token), Errc::stale_token));
}

TEST_F(TokenTest, OfAnotherEpochIsStale) {
  append_many(10);
  ResumeToken token = token_at(4);
  ++token.epoch;
  EXPECT_TRUE(fails_with(store().resume(token), Errc::stale_token));
  token.epoch = 0;  // not known
  EXPECT_EQ(positions_after(token), positions(5, 10));
}

TEST_F(TokenTest, BeyondTheEndIsStale) {
  append_many(10);
  ResumeToken token = token_at(10);
  for (const Position position : {Position{11}, Position{1000}, ~Position{0}}) {
    token.position = position;
    EXPECT_TRUE(fails_with(store().resume(token), Errc::stale_token));
  }
}

}  // namespace
}  // namespace daybook::test
