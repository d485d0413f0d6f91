// Every call of an open, a close and a read fails in turn, once and for ever. What comes of it is an error that says so
// or nothing worse than that, and the next open, without faults, finds everything.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <functional>
#include <map>

#include "faults/faulty_store.h"
#include "support/child.h"

namespace daybook::test {
namespace {

namespace fs = std::filesystem;

constexpr Position kEvents = 400;  // in several segments

enum class Before { nothing, closed, killed };

// A store as somebody left it.
void make_store(const fs::path& path, Before before) {
  if (before == Before::nothing) return;
  Gate done;
  Child writer([&] {
    auto store = Store::open(path, {.durability = Durability::memory, .segment_size = kSmallest});
    ASSERT_TRUE(is_ok(store));
    const std::string payload(200, 'x');
    for (Position i = 0; i < kEvents; ++i) {
      ASSERT_TRUE(is_ok(store->append("s", Expect::any(), {{.type = "T", .payload = payload}})));
    }
    if (before == Before::closed) {
      ASSERT_TRUE(is_ok(store->close()));
    }
    done.open();
    ::pause();
  });
  done.wait();
  writer.kill();
}

class NthCallTest : public FaultyStoreTest {
 protected:
  // Counts what came of it, by call and errno.
  struct Outcomes {
    int failed = 0;
    int survived = 0;
  };

  // Does `body` on a fresh copy of the store, with the n-th call failing, for n = 1, 2, 3 ... until it makes fewer calls.
  void for_each_call(const fs::path& image, const std::function<std::optional<Error>()>& body) {
    for (const int error_number : {EIO, ENOSPC, EMFILE}) {
      for (const Repeat repeat : {Repeat::once, Repeat::for_ever}) {
        for (std::uint64_t nth = 1;; ++nth) {
          SCOPED_TRACE("call " + std::to_string(nth) + ", errno " + std::to_string(error_number) +
                       (repeat == Repeat::once ? ", once" : ", for ever"));
          fs::remove_all(path());
          if (fs::exists(image)) fs::copy(image, path(), fs::copy_options::recursive);
          const std::uint64_t calls = faults_->count();
          faults_->add({.nth = nth, .error_number = error_number, .repeat = repeat});
          const auto error = body();
          faults_->clear();
          if (faults_->count() - calls < nth) break;
          ASSERT_NO_FATAL_FAILURE(check(error, error_number, *faults_->struck()));
        }
      }
    }
  }

  void check(const std::optional<Error>& error, int error_number, IoCall struck) {
    Outcomes& outcome = outcomes_[{struck, error_number}];
    ++(error ? outcome.failed : outcome.survived);
    if (error) {
      // The error that was met, not one that was made of it; above all no "corrupt" and no torn tail.
      EXPECT_EQ(error->sys_errno, error_number) << to_text(*error) << " after a failing " << name(struck);
      EXPECT_TRUE(error->code == Errc::io || error->code == Errc::no_space || error->code == Errc::poisoned)
          << to_text(*error) << " after a failing " << name(struck);
      EXPECT_STRNE(error->what, "");
    }
    auto opened = Store::open(path());
    ASSERT_TRUE(is_ok(opened)) << "after a failing " << name(struck);
    EXPECT_EQ(opened->published_position(), expected_) << "after a failing " << name(struck);
    EXPECT_EQ(opened->durable_position(), expected_);
    EXPECT_EQ(opened->recovery().frames_cut, 0u);
    ASSERT_TRUE(is_ok(opened->append("after", Expect::any(), {{.type = "T"}})));
    EXPECT_EQ(read_positions(*opened), positions(1, expected_ + 1));
    ASSERT_TRUE(is_ok(opened->close()));
    for (const auto& entry : fs::recursive_directory_iterator(path())) {
      EXPECT_EQ(entry.path().filename().string().find("tmp"), std::string::npos) << "left behind: " << entry.path();
    }
  }

  // So that nothing happens in the background any more, and a close has something to remove.
  void append_until_next_is_prepared() {
    for (int i = 0; i < 10'000; ++i) {
      if (store().info()->segments.back().last_position == 0) return;
      ASSERT_TRUE(is_ok(append()));
    }
    FAIL() << "no segment is prepared";
  }

  void print_table(const char* what) const {
    std::printf("%-34s %-18s %7s %7s %9s\n", what, "call", "errno", "failed", "survived");
    for (const auto& [cell, outcome] : outcomes_) {
      std::printf("%-34s %-18s %7d %7d %9d\n", "", name(cell.first), cell.second, outcome.failed, outcome.survived);
    }
  }

  Position expected_ = 0;
  std::map<std::pair<IoCall, int>, Outcomes> outcomes_;
};

class NthCallOfAnOpenTest : public NthCallTest, public ::testing::WithParamInterface<Before> {};

TEST_P(NthCallOfAnOpenTest, FailsCleanly) {
  const fs::path image = temp_ / "image";
  make_store(image, GetParam());
  expected_ = GetParam() == Before::nothing ? 0 : kEvents;
  for_each_call(image, [&]() -> std::optional<Error> {
    auto opened = open({.durability = Durability::memory, .segment_size = kSmallest});
    if (!opened) return opened.error();
    // In working order, whatever was survived. Destroyed with the faults still there, which a destructor cannot report.
    return std::nullopt;
  });
  print_table("open for writing");
  EXPECT_GE(outcomes_.size(), 30u);
}

INSTANTIATE_TEST_SUITE_P(Stores, NthCallOfAnOpenTest,
                         ::testing::Values(Before::nothing, Before::closed, Before::killed), [](const auto& test) {
                           return test.param == Before::nothing  ? "new"
                                  : test.param == Before::closed ? "closed"
                                                                 : "killed";
                         });

TEST_F(NthCallTest, OfAReader) {
  const fs::path image = temp_ / "image";
  make_store(image, Before::killed);
  expected_ = kEvents;
  for_each_call(image, [&]() -> std::optional<Error> {
    auto opened = open({.mode = Mode::read_only});
    if (!opened) return opened.error();
    for (const Direction direction : {Direction::forward, Direction::backward}) {
      auto cursor = opened->read({.direction = direction});
      Position seen = 0;
      while (cursor.next() != nullptr) ++seen;
      if (const auto error = cursor.error()) {
        EXPECT_EQ(cursor.next(), nullptr) << "an error is the end of a cursor";
        return error;
      }
      EXPECT_EQ(seen, kEvents) << "an end that is none";
    }
    const auto info = opened->info();
    if (!info) return info.error();
    EXPECT_EQ(info->segments.back().last_position, kEvents);
    const auto head = opened->head("s");
    if (!head) return head.error();
    EXPECT_EQ(head->version, kEvents);
    return std::nullopt;
  });
  print_table("read-only: open, read, info, head");
  EXPECT_GE(outcomes_.size(), 20u);
}

TEST_F(NthCallTest, OfAClose) {
  const fs::path image = temp_ / "image";
  make_store(image, Before::closed);
  for (const int error_number : {EIO, ENOSPC}) {
    for (std::uint64_t nth = 1;; ++nth) {
      SCOPED_TRACE("call " + std::to_string(nth) + ", errno " + std::to_string(error_number));
      fs::remove_all(path());
      fs::copy(image, path(), fs::copy_options::recursive);
      start(Durability::memory);
      ASSERT_NO_FATAL_FAILURE(append_until_next_is_prepared());
      expected_ = acked_;
      const std::uint64_t calls = faults_->count();
      faults_->add({.nth = nth, .error_number = error_number});
      const auto closed = store().close();
      faults_->clear();
      const bool enough = faults_->count() - calls < nth;
      const auto refused = store().append("s", Expect::any(), {{.type = "T"}});
      ASSERT_FALSE(refused);
      EXPECT_TRUE(refused.error().code == Errc::closed || (!closed && refused.error().code == Errc::poisoned));
      store_.reset();
      if (enough) break;
      ASSERT_NO_FATAL_FAILURE(check(error_of(closed), error_number, *faults_->struck()));
    }
  }
  print_table("close");
  EXPECT_GE(outcomes_.size(), 4u);
}

TEST_F(FaultyStoreTest, InfoSaysWhatFailed) {
  start(Durability::memory);
  ASSERT_TRUE(is_ok(append()));
  for (const IoCall call : {IoCall::open, IoCall::allocated}) {
    faults_->add({.call = call, .error_number = EMFILE});
    EXPECT_TRUE(fails_with(store().info(), Errc::io, EMFILE)) << name(call);
    EXPECT_TRUE(is_ok(store().info()));
  }
  // The writer has listed its segments before, a reader lists them each time.
  ASSERT_TRUE(is_ok(store().close()));
  const auto reader = open({.mode = Mode::read_only});
  ASSERT_TRUE(is_ok(reader));
  faults_->add({.call = IoCall::list, .error_number = EMFILE});
  EXPECT_TRUE(fails_with(reader->info(), Errc::io, EMFILE));
  EXPECT_TRUE(is_ok(reader->info()));
}

TEST_F(FaultyStoreTest, LockThatCannotBeTakenIsNoOtherWriter) {
  for (const int error_number : {ENOLCK, EINVAL, EACCES, EROFS}) {
    faults_->add({.call = IoCall::lock, .error_number = error_number});
    EXPECT_TRUE(fails_with(open({}), Errc::io, error_number));
  }
  EXPECT_TRUE(is_ok(open({.segment_size = kSmallest})));
}

TEST_F(FaultyStoreTest, FileSystemThatCannotBeAskedIsAnError) {
  faults_->add({.call = IoCall::check_file_system, .error_number = EIO});
  EXPECT_TRUE(fails_with(open({}), Errc::io, EIO));
  faults_->add({.call = IoCall::check_file_system, .error_number = EIO});
  EXPECT_TRUE(is_ok(open({.segment_size = kSmallest, .any_file_system = true}))) << "nobody asks";
}

// A segment that cannot be opened is an error with its number, not the end of the log; and the next cursor reads on.
TEST_F(FaultyStoreTest, CursorMeetsASegmentThatCannotBeOpened) {
  make_store(path(), Before::closed);
  for (const IoCall call : {IoCall::open, IoCall::size, IoCall::read, IoCall::map}) {
    auto reader = open({.mode = Mode::read_only});
    ASSERT_TRUE(is_ok(reader));
    auto cursor = reader->read();
    ASSERT_NE(cursor.next(), nullptr);
    faults_->add({.call = call, .error_number = ENOMEM, .repeat = Repeat::for_ever});
    Position seen = 1;
    while (cursor.next() != nullptr) ++seen;
    EXPECT_LT(seen, kEvents);
    ASSERT_TRUE(cursor.error().has_value()) << name(call);
    EXPECT_EQ(cursor.error()->code, Errc::io);
    EXPECT_EQ(cursor.error()->sys_errno, ENOMEM);
    EXPECT_GE(cursor.error()->segment, 2u);
    faults_->clear();
    EXPECT_EQ(read_positions(*reader, {.after = seen}), positions(seen + 1, kEvents));
  }
}

}  // namespace
}  // namespace daybook::test
