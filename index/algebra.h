// Set algebra over the answers of indexes.
#pragma once

#include <cstdint>
#include <vector>

#include "index/segment_index.h"

namespace daybook::index {

// The events in all of the sets; none when there are no sets. Rarest first, and over as soon as nothing is left. A single
// set comes back as it is, a view as a view. Thread safety: any thread. Allocates.
Postings intersect_all(std::vector<Postings> sets);

// The events in any of the sets. A single set with events comes back as it is.
Postings unite_all(const std::vector<Postings>& sets);

// How many events are in all of the sets, without making the last intersection.
std::uint64_t intersection_size_all(std::vector<Postings> sets);

}  // namespace daybook::index
