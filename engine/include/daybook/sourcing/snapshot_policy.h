// When to save a snapshot of an aggregate.
#pragma once

#include <chrono>
#include <cstdint>

namespace daybook {

// Saved as soon as one of them asks for it; what is zero asks for nothing. (The policies of Axon 5.1, joined by "or".)
struct SnapshotPolicy {
  // When the aggregate has so many more events than its newest snapshot. Looked at by every save.
  std::uint64_t every_events = 0;

  // When its newest snapshot (or the moment it was loaded, if there is none) is so long ago. Looked at by every save.
  std::chrono::nanoseconds every{};

  // When it took so long to load. Looked at by every load; the snapshot is of what was loaded.
  std::chrono::nanoseconds when_load_takes{};

  [[nodiscard]] constexpr bool enabled() const noexcept {
    return every_events != 0 || every.count() != 0 || when_load_takes.count() != 0;
  }
};

}  // namespace daybook
