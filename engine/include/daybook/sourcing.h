// The event-sourcing layer: typed events. JSON has a header of its own, <daybook/sourcing/json.h>, because it takes
// Boost.
#pragma once

#include <daybook/sourcing/codec.h>
#include <daybook/sourcing/decoder.h>
#include <daybook/sourcing/event_set.h>
#include <daybook/sourcing/event_type.h>
#include <daybook/sourcing/raw.h>
