// The index of the whole log: its parts in order, made or opened when they are first needed, and brought up to date by
// whoever asks. Appenders have no part in it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <daybook/error.h>
#include <daybook/options.h>
#include <daybook/store.h>
#include <daybook/types.h>

#include "log/checkpoint_file.h"
#include "log/part.h"
#include "log/query_plan.h"
#include "log/segment_set.h"

namespace daybook::log {

using Parts = std::vector<std::shared_ptr<Part>>;

// Thread safety: all methods, from any thread.
class LogIndex {
 public:
  // `checkpoints` is null where there are none.
  explicit LogIndex(std::shared_ptr<SegmentSet> segments, std::unique_ptr<io::Directory> checkpoints = nullptr)
      : segments_(std::move(segments)), checkpoints_(std::move(checkpoints)) {}

  // The parts of the log from the oldest on, with everything that was published when this was called. What is in the list
  // does not change, but its last part may grow.
  Result<std::shared_ptr<const Parts>> parts();

  // The last event of a stream: version 0 when there is none.
  Result<StreamHead> head(std::string_view stream);

  // The same among the events up to `end`, which were there when the log was opened: takes in nothing that was appended
  // since. By the newest checkpoint, where there is one: of the segments that it covers, only those are opened that may
  // have the stream.
  Result<StreamHead> head_before(std::string_view stream, Position end);

  // How many events match.
  Result<std::uint64_t> count(const QueryPlan& plan, const PositionWindow& window);
  // The position of the first or, backward, of the last event that matches; 0 = none.
  Result<Position> end_of(const QueryPlan& plan, const PositionWindow& window, Direction direction);
  static Result<Position> end_of(const Parts& parts, const QueryPlan& plan, const PositionWindow& window,
                                 Direction direction);

  // The position of the newest event with that id among those behind `after`; 0 = none.
  Result<Position> find_id(const EventId& id, Position after = 0);
  static Result<Position> find_id(const Parts& parts, const EventId& id, Position after);

  // Every key of a kind that begins with `prefix`, with its number of events, in the order of their bytes.
  Result<std::vector<KeyCount>> keys(index::KeyKind kind, std::string_view prefix);

  // Every type that begins with `prefix` with each schema version that its events have, in that order.
  Result<std::vector<TypeCount>> types_by_version(std::string_view prefix);

  // `want` is called with each sealed segment whose sidecar is missing or no good. Set it before anybody asks.
  void when_wanted(std::function<void(std::uint64_t segment)> want) { want_ = std::move(want); }
  // The sidecar of that segment has been written: queries that begin from now on use it.
  void adopt_sidecar(std::uint64_t segment);
  // The part that has all of a segment in memory, if there is one: its index need not be made again.
  [[nodiscard]] std::shared_ptr<Part> in_memory(std::uint64_t segment);

  [[nodiscard]] const std::shared_ptr<SegmentSet>& segments() const noexcept { return segments_; }

 private:
  class VersionCounts;

  static Result<StreamHead> head_in(const Part& part, std::string_view stream, Position end);
  Result<void> extend();
  Result<bool> add_segment(std::uint64_t number);
  // The parts of one segment, made once; none: it is not there, or publishing has not entered it.
  Result<Parts> parts_of(std::uint64_t number);
  Result<Parts> make_parts(std::uint64_t number) const;
  // What head_before() has to look at, newest first, besides what the checkpoint answers.
  Result<void> begin_heads();
  Result<StreamHead> head_in_covered(std::string_view stream, Position end);
  static std::shared_ptr<Part> part_behind(const std::shared_ptr<Part>& part);

  const std::shared_ptr<SegmentSet> segments_;
  std::function<void(std::uint64_t)> want_;
  std::mutex mutex_;
  std::shared_ptr<const Parts> parts_ = std::make_shared<const Parts>();
  bool begun_ = false;
  std::map<std::uint64_t, Parts> made_;  // by segment: parts that extend() has not come to yet

  const std::unique_ptr<io::Directory> checkpoints_;
  bool heads_begun_ = false;
  std::unique_ptr<CheckpointFile> checkpoint_;  // null: none, or not of this log as it is
  std::shared_ptr<const Parts> uncovered_;      // of the segments behind it
};

}  // namespace daybook::log
