#include "support/sim_memory.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

#include <sys/mman.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1  // as GCC says it
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define DAYBOOK_POISON(address, size) __asan_poison_memory_region(address, size)
#define DAYBOOK_UNPOISON(address, size) __asan_unpoison_memory_region(address, size)
#else
#define DAYBOOK_POISON(address, size) static_cast<void>(0)
#define DAYBOOK_UNPOISON(address, size) static_cast<void>(0)
#endif

namespace daybook::test {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kPooledMax = 64;
constexpr std::size_t kKeptMax = std::size_t{4} << 20;  // pages beyond this go back to the system

struct Pool {
  std::mutex mutex;
  std::vector<std::byte*> free;
};

Pool& pool() {
  static Pool* const pool = new Pool;  // never destroyed: files may be
  return *pool;
}

std::byte* take() {
  {
    const std::scoped_lock lock(pool().mutex);
    if (!pool().free.empty()) {
      std::byte* const data = pool().free.back();
      pool().free.pop_back();
      return data;
    }
  }
  void* const data =
      ::mmap(nullptr, SimMemory::kCapacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) {
    std::perror("SimMemory: mmap");
    std::abort();
  }
  return static_cast<std::byte*>(data);
}

std::size_t whole_pages(std::size_t size) { return (size + kPage - 1) / kPage * kPage; }

}  // namespace

SimMemory::SimMemory(std::size_t size) : data_(take()) { grow(size); }

SimMemory::~SimMemory() {
  if (!writable_) set_writable(true);
  if (used_ > kKeptMax) ::madvise(data_ + kKeptMax, used_ - kKeptMax, MADV_DONTNEED);
  DAYBOOK_POISON(data_, used_);
  {
    const std::scoped_lock lock(pool().mutex);
    if (pool().free.size() < kPooledMax) {
      pool().free.push_back(data_);
      return;
    }
  }
  DAYBOOK_UNPOISON(data_, used_);
  ::munmap(data_, kCapacity);
}

void SimMemory::grow(std::size_t size) {
  const std::size_t used = whole_pages(size);
  if (used > kCapacity) std::abort();  // the caller refuses such files
  if (used <= used_) return;
  DAYBOOK_UNPOISON(data_ + used_, used - used_);
  const bool was_writable = writable_;
  if (!was_writable) set_writable(true);
  std::memset(data_ + used_, 0, used - used_);  // somebody else's file was there before
  if (!was_writable) set_writable(false);
  used_ = used;
}

void SimMemory::set_writable(bool writable) {
  if (::mprotect(data_, kCapacity, writable ? PROT_READ | PROT_WRITE : PROT_READ) < 0) {
    std::perror("SimMemory: mprotect");
    std::abort();
  }
  writable_ = writable;
}

}  // namespace daybook::test
