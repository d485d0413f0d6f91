#include "support/io_faults.h"

#include <numeric>
#include <utility>

#include "io/system_error.h"

namespace daybook::test {
namespace {

struct Names {
  const char* call;
  const char* system_call;  // as Error::what has it
};

constexpr std::array<Names, kIoCalls> kNames{{
    {"open", "openat"},
    {"create", "openat"},
    {"rename", "renameat2"},
    {"remove", "unlinkat"},
    {"list", "readdir"},
    {"directory_sync", "fsync"},
    {"subdirectory", "mkdirat"},
    {"lock", "fcntl(F_OFD_SETLK)"},
    {"check_file_system", "fstatfs"},
    {"size", "fstat"},
    {"allocated", "fstat"},
    {"read", "pread"},
    {"write", "pwrite"},
    {"allocate", "fallocate"},
    {"write_zeros", "pwrite"},
    {"punch", "fallocate"},
    {"sync", "fdatasync"},
    {"map", "mmap"},
    {"protect", "mprotect"},
    {"populate", "madvise"},
}};

}  // namespace

const char* name(IoCall call) noexcept { return kNames[static_cast<std::size_t>(call)].call; }

Error io_error(IoCall call, int error_number) noexcept {
  const char* what = kNames[static_cast<std::size_t>(call)].system_call;
  if (call == IoCall::sync || call == IoCall::directory_sync) {
    return {.code = Errc::io, .sys_errno = error_number, .what = what};
  }
  return io::system_error(what, error_number);
}

void IoFaults::add(const Fault& fault) {
  const std::scoped_lock lock(mutex_);
  armed_.push_back({fault, 0});
}

void IoFaults::clear() {
  const std::scoped_lock lock(mutex_);
  armed_.clear();
}

void IoFaults::before_each_call(std::function<void(IoCall)> hook) {
  auto next = hook ? std::make_shared<const std::function<void(IoCall)>>(std::move(hook)) : nullptr;
  const std::scoped_lock lock(mutex_);
  hook_.swap(next);
}

std::optional<IoCall> IoFaults::struck() const {
  const std::scoped_lock lock(mutex_);
  return struck_;
}

std::uint64_t IoFaults::count() const {
  const std::scoped_lock lock(mutex_);
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

std::uint64_t IoFaults::count(IoCall call) const {
  const std::scoped_lock lock(mutex_);
  return counts_[static_cast<std::size_t>(call)];
}

std::optional<IoFaults::Hit> IoFaults::on_call(IoCall call) {
  std::shared_ptr<const std::function<void(IoCall)>> hook;
  {
    const std::scoped_lock lock(mutex_);
    hook = hook_;
  }
  if (hook) (*hook)(call);
  const std::scoped_lock lock(mutex_);
  ++counts_[static_cast<std::size_t>(call)];
  std::optional<Hit> hit;
  for (auto& [fault, seen] : armed_) {
    if (fault.call && *fault.call != call) continue;
    ++seen;
    const bool strikes = seen == fault.nth || (seen > fault.nth && fault.repeat == Repeat::for_ever);
    if (!strikes || hit) continue;
    hit = Hit{io_error(call, fault.error_number), fault.done};
    struck_ = call;
  }
  return hit;
}

}  // namespace daybook::test
