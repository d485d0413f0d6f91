// What the threads of a log that is open for writing share.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include <daybook/error.h>
#include <daybook/types.h>

#include "format/layout.h"
#include "log/head_source.h"
#include "log/live_page.h"
#include "log/stream_table.h"
#include "segment/active_segment.h"

namespace daybook::log {

// Where publishing is: the address behind the last decided frame, and the position of the last published event.
struct Point {
  std::uint64_t address = 0;  // format::Address, packed
  Position position = 0;
};

// The error that ended the log, set once. Relaxed is enough: it is a flag that says stop. What else it says may be seen
// a moment later.
class Failure {
 public:
  void set(const Error& error) noexcept {
    std::uint64_t none = 0;
    const std::uint64_t bits = static_cast<std::uint64_t>(error.code) |
                               static_cast<std::uint64_t>(static_cast<std::uint32_t>(error.sys_errno)) << 8;
    if (bits_.compare_exchange_strong(none, bits, std::memory_order_relaxed)) {
      what_.store(error.what, std::memory_order_relaxed);
      segment_.store(error.segment, std::memory_order_relaxed);
      offset_.store(error.offset, std::memory_order_relaxed);
    }
  }
  [[nodiscard]] bool is_set() const noexcept { return bits_.load(std::memory_order_relaxed) != 0; }
  // As every later call reports it: closed, corrupt, or poisoned with the errno of the first failure.
  [[nodiscard]] Error error() const noexcept {
    const std::uint64_t bits = bits_.load(std::memory_order_relaxed);
    const auto code = static_cast<Errc>(bits & 0xff);
    return {.code = code == Errc::closed || code == Errc::corrupt ? code : Errc::poisoned,
            .sys_errno = static_cast<std::int32_t>(bits >> 8),
            .what = what_.load(std::memory_order_relaxed),
            .segment = segment_.load(std::memory_order_relaxed),
            .offset = offset_.load(std::memory_order_relaxed)};
  }

 private:
  std::atomic<std::uint64_t> bits_ = 0;
  std::atomic<const char*> what_ = "sync";
  std::atomic<std::uint64_t> segment_ = 0;
  std::atomic<std::uint64_t> offset_ = 0;
};

// What appenders ask of the thread that prepares segments.
struct Supply {
  std::atomic<std::uint32_t> wanted = 0;    // futex of the supplier: counts requests
  std::atomic<std::uint32_t> asleep = 0;    // 1 = the supplier sleeps until it is woken
  std::atomic<std::uint32_t> attempts = 0;  // futex of appenders: counts attempts to prepare a segment
  std::atomic<std::uint64_t> failure = 0;   // errno and Errc of the last attempt; 0 = it succeeded
  // Below this packed address, what nobody has written yet is known to be zero. Less than everything only for a while
  // after a segment was gone on with. Release: nothing but the look itself has to be before it.
  std::atomic<std::uint64_t> zero_until = ~std::uint64_t{0};
  // Something else than zero was found there, or nobody could look: zero_until stays where it is. Set after `failure`
  // of the log.
  std::atomic<bool> stray = false;
  [[nodiscard]] bool all_zero() const noexcept {
    return zero_until.load(std::memory_order_acquire) == ~std::uint64_t{0};
  }
};

struct LogState {
  std::atomic<segment::ActiveSegment*> publishing = nullptr;  // decides frames here
  std::atomic<segment::ActiveSegment*> active = nullptr;      // claims go here; never behind `publishing`
  std::atomic<std::int64_t> clock = 0;                        // recorded-at of the last published frame
  StreamTable heads;
  HeadSource* unknown_heads = nullptr;  // null: a stream that `heads` does not know was not there at open
  Failure failure;
  Supply supply;
  LivePage* live = nullptr;
  std::atomic<std::uint64_t> durable_floor = 0;  // what frames are filled with: GroupSync's durable address
  std::atomic<Position> durable_position = 0;

  // What a head was when the log was opened.
  [[nodiscard]] Result<StreamHead> head_at_open(std::string_view stream) noexcept {
    if (unknown_heads == nullptr) return StreamHead{};
    return unknown_heads->head_at_open(stream);
  }

  [[nodiscard]] Point published() const noexcept {
    const segment::ActiveSegment* const at = publishing.load(std::memory_order_seq_cst);
    const segment::Mark mark = at->claims().mark();
    return {format::Address{static_cast<std::uint32_t>(at->number()), static_cast<std::uint32_t>(mark.offset)}.packed(),
            at->base.load(std::memory_order_relaxed) + mark.events};
  }
};

}  // namespace daybook::log
