#include "index/memory_index.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "index/index_model.h"

namespace daybook::index {
namespace {

TEST(MemoryIndexTest, AnswersAsTheModelDoes) {
  for (const std::uint64_t batch : {1u, 7u}) {
    for (const std::uint32_t events : {0u, 1u, 2u, 100u, 5'000u}) {
      const IndexModel model = IndexModel::random(events + batch, {.events = events, .batch_max = batch});
      MemoryIndex index;
      model.fill(index);
      expect_agrees(index, model);
      ASSERT_FALSE(HasFatalFailure()) << events << " " << batch;
    }
  }
}

// Answers are exact at every moment, not only at the end: sets grow from four ordinals in the entry to a bitmap.
TEST(MemoryIndexTest, IsRightAfterEveryEvent) {
  MemoryIndex index;
  const std::vector<std::string> tags = {"even", "odd"};
  for (std::uint32_t i = 0; i < 300; ++i) {
    index.begin_frame(4096 + std::uint64_t{i} * 64);
    index.add_event({.stream = "s", .type = "t"}, std::vector<std::string_view>{tags[i % 2], tags[i % 2]});
    index.settle();
    ASSERT_EQ(index.count({KeyKind::stream, "s"}), i + 1);
    ASSERT_EQ(index.count({KeyKind::tag, "even"}), i / 2 + 1);
    ASSERT_EQ(*index.find({KeyKind::type, "t"}), Ordinals::range(0, i + 1));
    ASSERT_EQ(index.find({KeyKind::tag, "odd"})->size(), (i + 1) / 2);
  }
}

TEST(MemoryIndexTest, ManyTagsOnOneEvent) {
  MemoryIndex index;
  std::vector<std::string> tags;
  for (int i = 0; i < 200; ++i) tags.push_back("tag-" + std::to_string(i % 150));
  index.begin_frame(4096);
  index.add_event({.stream = "s", .type = "t"}, tags);
  index.add_event({.stream = "s", .type = "t"}, std::vector<std::string_view>());
  index.settle();
  EXPECT_EQ(index.keys(KeyKind::tag), 150u);
  for (const std::string& tag : tags) EXPECT_EQ(index.count({KeyKind::tag, tag}), 1u);
  EXPECT_EQ(index.place(1), (Place{4096, 1}));
}

// Keys of one hash are told apart by their text.
TEST(MemoryIndexTest, SurvivesCollidingHashes) {
  const IndexModel model = IndexModel::random(3, {.events = 300});
  MemoryIndex index([](const Key&) noexcept -> std::uint64_t { return 42; });
  model.fill(index);
  expect_agrees(index, model);
}

// What a segment of rare streams costs: most of its keys have one event.
TEST(MemoryIndexTest, ARareKeyTakesLessThanFiftyBytes) {
  constexpr std::uint32_t kStreams = 200'000;
  std::vector<std::string> streams;
  for (std::uint32_t i = 0; i < kStreams; ++i) streams.push_back("stream-" + std::to_string(i));
  MemoryIndex index;
  for (std::uint32_t i = 0; i < kStreams; ++i) {
    index.begin_frame(4096 + std::uint64_t{i} * 8);
    index.add_event({.stream = streams[i], .type = "t"}, std::vector<std::string_view>());
  }
  index.settle();
  const double frames = 2.0 * static_cast<double>(sizeof(std::uint32_t) * index.frame_units().size());
  EXPECT_LT((static_cast<double>(index.heap_bytes()) - frames) / kStreams, 50.0);
}

}  // namespace
}  // namespace daybook::index
