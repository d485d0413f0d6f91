#include "log/indexed_history.h"

#include "log/query_plan.h"

namespace daybook::log {

// In this order: parts end behind what was published before they were asked for, and may have grown since; so both ends
// are safe to say.
Result<IndexedHistory::Now> IndexedHistory::look() {
  const Point published = state_.published();
  auto parts = index_->parts();
  if (!parts) return fail(parts.error());
  Now now{.parts = std::move(*parts), .looked = format::Address::unpack(published.address)};
  return now;
}

Result<History::Match> IndexedHistory::first_match(const Query& query, Position after) {
  const auto now = look();
  if (!now) return fail(now.error());
  const auto found = index_->end_of(*now->parts, QueryPlan(query), {.after = after}, Direction::forward);
  if (!found) return fail(found.error());
  return Match{*found, now->looked};
}

Result<History::IdMatches> IndexedHistory::find_ids(std::span<const EventId> ids) {
  const auto now = look();
  if (!now) return fail(now.error());
  const Position newest = state_.published().position;
  const Position after = newest > id_horizon_ ? newest - id_horizon_ : 0;
  IdMatches matches{.looked = now->looked};
  matches.positions.reserve(ids.size());
  for (const EventId& id : ids) {
    const auto found = index_->find_id(*now->parts, id, after);
    if (!found) return fail(found.error());
    matches.positions.push_back(*found);
  }
  return matches;
}

}  // namespace daybook::log
