// The segments of a log as readers see them, opened when they are needed.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <daybook/error.h>
#include <daybook/types.h>

#include "format/layout.h"
#include "io/directory.h"
#include "log/live_page.h"
#include "segment/frame_marks.h"
#include "segment/segment.h"

namespace daybook::log {

// The folder of a store's segments. Errc::not_found: there is none, and it was not to be made.
Result<std::unique_ptr<io::Directory>> open_segments(io::Directory& store, bool create);

// A segment and what readers have found out about it.
struct ReadSegment {
  // Written by nobody in this process, unless `from` says otherwise.
  static constexpr std::uint64_t kNowhere = ~std::uint64_t{0};
  explicit ReadSegment(std::shared_ptr<segment::Segment> mapped, std::uint64_t from = kNowhere)
      : segment(std::move(mapped)), written_from(from), marks(*segment) {}

  const std::shared_ptr<segment::Segment> segment;
  const std::uint64_t written_from;  // frames from this offset on were written in this session
  segment::FrameMarks marks;
};

// Thread safety: all methods, from any thread. Lifetime: cursors share it, so it outlives the store.
class SegmentSet {
 public:
  enum class Role : std::uint8_t { writer, reader };  // of this process

  SegmentSet(std::unique_ptr<io::Directory> segments, std::unique_ptr<LivePage> live, Role role);

  // A segment that the writer has made, or gone on with at `written_from`: its own mapping serves readers too.
  void add(std::shared_ptr<segment::Segment> segment, std::uint64_t written_from);

  // not_found: there is no such segment (yet). closed, here and below: this is a forked child of the writer, which has
  // not its mappings.
  Result<std::shared_ptr<ReadSegment>> get(std::uint64_t number);

  // The numbers of the segments in the directory, ascending. The writer lists it once: after that, only add() brings more.
  Result<std::vector<std::uint64_t>> numbers();

  // The end of what is durable, for cursors that stop there; nothing = everything that can be read is (no writer since
  // this machine was started).
  [[nodiscard]] std::optional<format::Address> durable() const noexcept;

  [[nodiscard]] io::Directory& directory() noexcept { return *segments_; }
  [[nodiscard]] LivePage* live() noexcept { return live_.get(); }
  [[nodiscard]] bool writing() const noexcept { return role_ == Role::writer; }

  // The log that the segments belong to; set once, before anybody reads.
  void set_log(const Uuid& log) noexcept { log_ = log; }
  [[nodiscard]] const Uuid& log() const noexcept { return log_; }

  // The writer: everything below `end` is durable.
  void set_durable(format::Address end) noexcept;

  // Errc::closed in a forked child of the writer, where a lock may be held by a thread that is not there.
  Result<void> check_process() const;

 private:
  static constexpr std::size_t kMappedMax = 1024;  // sealed segments that stay mapped for the next cursor

  const std::unique_ptr<io::Directory> segments_;
  const std::unique_ptr<LivePage> live_;
  const Role role_;
  const std::uint32_t fork_generation_;
  Uuid log_{};
  std::atomic<std::uint64_t> durable_ = 0;  // of the writer; never goes back

  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::shared_ptr<ReadSegment>> open_;
  std::uint64_t newest_ = 0;                           // the last that the writer has added
  std::optional<std::vector<std::uint64_t>> numbers_;  // of the writer, once they were listed
};

}  // namespace daybook::log
