// Another try for parked events.
#pragma once

#include <daybook/error.h>
#include <daybook/subscription.h>

#include "store/consumer_progress.h"
#include "store/log_view.h"

namespace daybook::consumers {

// Calls the handler; an exception is its error.
Result<void> call(const EventHandler& handler, const EventView& event);

// Tries each parked event once, by position; what is parked meanwhile, too. Behind one that fails, the others of its stream
// are left.
Result<ReplayReport> replay_parked(const LogView& log, Progress& progress, const EventHandler& handler);

}  // namespace daybook::consumers
