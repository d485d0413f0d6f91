// The index of a process that only reads: it follows a log for as long as it likes in bounded memory.
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "format/layout.h"
#include "io/directory.h"
#include "log/live_page.h"
#include "log/log_index.h"
#include "log/segment_set.h"
#include "store/store_fixture.h"

namespace daybook::test {
namespace {

class ReaderIndexTest : public StoreTest {
 protected:
  void fill_a_segment() {
    const std::uint64_t segments = store().info()->segments.size();
    while (store().info()->segments.size() == segments) append_to("s", "payload");
  }
  // Until all sealed segments have sidecars.
  void wait_for_sidecars() {
    const auto all_there = [this] {
      const StoreInfo info = store().info().value();
      for (const SegmentInfo& segment : info.segments) {
        if (segment.sealed && !std::filesystem::exists(path() / "segments" / format::sidecar_name(segment.number))) {
          return false;
        }
      }
      return true;
    };
    for (int i = 0; i < 2'000 && !all_there(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ASSERT_TRUE(all_there());
  }
};

TEST_F(ReaderIndexTest, GoesOverToTheSidecarsOfTheWriter) {
  append_to("s", "payload");
  const auto directory = io::open_directory(path().string(), false);
  ASSERT_TRUE(is_ok(directory));
  auto segments = log::open_segments(**directory, false);
  ASSERT_TRUE(is_ok(segments));
  log::LogIndex index(std::make_shared<log::SegmentSet>(std::move(*segments), log::LivePage::open_reader(**directory),
                                                        log::SegmentSet::Role::reader));
  const auto in_memory = [&] {
    const auto parts = index.parts();
    EXPECT_TRUE(is_ok(parts));
    std::size_t count = 0;
    for (const std::shared_ptr<log::Part>& part : **parts) count += part->is_open() && part->sidecar() == nullptr;
    return count;
  };
  EXPECT_EQ(in_memory(), 1u);
  for (int round = 0; round < 6; ++round) {
    fill_a_segment();
    ASSERT_NO_FATAL_FAILURE(wait_for_sidecars());
    EXPECT_LE(in_memory(), 2u) << round;
    const auto head = index.head("s");
    ASSERT_TRUE(is_ok(head));
    EXPECT_EQ(head->version, store().published_position());
  }
}

}  // namespace
}  // namespace daybook::test
