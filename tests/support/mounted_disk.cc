#include "support/mounted_disk.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace daybook::test {
namespace {

std::string failure(const std::string& call) { return call + ": " + std::strerror(errno); }

std::string run(const std::string& command) { return std::system(command.c_str()) == 0 ? "" : "failed: " + command; }

// Mounts of this process stay its own, also when it is killed.
std::string enter_own_namespace() {
  static const std::string error = []() -> std::string {
    if (::unshare(CLONE_NEWNS) < 0) return failure("unshare");
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) return failure("mount private");
    return "";
  }();
  return error;
}

}  // namespace

MountedDisk::MountedDisk(Kind kind, std::size_t size) {
  error_ = enter_own_namespace();
  if (error_.empty()) error_ = mount(kind, size);
}

std::string MountedDisk::mount(Kind kind, std::size_t size) {
  std::filesystem::create_directory(path());
  if (kind == Kind::tmpfs) {
    const std::string options = "size=" + std::to_string(size);
    return ::mount("tmpfs", path().c_str(), "tmpfs", 0, options.c_str()) == 0 ? "" : failure("mount tmpfs");
  }
  if (kind == Kind::overlay) {
    for (const char* name : {"lower", "upper", "work"}) std::filesystem::create_directory(temp_ / name);
    const std::string options = "lowerdir=" + (temp_ / "lower").string() + ",upperdir=" + (temp_ / "upper").string() +
                                ",workdir=" + (temp_ / "work").string();
    return ::mount("overlay", path().c_str(), "overlay", 0, options.c_str()) == 0 ? "" : failure("mount overlay");
  }
  const std::string image = temp_ / "image";
  std::ofstream(image).close();
  std::filesystem::resize_file(image, size);
  const std::string made = run("mkfs.ext4 -q -F -O ^has_journal -N 64 '" + image + "'");
  if (!made.empty()) return made;
  return run("mount -o loop '" + image + "' '" + path().string() + "'");
}

MountedDisk::~MountedDisk() {
  if (error_.empty()) ::umount2(path().c_str(), MNT_DETACH);
}

void MountedDisk::fill() const {
  const int fd = ::open((path() / "filler").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const std::array<char, 4096> block{};
  while (::write(fd, block.data(), block.size()) > 0) {
  }
  ::fsync(fd);
  ::close(fd);
}

void MountedDisk::make_room() const { std::filesystem::remove(path() / "filler"); }

bool may_skip_mounts() { return ::geteuid() != 0; }

}  // namespace daybook::test
