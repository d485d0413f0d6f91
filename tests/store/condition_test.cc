// Append conditions: the cases of the DCB specification, and what goes beyond it.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "crash/stepped_append.h"
#include "store/store_fixture.h"
#include "support/rng.h"

namespace daybook::test {
namespace {

using namespace std::chrono_literals;

class ConditionTest : public StoreTest {
 protected:
  // One event, if the condition holds.
  Result<Appended> try_append(std::string_view type, std::string_view tag, const AppendCondition& condition,
                              std::string_view stream = "s") {
    const std::array tags{tag};
    const NewEvent event{.type = type, .tags = tag.empty() ? Tags() : Tags(tags)};
    return store().append(stream, Expect::any(), std::span(&event, 1), condition);
  }
  Position append_event(std::string_view type, std::string_view tag = "", std::string_view stream = "s") {
    const auto appended = try_append(type, tag, {.fail_if = Query::type("never")}, stream);
    EXPECT_TRUE(is_ok(appended));
    return appended.value_or(Appended{}).last_position;
  }
  // Whether an append under that condition is refused, by the events that are there; by a check and by an append.
  Position violation(const Query& query, Position after = 0) {
    AppendCondition condition{query, after};
    const Position before = store().published_position();
    const auto checked = store().append({}, std::span(&condition, 1));
    const auto appended = try_append("X", "", condition, "x");
    EXPECT_EQ(checked.has_value(), appended.has_value());
    if (checked) {
      EXPECT_EQ(checked->last_position, before);
      EXPECT_EQ(appended->last_position, before + 1);
      return 0;
    }
    EXPECT_EQ(checked.error().code, Errc::condition_failed);
    EXPECT_EQ(appended.error().code, Errc::condition_failed);
    EXPECT_EQ(checked.error().actual, appended.error().actual);
    EXPECT_EQ(condition.violated_by, checked.error().actual);
    EXPECT_EQ(store().published_position(), before) << "a refusal leaves no trace";
    return checked.error().actual;
  }
};

// --- the examples of the specification

TEST_F(ConditionTest, AUserNameIsTakenOnce) {
  const AppendCondition free{.fail_if = {.items = {{.types = {"UserRegistered"}, .tags = {"user:ada"}}}}};
  ASSERT_TRUE(is_ok(try_append("UserRegistered", "user:ada", free)));
  ASSERT_TRUE(is_ok(try_append("UserRegistered", "user:bob", {Query::tag("user:bob")})));
  const auto taken = try_append("UserRegistered", "user:ada", free);
  ASSERT_TRUE(fails_with(taken, Errc::condition_failed));
  EXPECT_EQ(taken.error().index, 0u);
  EXPECT_EQ(taken.error().actual, 1u);
}

TEST_F(ConditionTest, InvoiceNumbersAreConsecutive) {
  Position last = 0;
  for (int number = 1; number <= 50; ++number) {
    const AppendCondition newest{Query::type("InvoiceCreated"), last};
    const auto created = try_append("InvoiceCreated", "invoice:" + std::to_string(number), newest);
    ASSERT_TRUE(is_ok(created));
    ASSERT_TRUE(fails_with(try_append("InvoiceCreated", "invoice:again", newest), Errc::condition_failed));
    last = created->last_position;
    append_event("Noise");
  }
}

TEST_F(ConditionTest, ATagForIdempotence) {
  const AppendCondition once{Query::tag("token:1")};
  ASSERT_TRUE(is_ok(try_append("OrderPlaced", "token:1", once)));
  ASSERT_TRUE(fails_with(try_append("OrderPlaced", "token:1", once), Errc::condition_failed));
}

// --- what matches

TEST_F(ConditionTest, TypesTagsAndStreams) {
  append_event("A", "t:1", "one");
  append_event("B", "t:2", "two");
  append_event("C", "", "two");
  EXPECT_EQ(violation(Query::type("B")), 2u);
  EXPECT_EQ(violation(Query::type("D")), 0u);
  EXPECT_EQ(violation(Query::tag("t:1")), 1u);
  EXPECT_EQ(violation(Query::tag("t:3")), 0u);
  EXPECT_EQ(violation(Query::stream("two")), 2u);
  EXPECT_EQ(violation({.items = {{.types = {"C", "B"}}}}), 2u) << "any of the types";
  EXPECT_EQ(violation({.items = {{.tags = {"t:1", "t:2"}}}}), 0u) << "all of the tags";
  EXPECT_EQ(violation({.items = {{.types = {"A"}, .tags = {"t:2"}}}}), 0u) << "type and tag";
  EXPECT_EQ(violation({.items = {{.streams = {"one"}, .types = {"B"}}, {.tags = {"t:2"}}}}), 2u) << "any of the items";
  EXPECT_EQ(violation({.items = {{.types = {"A"}}, {.tags = {"t:1"}}}}), 1u) << "two items match one event";
}

TEST_F(ConditionTest, ExclusionsAndTheEmptyQuery) {
  append_event("A", "t:1");
  append_event("B", "t:1");
  EXPECT_EQ(violation({}), 1u) << "every event";
  EXPECT_EQ(violation({.except = {{.types = {"A"}}}}), 2u);
  EXPECT_EQ(violation({.items = {{.tags = {"t:1"}}}, .except = {{.types = {"A"}}, {.types = {"B"}}}}), 0u);
  EXPECT_EQ(violation({.items = {{.tags = {"t:1"}}}, .except = {{.types = {"A"}, .tags = {"t:2"}}}}), 1u);
}

TEST_F(ConditionTest, After) {
  for (int i = 0; i < 3; ++i) append_event("A");
  append_event("B");
  EXPECT_EQ(violation(Query::type("A")), 1u) << "omitted";
  EXPECT_EQ(violation(Query::type("A"), 1), 2u) << "the event at `after` does not count";
  EXPECT_EQ(violation(Query::type("A"), 2), 3u);
  EXPECT_EQ(violation(Query::type("A"), 3), 0u) << "at the last match";
  EXPECT_EQ(violation(Query::type("A"), 4), 0u) << "at the head";
  EXPECT_EQ(violation(Query::type("A"), 1'000'000), 0u) << "beyond the head";
  EXPECT_EQ(violation(Query::type("A"), ~Position{0}), 0u);
}

TEST_F(ConditionTest, TimeWindows) {
  const Timestamp noon{std::chrono::sys_days(std::chrono::year(2024) / 5 / 1) + 12h};
  ASSERT_TRUE(is_ok(store().append("s", Expect::any(), {{.type = "A", .occurred_at = noon}})));
  append_event("A");
  EXPECT_EQ(violation({.items = {{.types = {"A"}}}, .occurred_from = noon, .occurred_before = noon + 1ns}), 1u);
  EXPECT_EQ(violation({.items = {{.types = {"A"}}}, .occurred_from = noon + 1ns}), 2u);
  EXPECT_EQ(violation({.items = {{.types = {"A"}}}, .occurred_before = noon}), 0u);
  EXPECT_EQ(violation({.items = {{.types = {"A"}}}, .recorded_before = noon}), 0u);
  EXPECT_EQ(violation({.items = {{.types = {"A"}}}, .recorded_from = noon}), 1u);
}

TEST_F(ConditionTest, LimitsOfQueries) {
  const auto refused = [this](const Query& query, const char* what, std::uint32_t index = 0) {
    const auto appended = try_append("A", "", {query});
    EXPECT_TRUE(fails_with(appended, Errc::invalid_argument, 0, what));
    EXPECT_TRUE(appended || appended.error().index == index);
  };
  refused({.items = {{.types = {"A"}}, {}}}, "query item without any part", 1);
  refused({.items = {{.types = {"A"}}}, .except = {{}}}, "query item without any part", 1);
  refused({.items = std::vector<QueryItem>(257, {.types = {"A"}})}, "items of a query");
  refused({.items = {{.types = std::vector<std::string>(1025, "A")}}}, "keys of a query");
  refused(Query::tag(""), "key of a query");
  refused(Query::type(std::string(256, 'x')), "key of a query");
  std::vector<AppendCondition> many(257, {Query::type("A")});
  EXPECT_TRUE(fails_with(store().append({}, many), Errc::invalid_argument, 0, "number of conditions"));
  many.pop_back();
  EXPECT_TRUE(is_ok(store().append({}, many)));
  EXPECT_EQ(store().published_position(), 0u);
}

// The largest that is allowed goes through a frame and back.
TEST_F(ConditionTest, TheLargestConditionFitsWhereThereIsRoom) {
  TempDir other;
  auto larger = Store::open(other / "store", {.durability = Durability::memory, .segment_size = 8 << 20});
  ASSERT_TRUE(is_ok(larger));
  AppendCondition condition;
  for (int i = 0; i < 256; ++i) {
    QueryItem item;
    for (int n = 0; n < 4; ++n)
      item.tags.push_back(std::string(250, 'x') + std::to_string(1000 + i * 4 + n).substr(0, 4));
    (i % 2 == 0 ? condition.fail_if.items : condition.fail_if.except).push_back(item);
  }
  ASSERT_TRUE(is_ok(larger->append("s", Expect::any(), {{.type = "A"}}, condition)));
  ASSERT_TRUE(fails_with(try_append("A", "", condition), Errc::too_large)) << "not in a segment of 64 KiB";
  ASSERT_TRUE(is_ok(larger->close()));
}

// --- several things at once

TEST_F(ConditionTest, AllViolationsAreReported) {
  append_event("A", "t:1", "a");
  append_event("B", "t:2", "b");
  append_event("B", "t:2", "b");
  const std::array<NewEvent, 1> one{NewEvent{.type = "T"}};
  std::array streams{StreamAppend{"a", Expect::exactly(1), one}, StreamAppend{"b", Expect::exactly(1), one},
                     StreamAppend{"c", Expect::exists(), {}}, StreamAppend{"d", Expect::no_stream(), {}}};
  std::array conditions{AppendCondition{Query::type("C")}, AppendCondition{Query::tag("t:2"), 2},
                        AppendCondition{Query::type("A")}, AppendCondition{Query::type("A"), 1}};
  const auto refused = store().append(streams, conditions);
  ASSERT_TRUE(fails_with(refused, Errc::wrong_version));
  EXPECT_EQ(refused.error().index, 1u);
  EXPECT_EQ(refused.error().actual, 2u);
  EXPECT_FALSE(streams[0].refused);
  EXPECT_TRUE(streams[1].refused);
  EXPECT_EQ(streams[1].actual, 2u);
  EXPECT_TRUE(streams[2].refused);
  EXPECT_EQ(streams[2].actual, 0u);
  EXPECT_FALSE(streams[3].refused);
  EXPECT_EQ(conditions[0].violated_by, 0u);
  EXPECT_EQ(conditions[1].violated_by, 3u);
  EXPECT_EQ(conditions[2].violated_by, 1u);
  EXPECT_EQ(conditions[3].violated_by, 0u);

  streams[1].expect = Expect::exactly(2);
  streams[2].expect = Expect::no_stream();
  const auto violated = store().append(streams, conditions);
  ASSERT_TRUE(fails_with(violated, Errc::condition_failed));
  EXPECT_EQ(violated.error().index, 1u);
  EXPECT_EQ(violated.error().actual, 3u);
  EXPECT_FALSE(streams[1].refused || streams[2].refused);

  conditions[1].after = 3;
  conditions[2].after = 1;
  const auto appended = store().append(streams, conditions);
  ASSERT_TRUE(is_ok(appended));
  EXPECT_EQ(appended->first_position, 4u);
  EXPECT_EQ(appended->last_position, 5u);
  EXPECT_EQ(streams[0].last_version, 2u);
  EXPECT_EQ(streams[1].last_version, 3u);
  EXPECT_EQ(streams[2].last_version, 0u);
  for (const AppendCondition& condition : conditions) EXPECT_EQ(condition.violated_by, 0u);
}

// Without conditions, too.
TEST_F(ConditionTest, AllRefusedStreamsAreReported) {
  const std::array<NewEvent, 1> one{NewEvent{.type = "T"}};
  append_event("A", "", "a");
  std::array streams{StreamAppend{"x", Expect::any(), one}, StreamAppend{"a", Expect::no_stream(), one},
                     StreamAppend{"b", Expect::exists(), one}};
  ASSERT_TRUE(fails_with(store().append(streams), Errc::wrong_version));
  EXPECT_FALSE(streams[0].refused);
  EXPECT_TRUE(streams[1].refused && streams[2].refused);
  EXPECT_EQ(streams[1].actual, 1u);
}

TEST_F(ConditionTest, StreamsThatAreOnlyExpected) {
  const std::array<NewEvent, 2> two{NewEvent{.type = "T"}, NewEvent{.type = "T"}};
  append_event("A", "", "limits");
  std::array streams{StreamAppend{"limits", Expect::exactly(1), {}}, StreamAppend{"account", Expect::any(), two},
                     StreamAppend{"closed", Expect::no_stream(), {}}};
  const auto appended = store().append(streams);
  ASSERT_TRUE(is_ok(appended));
  EXPECT_EQ(appended->first_position, 2u);
  EXPECT_EQ(appended->last_version, 1u) << "of the first stream";
  EXPECT_EQ(streams[0].last_version, 1u);
  EXPECT_EQ(streams[1].last_version, 2u);
  EXPECT_EQ(streams[2].last_version, 0u);
  EXPECT_EQ(store().head("limits").value().last_position, 1u) << "not written to";
  EXPECT_EQ(store().head("closed").value().version, 0u);
  const auto before = read_all(store());
  ASSERT_EQ(before.size(), 3u);
  EXPECT_EQ(before[2].stream, "account");
  EXPECT_EQ(before[2].version, 2u);
  append_event("A", "", "limits");
  ASSERT_TRUE(fails_with(store().append(streams), Errc::wrong_version));
  EXPECT_TRUE(streams[0].refused);

  reopen();
  EXPECT_EQ(store().head("limits").value().version, 2u);
  EXPECT_EQ(store().head("account").value().last_position, 3u);
  EXPECT_EQ(store().head("closed").value().version, 0u);
}

TEST_F(ConditionTest, AnAppendWithoutEventsIsACheck) {
  append_event("A", "t:1", "a");
  std::array streams{StreamAppend{"a", Expect::exactly(1)}, StreamAppend{"b", Expect::no_stream()}};
  std::array conditions{AppendCondition{Query::tag("t:1"), 1}};
  const auto held = store().append(streams, conditions);
  ASSERT_TRUE(is_ok(held));
  EXPECT_EQ(held->first_position, 0u);
  EXPECT_EQ(held->last_position, 1u);
  EXPECT_EQ(held->last_version, 1u);
  EXPECT_EQ(streams[0].last_version, 1u);
  ASSERT_TRUE(is_ok(store().append(streams)));
  ASSERT_TRUE(is_ok(store().append({}, conditions)));

  append_event("A", "t:1", "b");
  ASSERT_TRUE(fails_with(store().append(streams, conditions), Errc::wrong_version));
  EXPECT_TRUE(streams[1].refused);
  EXPECT_EQ(conditions[0].violated_by, 2u);
  EXPECT_TRUE(fails_with(store().append({}, conditions), Errc::condition_failed));
  EXPECT_EQ(store().published_position(), 2u);
  EXPECT_TRUE(fails_with(store().append({}, std::span<AppendCondition>{}), Errc::invalid_argument));
}

// --- in the same instant: what was fine before the claim is not at publish

class RaceTest : public ConditionTest {
 protected:
  // Appends, and lets others append between the look and the claim.
  template <typename Meanwhile>
  Result<Appended> append_late(std::span<StreamAppend> streams, std::span<AppendCondition> conditions,
                               Meanwhile meanwhile) {
    return append_in_steps(store(), streams, conditions, [&](log::Step step) {
      if (step != log::Step::begun) return;
      auto hook = std::exchange(SteppedEnv::hook, nullptr);
      meanwhile();
      SteppedEnv::hook = std::move(hook);
    });
  }

  const std::array<NewEvent, 1> one_{NewEvent{.type = "T"}};
};

TEST_F(RaceTest, AConditionIsDecidedInLogOrder) {
  append_event("A");
  std::array streams{StreamAppend{"s", Expect::any(), one_}};
  std::array conditions{AppendCondition{Query::type("B")}, AppendCondition{Query::type("A"), 1},
                        AppendCondition{Query::type("C")}};
  const auto lost = append_late(streams, conditions, [&] {
    append_event("X");
    append_event("C");
    append_event("A");
    append_event("A");
  });
  ASSERT_TRUE(fails_with(lost, Errc::condition_failed));
  EXPECT_EQ(lost.error().index, 1u);
  EXPECT_EQ(lost.error().actual, 4u);
  EXPECT_EQ(conditions[0].violated_by, 0u);
  EXPECT_EQ(conditions[1].violated_by, 4u);
  EXPECT_EQ(conditions[2].violated_by, 3u);
  EXPECT_EQ(store().published_position(), 5u);
  const auto won = append_late(streams, std::span(conditions).first(1), [&] { append_event("A"); });
  ASSERT_TRUE(is_ok(won));
  EXPECT_EQ(won->last_position, 7u);
  reopen();
  EXPECT_EQ(read_all(store()).size(), 7u);
}

TEST_F(RaceTest, ExpectationsAndConditionsTogether) {
  std::array streams{StreamAppend{"a", Expect::no_stream(), one_}, StreamAppend{"b", Expect::no_stream(), {}}};
  std::array conditions{AppendCondition{Query::type("B")}};
  const auto lost = append_late(streams, conditions, [&] {
    append_event("X", "", "b");
    append_event("B");
  });
  ASSERT_TRUE(fails_with(lost, Errc::wrong_version));
  EXPECT_EQ(lost.error().index, 1u);
  EXPECT_EQ(lost.error().actual, 1u);
  EXPECT_FALSE(streams[0].refused);
  EXPECT_TRUE(streams[1].refused);
  EXPECT_EQ(conditions[0].violated_by, 2u);
}

// The frames to look at are in segments that are full, and sealed.
TEST_F(RaceTest, AcrossManySegments) {
  append_event("A");
  const std::string large(20'000, 'x');
  std::array streams{StreamAppend{"s", Expect::any(), one_}};
  for (const bool violated : {true, false}) {
    const Position before = store().published_position();
    std::array conditions{AppendCondition{Query::tag("wanted"), before}};
    const auto appended = append_late(streams, conditions, [&] {
      append_event("A", violated ? "wanted" : "other");
      for (int i = 0; i < 30; ++i) append(large);
    });
    if (violated) {
      ASSERT_TRUE(fails_with(appended, Errc::condition_failed));
      EXPECT_EQ(appended.error().actual, before + 1);
    } else {
      ASSERT_TRUE(is_ok(appended));
      EXPECT_EQ(appended->last_position, before + 32);
    }
  }
  const auto events = read_all(store());
  reopen();
  EXPECT_EQ(read_all(store()), events);
  EXPECT_EQ(violation(Query::tag("wanted")), 2u) << "in a segment of an earlier session";
}

// What a frame carries says the same as the query it was made from; and both the same as the definition in words.
TEST_F(RaceTest, StoredQueriesMatchWhatQueriesMatch) {
  Rng rng(5);
  const auto name = [&rng](const char* what, std::uint64_t n) { return what + std::to_string(rng.below(n)); };
  const auto random_item = [&] {
    QueryItem item;
    for (std::uint64_t n = rng.below(3); n > 0; --n) item.streams.push_back(name("s", 4));
    for (std::uint64_t n = rng.below(3); n > 0; --n) item.types.push_back(name("T", 4));
    for (std::uint64_t n = rng.below(3); n > 0; --n) item.tags.push_back(name("t:", 4));
    if (item == QueryItem{}) item.types = {"T0"};
    return item;
  };
  int refused = 0;
  for (int round = 0; round < 400; ++round) {
    Query query;
    for (std::uint64_t n = rng.below(3); n > 0; --n) query.items.push_back(random_item());
    for (std::uint64_t n = rng.below(2); n > 0; --n) query.except.push_back(random_item());
    const Position before = store().published_position();
    std::array conditions{AppendCondition{query, before + rng.below(3)}};
    std::array streams{StreamAppend{"own", Expect::any(), one_}};
    const auto appended = append_late(streams, conditions, [&] {
      for (int n = 0; n < 3; ++n) {
        const std::string first = name("t:", 4);
        const std::string second = name("t:", 4);
        const std::array<std::string_view, 2> tags{first, second};
        const NewEvent event{.type = name("T", 4) == "T0" ? "T0" : "T1", .tags = Tags(tags)};
        EXPECT_TRUE(is_ok(store().append(name("s", 4), Expect::any(), std::span(&event, 1))));
      }
    });
    // The same question again, asked of the past: what comes first must be what refused it.
    AppendCondition again{query, conditions[0].after};
    const auto checked = store().append({}, std::span(&again, 1));
    const bool by_earlier = !checked && checked.error().actual <= before + 3;
    ASSERT_EQ(!appended, by_earlier) << "round " << round;
    if (!appended) {
      ++refused;
      ASSERT_EQ(appended.error().code, Errc::condition_failed);
      ASSERT_EQ(appended.error().actual, checked.error().actual);
      ASSERT_EQ(conditions[0].violated_by, checked.error().actual);
    }
  }
  EXPECT_GT(refused, 50);
  EXPECT_LT(refused, 350);
}

TEST_F(ConditionTest, AfterReopening) {
  append_event("A", "t:1");
  reopen();
  EXPECT_EQ(violation(Query::tag("t:1")), 1u);
  EXPECT_EQ(violation(Query::tag("t:1"), 1), 0u);
}

TEST_F(ConditionTest, AReaderMayNotCheck) {
  auto reader = Store::open(path(), read_only());
  ASSERT_TRUE(is_ok(reader));
  std::array conditions{AppendCondition{Query::type("A")}};
  EXPECT_TRUE(fails_with(reader->append({}, conditions), Errc::read_only));
}

}  // namespace
}  // namespace daybook::test
