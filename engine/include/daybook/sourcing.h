// The event-sourcing layer. JSON and SQLite have headers of their own, <daybook/sourcing/json.h> and
// <daybook/sourcing/sqlite_projection.h>, because the one takes Boost and the other a library (daybook::sqlite).
#pragma once

#include <daybook/sourcing/aggregate.h>
#include <daybook/sourcing/apply.h>
#include <daybook/sourcing/as_of.h>
#include <daybook/sourcing/catalog.h>
#include <daybook/sourcing/codec.h>
#include <daybook/sourcing/command_bus.h>
#include <daybook/sourcing/command_id.h>
#include <daybook/sourcing/decision.h>
#include <daybook/sourcing/decoder.h>
#include <daybook/sourcing/difference.h>
#include <daybook/sourcing/event_context.h>
#include <daybook/sourcing/event_query.h>
#include <daybook/sourcing/event_set.h>
#include <daybook/sourcing/event_type.h>
#include <daybook/sourcing/per_stream.h>
#include <daybook/sourcing/projection.h>
#include <daybook/sourcing/raw.h>
#include <daybook/sourcing/repository.h>
#include <daybook/sourcing/retry.h>
#include <daybook/sourcing/snapshot_policy.h>
#include <daybook/sourcing/unit_of_work.h>
