// Checkpoints as files: that they are made, that they spare opening what they cover, and that nothing depends on them.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
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

// Segments that a checkpoint covers are not opened for a stream that none of them has: they may even be gone bad.
TEST_F(CheckpointFileTest, ANewStreamOpensNoSegmentThatIsCovered) {
  fill();
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  for (const std::uint64_t number : {1, 2}) {
    fs::remove(path() / "segments" / format::sidecar_name(number));
    std::fstream file(path() / "segments" / format::segment_name(number), std::ios::in | std::ios::out);
    file.seekp(format::kDataStart + 512);
    file << "damage";
  }
  reopen(options());
  EXPECT_TRUE(is_ok(store().append("somebody new", Expect::no_stream(), {{.type = "T"}})));
  // Where the checkpoints are gone, nobody can know that it is new.
  ASSERT_TRUE(is_ok(store().close()));
  store_.reset();
  fs::remove_all(path() / "checkpoints");
  reopen(options());
  EXPECT_TRUE(fails_with(store().append("somebody else", Expect::no_stream(), {{.type = "T"}}), Errc::corrupt));
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
