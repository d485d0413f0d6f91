// The store that a benchmark writes: a new one, and gone afterwards unless it was asked for.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "command.h"

namespace daybook::tools {

class BenchStore {
 public:
  // In `directory`, which must be missing or empty; or when that is not given, in a temporary one that the destructor
  // removes. Nothing, and a message on io.err, when that cannot be.
  static std::optional<BenchStore> make(const std::string& directory, Io& io);

  BenchStore(BenchStore&& other) noexcept;
  BenchStore& operator=(BenchStore&&) = delete;
  ~BenchStore();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  BenchStore(std::filesystem::path path, bool temporary) : path_(std::move(path)), temporary_(temporary) {}

  std::filesystem::path path_;
  bool temporary_;
};

}  // namespace daybook::tools
