// The index of the whole log: its parts in order, opened when they are first needed, and brought up to date by whoever
// asks. Appenders have no part in it.
#pragma once

#include <cstdint>
#include <functional>
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
#include "log/segment_choice.h"
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
  // does not change, but its last part may grow. Those of sealed segments may not be open: see ready(). A reader that has come
  // to another segment goes over to the sidecars that the writer has made meanwhile of those before it.
  Result<std::shared_ptr<const Parts>> parts();

  // Whether a part has to be asked for events in that window; it is open then. False: it has none there, or the newest
  // checkpoint knows that it has none of those that were chosen. `part` is one of parts().
  Result<bool> ready(Part& part, const PositionWindow& window, SegmentChoice& choice);

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
  Result<Position> end_of(const Parts& parts, const QueryPlan& plan, const PositionWindow& window, Direction direction);

  // The position of the newest event with that id among those behind `after`; 0 = none.
  Result<Position> find_id(const EventId& id, Position after = 0);
  Result<Position> find_id(const Parts& parts, const EventId& id, Position after);

  // Every key of a kind that begins with `prefix`, with its number of events, in the order of their bytes.
  Result<std::vector<KeyCount>> keys(index::KeyKind kind, std::string_view prefix);

  // Every type that begins with `prefix` with each schema version that its events have, in that order.
  Result<std::vector<TypeCount>> types_by_version(std::string_view prefix);

  // `want` is called with each sealed segment whose sidecar is missing or no good; empty: nobody is told. Cursors may
  // outlive whoever is told: after that it is not called any more.
  void when_wanted(std::function<void(std::uint64_t segment)> want);
  // The sidecar of that segment has been written: queries that begin from now on use it.
  void adopt_sidecar(std::uint64_t segment);
  // The part that has all of a segment in memory, if there is one: its index need not be made again.
  [[nodiscard]] std::shared_ptr<Part> in_memory(std::uint64_t segment);

  [[nodiscard]] const std::shared_ptr<SegmentSet>& segments() const noexcept { return segments_; }

 private:
  class VersionCounts;

  static Result<StreamHead> head_in(const Part& part, std::string_view stream, Position end);
  // The newest of those parts that has the stream says.
  Result<StreamHead> head_in(const Parts& parts, std::string_view stream, Position end);
  Result<void> begin();
  // True: it came to another segment.
  Result<bool> extend();
  // Segments that are all in memory, and need not be when they have sidecars.
  [[nodiscard]] std::vector<std::uint64_t> complete_in_memory() const;
  // The parts of one segment; none: it is not there, or publishing has not entered it.
  Result<Parts> make_parts(std::uint64_t number) const;
  static std::shared_ptr<Part> part_behind(const std::shared_ptr<Part>& part);
  // The newest checkpoint, if it is of the log as it is, whose segments have those numbers.
  [[nodiscard]] std::unique_ptr<CheckpointFile> find_checkpoint(std::span<const std::uint64_t> numbers) const;
  Result<void> open(Part& part) { return part.is_open() ? Result<void>() : open_closed(part); }
  Result<void> open_closed(Part& part);

  const std::shared_ptr<SegmentSet> segments_;
  const std::unique_ptr<io::Directory> checkpoints_;

  std::mutex want_mutex_;
  std::function<void(std::uint64_t)> want_;

  std::mutex mutex_;
  std::shared_ptr<const Parts> parts_ = std::make_shared<const Parts>();
  bool begun_ = false;
  // Does not change once there are parts. Null: there is none.
  std::unique_ptr<CheckpointFile> checkpoint_;
};

}  // namespace daybook::log
