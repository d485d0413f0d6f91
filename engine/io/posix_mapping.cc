#include "io/posix_mapping.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <utility>

#include <boost/interprocess/detail/os_file_functions.hpp>
#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/mapped_region.hpp>

#include "io/system.h"
#include "io/system_error.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // Linux 5.14
#endif

namespace daybook::io {
namespace {

namespace ipc = boost::interprocess;

// Boost's MemoryMappable concept over a descriptor of ours: its own file_mapping opens by path, which would look the
// name up again, through links, and without the checks made when the file was opened.
class DescriptorMappable {
 public:
  explicit DescriptorMappable(int fd) noexcept : fd_(fd) {}
  [[nodiscard]] ipc::mapping_handle_t get_mapping_handle() const noexcept {
    return ipc::ipcdetail::mapping_handle_from_file_handle(fd_);
  }

 private:
  int fd_;
};

// Thread safety: any, but protect() is for one thread.
class PosixMapping final : public Mapping {
 public:
  PosixMapping(std::unique_ptr<ipc::mapped_region> region, Access access) noexcept
      : region_(std::move(region)), access_(access), fork_generation_(io::fork_generation()) {
    bytes_ = {static_cast<std::byte*>(region_->get_address()), region_->get_size()};
  }

  ~PosixMapping() override {
    // A forked child has no such mapping (MADV_DONTFORK), but may have something else at its address by now: leave
    // it alone, and leak the few bytes of the object that would unmap it.
    const bool is_ours = access_ == Access::read || fork_generation_ == io::fork_generation();
    if (!is_ours) static_cast<void>(region_.release());
  }

  Result<void> protect() override {
    if (::mprotect(bytes_.data(), bytes_.size(), PROT_READ) < 0) return fail_with_errno("mprotect");
    // Takes the pages out of the page table, all at once; what was stored to them stays in the page cache. Otherwise the
    // sync that follows write-protects them one by one, and interrupts every thread of the process for each.
    (void)::madvise(bytes_.data(), bytes_.size(), MADV_DONTNEED);
    read_ahead(0, bytes_.size(), true);
    return {};
  }

  Result<void> populate(std::uint64_t offset, std::uint64_t size) override {
    if (offset > bytes_.size() || size > bytes_.size() - offset) {
      return fail({.code = Errc::invalid_argument, .what = "mapping offset", .offset = offset, .actual = size});
    }
    const std::uint64_t into_page = offset % ipc::mapped_region::get_page_size();
    int status = -1;
    do {
      status = ::madvise(bytes_.data() + (offset - into_page), size + into_page, MADV_POPULATE_WRITE);
    } while (status < 0 && errno == EINTR);
    // EINVAL: a kernel before 5.14. Then the first store to each page faults; the blocks are allocated already.
    if (status == 0 || errno == EINVAL) return {};
    return fail_with_errno("madvise");
  }

  // Ahead is what the disk's read-ahead is in size, megabytes on some.
  void read_ahead(std::uint64_t offset, std::uint64_t size, bool ahead) noexcept override {
    (void)::madvise(bytes_.data() + offset, size, ahead ? MADV_NORMAL : MADV_RANDOM);
  }

 private:
  std::unique_ptr<ipc::mapped_region> region_;
  const Access access_;  // as mapped
  const std::uint32_t fork_generation_;
};

}  // namespace

Result<std::unique_ptr<Mapping>> map_file(int fd, Access access, std::uint64_t size) {
  if (size == 0 || size > std::numeric_limits<std::size_t>::max()) {  // to Boost, 0 is "all there is"
    return fail({.code = Errc::invalid_argument, .sys_errno = EINVAL, .what = "mapping size", .actual = size});
  }
  try {
    const auto mode = access == Access::read ? ipc::read_only : ipc::read_write;
    auto region = std::make_unique<ipc::mapped_region>(DescriptorMappable(fd), mode, 0, size);
    if (access == Access::read_write && ::madvise(region->get_address(), size, MADV_DONTFORK) < 0) {
      return fail_with_errno("madvise");
    }
    return std::make_unique<PosixMapping>(std::move(region), access);
  } catch (const ipc::interprocess_exception& error) {
    return fail(system_error("mmap", error.get_native_error()));
  } catch (const std::bad_alloc&) {
    return fail(system_error("mmap", ENOMEM));
  }
}

}  // namespace daybook::io
