// Where benchmarks put their stores.
#pragma once

#include <filesystem>
#include <memory>

#include <daybook/options.h>
#include <daybook/store.h>

#include "io/directory.h"

namespace daybook::bench {

// A directory below $DAYBOOK_BENCH_DIR, or the system's temporary directory; removed with everything in it by the
// destructor. Stops the program when it cannot be made: there is nothing to measure then.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path store() const { return path_ / "store"; }

 private:
  std::filesystem::path path_;
};

// The value of a result; without one, stops the program and says why. A benchmark that goes on after an error would
// measure errors.
template <typename T>
T must(Result<T> result);
[[noreturn]] void stop(const Error& error);

template <typename T>
T must(Result<T> result) {
  if (!result) stop(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// A file prepared as well as a file can be, mapped: what floors write to.
struct PreparedFile {
  enum class For : std::uint8_t {
    memory,  // allocated, and its pages populated: stores do not fault
    sync,    // zeroed in 4 KiB writes and synced: a sync writes the pages stored to and no metadata
  };
  PreparedFile(const Scratch& scratch, std::uint64_t size, For purpose);

  std::unique_ptr<io::Directory> directory;
  std::unique_ptr<io::File> file;
  std::unique_ptr<io::Mapping> mapping;

  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return mapping->bytes(); }
};

}  // namespace daybook::bench
