// Whether bytes of a file that must be zero are.
#pragma once

#include <cstdint>
#include <optional>

#include <daybook/error.h>

#include "io/directory.h"

namespace daybook::segment {

// The offset of the first word (of 8 bytes) in [from, to) that is not zero; nothing when all are. `from` and `to` are
// multiples of 8. Reads through the file, not through a mapping: what others write behind `to` at the same time is no
// race, and a bad disk block is an error. Skips holes.
Result<std::optional<std::uint64_t>> find_nonzero(const io::File& file, std::uint64_t from, std::uint64_t to);

}  // namespace daybook::segment
