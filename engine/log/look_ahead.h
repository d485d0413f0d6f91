// What the parts that a cursor comes to next will be asked for, brought to the cache.
#pragma once

#include <cstddef>
#include <span>

#include "index/key.h"
#include "log/part.h"

namespace daybook::log {

// A stream of a hundred events has a handful in each of many segments, and each look-up is a chain of cache misses: bucket,
// entries, place, frame. This walks the chains of several parts side by side, so that their misses overlap. It answers
// nothing and checks nothing: the look-up comes later, and finds its way warm.
//
// Of those parts that are open, over a sidecar; others are passed over.
void look_ahead(std::span<const Part* const> parts, const index::Key& key);

// More parts than that are not looked at.
inline constexpr std::size_t kLookAheadMax = 8;

}  // namespace daybook::log
