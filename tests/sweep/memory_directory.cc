#include "sweep/memory_directory.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "format/layout.h"
#include "segment/memory_segment.h"

namespace daybook::test {
namespace {

std::unexpected<Error> refuse(int error_number, const char* what) {
  const Errc code = error_number == ENOENT ? Errc::not_found : Errc::io;
  return fail({.code = code, .sys_errno = error_number, .what = what});
}

}  // namespace

class MemoryFileHandle final : public io::File {
 public:
  MemoryFileHandle(MemoryStore& store, std::string name, MemoryFile& bytes)
      : store_(store), name_(std::move(name)), bytes_(bytes) {}

  Result<std::uint64_t> size() const override { return bytes_.size(); }
  Result<std::uint64_t> allocated() const override { return bytes_.size(); }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> bytes) const override {
    if (offset + bytes.size() > bytes_.size()) {
      return fail({.code = Errc::corrupt,
                   .what = "file is short",
                   .offset = offset,
                   .expected = offset + bytes.size(),
                   .actual = bytes_.size()});
    }
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), bytes.size(), bytes.begin());
    return {};
  }
  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    touch(offset + bytes.size());
    std::ranges::copy(bytes, bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
    return {};
  }
  Result<void> allocate(std::uint64_t size) override {
    touch(size);
    return {};
  }
  Result<void> write_zeros(std::uint64_t offset, std::uint64_t size) override {
    touch(offset + size);
    std::fill_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), size, std::byte{});
    return {};
  }
  Result<void> punch(std::uint64_t offset, std::uint64_t size) override { return write_zeros(offset, size); }
  Result<void> sync() override { return {}; }
  Result<std::unique_ptr<io::Mapping>> map(io::Access access, std::uint64_t size) override {
    if (size == 0 || size > bytes_.size()) {
      return fail({.code = Errc::corrupt, .what = "file is short", .expected = size, .actual = bytes_.size()});
    }
    if (access == io::Access::read_write) touch(size);
    return std::make_unique<MemoryMapping>(std::span(bytes_).first(size));
  }

 private:
  // Grows the file if it must; only a file that nobody has mapped yet does.
  void touch(std::uint64_t size) {
    const std::scoped_lock lock(store_.mutex_);
    store_.written_.insert(name_);
    if (bytes_.size() < size) bytes_.resize(size);
  }

  MemoryStore& store_;
  const std::string name_;
  MemoryFile& bytes_;
};

namespace {

class MemoryLock final : public io::Lock {
 public:
  explicit MemoryLock(bool& locked) : locked_(locked) { locked_ = true; }
  ~MemoryLock() override { locked_ = false; }
  MemoryLock(const MemoryLock&) = delete;
  MemoryLock& operator=(const MemoryLock&) = delete;

 private:
  bool& locked_;
};

}  // namespace

class MemoryDirectory final : public io::Directory {
 public:
  MemoryDirectory(MemoryStore& store, MemoryFiles& files) : store_(store), files_(files) {}

  Result<std::unique_ptr<io::File>> open(std::string_view name, OpenMode) override {
    const std::scoped_lock lock(store_.mutex_);
    const auto it = files_.find(name);
    if (it == files_.end()) return refuse(ENOENT, "openat");
    return std::make_unique<MemoryFileHandle>(store_, it->first, it->second);
  }
  Result<std::unique_ptr<io::File>> create(std::string_view name) override {
    const std::scoped_lock lock(store_.mutex_);
    const auto [it, made] = files_.try_emplace(std::string(name));
    if (!made) return refuse(EEXIST, "openat");
    store_.written_.insert(it->first);
    return std::make_unique<MemoryFileHandle>(store_, it->first, it->second);
  }
  Result<void> rename(std::string_view from, std::string_view to) override {
    const std::scoped_lock lock(store_.mutex_);
    if (files_.contains(to)) return refuse(EEXIST, "renameat2");
    auto node = files_.extract(std::string(from));
    if (node.empty()) return refuse(ENOENT, "renameat2");
    store_.written_.insert(node.key());
    node.key() = std::string(to);  // the bytes stay where they are: they may be mapped
    store_.written_.insert(node.key());
    files_.insert(std::move(node));
    return {};
  }
  Result<void> remove(std::string_view name) override {
    const std::scoped_lock lock(store_.mutex_);
    auto node = files_.extract(std::string(name));
    if (node.empty()) return refuse(ENOENT, "unlinkat");
    store_.written_.insert(node.key());
    removed_.push_back(std::move(node));
    return {};
  }
  Result<std::vector<std::string>> list() override {
    const std::scoped_lock lock(store_.mutex_);
    std::vector<std::string> names;
    for (const auto& [name, bytes] : files_) names.push_back(name);
    return names;
  }
  Result<void> sync() override { return {}; }
  Result<void> sync_name() override { return {}; }
  Result<std::unique_ptr<io::Directory>> subdirectory(std::string_view name, bool) override {
    if (name != format::kSegmentsName) return refuse(ENOENT, "openat");
    return std::make_unique<MemoryDirectory>(store_, store_.segments);
  }
  Result<std::unique_ptr<io::Lock>> lock(std::string_view name) override {
    const std::scoped_lock lock(store_.mutex_);
    if (store_.locked_) return fail({.code = Errc::locked, .what = "fcntl(F_OFD_SETLK)"});
    files_.try_emplace(std::string(name));
    return std::make_unique<MemoryLock>(store_.locked_);
  }
  Result<void> check_file_system() override { return {}; }

 private:
  MemoryStore& store_;
  MemoryFiles& files_;
  std::vector<MemoryFiles::node_type> removed_;  // may still be mapped
};

MemoryFile& MemoryStore::touch_lock() {
  written_.emplace(format::kLockName);
  return top.find(format::kLockName)->second;
}

std::unique_ptr<io::Directory> MemoryStore::open() { return std::make_unique<MemoryDirectory>(*this, top); }

}  // namespace daybook::test
