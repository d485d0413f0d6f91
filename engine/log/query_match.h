// Whether an event is one that a query asks for, from the event itself: the definition that indexes have to agree with,
// and what publishing decides by.
#pragma once

#include <daybook/error.h>
#include <daybook/event.h>
#include <daybook/query.h>

#include "format/condition.h"

namespace daybook::log {

bool matches(const Query& query, const EventView& event) noexcept;

// The same query as a frame carries it, its `after` included.
bool violates(const format::StoredCondition& condition, const EventView& event) noexcept;

// The limits of daybook/query.h. Error::index is the item at fault, exclusions behind the items.
Result<void> check_query(const Query& query) noexcept;

}  // namespace daybook::log
