// A large block of zeroed memory, in huge pages where there are any.
#pragma once

#include <cstddef>

namespace daybook::io {

// Owns the pages. Thread safety: none needed; the object does not change after construction.
class ZeroedPages {
 public:
  // `size` > 0. data() is null when there is no memory.
  explicit ZeroedPages(std::size_t size) noexcept;
  ~ZeroedPages();
  ZeroedPages(const ZeroedPages&) = delete;
  ZeroedPages& operator=(const ZeroedPages&) = delete;

  [[nodiscard]] void* data() const noexcept { return data_; }

 private:
  std::size_t size_;
  void* data_;
};

}  // namespace daybook::io
