#include "projection/projection_fixture.h"
#include "projection/recording_target.h"

namespace daybook::test {
namespace {

const Query kMoney{.items = {{.types = {"Opened", "Moved"}}}};

class ProjectorTest : public ProjectionTest {
 protected:
  std::shared_ptr<RecordingTarget> target = std::make_shared<RecordingTarget>();

  Projector projector(ProjectorOptions options = {.visibility = Visibility::published}) {
    return Projector(store(), kMoney, target, options);
  }
};

TEST_F(ProjectorTest, TakesWhatTheQueryMatchesInOrderAndInBatches) {
  const Position last = append_story(0, 1'000);
  Projector projector = this->projector({.batch_events = 100, .visibility = Visibility::published});
  ASSERT_TRUE(is_ok(projector.catch_up()));
  EXPECT_EQ(target->taken(), matching(store()));
  EXPECT_EQ(target->commits(), (std::vector<std::size_t>{100, 100, 100, 100, 100, 100, 100, 50}));
  EXPECT_EQ(projector.position(), last);
  EXPECT_EQ(projector.head(), last);
}

TEST_F(ProjectorTest, AnotherOneGoesOnWhereTheTargetIs) {
  append_story(0, 300);
  ASSERT_TRUE(is_ok(projector().catch_up()));
  append_story(300, 700);
  ASSERT_TRUE(is_ok(projector().catch_up()));
  EXPECT_EQ(target->taken(), matching(store())) << "none twice, none missing";
}

TEST_F(ProjectorTest, OfAnEmptyLogThereIsNothingToTake) {
  Projector projector = this->projector();
  ASSERT_TRUE(is_ok(projector.catch_up()));
  EXPECT_EQ(projector.position(), 0u);
  EXPECT_TRUE(target->commits().empty());
}

// Whoever waits for an event that the query does not match must not wait for one that it matches.
TEST_F(ProjectorTest, ThePositionGoesOnOverEventsThatDoNotMatch) {
  Projector projector = this->projector();
  ASSERT_TRUE(is_ok(projector.start()));
  for (int round = 0; round < 100; ++round) {
    const Position noted = append_event(store(), "notes", "Noted", 0);
    ASSERT_TRUE(is_ok(projector.wait_for(noted, kLong))) << round;
  }
  EXPECT_TRUE(target->taken().empty());
  EXPECT_EQ(projector.progress()->remaining, 0u);
}

TEST_F(ProjectorTest, WaitsForWhatWasAppended) {
  Projector projector = this->projector();
  ASSERT_TRUE(is_ok(projector.start()));
  for (std::uint64_t i = 0; i < 500; ++i) {
    const Position appended = append_nth(store(), i);
    ASSERT_TRUE(is_ok(projector.wait_for(appended, kLong)));
    ASSERT_EQ(target->taken().size(), matching(store(), appended).size()) << i;
  }
}

TEST_F(ProjectorTest, WaitingSaysWhyItDidNotCome) {
  Projector projector = this->projector();
  EXPECT_TRUE(fails_with(projector.wait_for(1, kLong), Errc::closed));
  ASSERT_TRUE(is_ok(projector.start()));
  EXPECT_TRUE(fails_with(projector.wait_for(1, 0ns), Errc::timed_out));
  EXPECT_TRUE(fails_with(projector.wait_for(1, -5ns), Errc::timed_out));
  projector.stop();
  EXPECT_TRUE(fails_with(projector.wait_for(1, kLong), Errc::closed));
  EXPECT_TRUE(is_ok(projector.wait_for(0, 0ns)));
}

// Durable, an event that power may take back is not taken; when it is durable, nobody has to append another one.
TEST_F(ProjectorTest, DurableTakesWhatIsDurable) {
  append_story(0, 100);
  ASSERT_TRUE(is_ok(store().sync()));
  const Position last = append_story(100, 200);
  Projector projector = this->projector({.visibility = Visibility::durable});
  ASSERT_TRUE(is_ok(projector.catch_up()));
  EXPECT_EQ(target->taken(), matching(store(), 100));
  EXPECT_EQ(projector.progress()->head, 100u);
  ASSERT_TRUE(is_ok(projector.start()));
  EXPECT_TRUE(fails_with(projector.wait_for(last, 0ns), Errc::timed_out));
  ASSERT_TRUE(is_ok(store().sync()));
  ASSERT_TRUE(is_ok(projector.wait_for(last, kLong)));
  EXPECT_EQ(target->taken(), matching(store()));
}

TEST_F(ProjectorTest, StopsAtAnEventThatFailsWithEverythingBeforeIt) {
  append_story(0, 100);
  const Position poison = append_poison();
  append_story(100, 200);
  target->on_event = [](const EventView& event) -> Result<void> {
    if (event.payload.size() != 8) return fail({.code = Errc::bad_event, .what = "poison"});
    return {};
  };
  Projector projector = this->projector();
  EXPECT_TRUE(fails_with(projector.catch_up(), Errc::bad_event, 0, "poison"));
  EXPECT_EQ(target->taken(), matching(store(), poison - 1));
  EXPECT_EQ(target->token().position, matching(store(), poison - 1).back());
  EXPECT_EQ(target->token().log, store().info()->log);
  EXPECT_TRUE(fails_with(projector.wait_for(poison, kLong), Errc::bad_event));
  EXPECT_EQ(projector.error()->code, Errc::bad_event);
  // Again, with nothing before it.
  ASSERT_TRUE(is_ok(projector.start()));
  EXPECT_TRUE(fails_with(projector.wait_for(poison, kLong), Errc::bad_event));
  projector.stop();
  EXPECT_FALSE(projector.running());
  EXPECT_EQ(target->taken(), matching(store(), poison - 1));
  // Mended (a new release knows the event): it goes on, and takes it.
  target->on_event = nullptr;
  ASSERT_TRUE(is_ok(projector.catch_up()));
  EXPECT_EQ(target->taken(), matching(store()));
  EXPECT_FALSE(projector.error());
}

TEST_F(ProjectorTest, SkipsAnEventThatFailsAndSaysWhich) {
  append_story(0, 100);
  const Position poison = append_poison();
  const Position last = append_story(100, 200);
  target->on_event = [](const EventView& event) -> Result<void> {
    if (event.payload.size() != 8) return refuse("not this one");
    return {};
  };
  Projector projector = this->projector({.visibility = Visibility::published, .on_error = OnError::skip});
  ASSERT_TRUE(is_ok(projector.catch_up()));
  std::vector<Position> expected = matching(store());
  std::erase(expected, poison);
  EXPECT_EQ(target->taken(), expected);
  EXPECT_EQ(projector.position(), last);
  ASSERT_EQ(projector.skipped().size(), 1u);
  EXPECT_EQ(projector.skipped()[0].position, poison);
  EXPECT_EQ(projector.skipped()[0].error.code, Errc::refused);
  EXPECT_EQ(projector.progress()->applied, expected.size());
}

// An event is not to blame for a full disk: leaving it out would lose it.
TEST_F(ProjectorTest, DoesNotSkipWhatIsNoFaultOfTheEvent) {
  for (const Errc code : {Errc::io, Errc::corrupt, Errc::locked, Errc::no_space, Errc::poisoned, Errc::read_only,
                          Errc::closed, Errc::timed_out}) {
    append_story(0, 20);
    int calls = 0;
    target->on_event = [&](const EventView&) -> Result<void> {
      if (++calls == 7) return fail({.code = code, .what = "the target"});
      return {};
    };
    Projector projector = this->projector({.visibility = Visibility::published, .on_error = OnError::skip});
    EXPECT_TRUE(fails_with(projector.catch_up(), code)) << name(code);
    EXPECT_TRUE(projector.skipped().empty());
    ASSERT_TRUE(is_ok(projector.catch_up()));
    EXPECT_EQ(target->taken(), matching(store()));
  }
}

TEST_F(ProjectorTest, WhatABatchFailedWithIsTakenAgain) {
  append_story(0, 100);
  Projector projector = this->projector({.batch_events = 10, .visibility = Visibility::published});
  target->fail_begin = Error{.code = Errc::locked, .what = "begin"};
  EXPECT_TRUE(fails_with(projector.catch_up(), Errc::locked, 0, "begin"));
  target->fail_commit = Error{.code = Errc::no_space, .what = "commit"};
  EXPECT_TRUE(fails_with(projector.catch_up(), Errc::no_space, 0, "commit"));
  EXPECT_TRUE(target->taken().empty());
  EXPECT_EQ(projector.position(), 0u);
  ASSERT_TRUE(is_ok(projector.catch_up()));
  EXPECT_EQ(target->taken(), matching(store()));
  EXPECT_EQ(target->opened.load(), 3) << "once, and again after each error";
}

TEST_F(ProjectorTest, SaysHowMuchIsLeft) {
  append_story(0, 1'000);
  std::optional<ProjectionProgress> halfway;
  Projector projector = this->projector({.batch_events = 50, .visibility = Visibility::published});
  EXPECT_EQ(projector.progress()->remaining, 750u);
  EXPECT_FALSE(projector.progress()->eta) << "no rate yet";
  std::uint64_t seen = 0;
  target->on_event = [&](const EventView&) -> Result<void> {
    if (++seen == 301) halfway = *projector.progress();
    return {};
  };
  ASSERT_TRUE(is_ok(projector.catch_up()));
  ASSERT_TRUE(halfway);
  EXPECT_EQ(halfway->applied, 300u) << "what is committed";
  EXPECT_EQ(halfway->remaining, 450u);
  EXPECT_EQ(halfway->position, matching(store())[299]);
  EXPECT_EQ(halfway->head, 1'000u);
  EXPECT_FALSE(halfway->live);
  EXPECT_GT(halfway->events_per_second, 0);
  ASSERT_TRUE(halfway->eta);
  EXPECT_NEAR(std::chrono::duration<double>(*halfway->eta).count() * halfway->events_per_second, 450, 1);
  const auto after = projector.progress();
  EXPECT_EQ(after->remaining, 0u);
  EXPECT_EQ(after->eta, 0ns);
  EXPECT_TRUE(after->live);
  EXPECT_EQ(after->position, 1'000u);
}

TEST_F(ProjectorTest, AnErrorOfTheQueryIsOneOfStarting) {
  Projector projector(store(), {.items = {{}}}, target, {.visibility = Visibility::published});
  EXPECT_TRUE(fails_with(projector.catch_up(), Errc::invalid_argument));
}

TEST_F(ProjectorTest, ATargetAheadOfTheLogIsRefused) {
  append_story(0, 10);
  class Ahead final : public ProjectionTarget {
    Result<ResumeToken> open() override { return ResumeToken{.position = 11}; }
    Result<void> begin() override { return {}; }
    Result<void> apply(const EventView&) override { return {}; }
    Result<void> commit(const ResumeToken&) override { return {}; }
  };
  Projector projector(store(), kMoney, std::make_shared<Ahead>(), {.visibility = Visibility::published});
  EXPECT_TRUE(fails_with(projector.start(), Errc::stale_token));
  EXPECT_FALSE(projector.running());
}

}  // namespace
}  // namespace daybook::test
