// What appends need that depend on more than the heads of their own streams: conditions, ids, checks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <daybook/error.h>
#include <daybook/query.h>
#include <daybook/store.h>

#include "log/history.h"
#include "log/segment_set.h"

namespace daybook::log {

// Lifetime: as long as the appender that uses it.
struct Past {
  History& history;
  std::shared_ptr<SegmentSet> segments;
  bool check_ids = true;
};

// The ids of an append's events and whose they are, in order.
struct NewIds {
  std::vector<EventId> ids;
  std::vector<std::uint32_t> events;  // counted over the whole append
};
// duplicate_id when two events have the same.
Result<NewIds> collect_ids(std::span<const StreamAppend> streams);

// The limits, and no violations found yet.
Result<void> prepare(std::span<AppendCondition> conditions) noexcept;

// Looks all conditions up. Violations count up to `last`; `looked` goes down to what has been looked at for all of them.
Result<void> look_up(History& history, std::span<AppendCondition> conditions, Position last, format::Address& looked);

// The error for the first condition that is violated.
std::optional<Error> first_violation(std::span<const AppendCondition> conditions) noexcept;

// The event at `position` has the id of event number `event` of an append. Its first result, if that very append put it
// there, with `end` behind its frame; else duplicate_id.
Result<Appended> find_first_append(const Past& past, std::span<StreamAppend> streams, std::uint32_t event,
                                   Position position, format::Address& end);

}  // namespace daybook::log
