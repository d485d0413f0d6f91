// The lock of a store: one writing process.
#pragma once

#include <memory>

#include "io/directory.h"
#include "io/file_descriptor.h"

namespace daybook::io {

// Takes the exclusive lock on the open file `fd`.
Result<std::unique_ptr<Lock>> lock_file(FileDescriptor fd);

}  // namespace daybook::io
