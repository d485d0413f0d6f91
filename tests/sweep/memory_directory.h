// A store's directory in memory, as vectors of bytes that a test may damage and put back in microseconds.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "io/directory.h"

namespace daybook::test {

using MemoryFile = std::vector<std::byte>;
using MemoryFiles = std::map<std::string, MemoryFile, std::less<>>;

// LOCK and its like, and what is below segments/. Everything is durable at once. Thread safety: open()'s directories any;
// the rest none.
class MemoryStore {
 public:
  MemoryFiles top;
  MemoryFiles segments;

  // The test changes this file itself.
  MemoryFile& touch(const std::string& name) {
    written_.insert(name);
    return segments[name];
  }
  MemoryFile& touch_lock();
  // The files that were changed through open() and touch() since the last call, made and removed ones included.
  std::set<std::string> take_written() { return std::exchange(written_, {}); }

  // Mappings of a file must be gone before it is changed here.
  [[nodiscard]] std::unique_ptr<io::Directory> open();

 private:
  friend class MemoryDirectory;
  friend class MemoryFileHandle;

  std::mutex mutex_;
  std::set<std::string> written_;
  bool locked_ = false;
};

}  // namespace daybook::test
