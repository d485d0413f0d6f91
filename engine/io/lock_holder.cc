#include "io/lock_holder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "io/file_descriptor.h"

namespace daybook::io {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};
using DirectoryStream = std::unique_ptr<DIR, CloseDirectory>;

std::optional<std::uint64_t> number(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Many processes have the file open, to read or to be refused; the one that holds the lock has it in its fdinfo.
bool holds_lock(const std::string& fdinfo) {
  const FileDescriptor file = open_at(AT_FDCWD, fdinfo.c_str(), O_RDONLY);
  if (!file.is_open()) return false;
  std::array<char, 4096> text{};
  const ssize_t n = ::read(file.get(), text.data(), text.size());
  return n > 0 && std::string_view(text.data(), static_cast<std::size_t>(n)).find("OFDLCK") != std::string_view::npos;
}

bool process_holds_lock(const std::string& process, const struct stat& wanted) {
  const DirectoryStream fds(::opendir((process + "/fd").c_str()));
  if (!fds) return false;
  while (const dirent* entry = ::readdir(fds.get())) {
    struct stat status {};
    if (::fstatat(::dirfd(fds.get()), entry->d_name, &status, 0) < 0) continue;
    if (status.st_dev != wanted.st_dev || status.st_ino != wanted.st_ino) continue;
    if (holds_lock(process + "/fdinfo/" + entry->d_name)) return true;
  }
  return false;
}

}  // namespace

std::uint64_t find_lock_holder(int fd) {
  struct stat wanted {};
  if (::fstat(fd, &wanted) < 0) return 0;
  const DirectoryStream processes(::opendir("/proc"));
  if (!processes) return 0;
  while (const dirent* entry = ::readdir(processes.get())) {
    const auto id = number(entry->d_name);
    if (id && process_holds_lock(std::string("/proc/") + entry->d_name, wanted)) return *id;
  }
  return 0;
}

}  // namespace daybook::io
