// Daybook: an embeddable event store. This header is all an application needs.
#pragma once

#include <daybook/consumer.h>
#include <daybook/cursor.h>
#include <daybook/error.h>
#include <daybook/event.h>
#include <daybook/options.h>
#include <daybook/query.h>
#include <daybook/snapshot.h>
#include <daybook/store.h>
#include <daybook/subscription.h>
#include <daybook/types.h>
