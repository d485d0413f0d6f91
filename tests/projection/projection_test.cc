#include <shared_mutex>
#include <thread>

#include "projection/projection_fixture.h"

namespace daybook::test {
namespace {

Totals state_of(const Projection<Totals>& projection) {
  return projection.read([](const Totals& totals) { return totals; });
}

static_assert(!std::is_copy_constructible_v<Projection<Totals>> && !std::is_move_constructible_v<Projection<Totals>>);

class InMemoryTest : public ProjectionTest {
 protected:
  SnapshotStore& snapshots() { return store().snapshots(); }
  [[nodiscard]] std::size_t snapshot_count() { return snapshots().list("projection/totals")->size(); }
};

TEST_F(InMemoryTest, IsTheFoldOfTheLog) {
  append_story(0, 3'000);
  Projection<Totals> projection(store());
  ASSERT_TRUE(is_ok(projection.catch_up()));
  EXPECT_EQ(state_of(projection), fold(store()));
  EXPECT_EQ(projection.position(), 3'000u);
  EXPECT_EQ(state_of(projection).events, 2'250u);
}

TEST_F(InMemoryTest, ReadsWhatOneHasWritten) {
  Projection<Totals> projection(store());
  ASSERT_TRUE(is_ok(projection.start()));
  std::int64_t sum = 0;
  for (std::int64_t i = 1; i <= 300; ++i) {
    sum += i;
    const Position at = append_event(store(), "mine", i == 1 ? "Opened" : "Moved", i);
    ASSERT_TRUE(is_ok(projection.wait_for(at, kLong)));
    ASSERT_EQ(projection.read([](const Totals& totals) { return totals.cents.at("mine"); }), sum);
  }
}

// The query of the options narrows: to a stream here.
TEST_F(InMemoryTest, AnItemWithoutTypesTakesThoseOfTheState) {
  append_story(0, 200);
  Projection<Totals> projection(store(), {.query = Query::stream("account-3")});
  ASSERT_TRUE(is_ok(projection.catch_up()));
  EXPECT_EQ(state_of(projection), fold(store(), [](const EventView& event) { return event.stream == "account-3"; }));
}

// A start from a snapshot folds only what came later: nothing is left of an event before it but what the snapshot says.
TEST_F(InMemoryTest, GoesOnFromASnapshot) {
  append_story(0, 500);
  {
    Projection<Totals> projection(store());
    ASSERT_TRUE(is_ok(projection.catch_up()));
    ASSERT_TRUE(is_ok(projection.save_snapshot()));
  }
  append_story(500, 600);
  reopen();
  Projection<Totals> projection(store());
  ASSERT_TRUE(is_ok(projection.catch_up()));
  EXPECT_EQ(state_of(projection), fold(store()));
  EXPECT_EQ(projection.progress()->applied, 75u);
}

TEST_F(InMemoryTest, SavesSnapshotsAsItGoes) {
  append_story(0, 2'000);
  const ProjectionOptions options{.snapshot_events = 500,
                                  .projector = {.batch_events = 100, .visibility = Visibility::published}};
  {
    Projection<Totals> projection(store(), options);
    ASSERT_TRUE(is_ok(projection.catch_up()));
    EXPECT_EQ(snapshot_count(), 3u);
  }
  Projection<Totals> again(store(), options);
  ASSERT_TRUE(is_ok(again.catch_up()));
  EXPECT_EQ(again.progress()->applied, 0u);
  EXPECT_EQ(state_of(again), fold(store()));
}

// A snapshot of other events, or of another meaning, is not gone on with.
struct Totals2 : Totals {
  static constexpr std::uint32_t kStateVersion = 2;
};
BOOST_DESCRIBE_STRUCT(Totals2, (Totals), ())

TEST_F(InMemoryTest, ASnapshotOfAnotherQueryOrVersionIsPassedOver) {
  append_story(0, 400);
  Projection<Totals> all(store());
  ASSERT_TRUE(is_ok(all.catch_up()));
  ASSERT_TRUE(is_ok(all.save_snapshot()));

  Projection<Totals> narrow(store(), {.query = Query::stream("account-3")});
  ASSERT_TRUE(is_ok(narrow.catch_up()));
  EXPECT_EQ(state_of(narrow), fold(store(), [](const EventView& event) { return event.stream == "account-3"; }));
  ASSERT_TRUE(is_ok(narrow.save_snapshot()));

  Projection<Totals2> newer(store());
  ASSERT_TRUE(is_ok(newer.catch_up()));
  EXPECT_EQ(newer.progress()->applied, 300u);
  Projection<Totals> same(store());
  ASSERT_TRUE(is_ok(same.catch_up()));
  EXPECT_EQ(same.progress()->applied, 0u);
  EXPECT_EQ(state_of(same), fold(store()));
}

TEST_F(InMemoryTest, DurableDoesNotGoOnFromWhatIsNotDurable) {
  append_story(0, 100);
  ASSERT_TRUE(is_ok(store().sync()));
  append_story(100, 200);
  Projection<Totals> seen(store());
  ASSERT_TRUE(is_ok(seen.catch_up()));
  ASSERT_TRUE(is_ok(seen.save_snapshot()));
  Projection<Totals> durable(store(), {.projector = {.visibility = Visibility::durable}});
  ASSERT_TRUE(is_ok(durable.catch_up()));
  EXPECT_EQ(state_of(durable), fold(store(), 100));
}

// After an error the state is where it was, and whoever reads it sees no less than before.
TEST_F(InMemoryTest, AnErrorLeavesTheStateAsOfTheEventBefore) {
  append_story(0, 100);
  const Position poison = append_poison();
  append_story(100, 200);
  Projection<Totals> projection(store());
  ASSERT_TRUE(is_ok(projection.start()));
  EXPECT_TRUE(fails_with(projection.wait_for(poison, kLong), Errc::bad_event));
  EXPECT_EQ(state_of(projection), fold(store(), poison - 1));
  EXPECT_NE(projection.error()->detail.view().find("Moved"), std::string_view::npos);
  EXPECT_TRUE(fails_with(projection.catch_up(), Errc::bad_event));
  EXPECT_EQ(state_of(projection), fold(store(), poison - 1));

  Projection<Totals> skipping(store(), {.projector = {.visibility = Visibility::published, .on_error = OnError::skip}});
  ASSERT_TRUE(is_ok(skipping.catch_up()));
  EXPECT_EQ(state_of(skipping), fold(store())) << "the fold leaves it out as well";
  ASSERT_EQ(skipping.skipped().size(), 1u);
  EXPECT_EQ(skipping.skipped()[0].position, poison);
}

// Readers that always overlap: std::shared_mutex alone would let them in for ever, and nothing would be folded.
TEST_F(InMemoryTest, ReadersDoNotKeepItFromFolding) {
  Projection<Totals> projection(store());
  ASSERT_TRUE(is_ok(projection.start()));
  std::atomic<bool> over = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!over) {
        projection.read([](const Totals&) { std::this_thread::sleep_for(2ms); });
      }
    });
  }
  for (std::uint64_t i = 0; i < 50; ++i) {
    const Position at = append_nth(store(), i);
    ASSERT_TRUE(is_ok(projection.wait_for(at, kLong))) << i;
  }
  over = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(state_of(projection), fold(store()));
}

// Whoever looks sees whole batches: a transfer of two events in one append is never seen half, as both are of one batch or
// of two that the reader's wait has seen. Here the sum of all accounts is held against the position.
TEST_F(InMemoryTest, ReadersSeeOneStateWhileItGoesOn) {
  Projection<Totals> projection(store(), {.projector = {.batch_events = 7, .visibility = Visibility::published}});
  ASSERT_TRUE(is_ok(projection.start()));
  std::atomic<bool> over = false;
  std::thread appender([&] {
    for (std::uint64_t i = 0; i < 3'000; ++i) append_nth(store(), i);
    over = true;
  });
  std::uint64_t before = 0;
  while (!over) {
    const Totals seen = state_of(projection);
    ASSERT_GE(seen.events, before);
    before = seen.events;
    std::uint64_t counted = 0;
    const Totals expected = fold(store(), [&](const EventView&) { return counted++ < seen.events; });
    ASSERT_EQ(seen, expected);
  }
  appender.join();
}

// Of a process that reads: snapshots are used, and not saved.
TEST_F(InMemoryTest, InAStoreThatIsOpenReadOnly) {
  append_story(0, 400);
  Projection<Totals> writer(store());
  ASSERT_TRUE(is_ok(writer.catch_up()));
  ASSERT_TRUE(is_ok(writer.save_snapshot()));
  auto reader = Store::open(path(), read_only());
  ASSERT_TRUE(is_ok(reader));
  append_story(400, 800);
  Projection<Totals> projection(
      *reader, {.snapshot_events = 10, .projector = {.batch_events = 20, .visibility = Visibility::published}});
  ASSERT_TRUE(is_ok(projection.start()));
  ASSERT_TRUE(is_ok(projection.wait_for(800, kLong)));
  EXPECT_EQ(state_of(projection), fold(store()));
  EXPECT_EQ(projection.progress()->applied, 300u);
  EXPECT_EQ(snapshot_count(), 1u);
  EXPECT_TRUE(fails_with(projection.save_snapshot(), Errc::read_only));
  ASSERT_TRUE(is_ok(projection.rebuild()));
  EXPECT_EQ(state_of(projection), fold(store()));
}

// A state without a codec has no snapshots, and needs none.
struct Counter {
  static constexpr std::string_view kName = "counter";
  using Events = EventSet<Moved>;
  void apply(const Moved&) { ++count; }
  std::uint64_t count = 0;

 private:
  std::shared_ptr<int> no_codec_;
};

TEST_F(InMemoryTest, AStateWithoutCodec) {
  append_story(0, 100);
  Projection<Counter> projection(store(), {.snapshot_events = 1});
  ASSERT_TRUE(is_ok(projection.catch_up()));
  EXPECT_EQ(projection.read([](const Counter& counter) { return counter.count; }), 75u - 6u);
  EXPECT_TRUE(fails_with(projection.save_snapshot(), Errc::invalid_argument));
}

}  // namespace
}  // namespace daybook::test
