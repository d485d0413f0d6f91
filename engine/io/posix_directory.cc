#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "io/directory.h"
#include "io/file_descriptor.h"
#include "io/posix_file.h"
#include "io/posix_lock.h"
#include "io/system.h"
#include "io/system_error.h"

namespace daybook::io {
namespace {

constexpr unsigned kFileMode = 0600;
constexpr unsigned kDirectoryMode = 0700;

// Magic numbers of statfs(2), here because <linux/magic.h> does not have all of them.
constexpr std::uint64_t kExt = 0xef53;  // ext2, ext3, ext4
constexpr std::uint64_t kXfs = 0x58465342;
constexpr std::uint64_t kBtrfs = 0x9123683e;
constexpr std::uint64_t kTmpfs = 0x01021994;      // keeps nothing through a power cut, and nobody expects it to
constexpr std::uint64_t kOverlayfs = 0x794c7630;  // containers live on it
constexpr std::array kKnownFileSystems{kExt, kXfs, kBtrfs, kTmpfs, kOverlayfs};

Result<std::uint64_t> file_system_of(int fd) {
  struct statfs status {};
  int result = -1;
  do {
    result = ::fstatfs(fd, &status);
  } while (result < 0 && errno == EINTR);
  if (result < 0) return fail_with_errno("fstatfs");
  return static_cast<std::uint32_t>(status.f_type);
}

// A name of one file in a directory, NUL-terminated. Everything else, "..", "a/b" or "", is refused, whatever the
// kernel could be told to do about it: unlinkat and renameat2 cannot.
class Name {
 public:
  static Result<Name> parse(std::string_view text) {
    const bool is_plain = !text.empty() && text != "." && text != ".." &&
                          text.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
    if (!is_plain) return fail({.code = Errc::invalid_argument, .sys_errno = EINVAL, .what = "file name"});
    return Name(text);
  }

  [[nodiscard]] const char* c_str() const noexcept { return text_.c_str(); }

 private:
  explicit Name(std::string_view text) : text_(text) {}

  std::string text_;
};

Error refused(const char* what, int error_number) {
  return {.code = Errc::io, .sys_errno = error_number, .what = what};
}

// What a file must be before anything is read from it. A hard link elsewhere may be a backup, which reading does not
// harm; writing would change it, or whatever else an attacker has linked here.
Result<void> check_kind(int fd, Directory::OpenMode mode) {
  struct stat status {};
  if (::fstat(fd, &status) < 0) return fail_with_errno("fstat");
  if (S_ISDIR(status.st_mode)) return fail(refused("not a regular file", EISDIR));
  if (!S_ISREG(status.st_mode)) return fail(refused("not a regular file", EINVAL));
  if (mode == Directory::OpenMode::read) return {};
  if (status.st_nlink > 1) return fail(refused("file has other links", EMLINK));
  if ((status.st_mode & (S_ISUID | S_ISGID)) != 0) return fail(refused("file has set-id bits", EPERM));
  return {};
}

// On btrfs, copy-on-write takes new blocks for every write, also to an allocated file: on a full disk the next store
// to a mapping is a SIGBUS. The flag works on empty files only.
Result<void> forbid_copy_on_write(int fd) {
  const auto file_system = file_system_of(fd);
  if (!file_system) return fail(file_system.error());
  if (*file_system != kBtrfs && *file_system != kOverlayfs) return {};
  int flags = 0;
  int result = ::ioctl(fd, FS_IOC_GETFLAGS, &flags);
  flags |= FS_NOCOW_FL;
  if (result == 0) result = ::ioctl(fd, FS_IOC_SETFLAGS, &flags);
  // What is below an overlay is not known: the flag is set if it can be.
  if (result < 0 && *file_system == kBtrfs) return fail_with_errno("ioctl(FS_IOC_SETFLAGS)");
  return {};
}

struct CloseStream {
  void operator()(DIR* stream) const noexcept { ::closedir(stream); }
};
using DirectoryStream = std::unique_ptr<DIR, CloseStream>;

int rename_noreplace(int directory, const char* from, const char* to) noexcept {
  return static_cast<int>(::syscall(SYS_renameat2, directory, from, directory, to, RENAME_NOREPLACE));
}

Result<void> sync_directory(int fd) {
  if (::fsync(fd) == 0) return {};
  return fail({.code = Errc::io, .sys_errno = errno, .what = "fsync"});
}

// Nothing is synced when it is there: see Directory::sync_name().
Result<void> make_directory(const char* path, int at, const char* parent) {
  if (::mkdirat(at, path, kDirectoryMode) < 0) return errno == EEXIST ? Result<void>{} : fail_with_errno("mkdirat");
  const FileDescriptor fd = open_at(at, parent, O_RDONLY | O_DIRECTORY);
  if (!fd.is_open()) return fail_with_errno("openat");
  return sync_directory(fd.get());
}

std::string parent_of(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(path.substr(0, std::max<std::size_t>(slash, 1)));
}

// Thread safety: every call from any thread.
class PosixDirectory final : public Directory {
 public:
  explicit PosixDirectory(FileDescriptor fd) noexcept : fd_(std::move(fd)) {}

  Result<std::unique_ptr<File>> open(std::string_view name, OpenMode mode) override;
  Result<std::unique_ptr<File>> create(std::string_view name) override;
  Result<void> rename(std::string_view from, std::string_view to) override;
  Result<void> remove(std::string_view name) override;
  Result<std::vector<std::string>> list() override;
  Result<void> sync() override { return sync_directory(fd_.get()); }
  Result<void> sync_name() override;
  Result<std::unique_ptr<Directory>> subdirectory(std::string_view name, bool create) override;
  Result<std::unique_ptr<Lock>> lock(std::string_view name) override;
  Result<void> check_file_system() override;

 private:
  FileDescriptor fd_;
};

Result<std::unique_ptr<File>> PosixDirectory::open(std::string_view name, OpenMode mode) {
  const auto plain = Name::parse(name);
  if (!plain) return fail(plain.error());
  FileDescriptor fd = open_beneath(fd_.get(), plain->c_str(), mode == OpenMode::read ? O_RDONLY : O_RDWR);
  if (!fd.is_open()) return fail_with_errno("openat");
  DAYBOOK_TRY(check_kind(fd.get(), mode));
  return std::make_unique<PosixFile>(std::move(fd));
}

Result<std::unique_ptr<File>> PosixDirectory::create(std::string_view name) {
  const auto plain = Name::parse(name);
  if (!plain) return fail(plain.error());
  FileDescriptor fd = open_beneath(fd_.get(), plain->c_str(), O_RDWR | O_CREAT | O_EXCL, kFileMode);
  if (!fd.is_open()) return fail_with_errno("openat");
  if (const auto done = forbid_copy_on_write(fd.get()); !done) {
    ::unlinkat(fd_.get(), plain->c_str(), 0);
    return fail(done.error());
  }
  return std::make_unique<PosixFile>(std::move(fd));
}

Result<void> PosixDirectory::rename(std::string_view from, std::string_view to) {
  const auto old_name = Name::parse(from);
  if (!old_name) return fail(old_name.error());
  const auto new_name = Name::parse(to);
  if (!new_name) return fail(new_name.error());
  if (rename_noreplace(fd_.get(), old_name->c_str(), new_name->c_str()) == 0) return {};
  if (errno != EINVAL && errno != ENOSYS) return fail_with_errno("renameat2");
  // Not every file system has RENAME_NOREPLACE; all have links that do not replace. Between the two calls the file has
  // both names.
  if (::linkat(fd_.get(), old_name->c_str(), fd_.get(), new_name->c_str(), 0) < 0) return fail_with_errno("linkat");
  if (::unlinkat(fd_.get(), old_name->c_str(), 0) < 0) return fail_with_errno("unlinkat");
  return {};
}

Result<void> PosixDirectory::remove(std::string_view name) {
  const auto plain = Name::parse(name);
  if (!plain) return fail(plain.error());
  if (::unlinkat(fd_.get(), plain->c_str(), 0) < 0) return fail_with_errno("unlinkat");
  return {};
}

Result<std::vector<std::string>> PosixDirectory::list() {
  FileDescriptor fd = open_at(fd_.get(), ".", O_RDONLY | O_DIRECTORY);  // its own, because a descriptor has one offset
  if (!fd.is_open()) return fail_with_errno("openat");
  const DirectoryStream stream(::fdopendir(fd.get()));
  if (!stream) return fail_with_errno("fdopendir");
  static_cast<void>(fd.release());
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return fail_with_errno("readdir");
  return names;
}

Result<std::unique_ptr<Directory>> PosixDirectory::subdirectory(std::string_view name, bool create) {
  const auto plain = Name::parse(name);
  if (!plain) return fail(plain.error());
  if (create) DAYBOOK_TRY(make_directory(plain->c_str(), fd_.get(), "."));
  FileDescriptor fd = open_beneath(fd_.get(), plain->c_str(), O_RDONLY | O_DIRECTORY);
  if (!fd.is_open()) return fail_with_errno("openat");
  return std::make_unique<PosixDirectory>(std::move(fd));
}

Result<void> PosixDirectory::sync_name() {
  const FileDescriptor fd = open_at(fd_.get(), "..", O_RDONLY | O_DIRECTORY);
  if (!fd.is_open()) return {};
  auto synced = sync_directory(fd.get());
  const bool is_refusal = !synced && (synced.error().sys_errno == EINVAL || synced.error().sys_errno == EROFS);
  return is_refusal ? Result<void>{} : synced;
}

Result<std::unique_ptr<Lock>> PosixDirectory::lock(std::string_view name) {
  const auto plain = Name::parse(name);
  if (!plain) return fail(plain.error());
  FileDescriptor fd = open_beneath(fd_.get(), plain->c_str(), O_RDWR | O_CREAT, kFileMode);
  if (!fd.is_open()) return fail_with_errno("openat");
  DAYBOOK_TRY(check_kind(fd.get(), OpenMode::read_write));
  return lock_file(std::move(fd));
}

Result<void> PosixDirectory::check_file_system() {
  const auto magic = file_system_of(fd_.get());
  if (!magic) return fail(magic.error());
  if (std::ranges::find(kKnownFileSystems, *magic) != kKnownFileSystems.end()) return {};
  return fail({.code = Errc::unsupported_fs, .what = "file system", .actual = *magic});
}

}  // namespace

Result<std::unique_ptr<Directory>> open_directory(const std::string& path, bool create) {
  static_cast<void>(fork_generation());  // counts from here on
  if (path.find('\0') != std::string::npos) {
    return fail({.code = Errc::invalid_argument, .sys_errno = EINVAL, .what = "directory name"});
  }
  if (create) DAYBOOK_TRY(make_directory(path.c_str(), AT_FDCWD, parent_of(path).c_str()));
  FileDescriptor fd = open_at(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
  if (!fd.is_open()) return fail_with_errno("openat");
  return std::make_unique<PosixDirectory>(std::move(fd));
}

}  // namespace daybook::io
