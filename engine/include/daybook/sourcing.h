// The event-sourcing layer: typed events and their older forms. JSON has a header of its own, <daybook/sourcing/json.h>, because it takes
// Boost.
#pragma once

#include <daybook/sourcing/catalog.h>
#include <daybook/sourcing/codec.h>
#include <daybook/sourcing/decoder.h>
#include <daybook/sourcing/event_set.h>
#include <daybook/sourcing/event_type.h>
#include <daybook/sourcing/raw.h>
#include <daybook/sourcing/upcast_result.h>
