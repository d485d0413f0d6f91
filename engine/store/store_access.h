// A store over any io::Directory, and the way to its writer: for tests with simulated disks.
#pragma once

#include <memory>

#include <daybook/store.h>

#include "io/directory.h"
#include "log/writer.h"

namespace daybook {

struct StoreAccess {
  static Result<Store> open(std::unique_ptr<io::Directory> directory, const OpenOptions& options);
  static log::Writer& writer(Store& store);  // of a store that is open for writing
};

}  // namespace daybook
