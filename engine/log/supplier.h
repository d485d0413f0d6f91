// The thread that keeps appenders supplied: with a next segment, with pages ahead of the claims, and with room in the
// stream table; so that in the steady state no append makes a file, faults a page in or maps memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <daybook/error.h>

#include "io/directory.h"
#include "log/log_state.h"
#include "segment/active_segment.h"

namespace daybook::log {

class Supplier {
 public:
  struct Plan {
    Uuid log{};
    std::uint64_t epoch = 0;
    std::uint64_t segment_size = 0;
    // Durable appends are fastest on blocks that were written before, and must not find dirty pages that nobody wrote;
    // others are fastest on pages that are there. So a segment is either zeroed beforehand or populated ahead.
    bool zero = false;
    bool large_folios = false;  // segment::ActiveSegment::Spec
    // The segment that is gone on with: it is to be zero from `zero_from` on, which recovery has not looked at. Null:
    // it was looked at.
    std::unique_ptr<io::File> reopened{};
    std::uint64_t zero_from = 0;
  };

  // `adopt` takes each segment made, before it is linked behind the active one.
  Supplier(LogState& state, io::Directory& segments, Plan plan,
           std::function<segment::ActiveSegment*(std::unique_ptr<segment::ActiveSegment>)> adopt,
           std::function<void()> rolled);
  ~Supplier() { stop(); }
  Supplier(const Supplier&) = delete;
  Supplier& operator=(const Supplier&) = delete;

  // Throws nothing: false when the system has no thread to give.
  bool start() noexcept;
  void stop() noexcept;

 private:
  void run() noexcept;
  void check_zeros() noexcept;
  bool tick() noexcept;
  void prepare(segment::ActiveSegment& active) noexcept;
  void populate(segment::ActiveSegment& active, std::uint64_t claimed) noexcept;
  void populate_to(segment::ActiveSegment& segment, std::uint64_t& populated, std::uint64_t target) noexcept;
  void sleep(bool busy) noexcept;

  LogState& state_;
  io::Directory& segments_;
  Plan plan_;
  const std::function<segment::ActiveSegment*(std::unique_ptr<segment::ActiveSegment>)> adopt_;
  const std::function<void()> rolled_;  // called when appends have moved on to another segment

  segment::ActiveSegment* last_active_ = nullptr;
  std::uint64_t last_claimed_ = 0;
  std::uint64_t populated_ = 0;       // of last_active_
  std::uint64_t next_populated_ = 0;  // of the one behind it
  std::uint64_t ahead_ = 0;           // how far to populate before the claims
  std::uint32_t last_wanted_ = 0;
  std::uint32_t quiet_ticks_ = 0;
  std::uint32_t failed_ticks_ = 0;  // until the next attempt that nobody asked for

  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace daybook::log
