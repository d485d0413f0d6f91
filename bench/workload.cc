#include "workload.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include <benchmark/benchmark.h>

#include "format/checksum.h"
#include "format/frame.h"

namespace daybook::bench {

std::string make_payload(std::size_t size) {
  std::string text;
  text.reserve(size);
  std::uint64_t state = 0x9e3779b97f4a7c15;
  while (text.size() < size) {
    state = state * 6364136223846793005 + 1442695040888963407;
    text += static_cast<char>(' ' + (state >> 33) % 95);
  }
  return text;
}

StreamNames::StreamNames(std::uint64_t count) : count_(count) {
  text_.reserve(count * kSize);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string digits = std::to_string(i + 1);
    text_ += "account-" + std::string(7 - digits.size(), '0') + digits;
  }
}

Workload::Workload(std::uint64_t payload_size, std::uint64_t streams, std::uint64_t batch)
    : payload_(make_payload(payload_size)),
      names_(streams),
      batch_(batch),
      event_{.type = "MoneyDeposited", .payload = payload_} {
  std::vector<StreamAppend> appends(batch);
  for (std::uint64_t i = 0; i < batch; ++i) appends[i] = {.stream = names_[i], .events = event()};
  frame_size_ = must(format::measure(appends, payload_size)).size;
}

void Workload::seed(Store& store) const {
  constexpr std::uint64_t kAtOnce = 1'000;
  const NewEvent opened{.type = "AccountOpened"};
  std::vector<StreamAppend> appends;
  for (std::uint64_t i = 0; i < names_.size();) {
    appends.clear();
    for (; i < names_.size() && appends.size() < kAtOnce; ++i) {
      appends.push_back({.stream = names_[i], .events = {&opened, 1}});
    }
    must(store.append(appends, {.durability = Durability::memory}));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(names_.size() > 10'000 ? 100 : 5));
}

void append_filler(Store& store, int mebibytes) {
  const std::string payload = make_payload(1u << 20);
  const NewEvent big{.type = "Filler", .payload = payload};
  for (int i = 0; i < mebibytes; ++i) {
    must(store.append("filler", Expect::any(), {&big, 1}, {.durability = Durability::memory}));
  }
  must(store.sync());
}

void leave_first_segment(Store& store) {
  append_filler(store, 65);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  append_filler(store, 64);
}

FloorCopies::FloorCopies(const Workload& workload, std::span<std::byte> region, unsigned thread, unsigned threads)
    : frame_(workload.frame_size()) {
  const std::string bytes = make_payload(frame_.size());
  std::memcpy(frame_.data(), bytes.data(), frame_.size());
  const std::size_t size = region.size() / threads / 4096 * 4096;
  part_ = region.subspan(size * thread, size);
  to_ = part_.data();
}

void FloorCopies::operator()() noexcept {
  if (to_ + frame_.size() > part_.data() + part_.size()) to_ = part_.data();
  std::memcpy(to_, frame_.data(), frame_.size());
  benchmark::DoNotOptimize(format::crc32c(format::kCrcInit, to_, frame_.size()));
  to_ += frame_.size();
}

}  // namespace daybook::bench
