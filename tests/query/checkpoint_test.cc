// Checkpoints as files: that they are made, that they spare opening what they cover, and that nothing depends on them.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "format/layout.h"
#include "store/store_fixture.h"

namespace daybook::test {
namespace {

namespace fs = std::filesystem;

class CheckpointFileTest : public StoreTest {
 protected:
  void SetUp() override { reopen(options()); }

  static OpenOptions options() {
    OpenOptions options = small_segments();
    options.checkpoint_bytes = 2 * kSmallest;
    return options;
  }

  [[nodiscard]] std::vector<fs::path> checkpoints() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(path() / "checkpoints")) {
      if (entry.path().extension() == ".ckpt") found.push_back(entry.path());
    }
    std::ranges::sort(found);
    return found;
  }

  // Appends until there are checkpoints, the newest over more than three segments.
  void fill() {
    for (int round = 0; round < 400; ++round) {
      for (int i = 0; i < 100; ++i) append_to("stream-" + std::to_string(events_++ % 50));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      if (checkpoints().size() == 2 && events_ > 4'000) return;
    }
    FAIL() << checkpoints().size() << " checkpoints after " << events_ << " events";
  }

  // Takes their sidecars, so that who opens them must walk over the damage.
  void damage_segments(const std::vector<std::uint64_t>& numbers) const {
    for (const std::uint64_t number : numbers) {
      fs::remove(path() / "segments" / format::sidecar_name(number));
      std::fstream file(path() / "segments" / format::segment_name(number), std::ios::in | std::ios::out);
      file.seekp(format::kDataStart + 512);
      file << "damage";
    }
  }

  static std::uint64_t count(Cursor cursor) {
    std::uint64_t events = 0;
    while (cursor.next() != nullptr) ++events;
    EXPECT_FALSE(cursor.error()) << describe(*cursor.error());
    return events;
  }

  void check_heads() {
    for (int i = 0; i < 50; ++i) {
      const auto head = this->store().head("stream-" + std::to_string(i));
      ASSERT_TRUE(is_ok(head));
      EXPECT_EQ(head->version, static_cast<Version>((events_ - i + 49) / 50)) << i;
    }
    EXPECT_EQ(this->store().head("nobody").value().version, 0u);
    const auto refused = this->store().append("stream-7", Expect::no_stream(), {{.type = "T"}});
    ASSERT_TRUE(fails_with(refused, Errc::wrong_version));
    EXPECT_EQ(refused.error().actual, this->store().head("stream-7").value().version);
  }

  int events_ = 0;
};

TEST_F(CheckpointFileTest, TheTwoNewestAreKept) {
  fill();
  EXPECT_EQ(checkpoints().size(), 2u);
  reopen(options());
  check_heads();
}

// A question makes an index in memory of the segment that is written. If nobody asks again, it ends where that was when the
// segment is sealed.
TEST_F(CheckpointFileTest, AQuestionLongAgoKeepsNoSegmentFromBeingCovered) {
  for (int i = 0; i < 20; ++i) append_to("early");
  EXPECT_EQ(store().count(Query::stream("early")).value(), 20u);
  fill();
  EXPECT_EQ(store().count(Query::stream("early")).value(), 20u);
}

// Nor does one whose sidecar is damaged: it gets another, though nobody asks for it.
TEST_F(CheckpointFileTest, ADamagedSidecarIsInNobodysWay) {
  fill();
  ASSERT_TRUE(is_ok(store().close()));
  for (const fs::path& checkpoint : checkpoints()) fs::remove(checkpoint);
  const fs::path sidecar = path() / "segments" / format::sidecar_name(1);
  ASSERT_TRUE(fs::exists(sidecar));
  std::ofstream(sidecar) << "damage";
  reopen(options());
  events_ = 0;
  fill();
  EXPECT_GT(fs::file_size(sidecar), 100u);
}

// Nothing has to be sealed for that: what is there may be all that there ever will be.
TEST_F(CheckpointFileTest, OpeningCoversWhatNobodyHas) {
  fill();
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  // First with sidecars to be made, then with all of them there.
  for (const bool missing : {true, false}) {
    SCOPED_TRACE(missing ? "a sidecar is missing" : "all sidecars are there");
    fs::remove_all(path() / "checkpoints");
    const auto before = sidecars();
    if (missing) fs::remove(path() / "segments" / format::sidecar_name(2));
    reopen(options());
    for (int i = 0; i < 2'000 && (checkpoints().empty() || sidecars() < before); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_FALSE(checkpoints().empty());
    check_heads();
    ASSERT_TRUE(is_ok(store().close()));
    store_.reset();
  }
  reopen(options());
}

// Segments that a checkpoint covers are not opened for a stream that none of them has: they may even be gone bad.
TEST_F(CheckpointFileTest, ANewStreamOpensNoSegmentThatIsCovered) {
  fill();
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  damage_segments({1, 2});
  reopen(options());
  EXPECT_TRUE(is_ok(store().append("somebody new", Expect::no_stream(), {{.type = "T"}})));
  // Where the checkpoints are gone, nobody can know that it is new.
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  fs::remove_all(path() / "checkpoints");
  reopen(options());
  EXPECT_TRUE(fails_with(store().append("somebody else", Expect::no_stream(), {{.type = "T"}}), Errc::corrupt));
}

// Queries ask what the checkpoint says may hold their keys, and only where they look: the rest may be gone bad.
TEST_F(CheckpointFileTest, AQueryOpensNoSegmentThatHasNothingForIt) {
  ASSERT_TRUE(is_ok(store().append("early", Expect::any(), {{.type = "Early", .tags = {"first"}}})));
  fill();
  const Position late = append_to("late").first_position;
  ASSERT_TRUE(is_ok(store().append("late", Expect::any(), {{.type = "Late", .tags = {"last"}}})));
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  damage_segments({2, 3});
  for (const Mode mode : {Mode::read_write, Mode::read_only}) {
    SCOPED_TRACE(mode == Mode::read_only ? "read only" : "read and write");
    OpenOptions opened = options();
    opened.mode = mode;
    reopen(opened);
    EXPECT_EQ(store().count(Query::type("Early")).value(), 1u);
    EXPECT_EQ(store().first(Query::tag("first")).value(), 1u);
    EXPECT_EQ(store().last(Query::stream("early")).value(), 1u);
    EXPECT_EQ(store().head("early").value().version, 1u);
    EXPECT_EQ(store().count(Query::type("Late")).value(), 1u);
    EXPECT_EQ(store().count({.items = {{.types = {"Late"}, .tags = {"last"}}, {.tags = {"first"}}}}).value(), 2u);
    EXPECT_EQ(store().count(Query::tag("nowhere")).value(), 0u);
    for (const Direction direction : {Direction::forward, Direction::backward}) {
      EXPECT_EQ(count(store().read_stream("early", {.direction = direction})), 1u);
      EXPECT_EQ(count(store().read(Query::tag("last"), {.direction = direction})), 1u);
      // Streams of the damaged segments, where those do not matter.
      EXPECT_EQ(count(store().read(Query{.items = {{.streams = {"stream-1", "late"}}}},
                                   {.after = late - 1, .direction = direction})),
                2u);
    }
    EXPECT_TRUE(fails_with(store().count(Query::stream("stream-1")), Errc::corrupt));
    Cursor cursor = store().read_stream("stream-1");
    while (cursor.next() != nullptr) {
    }
    ASSERT_TRUE(cursor.error());
    EXPECT_EQ(cursor.error()->code, Errc::corrupt);
    EXPECT_EQ(cursor.error()->segment, 2u);
    ASSERT_TRUE(is_ok(store().close()));
    store_.reset();
  }
}

// Opening for writing looks at the names of segments that are covered, and at the last of them.
TEST_F(CheckpointFileTest, OpeningReadsNothingOfWhatIsCoveredButTheLast) {
  fill();
  const Position end = append_to("end").first_position;
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  const auto damage = [this](std::uint64_t number, std::uint64_t offset) {
    std::fstream file(path() / "segments" / format::segment_name(number), std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(offset));
    file << "damage";
  };
  const fs::path copy = temp_ / "copy";
  fs::copy(path(), copy, fs::copy_options::recursive);
  damage(1, 0);
  damage(1, format::kHeaderCopy);
  damage(2, format::data_end(kSmallest));
  reopen(options());
  EXPECT_EQ(store().published_position(), end);
  EXPECT_EQ(store().head("end").value().last_position, end);
  EXPECT_TRUE(is_ok(store().append("somebody new", Expect::no_stream(), {{.type = "T"}})));
  Cursor cursor = store().read();
  EXPECT_EQ(cursor.next(), nullptr);
  ASSERT_TRUE(cursor.error());
  EXPECT_EQ(cursor.error()->code, Errc::corrupt);
  EXPECT_EQ(cursor.error()->segment, 1u);
  // A footer is no loss where there is a sidecar: the events of its segment are found.
  EXPECT_EQ(count(store().read(Query::type("T"), {.after = 600, .limit = 100})), 100u);
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  // Where the last one is not as it was, nothing is covered, and all are read.
  fs::remove_all(path() / "checkpoints");
  EXPECT_TRUE(fails_with(Store::open(path(), options()), Errc::corrupt));
  // And all have to be there.
  fs::remove(copy / "segments" / format::segment_name(2));
  EXPECT_TRUE(fails_with(Store::open(copy, options()), Errc::corrupt));
}

// Which segments they open is found out by then, and the store that wanted sidecars is gone.
TEST_F(CheckpointFileTest, ACursorOpensSegmentsWhenItsStoreIsGone) {
  fill();
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  reopen(options());
  std::optional<Cursor> cursor(store().read(Query::type("T")));
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  for (const auto& entry : fs::directory_iterator(path() / "segments")) {
    if (entry.path().extension() == ".idx") fs::remove(entry.path());
  }
  EXPECT_EQ(count(*std::move(cursor)), static_cast<std::uint64_t>(events_));
}

// A checkpoint of a copy that went another way has the right name and log, and the segments that both began with.
TEST_F(CheckpointFileTest, ACheckpointOfACopyIsNotTaken) {
  for (int i = 0; i < 20; ++i) append_to("stream-" + std::to_string(events_++ % 50));
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  fs::copy(path(), temp_ / "copy", fs::copy_options::recursive);
  reopen(options());
  fill();
  ASSERT_TRUE(is_ok(store().append("here alone", Expect::any(), {{.type = "Here"}})));
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  {
    const int here = std::exchange(events_, 20);
    auto copy = Store::open(temp_ / "copy", options());
    ASSERT_TRUE(is_ok(copy));
    for (; events_ < 2 * here; ++events_) {
      ASSERT_TRUE(is_ok(copy->append("there alone", Expect::any(), {{.type = "There", .payload = "more"}})));
    }
    ASSERT_TRUE(is_ok(copy->close()));
    events_ = here;
  }
  fs::remove_all(temp_ / "copy" / "checkpoints");
  fs::copy(path() / "checkpoints", temp_ / "copy" / "checkpoints", fs::copy_options::recursive);
  auto copy = Store::open(temp_ / "copy", options());
  ASSERT_TRUE(is_ok(copy));
  const auto there = static_cast<std::uint64_t>(2 * events_ - 20);
  EXPECT_EQ(copy->count(Query::type("There")).value(), there);
  EXPECT_EQ(copy->head("there alone").value().version, there);
  EXPECT_EQ(copy->head("stream-7").value().version, 1u);
  EXPECT_EQ(copy->head("here alone").value().version, 0u);
}

TEST_F(CheckpointFileTest, NothingDependsOnThem) {
  fill();
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  // The newest is damaged, in each of its blocks once; then both; then they are gone.
  const auto files = checkpoints();
  ASSERT_EQ(files.size(), 2u);
  for (std::uintmax_t at = 7; at < fs::file_size(files[1]); at += 4'096) {
    std::fstream file(files[1], std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file.put('!');
    file.close();
    reopen(options());
    ASSERT_NO_FATAL_FAILURE(check_heads());
    ASSERT_TRUE(is_ok(store().close()));
    store_.reset();
  }
  for (const fs::path& file : checkpoints()) fs::resize_file(file, 10);
  reopen(options());
  ASSERT_NO_FATAL_FAILURE(check_heads());
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  fs::remove_all(path() / "checkpoints");
  reopen(options());
  ASSERT_NO_FATAL_FAILURE(check_heads());
}

}  // namespace
}  // namespace daybook::test
