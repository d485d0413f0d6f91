// Who holds a lock: for people, never for decisions.
#pragma once

#include <cstdint>

namespace daybook::io {

// The process that holds an F_OFD_SETLK lock on the file that `fd` has open, or 0 when it cannot be told: it belongs
// to somebody whose /proc entries we may not read, or has just ended. F_OFD_GETLK does not say: such locks belong to
// open files, not to processes. Takes about a microsecond for every open file of every process that we may look at.
std::uint64_t find_lock_holder(int fd);

}  // namespace daybook::io
