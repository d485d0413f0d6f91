#include "io/zeroed_pages.h"

#include <sys/mman.h>

#include <cstdint>

namespace daybook::io {

namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::byte* map(std::size_t size) noexcept {
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
}

}  // namespace

// A huge page must begin at a multiple of its size, which mmap does not see to: so it maps one more, and gives back what
// is over at both ends.
ZeroedPages::ZeroedPages(std::size_t size) noexcept : size_(size), data_(nullptr) {
  if (size < kHugePage) {
    data_ = map(size);
    return;
  }
  std::byte* const start = map(size + kHugePage);
  if (start == nullptr) return;
  const std::size_t before = (kHugePage - reinterpret_cast<std::uintptr_t>(start) % kHugePage) % kHugePage;
  const std::size_t behind = kHugePage - before;
  if (before > 0) ::munmap(start, before);
  ::munmap(start + before + size, behind);
  data_ = start + before;
  (void)::madvise(data_, size_, MADV_HUGEPAGE);  // advice: without it, the same memory in small pages
}

ZeroedPages::~ZeroedPages() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace daybook::io
