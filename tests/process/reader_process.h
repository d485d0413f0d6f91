// A process that follows the log while its writers come and go.
#pragma once

#include <filesystem>

#include <daybook/options.h>

#include "process/shared_page.h"

namespace daybook::test {

struct ReaderPlan {
  std::filesystem::path store;
  std::size_t number = 0;
  Visibility visibility = Visibility::published;
  std::uint64_t seed = 0;
};

// Reads from the first event on until killed, and remembers the hash of each event. What an earlier process of that
// number has read must still be the same.
void run_reader(const ReaderPlan& plan, SharedPage& page);

}  // namespace daybook::test
