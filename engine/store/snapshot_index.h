// Which snapshots there are: key -> generations, in memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <daybook/snapshot.h>
#include <daybook/types.h>

#include "store/snapshot_file.h"

namespace daybook {

// What is known of a snapshot. Readers find it out, all of them the same, so the order in which they store it is nothing.
class Verdict {
 public:
  Verdict() noexcept = default;
  explicit Verdict(SnapshotCondition condition) noexcept { set(condition); }
  Verdict(const Verdict& other) noexcept : code_(other.code_.load()) {}
  Verdict& operator=(const Verdict& other) noexcept {
    code_.store(other.code_.load());
    return *this;
  }

  // Nothing: it was not looked at yet.
  [[nodiscard]] std::optional<SnapshotCondition> get() const noexcept {
    const std::uint8_t code = code_.load();
    if (code == 0) return std::nullopt;
    return static_cast<SnapshotCondition>(code - 1);
  }
  void set(SnapshotCondition condition) noexcept {
    code_.store(static_cast<std::uint8_t>(1 + static_cast<std::uint8_t>(condition)));
  }

 private:
  std::atomic<std::uint8_t> code_ = 0;
};

// A snapshot of a key, as far as it takes to choose one. The rest is read in its file.
struct Generation {
  Position position = 0;
  Version version = 0;
  std::uint64_t epoch = 0;
  std::uint64_t fingerprint = 0;
  std::int64_t recorded_at = 0;
  SnapshotFile* file = nullptr;
  std::uint64_t offset = 0;
  bool in_log = false;  // its event was found when it was saved here, and a log loses events in no session
  mutable Verdict verdict;

  [[nodiscard]] const format::SnapshotRecord& record() const noexcept { return file->record(offset); }
  [[nodiscard]] std::uint64_t size() const noexcept {
    return format::snapshot_record_size(record().key_size, record().state_size);
  }
  // The same state of the same events: saved twice, or copied by a pruning that was cut off.
  [[nodiscard]] bool repeats(const Generation& other) const noexcept {
    return position == other.position && version == other.version && fingerprint == other.fingerprint &&
           epoch == other.epoch;
  }
};

Generation make_generation(SnapshotFile& file, std::uint64_t offset, const format::SnapshotRecord& record) noexcept;

// Thread safety: const methods, from any thread while none of the others runs.
class SnapshotIndex {
 public:
  using Generations = std::vector<Generation>;  // by position, ascending

  void add(std::string_view key, const Generation& generation);
  // Null: there are none.
  [[nodiscard]] const Generations* find(std::string_view key) const;
  void replace(std::string_view key, Generations generations);
  void erase(std::string_view key);
  // Forgets what is in the file.
  void forget(const SnapshotFile& file);

  [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }
  [[nodiscard]] auto begin() const noexcept { return keys_.begin(); }
  [[nodiscard]] auto end() const noexcept { return keys_.end(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const noexcept { return std::hash<std::string_view>()(key); }
  };
  std::unordered_map<std::string, Generations, Hash, std::equal_to<>> keys_;
};

}  // namespace daybook
