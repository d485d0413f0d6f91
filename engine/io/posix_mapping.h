// A file of the operating system in memory.
#pragma once

#include <cstdint>
#include <memory>

#include "io/directory.h"

namespace daybook::io {

// Maps the first `size` bytes of the file `fd`, which must be there; size > 0.
Result<std::unique_ptr<Mapping>> map_file(int fd, Access access, std::uint64_t size);

}  // namespace daybook::io
