// The process that gets killed.
#pragma once

#include <filesystem>

#include <daybook/options.h>

#include "process/shared_page.h"

namespace daybook::test {

struct WriterPlan {
  std::filesystem::path store;
  OpenOptions options;
  std::size_t threads = 1;
  std::uint64_t seed = 0;
};

// Opens the store, checks that everything acknowledged is there, and appends until killed.
void run_writer(const WriterPlan& plan, SharedPage& page);

}  // namespace daybook::test
