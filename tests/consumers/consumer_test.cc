// Named consumers: where they begin, what they remember, who may have the name.
#include <sys/stat.h>
#include <unistd.h>

#include <grp.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include "consumers/consumer_fixture.h"
#include "support/child.h"

namespace daybook::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

using ConsumerTest = ConsumersTest;

// The names of files that a consumer has, with `~` and what is behind it.
std::vector<std::string> files_of(const fs::path& store, const std::string& name) {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(store / "consumers")) {
    const std::string file = entry.path().filename();
    if (file.starts_with(name + "~")) files.push_back(file.substr(name.size()));
  }
  std::ranges::sort(files);
  return files;
}

TEST_F(ConsumerTest, GoesOnBehindTheLastAcknowledgedEvent) {
  append_many(10);
  {
    auto consumer = open("a");
    EXPECT_EQ(read(consumer, 4), positions(1, 4));
    ASSERT_TRUE(is_ok(consumer.ack()));
    EXPECT_EQ(consumer.position(), 4u);
    EXPECT_EQ(read(consumer, 2), positions(5, 6));  // seen, not done
  }
  auto consumer = open("a");
  EXPECT_EQ(consumer.position(), 4u);
  EXPECT_EQ(read(consumer, 100), positions(5, 10));
  EXPECT_EQ(consumer.next(), nullptr);
  EXPECT_FALSE(consumer.error());
  ASSERT_TRUE(is_ok(consumer.ack()));
  append_many(1);
  EXPECT_EQ(read(consumer, 100), positions(11, 11));
}

TEST_F(ConsumerTest, ConsumersKnowNothingOfEachOther) {
  append_many(3);
  auto a = open("a");
  auto b = open("b");
  EXPECT_EQ(read(a, 3), positions(1, 3));
  ASSERT_TRUE(is_ok(a.ack()));
  EXPECT_EQ(read(b, 1), positions(1, 1));
  ASSERT_TRUE(is_ok(b.ack()));
  EXPECT_EQ(store().consumers().value().size(), 2u);
}

TEST_F(ConsumerTest, NewOnesBeginWhereTheyAreTold) {
  append_many(5);
  std::this_thread::sleep_for(20ms);  // the clock of the log has a resolution of some ms
  const auto between = std::chrono::system_clock::now();
  std::this_thread::sleep_for(20ms);
  append_many(5);
  EXPECT_EQ(first_of("beginning", {.start = StartAt::beginning()}), 1u);
  EXPECT_EQ(first_of("after", {.start = StartAt::after(7)}), 8u);
  EXPECT_EQ(first_of("time", {.start = StartAt::time(between)}), 6u);
  EXPECT_EQ(first_of("long-ago", {.start = StartAt::time(Timestamp{})}), 1u);
  EXPECT_EQ(first_of("end", {.start = StartAt::end()}), 0u);
  EXPECT_EQ(first_of("future", {.start = StartAt::time(between + 24h)}), 0u);
  append_many(1);
  // A start is for names that are new.
  EXPECT_EQ(first_of("end", {.start = StartAt::beginning()}), 11u);
  EXPECT_EQ(first_of("future", {.start = StartAt::beginning()}), 11u);
  EXPECT_TRUE(fails_with(store().consumer("beyond", {.start = StartAt::after(12), .visibility = Visibility::published}),
                         Errc::invalid_argument));
}

TEST_F(ConsumerTest, ResetGoesAnywhereAndIsSaved) {
  append_many(10);
  {
    auto consumer = open("a");
    EXPECT_EQ(read(consumer, 8), positions(1, 8));
    ASSERT_TRUE(is_ok(consumer.ack()));
    ASSERT_TRUE(is_ok(consumer.reset(StartAt::after(2))));
    EXPECT_EQ(consumer.position(), 2u);
    EXPECT_EQ(read(consumer, 1), positions(3, 3));
    EXPECT_TRUE(fails_with(consumer.reset(StartAt::after(11)), Errc::invalid_argument));
    EXPECT_EQ(read(consumer, 1), positions(4, 4));  // as if nothing had been asked
  }
  EXPECT_EQ(open("a").position(), 2u);
  EXPECT_EQ(open("a", {.reset = StartAt::after(9)}).position(), 9u);
  EXPECT_EQ(open("a").position(), 9u);
  ASSERT_TRUE(is_ok(store().reset_consumer("a", StartAt::after(5))));
  EXPECT_EQ(open("a").position(), 5u);
  EXPECT_TRUE(fails_with(store().reset_consumer("nobody", StartAt::after(5)), Errc::not_found));
  EXPECT_EQ(files_of(path(), "nobody").size(), 0u);
}

TEST_F(ConsumerTest, FollowsAQueryAndPassesWhatDoesNotMatch) {
  append_many(5);
  append_to("other", "x");
  append_many(5);
  {
    auto consumer = open("a", {.query = Query::stream("other")});
    EXPECT_EQ(consumer.lag().value(), 1u);
    EXPECT_EQ(read(consumer, 100), positions(6, 6));
    EXPECT_EQ(consumer.position(), 0u);
    EXPECT_FALSE(consumer.wait(0ns));
    EXPECT_EQ(consumer.position(), 0u);  // the one that was returned is not done
    ASSERT_TRUE(is_ok(consumer.ack()));
    EXPECT_EQ(consumer.position(), 6u);
    EXPECT_EQ(consumer.lag().value(), 0u);
    EXPECT_FALSE(consumer.wait(0ns));
    EXPECT_EQ(consumer.position(), 11u);
  }
  EXPECT_EQ(store().consumers().value()[0].position, 11u);
  EXPECT_EQ(open("b").lag().value(), 11u);
}

TEST_F(ConsumerTest, AnotherQueryUnderTheNameIsRefusedUnlessAskedFor) {
  append_to("x", "1");
  append_to("y", "2");
  append_to("x", "3");
  const Query xy{.items = {{.streams = {"x", "y"}}, {.types = {"U"}}}};
  const Query yx{.items = {{.types = {"U"}}, {.streams = {"y", "x"}}}};
  EXPECT_EQ(first_of("a", {.query = xy}), 1u);
  EXPECT_EQ(first_of("a", {.query = yx}), 2u);  // the same, said in another order
  EXPECT_TRUE(fails_with(store().consumer("a", {.query = Query::stream("x")}), Errc::invalid_argument));
  EXPECT_TRUE(fails_with(store().consumer("a"), Errc::invalid_argument));
  {
    auto consumer = open("a", {.query = Query::stream("x"), .accept_new_query = true});
    EXPECT_EQ(consumer.position(), 2u);
    EXPECT_EQ(read(consumer, 100), positions(3, 3));
  }
  EXPECT_EQ(open("a", {.query = Query::stream("x")}).position(), 2u);
  EXPECT_TRUE(fails_with(store().consumer("b", {.query = {.items = {{}}}}), Errc::invalid_argument));
}

TEST_F(ConsumerTest, NamesAreCheckedBeforeAnythingIsWritten) {
  const std::string longest(kConsumerNameSizeMax, 'n');
  for (const std::string& name : {std::string("a"), std::string("A-z_0.9"), std::string("."), std::string(".."),
                                  std::string("a.lock"), longest}) {
    EXPECT_TRUE(is_ok(store().consumer(name))) << name;
  }
  for (const std::string& name : {std::string(), std::string("a/b"), std::string("a b"), std::string("a~1"),
                                  std::string("ä"), std::string("a\0b", 3), longest + "n"}) {
    EXPECT_TRUE(fails_with(store().consumer(name), Errc::invalid_argument)) << name;
    EXPECT_TRUE(fails_with(store().parked(name), Errc::invalid_argument)) << name;
  }
  EXPECT_EQ(store().consumers().value().size(), 6u);
}

TEST_F(ConsumerTest, ANameIsHeldByOneAtATime) {
  auto consumer = open("a");
  const auto second = store().consumer("a");
  ASSERT_TRUE(fails_with(second, Errc::locked, EAGAIN));
  EXPECT_EQ(second.error().actual, static_cast<std::uint64_t>(::getpid()));
  EXPECT_EQ(second.error().detail.view(), "consumer a");
  EXPECT_TRUE(fails_with(store().reset_consumer("a", {}), Errc::locked, EAGAIN));
  ASSERT_TRUE(is_ok(consumer.close()));
  EXPECT_TRUE(is_ok(store().consumer("a")));
  EXPECT_EQ(consumer.next(), nullptr);
  EXPECT_TRUE(fails_with(consumer.ack(), Errc::closed));
  EXPECT_TRUE(is_ok(consumer.close()));
}

TEST_F(ConsumerTest, SavesAsOftenAsToldAndBeforeItWaits) {
  append_many(30);
  const auto saved = [&] { return store().consumers().value()[0].position; };
  auto consumer = open("a", {.checkpoint_events = 10, .checkpoint_interval = 24h});
  for (int i = 0; i < 9; ++i) {
    (void)read(consumer, 1);
    ASSERT_TRUE(is_ok(consumer.ack()));
  }
  EXPECT_EQ(saved(), 0u);
  (void)read(consumer, 1);
  ASSERT_TRUE(is_ok(consumer.ack()));
  EXPECT_EQ(saved(), 10u);
  (void)read(consumer, 1);
  ASSERT_TRUE(is_ok(consumer.ack()));
  ASSERT_TRUE(is_ok(consumer.save()));
  EXPECT_EQ(saved(), 11u);
  (void)read(consumer, 2);
  ASSERT_TRUE(is_ok(consumer.ack()));
  EXPECT_EQ(saved(), 11u);
  EXPECT_TRUE(consumer.wait(0ns));
  EXPECT_EQ(saved(), 13u);
}

// By default a consumer sees what cannot be lost; so its position cannot be ahead of the log.
TEST_F(ConsumerTest, DurableEventsOnlyUnlessToldOtherwise) {
  auto consumer = store().consumer("a").value();
  auto eager = open("b");
  append_many(5);
  EXPECT_EQ(consumer.next(), nullptr);
  EXPECT_EQ(read(eager, 100), positions(1, 5));
  ASSERT_TRUE(is_ok(store().sync()));
  EXPECT_EQ(read(consumer, 100), positions(1, 5));
}

TEST_F(ConsumerTest, AConsumerMayOutliveItsStore) {
  append_many(5);
  auto consumer = open("a");
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  EXPECT_EQ(read(consumer, 5), positions(1, 5));
  ASSERT_TRUE(is_ok(consumer.ack()));
  ASSERT_TRUE(is_ok(consumer.close()));
  reopen();
  EXPECT_EQ(open("a").position(), 5u);
}

TEST_F(ConsumerTest, AForkedChildCannotSave) {
  append_many(5);
  auto consumer = open("a");
  (void)read(consumer, 1);
  ASSERT_TRUE(is_ok(consumer.ack()));
  EXPECT_TRUE(succeeds_in_child([&] { EXPECT_TRUE(fails_with(consumer.save(), Errc::closed)); }));
  EXPECT_TRUE(is_ok(consumer.save()));
}

// An older state of the store under the same consumers: a backup that was put back, or another log altogether.
TEST_F(ConsumerTest, APositionThatTheLogDoesNotHaveIsStale) {
  append_many(5);
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  fs::copy(path(), temp_ / "backup", fs::copy_options::recursive);
  reopen();
  append_many(5);
  {
    auto consumer = open("a");
    (void)read(consumer, 10);
    ASSERT_TRUE(is_ok(consumer.ack()));
  }
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  fs::remove_all(path() / "segments");
  fs::copy(temp_ / "backup" / "segments", path() / "segments", fs::copy_options::recursive);
  fs::remove(path() / "LOCK");  // it promises ten
  reopen();
  const auto stale = store().consumer("a", {.visibility = Visibility::published});
  ASSERT_TRUE(fails_with(stale, Errc::stale_token));
  EXPECT_EQ(stale.error().expected, 10u);
  EXPECT_EQ(first_of("a", {.reset = StartAt::after(3)}), 4u);
  EXPECT_EQ(open("a").position(), 4u);

  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  fs::remove_all(path() / "segments");
  fs::remove_all(path() / "checkpoints");
  reopen();
  append_many(20);
  ASSERT_TRUE(fails_with(store().consumer("a", {.visibility = Visibility::published}), Errc::stale_token));
  EXPECT_EQ(first_of("a", {.reset = StartAt::after(6)}), 7u);
  EXPECT_EQ(open("a").position(), 7u);  // of the new log from now on
}

TEST_F(ConsumerTest, GrownJournalsAreWrittenAnew) {
  append_many(40'000);
  auto consumer = open("a", {.checkpoint_events = 1});
  Position last = 0;
  while (const EventView* const event = consumer.next()) {
    last = event->position;
    ASSERT_TRUE(is_ok(consumer.ack()));
  }
  EXPECT_EQ(last, 40'000u);
  EXPECT_EQ(files_of(path(), "a"), (std::vector<std::string>{"~2.journal", "~lock"}));
  EXPECT_LT(fs::file_size(path() / "consumers" / "a~2.journal"), 1u << 20);
  ASSERT_TRUE(is_ok(consumer.close()));
  EXPECT_EQ(open("a").position(), 40'000u);
}

TEST_F(ConsumerTest, ATornTailIsCutAndDamageIsRefused) {
  append_many(10);
  {
    auto consumer = open("a");
    (void)read(consumer, 3);
    ASSERT_TRUE(is_ok(consumer.ack()));
  }
  const fs::path journal = path() / "consumers" / "a~1.journal";
  const auto size = fs::file_size(journal);
  fs::resize_file(journal, size - 8);
  EXPECT_EQ(open("a").position(), 0u);  // the save is torn: its events come again
  EXPECT_EQ(files_of(path(), "a"), (std::vector<std::string>{"~2.journal", "~lock"}));

  std::fstream(path() / "consumers" / "a~2.journal", std::ios::in | std::ios::out | std::ios::binary)
      .seekp(90)
      .put('x');
  const auto damaged = store().consumer("a", {.visibility = Visibility::published});
  ASSERT_TRUE(fails_with(damaged, Errc::corrupt));
  EXPECT_EQ(damaged.error().detail.view(), "consumer a");
  // The others are not to be lost with it.
  (void)open("b");
  const auto all = store().consumers();
  ASSERT_TRUE(is_ok(all));
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0].name, "a");
  ASSERT_TRUE((*all)[0].error);
  EXPECT_EQ((*all)[0].error->code, Errc::corrupt);
  EXPECT_EQ((*all)[0].error->detail.view(), "consumer a");
  EXPECT_EQ((*all)[1].name, "b");
  EXPECT_FALSE((*all)[1].error);
  // Without its files, the name begins anew.
  fs::remove(path() / "consumers" / "a~2.journal");
  EXPECT_EQ(open("a").position(), 0u);
}

TEST_F(ConsumerTest, ReadOnlyStoresHaveConsumersToo) {
  append_many(5);
  auto reader = Store::open(path(), read_only());
  ASSERT_TRUE(is_ok(reader));
  EXPECT_EQ(reader->consumers().value().size(), 0u);
  auto consumer = reader->consumer("a", {.visibility = Visibility::published});
  ASSERT_TRUE(is_ok(consumer));
  EXPECT_EQ(read(*consumer, 5), positions(1, 5));
  ASSERT_TRUE(is_ok(consumer->ack()));
  EXPECT_TRUE(fails_with(store().consumer("a"), Errc::locked, EAGAIN));
  ASSERT_TRUE(is_ok(consumer->close()));
  EXPECT_EQ(open("a").position(), 5u);
}

TEST_F(ConsumerTest, WithoutTheRightToWriteThereIsAClearError) {
  append_many(5);
  fs::permissions(temp_.path(), fs::perms(0755));
  fs::permissions(path(), fs::perms(0555));
  for (const auto& entry : fs::recursive_directory_iterator(path())) {
    fs::permissions(entry.path(), entry.is_directory() ? fs::perms(0755) : fs::perms(0644));
  }
  EXPECT_TRUE(succeeds_in_child([&] {
    if (::geteuid() == 0) {  // whom no permission stops
      ASSERT_EQ(::setgroups(0, nullptr), 0);
      ASSERT_EQ(::setgid(65534), 0);
      ASSERT_EQ(::setuid(65534), 0);
    }
    auto reader = Store::open(path(), read_only());
    ASSERT_TRUE(is_ok(reader));
    const auto refused = reader->consumer("a");
    ASSERT_TRUE(fails_with(refused, Errc::io, EACCES));
    EXPECT_EQ(refused.error().detail.view(), "consumer a");
  }));
  fs::permissions(path(), fs::perms(0755));  // so that it can be removed
}

TEST_F(ConsumerTest, TheListSaysWhatIsSaved) {
  EXPECT_TRUE(store().consumers().value().empty());
  append_many(10);
  auto b = open("b");
  auto a = open("a", {.query = Query::stream("s")});
  (void)read(a, 4);
  ASSERT_TRUE(is_ok(a.ack()));
  (void)read(a, 1);
  ASSERT_TRUE(is_ok(a.park({.code = Errc::refused, .what = "no"})));
  ASSERT_TRUE(is_ok(a.ack()));
  ASSERT_TRUE(is_ok(a.save()));
  const auto list = store().consumers();
  ASSERT_TRUE(is_ok(list));
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ((*list)[0].name, "a");
  EXPECT_EQ((*list)[0].query, Query::stream("s"));
  EXPECT_EQ((*list)[0].position, 5u);
  EXPECT_EQ((*list)[0].lag, 5u);
  EXPECT_EQ((*list)[0].parked, 1u);
  EXPECT_GT((*list)[0].saved_at, Timestamp(std::chrono::seconds(1'600'000'000)));
  EXPECT_EQ((*list)[1].name, "b");
  EXPECT_EQ((*list)[1].lag, 10u);
  // What is no consumer's is nobody's business.
  std::ofstream(path() / "consumers" / "README") << "hello";
  std::ofstream(path() / "consumers" / "c~new") << "half";
  EXPECT_EQ(store().consumers().value().size(), 2u);
}

}  // namespace
}  // namespace daybook::test
