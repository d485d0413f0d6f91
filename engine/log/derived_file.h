// Files that are made from the log and may be deleted: sidecars and checkpoints.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <daybook/error.h>

#include "io/directory.h"

namespace daybook::log {

// Writes such a file, in place of one that may be there: under a temporary name (made of `number`, which the next open for
// writing or the next file removes if it is left), synced, renamed, the directory synced. After an error, or a crash, there
// is the file, the one before it, or none.
Result<void> write_derived_file(io::Directory& directory, const std::string& name, std::uint64_t number,
                                std::span<const std::byte> bytes);

}  // namespace daybook::log
