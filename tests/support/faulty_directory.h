// A real directory whose calls fail when told to.
#pragma once

#include <memory>

#include "io/directory.h"
#include "support/io_faults.h"

namespace daybook::test {

// Wraps `inner`, and every directory, file and mapping that comes out of it: each call asks `faults` first, and goes on
// to the real thing unless it is to fail.
//
// A fault with `done` bytes is a call that got that far: the first `done` bytes are written, or read, and the caller is
// told that it failed.
std::unique_ptr<io::Directory> make_faulty(std::unique_ptr<io::Directory> inner, std::shared_ptr<IoFaults> faults);

}  // namespace daybook::test
