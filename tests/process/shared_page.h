// What the processes of a test tell each other, in memory that outlives any of them.
#pragma once

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>

#include <daybook/types.h>

namespace daybook::test {

inline constexpr std::size_t kThreadsMax = 4;
inline constexpr std::size_t kReaders = 3;
inline constexpr std::size_t kPositionsMax = 4u << 20;

struct WriterThread {
  std::atomic<Version> attempted;  // of its stream: handed to append
  std::atomic<Version> acked;      // returned by append
};

struct ReaderProcess {
  std::atomic<Position> seen;
  std::atomic<std::uint64_t> resumed;
  std::array<std::atomic<std::uint64_t>, kPositionsMax>
      hashes;  // of the event at each position, when it was first read
};

struct SharedPage {
  std::atomic<std::uint32_t> failures;
  std::array<char, 1000> first_failure;
  std::atomic<bool> opened;  // by the writer of this cycle
  std::atomic<Position> acked;
  std::array<WriterThread, kThreadsMax> threads;
  std::array<ReaderProcess, kReaders> readers;

  // A child that finds something wrong says so here: it may be killed before anybody asks for its exit status.
  void fail(const std::string& what) {
    if (failures.fetch_add(1) == 0) std::snprintf(first_failure.data(), first_failure.size(), "%s", what.c_str());
  }
};

// Owns the page. Children share it.
class SharedMemory {
 public:
  SharedMemory()
      : page_(static_cast<SharedPage*>(::mmap(nullptr, sizeof(SharedPage), PROT_READ | PROT_WRITE,
                                              MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
    if (page_ == MAP_FAILED) std::abort();
    // Not constructed: all zeros is what every part of it begins with, and pages that are not touched cost nothing.
  }
  ~SharedMemory() { ::munmap(page_, sizeof(SharedPage)); }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  SharedPage& operator*() const noexcept { return *page_; }
  SharedPage* operator->() const noexcept { return page_; }

 private:
  SharedPage* page_;
};

}  // namespace daybook::test
