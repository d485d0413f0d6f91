// A disk in memory that can lose power.
//
//   SimDisk disk;
//   auto store = Log::open(disk.open(), ...);          // append; disk.observe() between the steps
//   SimDisk after = disk.crash(rng, CrashPolicy::uniform);
//   ... open `after`, and see what is left
//
// The model, chosen so that everything that a correct disk and file system may do after a power cut can happen:
// - A sector of 512 bytes has any content that it had at a moment of observation since the last sync that covered it
//   ("a moment": before each call of the seam, and when the test calls observe()). Sectors are independent.
// - File::sync makes content and size durable, as they are when it is called. The size may become so before that, and
//   bytes that are not on the disk then read as zeros.
// - create, rename, remove and making a directory are durable after Directory::sync; before, any subset of them is. A
//   rename happens whole or not at all.
// - A sync that fails (see faults()) writes nothing for certain, and leaves the sectors "clean": a sync that comes after
//   it succeeds and writes them no more, until something is stored to their page again. Each File that was open reports
//   the failure once; those opened later know nothing of it. (That is what Linux does.) File::drop_cache brings the old
//   content back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "io/directory.h"
#include "support/io_faults.h"
#include "support/rng.h"

namespace daybook::test {

struct SimState;

// Which of the things that are not durable are there after a power cut.
enum class CrashPolicy : std::uint8_t {
  all_old,            // none
  all_new,            // all
  uniform,            // each any version, or none
  prefix,             // everything up to a moment: a disk that writes in order
  reversed,           // everything from a moment on, and nothing from before it
  single_lost,        // all but one
  single_kept,        // none but one
  garbage_in_flight,  // as uniform, and in one sector the bytes that were being changed are noise
};
inline constexpr std::array kCrashPolicies{
    CrashPolicy::all_old,  CrashPolicy::all_new,     CrashPolicy::uniform,     CrashPolicy::prefix,
    CrashPolicy::reversed, CrashPolicy::single_lost, CrashPolicy::single_kept, CrashPolicy::garbage_in_flight};
const char* name(CrashPolicy policy) noexcept;

// Thread safety: the seam's own; of the rest, all methods at any time, also from a before_each_call hook. Stores of other
// threads to mappings may then be seen half.
// Lifetime: what came out of open() may outlive the disk.
class SimDisk {
 public:
  SimDisk();
  SimDisk(SimDisk&&) noexcept;
  SimDisk& operator=(SimDisk&&) noexcept;
  ~SimDisk();

  // The top directory. It is there, and durable.
  [[nodiscard]] std::unique_ptr<io::Directory> open() const;

  // Counts calls, and makes them fail. A failing call has no effect, except for a failing sync.
  [[nodiscard]] IoFaults& faults() const noexcept;
  // The n-th call from now on, of whatever kind, fails.
  void fail_at(std::uint64_t n, int error_number, Repeat repeat = Repeat::once) const;
  // When the files that have a name take more, there is no space left. Default: no limit.
  void set_capacity(std::uint64_t bytes) const;

  // Remembers what is in memory now as something that a power cut may leave.
  void observe() const;

  // One possible disk after power was lost now. This one is not changed, and may be used on.
  [[nodiscard]] SimDisk crash(Rng& rng, CrashPolicy policy) const;

  // All of them, for few changes: choices() has, for each thing that is not durable, how many outcomes it has (2 or
  // more; 0 = as it was). crash_with() takes one for each; the disk must be as it was when choices() was called.
  [[nodiscard]] std::vector<std::size_t> choices() const;
  [[nodiscard]] SimDisk crash_with(std::span<const std::size_t> picks) const;

  // The disk after SIGKILL of everybody who uses it: nothing is lost, and what was not durable is still not; the locks
  // are free.
  [[nodiscard]] SimDisk kill() const;

  // Looks inside, by path ("segments/1.seg"); nothing when there is no such file. Durable: as after all_old.
  [[nodiscard]] std::optional<std::vector<std::byte>> newest(std::string_view path) const;
  [[nodiscard]] std::optional<std::vector<std::byte>> durable(std::string_view path) const;
  // Every content that the sector may have after a power cut, the durable one first.
  [[nodiscard]] std::vector<std::vector<std::byte>> versions(std::string_view path, std::uint32_t sector) const;

  // Damages the disk itself. False: there is no such file, or it is shorter.
  bool overwrite(std::string_view path, std::uint64_t offset, std::span<const std::byte> bytes) const;

 private:
  explicit SimDisk(std::shared_ptr<SimState> state) noexcept;

  std::shared_ptr<SimState> state_;
};

}  // namespace daybook::test
