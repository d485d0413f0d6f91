// A disk that says that it has synced, and has not.
#pragma once

#include <memory>

#include "io/directory.h"

namespace daybook::test {

// Passes everything on to `inner` but File::sync, which does nothing and succeeds.
std::unique_ptr<io::Directory> make_lying(std::unique_ptr<io::Directory> inner);

}  // namespace daybook::test
