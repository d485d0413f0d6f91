// A store that was written, to be read: and the bare scan of its bytes that reading it is measured against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "scratch.h"
#include "workload.h"

namespace daybook::bench {

// Writes events to a new store, and closes it.
void write_log(const Scratch& scratch, const Workload& workload, std::uint64_t events);

// The segments of a store, mapped for reading.
class MappedLog {
 public:
  explicit MappedLog(const Scratch& scratch);

  struct Scan {
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;
    std::uint32_t crc = 0;
  };
  // CRC32C over every frame, found by its length, and nothing else: the least that verifying could do.
  [[nodiscard]] Scan scan() const noexcept;

  // Where each frame begins that holds published events, in order.
  [[nodiscard]] std::vector<const std::byte*> frames() const;

 private:
  template <typename Visit>
  void each_frame(Visit visit) const;

  std::vector<std::unique_ptr<io::Mapping>> segments_;
};

}  // namespace daybook::bench
