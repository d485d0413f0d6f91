// What benchmarks append: the same bytes in every run.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event.h>
#include <daybook/store.h>

#include "scratch.h"

namespace daybook::bench {

// Text that no compression gets rid of.
std::string make_payload(std::size_t size);

// Names of streams, all of one length, side by side in memory.
class StreamNames {
 public:
  explicit StreamNames(std::uint64_t count);

  [[nodiscard]] std::uint64_t size() const noexcept { return count_; }
  [[nodiscard]] std::string_view operator[](std::uint64_t index) const noexcept {
    return std::string_view(text_).substr(index * kSize, kSize);
  }

 private:
  static constexpr std::size_t kSize = 15;  // "account-0000001"

  std::uint64_t count_;
  std::string text_;
};

// Appends of one size: a number of events in a frame, each to its own stream. The streams come in turn; where a stream's
// entry in the stream table is, is random.
class Workload {
 public:
  Workload(std::uint64_t payload_size, std::uint64_t streams, std::uint64_t batch);

  [[nodiscard]] std::uint64_t batch() const noexcept { return batch_; }
  [[nodiscard]] std::uint64_t streams() const noexcept { return names_.size(); }
  [[nodiscard]] std::uint64_t frame_size() const noexcept { return frame_size_; }
  [[nodiscard]] std::string_view stream(std::uint64_t index) const noexcept { return names_[index]; }
  [[nodiscard]] std::span<const NewEvent> event() const noexcept { return {&event_, 1}; }

  // Gives every stream its first event, and the store time to find room for them.
  void seed(Store& store) const;

 private:
  std::string payload_;
  StreamNames names_;
  std::uint64_t batch_;
  NewEvent event_;
  std::uint64_t frame_size_ = 0;
};

// Appends so many MiB, and syncs them.
void append_filler(Store& store, int mebibytes);

// Goes on to the second segment, which was zeroed in the background: from there on durable appends are steady.
void leave_first_segment(Store& store);

// One thread's appends of a workload.
class Appends {
 public:
  // Threads begin at different streams.
  Appends(const Workload& workload, unsigned thread, unsigned threads)
      : workload_(&workload), next_(workload.streams() * thread / threads), batch_(workload.batch()) {}

  // One append; its number of events.
  std::uint64_t operator()(Store& store) {
    if (batch_.size() == 1) {
      const auto appended = store.append(next_stream(), Expect::any(), workload_->event());
      if (!appended) stop(appended.error());
      return 1;
    }
    for (StreamAppend& append : batch_) {
      append.stream = next_stream();
      append.events = workload_->event();
    }
    const auto appended = store.append(batch_);
    if (!appended) stop(appended.error());
    return batch_.size();
  }

 private:
  // In turn, without a division: it would be part of what is measured.
  std::string_view next_stream() noexcept {
    const std::string_view stream = workload_->stream(next_);
    if (++next_ == workload_->streams()) next_ = 0;
    return stream;
  }

  const Workload* workload_;
  std::uint64_t next_;
  std::vector<StreamAppend> batch_;
};

// The least that an append could do: copy the bytes of its frame into prepared memory, and sum them up.
class FloorCopies {
 public:
  // Each thread has its part of the region.
  FloorCopies(const Workload& workload, std::span<std::byte> region, unsigned thread, unsigned threads);

  // The bytes of one append.
  void operator()() noexcept;
  // Behind the last byte written.
  [[nodiscard]] std::byte* end() const noexcept { return to_; }

 private:
  std::vector<std::byte> frame_;
  std::span<std::byte> part_;
  std::byte* to_;
};

}  // namespace daybook::bench
