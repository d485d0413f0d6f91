// The content of one simulated file: what is in memory, what is on the disk, and everything in between that a power cut
// may leave there.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "support/sim_memory.h"

namespace daybook::test {

inline constexpr std::size_t kSectorSize = 512;  // what the disk writes at once, or not at all
inline constexpr std::size_t kSimPageSize = 4096;

// A counter of moments at which the disk was looked at. Orders everything that is not durable yet.
using SimTime = std::uint64_t;

// Thread safety: none, but for stores to memory() by others at any time; SimDisk has the lock.
//
// Stores to a mapping are found by comparing memory with what was there at the last observation: what a sector held in
// between two observations is never seen, on this disk as on a real one that did not write it back in that time.
// Whoever calls a method has just observed: SimCall does.
class SimFileData {
 public:
  using Sector = std::array<std::byte, kSectorSize>;
  struct Version {
    SimTime when;
    Sector bytes;
  };
  // A sector that is not durable: every content that it had since it was, the newest last.
  struct Pending {
    std::vector<Version> versions;
    // A sync of it has failed: the kernel thinks that it is clean, so that no later sync writes it, until something is
    // stored to its page again.
    bool abandoned = false;
  };
  struct PendingSize {
    SimTime when;
    std::uint64_t size;
  };

  explicit SimFileData(std::uint64_t id) noexcept : id_(id) {}
  ~SimFileData();
  SimFileData(const SimFileData&) = delete;
  SimFileData& operator=(const SimFileData&) = delete;

  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint64_t allocated() const noexcept;
  // How many bytes more it would take to have blocks behind [offset, offset + size).
  [[nodiscard]] std::uint64_t missing(std::uint64_t offset, std::uint64_t size) const noexcept;

  void read(std::uint64_t offset, std::span<std::byte> bytes) const;
  void write(std::uint64_t offset, std::span<const std::byte> bytes, SimTime now);
  void write_zeros(std::uint64_t offset, std::uint64_t size, SimTime now);
  void allocate(std::uint64_t offset, std::uint64_t size, SimTime now);  // and grows
  void punch(std::uint64_t offset, std::uint64_t size, SimTime now);

  void observe(SimTime now);
  void sync();
  void fail_sync();
  // Forgets what is clean, and not mapped, from a sector on: after a failed sync the old content is back.
  void drop_cache(std::uint64_t offset);
  // How many syncs have failed; every open description reports each once.
  [[nodiscard]] std::uint64_t failed_syncs() const noexcept { return failed_syncs_; }

  // Mappings. The memory lives from the first to the last of them.
  std::byte* add_mapping(bool writable);
  void remove_mapping(bool writable, SimTime now);
  void protect_mapping();  // a writable one becomes one that is not

  bool try_lock() noexcept;
  void unlock() noexcept { locked_ = false; }

  [[nodiscard]] const std::map<std::uint32_t, Pending>& pending() const noexcept { return pending_; }
  [[nodiscard]] const std::vector<PendingSize>& pending_sizes() const noexcept { return pending_sizes_; }
  [[nodiscard]] std::uint64_t durable_size() const noexcept { return durable_size_; }
  [[nodiscard]] Sector durable_sector(std::uint32_t sector) const noexcept;
  [[nodiscard]] std::vector<std::byte> durable_bytes() const;
  [[nodiscard]] std::vector<std::byte> newest_bytes() const;

  // The same, not mapped and not locked, as after SIGKILL: what is not durable stays so. Observe first.
  [[nodiscard]] std::shared_ptr<SimFileData> copy() const;

  // One possible content after a power cut.
  struct Image {
    std::uint64_t size = 0;
    std::vector<std::pair<std::uint32_t, Sector>> sectors;  // that differ from the durable ones; beyond `size`: ignored
  };
  [[nodiscard]] std::shared_ptr<SimFileData> after_power_cut(const Image& image) const;

  // Changes the disk itself, durable and newest: damage.
  void overwrite(std::uint64_t offset, std::span<const std::byte> bytes);

 private:
  // Shared between copies until one changes it; may be shorter than the file: the rest is zeros.
  using Content = std::shared_ptr<std::vector<std::byte>>;

  [[nodiscard]] std::uint64_t padded_size() const noexcept {
    return (size_ + kSectorSize - 1) / kSectorSize * kSectorSize;
  }
  std::byte* own(Content& content) const;
  void grow(std::uint64_t size, SimTime now);
  void mark_allocated(std::uint64_t offset, std::uint64_t size);
  void observe_page(std::uint64_t page, std::span<const std::byte> now_there, SimTime now);
  void redirty(std::uint64_t page);
  template <typename Fill>
  void change(std::uint64_t offset, std::uint64_t size, SimTime now, Fill fill);

  const std::uint64_t id_;
  std::uint64_t size_ = 0;
  std::uint64_t durable_size_ = 0;
  Content seen_ = std::make_shared<std::vector<std::byte>>();  // newest content, as last observed
  Content durable_ = seen_;
  std::map<std::uint32_t, Pending> pending_;
  std::vector<PendingSize> pending_sizes_;
  std::vector<bool> blocks_;  // which pages have blocks
  std::uint64_t failed_syncs_ = 0;
  std::unique_ptr<SimMemory> memory_;
  std::size_t mappings_ = 0;
  std::size_t writable_mappings_ = 0;
  bool locked_ = false;
};

}  // namespace daybook::test
