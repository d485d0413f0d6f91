#include "io/zeroed_pages.h"

#include <sys/mman.h>

namespace daybook::io {

ZeroedPages::ZeroedPages(std::size_t size) noexcept
    : size_(size), data_(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
  if (data_ == MAP_FAILED) {
    data_ = nullptr;
    return;
  }
  (void)::madvise(data_, size_, MADV_HUGEPAGE);  // advice: without it, the same memory in small pages
}

ZeroedPages::~ZeroedPages() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace daybook::io
