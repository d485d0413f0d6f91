// A query made ready to be evaluated part by part, on sets alone.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/error.h>
#include <daybook/options.h>
#include <daybook/query.h>
#include <daybook/types.h>

#include "index/segment_index.h"
#include "index/selection.h"
#include "log/event_fetcher.h"
#include "log/part.h"
#include "log/segment_choice.h"

namespace daybook::log {

// Ordinals of a part: [begin, end).
struct OrdinalRange {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  [[nodiscard]] bool empty() const noexcept { return begin >= end; }
};

// Positions of the log: after < position < before.
struct PositionWindow {
  Position after = 0;
  Position before = std::numeric_limits<Position>::max();

  // What it is of a part with so many events.
  [[nodiscard]] OrdinalRange of(Position base, std::uint64_t events) const noexcept;
};

struct VersionWindow {
  Version from = 1;
  Version to = std::numeric_limits<Version>::max();  // inclusive
};

// Thread safety: const members, from any thread.
class QueryPlan {
 public:
  // Copies the query. It has passed check_query().
  explicit QueryPlan(Query query);
  // The events of one stream in a window of versions.
  QueryPlan(std::string stream, VersionWindow versions);

  // Which of the segments that the checkpoint covers may hold events in question.
  [[nodiscard]] SegmentMask segments(const index::Checkpoint& checkpoint) const;

  // The key that all of them have, where the query is of one alone.
  [[nodiscard]] std::optional<index::Key> key() const noexcept;

  // Whether all events of that key are in question.
  [[nodiscard]] bool is_key_alone() const noexcept;

  // What a part holds of the events in question.
  struct Matches {
    index::Selection events;   // not yet cropped to `range`
    OrdinalRange range;        // only those in here
    bool by_occurred = false;  // each must still be asked when it occurred
  };
  // `index` is the part's. The sets may be views into the index.
  Result<Matches> evaluate(const Part& part, const index::SegmentIndex& index, const PositionWindow& window) const;

  // How many events of the part match; on sets alone, unless the part is half inside a window of occurred-at times.
  Result<std::uint64_t> count(const Part& part, const index::SegmentIndex& index, const PositionWindow& window) const;

  // The position of the first or last of them; 0 = there are none.
  Result<Position> end_of(const Part& part, const index::SegmentIndex& index, const PositionWindow& window,
                          Direction direction) const;

  [[nodiscard]] bool occurred_inside(Timestamp time) const noexcept;

 private:
  [[nodiscard]] OrdinalRange crop_by_time(const index::SegmentIndex& index, EventFetcher& events,
                                          OrdinalRange range) const;
  Result<void> crop_by_version(const index::Postings& postings, EventFetcher& events, OrdinalRange& range) const;
  [[nodiscard]] static index::Selection find(const QueryItem& item, const index::SegmentIndex& index,
                                             const EventFetcher& events);
  [[nodiscard]] static index::Selection find_any(const std::vector<QueryItem>& items, const index::SegmentIndex& index,
                                                 const EventFetcher& events);
  [[nodiscard]] bool outside(const index::CheckpointSegment& segment) const noexcept;

  [[nodiscard]] bool within_times() const noexcept;
  [[nodiscard]] bool within_versions() const noexcept;

  Query query_;
  std::optional<VersionWindow> versions_;
};

}  // namespace daybook::log
