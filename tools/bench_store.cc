#include "bench_store.h"

#include <cstdlib>
#include <ostream>
#include <utility>

namespace daybook::tools {

std::optional<BenchStore> BenchStore::make(const std::string& directory, Io& io) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!directory.empty()) {
    if (fs::exists(directory, error) && !fs::is_empty(directory, error)) {
      io.err << "daybook bench: " << directory << " is not empty, and benchmarks write only to new stores\n";
      return std::nullopt;
    }
    return BenchStore(directory, false);
  }
  std::string name = (fs::temp_directory_path(error) / "daybook-bench-XXXXXX").string();
  if (error || mkdtemp(name.data()) == nullptr) {
    io.err << "daybook bench: cannot make a directory like " << name << '\n';
    return std::nullopt;
  }
  return BenchStore(name, true);
}

BenchStore::BenchStore(BenchStore&& other) noexcept
    : path_(std::move(other.path_)), temporary_(std::exchange(other.temporary_, false)) {}

BenchStore::~BenchStore() {
  std::error_code ignored;
  if (temporary_) std::filesystem::remove_all(path_, ignored);
}

}  // namespace daybook::tools
