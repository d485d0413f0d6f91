// Which call of the io seam fails, and how: shared by the simulated disk and by the wrapper of real ones.
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <daybook/error.h>

namespace daybook::test {

// Every call of io::Directory, io::File and io::Mapping.
enum class IoCall : std::uint8_t {
  open,
  create,
  rename,
  remove,
  list,
  directory_sync,
  subdirectory,
  lock,
  check_file_system,
  size,
  allocated,
  read,
  write,
  allocate,
  write_zeros,
  punch,
  sync,
  map,
  protect,
  populate,
};
inline constexpr std::size_t kIoCalls = 20;

// E.g. "directory_sync", for messages.
const char* name(IoCall call) noexcept;

// What the seam returns when the system call behind `call` fails with `error_number`.
Error io_error(IoCall call, int error_number) noexcept;

enum class Repeat : std::uint8_t {
  once,
  for_ever,
};

// Counts calls and decides which of them fail. Thread safety: all methods, at any time.
class IoFaults {
 public:
  struct Fault {
    std::optional<IoCall> call{};  // unset: any
    std::uint64_t nth = 1;         // of these calls, counted from now on
    int error_number = EIO;
    Repeat repeat = Repeat::once;
    std::uint64_t done = 0;  // bytes that a write, write_zeros, allocate or read still does before it fails
  };
  struct Hit {
    Error error;
    std::uint64_t done = 0;
  };

  void add(const Fault& fault);
  void clear();

  // The call that a fault struck last.
  [[nodiscard]] std::optional<IoCall> struck() const;

  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] std::uint64_t count(IoCall call) const;

  // `hook` runs before every call, also before those that fail; it may use the disk itself. A call that has begun in
  // another thread may still run the hook that was there before, also after this has returned.
  void before_each_call(std::function<void(IoCall)> hook);

  // Called by implementations of the seam.
  std::optional<Hit> on_call(IoCall call);

 private:
  struct Armed {
    Fault fault;
    std::uint64_t seen = 0;
  };

  mutable std::mutex mutex_;
  std::vector<Armed> armed_;
  std::optional<IoCall> struck_;
  std::array<std::uint64_t, kIoCalls> counts_{};
  std::shared_ptr<const std::function<void(IoCall)>> hook_;
};

}  // namespace daybook::test
