// The walk over the events that a query matches, by their indexes: touches only what it returns.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <daybook/options.h>

#include "log/event_cursor.h"
#include "log/event_fetcher.h"
#include "log/log_index.h"
#include "log/look_ahead.h"
#include "log/query_plan.h"

namespace daybook::log {

// Thread safety: none. Forward, it goes on when more was appended; and then sees the events that match of that.
class QueryCursor final : public EventCursor {
 public:
  QueryCursor(std::shared_ptr<LogIndex> index, QueryPlan plan, const ReadOptions& options);

  [[nodiscard]] std::shared_ptr<const void> pin() const override;

 private:
  static constexpr std::size_t kBlockMax = 32;

  bool load() override;
  // The next part with events to look at is at hand. False: none for now, or an error.
  bool next_part();
  // The next part that may have some; null: there is none, or an error. Those before it go out of the window.
  Part* part_in_window();
  // How many parts, from the beginning of the list, have begun where the window does, or ends, backward.
  std::size_t begun();
  // Whether there may be some, among those in looked_at_.
  Result<bool> looks_into(Part& part);
  // Looks ahead when the next part, `left` parts from the end of the list, has not been looked at.
  void look_ahead(std::size_t left);
  bool enter(const Part& part);
  // What the part has of the events in question, among those in looked_at_.
  Result<void> find_matches(const Part& part, const index::SegmentIndex& index);
  // The same, by the index alone.
  Result<void> evaluate(const Part& part, const index::SegmentIndex& index);
  // What is in the window of a part, as far as it is visible.
  [[nodiscard]] OrdinalRange visible(const Part& part, const index::SegmentIndex& index) const;
  // Takes everything of the part at hand out of the window.
  void leave();
  // The next ordinals of the part at hand, ascending in either direction, in `room` or of known_; fewer than there is room for
  // only when there are no more, and nothing is left then. Its index must not change meanwhile.
  std::span<const std::uint32_t> take(std::span<std::uint32_t> room);
  bool read(const index::SegmentIndex& index, std::span<const std::uint32_t> ordinals);
  // What was found ahead in the part at hand is of another key: its matches once more, by the index.
  bool evaluate_again(const index::SegmentIndex& index);
  // Keeps of the next `count` events at end_ those that are asked for.
  void keep(std::size_t count);
  // An event that is not as it should be. Those before it are returned first, forward, and the error is met again when they
  // are used up.
  bool stop_at(std::uint32_t ordinal, const Error& error);
  // Frames of the part at hand from this offset on need no checksums.
  [[nodiscard]] std::uint64_t trusted_from() const noexcept;

  const std::shared_ptr<LogIndex> index_;
  const QueryPlan plan_;
  const Visibility visibility_;
  const std::optional<bool> verify_;
  const std::optional<index::Key> key_;  // of plan_
  const bool key_alone_;                 // which is all that it says
  const bool far_;                       // many events may be read
  PositionWindow window_;                // what is still to be looked at
  SegmentChoice choice_;

  static constexpr std::size_t kNowhere = ~std::size_t{0};
  bool in_first_ = true;           // no part is used up yet, and the first one may be all that is read
  std::size_t begun_ = kNowhere;   // as many as begun() said last
  std::size_t unseen_ = kNowhere;  // looked ahead at all parts but so many
  LookAhead ahead_;

  std::shared_ptr<const Parts> parts_;
  const Part* part_ = nullptr;            // at hand, one of parts_; or null
  std::optional<EventFetcher> events_;    // of it, once one has been read
  OrdinalRange looked_at_;                // of it
  QueryPlan::Matches matches_;            // in that; what is left of their range
  std::span<const std::uint32_t> known_;  // not empty: the matches are those of these, which were found ahead
  bool unproven_ = false;                 // and may be of another key
  std::size_t block_size_ = 4;            // grows: the first page is often all that is read
  std::vector<EventView> block_;
  std::array<index::Place, kBlockMax> places_;  // of a block that was not looked ahead at
};

}  // namespace daybook::log
