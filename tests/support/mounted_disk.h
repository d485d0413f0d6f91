// Small real file systems, to be filled up.
#pragma once

#include <filesystem>
#include <string>

#include "support/temp_dir.h"

namespace daybook::test {

// A file system of its own, mounted where only this process and its children see it; needs root. Gone with the
// object.
class MountedDisk {
 public:
  enum class Kind { tmpfs, ext4, overlay };

  // See error() for whether it worked.
  MountedDisk(Kind kind, std::size_t size);
  ~MountedDisk();
  MountedDisk(const MountedDisk&) = delete;
  MountedDisk& operator=(const MountedDisk&) = delete;

  // Why it could not be mounted; empty = it is there.
  [[nodiscard]] const std::string& error() const noexcept { return error_; }
  [[nodiscard]] std::filesystem::path path() const { return temp_ / "mnt"; }

  // Writes a file until nothing more fits; remove it to make room again.
  void fill() const;
  void make_room() const;

 private:
  std::string mount(Kind kind, std::size_t size);

  TempDir temp_;
  std::string error_;
};

// Whether to give up or to fail when a disk cannot be mounted: root can, so for root it is a failure.
bool may_skip_mounts();

}  // namespace daybook::test

// The first line of a test that needs `disk`. Without root it is skipped, and says so; as root it fails.
#define DAYBOOK_REQUIRE_DISK(disk)                                                 \
  if (!(disk).error().empty() && ::daybook::test::may_skip_mounts())               \
    GTEST_SKIP() << "needs root to mount a small file system: " << (disk).error(); \
  ASSERT_EQ((disk).error(), "") << "root, but a small file system could not be mounted"
