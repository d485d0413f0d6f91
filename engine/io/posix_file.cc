#include "io/posix_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "io/file_size_signal.h"
#include "io/posix_mapping.h"
#include "io/system_error.h"

namespace daybook::io {
namespace {

static_assert(sizeof(off_t) == 8, "build with 64-bit file offsets");

constexpr std::uint64_t kBlock = 4096;
constexpr std::uint64_t kStatBlock = 512;  // unit of st_blocks, whatever the file system's own
constexpr std::uint64_t kOffsetMax = std::numeric_limits<off_t>::max();

alignas(kBlock) constexpr std::array<std::byte, kBlock> kZeros{};

Result<void> check_range(std::uint64_t offset, std::uint64_t size) {
  if (offset <= kOffsetMax && size <= kOffsetMax - offset) return {};
  return fail({.code = Errc::invalid_argument, .what = "file offset", .offset = offset, .actual = size});
}

Error short_file(std::uint64_t offset, std::uint64_t expected, std::uint64_t actual) {
  return {.code = Errc::corrupt, .what = "file is short", .offset = offset, .expected = expected, .actual = actual};
}

// fallocate(2), not posix_fallocate: glibc's emulation reads and rewrites a byte of each block.
int fallocate_retrying(int fd, int mode, std::uint64_t offset, std::uint64_t size) noexcept {
  const FileSizeSignalGuard guard;
  int status = -1;
  do {
    status = ::fallocate(fd, mode, static_cast<off_t>(offset), static_cast<off_t>(size));
  } while (status < 0 && errno == EINTR);
  return status;
}

}  // namespace

Result<std::uint64_t> PosixFile::size() const {
  struct stat status {};
  if (::fstat(fd_.get(), &status) < 0) return fail_with_errno("fstat");
  return static_cast<std::uint64_t>(status.st_size);
}

Result<std::uint64_t> PosixFile::allocated() const {
  struct stat status {};
  if (::fstat(fd_.get(), &status) < 0) return fail_with_errno("fstat");
  return static_cast<std::uint64_t>(status.st_blocks) * kStatBlock;
}

Result<void> PosixFile::read_at(std::uint64_t offset, std::span<std::byte> bytes) const {
  DAYBOOK_TRY(check_range(offset, bytes.size()));
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::pread(fd_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_with_errno("pread");
    if (n == 0) return fail(short_file(offset, offset + bytes.size(), offset + done));
    done += static_cast<std::size_t>(n);
  }
  return {};
}

Result<void> PosixFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  DAYBOOK_TRY(check_range(offset, bytes.size()));
  const FileSizeSignalGuard guard;
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::pwrite(fd_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_with_errno("pwrite");
    if (n == 0) return fail(system_error("pwrite", EIO));  // not for a regular file; and no endless loop if it is
    done += static_cast<std::size_t>(n);
  }
  return {};
}

Result<void> PosixFile::allocate(std::uint64_t size) {
  DAYBOOK_TRY(check_range(0, size));
  if (size == 0) return {};
  if (fallocate_retrying(fd_.get(), 0, 0, size) == 0) return {};
  if (errno == EOPNOTSUPP) return allocate_by_writing(size);
  return fail_with_errno("fallocate");
}

// For file systems without fallocate: writes every block, what is there with itself and the rest with zeros.
Result<void> PosixFile::allocate_by_writing(std::uint64_t size) {
  const auto old_size = this->size();
  if (!old_size) return fail(old_size.error());
  std::array<std::byte, kBlock> block{};
  for (std::uint64_t offset = 0; offset < std::min(*old_size, size); offset += kBlock) {
    const std::span bytes(block.data(), std::min({kBlock, *old_size - offset, size - offset}));
    DAYBOOK_TRY(read_at(offset, bytes));
    DAYBOOK_TRY(write_at(offset, bytes));
  }
  return size > *old_size ? write_zeros(*old_size, size - *old_size) : Result<void>{};
}

Result<void> PosixFile::write_zeros(std::uint64_t offset, std::uint64_t size) {
  DAYBOOK_TRY(check_range(offset, size));
  for (const std::uint64_t end = offset + size; offset < end;) {
    const std::uint64_t n = std::min(end - offset, kBlock - offset % kBlock);
    DAYBOOK_TRY(write_at(offset, std::span(kZeros).first(n)));
    offset += n;
  }
  return {};
}

Result<void> PosixFile::punch(std::uint64_t offset, std::uint64_t size) {
  DAYBOOK_TRY(check_range(offset, size));
  if (size == 0) return {};
  if (fallocate_retrying(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size) == 0) return {};
  if (errno != EOPNOTSUPP) return fail_with_errno("fallocate");
  const auto file_size = this->size();
  if (!file_size) return fail(file_size.error());
  if (offset >= *file_size) return {};
  return write_zeros(offset, std::min(size, *file_size - offset));
}

// Moves the file's offset, which nobody uses: all reading and writing says where.
std::uint64_t PosixFile::next_data(std::uint64_t offset) const noexcept {
  if (offset > kOffsetMax) return offset;
  const off_t data = ::lseek(fd_.get(), static_cast<off_t>(offset), SEEK_DATA);
  if (data >= 0) return static_cast<std::uint64_t>(data);
  if (errno != ENXIO) return offset;
  const auto end = size();  // a hole up to there
  return end ? std::max(offset, *end) : offset;
}

std::uint64_t PosixFile::next_hole(std::uint64_t offset) const noexcept {
  if (offset > kOffsetMax) return ~std::uint64_t{0};
  const off_t hole = ::lseek(fd_.get(), static_cast<off_t>(offset), SEEK_HOLE);
  return hole >= 0 ? static_cast<std::uint64_t>(hole) : ~std::uint64_t{0};
}

void PosixFile::read_ahead(bool ahead) noexcept {
  (void)::posix_fadvise(fd_.get(), 0, 0, ahead ? POSIX_FADV_NORMAL : POSIX_FADV_RANDOM);
}

void PosixFile::drop_cache(std::uint64_t offset) noexcept {
  if (offset <= kOffsetMax) (void)::posix_fadvise(fd_.get(), static_cast<off_t>(offset), 0, POSIX_FADV_DONTNEED);
}

Result<void> PosixFile::sync() {
  if (::fdatasync(fd_.get()) == 0) return {};
  // Not system_error(): a full disk found this late is no reason to go on when there is room again.
  return fail({.code = Errc::io, .sys_errno = errno, .what = "fdatasync"});
}

Result<std::unique_ptr<Mapping>> PosixFile::map(Access access, std::uint64_t size) {
  const auto file_size = this->size();
  if (!file_size) return fail(file_size.error());
  if (size > *file_size) return fail(short_file(0, size, *file_size));
  return map_file(fd_.get(), access, size);
}

}  // namespace daybook::io
