#include "sweep/sample_store.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include <daybook/store.h>

#include "crash/stepped_append.h"
#include "format/layout.h"
#include "support/sim_disk.h"

namespace daybook::test {
namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "sample store: %s\n", describe(result.error()).c_str());
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : seed_(seed) {}

  Sample make(Ended ended) {
    sample_.history = std::make_unique<History>();
    OpenOptions options;
    options.segment_size = format::kSegmentSizeMin;
    options.durability = Durability::memory;
    store_.emplace(must(StoreAccess::open(disk_.open(), options)));
    while (must(store_->info()).segments.size() < 2 || last_segment_position() == 0) append_some(900);
    for (int i = 0; i < 3; ++i) append_some(40);
    lose_a_race();
    must(store_->sync());
    append_some(40);  // frames whose floor says that everything before was durable
    must(store_->sync());
    sample_.durable = history().events().size();
    if (ended == Ended::killed) {
      append_some(10);
      append_some(700);
      sample_.killed = true;
    }
    // Segment 1 is sealed in the background.
    while (!must(store_->info()).segments.front().sealed) {
    }
    if (ended == Ended::closed) must(store_->close());
    take_files(ended);
    return std::move(sample_);
  }

 private:
  History& history() { return *sample_.history; }
  Position last_segment_position() { return must(store_->info()).segments.back().last_position; }

  void append(std::vector<StoredEvent> frame) {
    std::vector<NewEvent> events;
    for (StoredEvent& event : frame) events.push_back(event.as_new());
    std::vector<StreamAppend> streams;
    for (std::size_t i = 0; i < frame.size(); ++i) {
      if (i > 0 && frame[i].stream == frame[i - 1].stream) {
        streams.back().events = std::span(streams.back().events.data(), streams.back().events.size() + 1);
      } else {
        streams.push_back({.stream = frame[i].stream, .events = std::span(events).subspan(i, 1)});
      }
    }
    history().attempt(frame);
    must(store_->append(streams));
    history().publish();
  }
  void append_some(std::size_t payload) {
    std::vector<StoredEvent> frame;
    frame.emplace_back(seed_, ++serial_, "one", payload);
    append(frame);
    frame.clear();
    for (int i = 0; i < 3; ++i) frame.emplace_back(seed_, ++serial_, "batch", payload + static_cast<std::size_t>(i));
    append(frame);
    frame.clear();
    frame.emplace_back(seed_, ++serial_, "a", payload / 2);
    frame.emplace_back(seed_, ++serial_, "a", 0);
    frame.emplace_back(seed_, ++serial_, "b", payload / 3);
    append(frame);
  }
  // Leaves a rejected frame.
  void lose_a_race() {
    const NewEvent event{.type = "Loser", .payload = "never to be seen"};
    std::array<StreamAppend, 1> streams{
        {{.stream = "one", .expect = Expect::exactly(history().version("one")), .events = std::span(&event, 1)}}};
    std::vector<StoredEvent> winner;
    winner.emplace_back(seed_, ++serial_, "one", 20);
    const auto lost = append_in_steps(*store_, streams, [&](log::Step step) {
      if (step != log::Step::begun) return;
      auto hook = std::exchange(SteppedEnv::hook, nullptr);
      append(winner);
      SteppedEnv::hook = std::move(hook);
    });
    if (lost) std::abort();
  }

  void take_files(Ended ended) {
    const SimDisk disk = disk_.kill();
    store_.reset();
    auto directory = must(disk.open()->subdirectory(format::kSegmentsName, false));
    for (const std::string& name : must(directory->list())) {
      // A segment that was prepared and never entered would only be removed again.
      if (ended == Ended::killed && name > format::segment_name(2)) continue;
      if (!format::parse_segment_name(name)) continue;  // sidecars: tests/index damages those
      sample_.segments[name] = *disk.newest(std::string(format::kSegmentsName) + "/" + name);
    }
    sample_.top[std::string(format::kLockName)] = *disk.newest(format::kLockName);
  }

  const std::uint64_t seed_;
  std::uint64_t serial_ = 0;
  SimDisk disk_;
  std::optional<Store> store_;
  Sample sample_;
};

}  // namespace

Sample make_sample(Ended ended, std::uint64_t seed) { return Maker(seed).make(ended); }

}  // namespace daybook::test
