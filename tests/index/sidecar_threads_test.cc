// A sidecar is asked by every cursor that comes to its segment, and keeps nothing of it.
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "index/index_model.h"
#include "index/memory_index.h"
#include "index/sidecar.h"

namespace daybook::index {
namespace {

TEST(SidecarThreadsTest, ManyAskAtOnce) {
  const IndexModel model = IndexModel::random(13, {.events = 5'000, .streams = 30});
  MemoryIndex index;
  model.fill(index);
  const std::vector<std::byte> bytes = encode_sidecar(index, model.identity());
  const auto postings = model.postings(KeyKind::stream);
  for (int round = 0; round < 5; ++round) {
    const ParsedSidecar parsed = parse_copy(bytes, model.identity());
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (const auto& [text, ordinals] : postings) {
          if (parsed.sidecar->find({KeyKind::stream, text}, model)->size() != ordinals.size()) ++wrong;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
  }
}

}  // namespace
}  // namespace daybook::index
