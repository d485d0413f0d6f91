#include "log/sync_env.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "io/futex.h"

namespace daybook::log {
namespace {

constexpr std::chrono::nanoseconds kYieldMax = std::chrono::milliseconds(1);

template <typename T>
void raise(std::atomic<T>& value, T to) noexcept {
  T now = value.load(std::memory_order_relaxed);
  while (now < to && !value.compare_exchange_weak(now, to, std::memory_order_acq_rel)) {
  }
}

}  // namespace

bool SyncEnv::sync(std::size_t turn, const Point& point) noexcept {
  const auto end = format::Address::unpack(point.address);
  const auto begun = std::chrono::steady_clock::now();
  segment::ActiveSegment* segment = dirty_from_.load(std::memory_order_acquire);
  const auto synced = [&] {
    const auto done = segment->sync(turn);
    if (!done) state_.failure.set(done.error());
    return done.has_value();
  };
  for (; segment->number() < end.segment; segment = segment->next.load(std::memory_order_acquire)) {
    if (!synced()) return false;
  }
  if (segment->number() == end.segment && end.offset > format::kDataStart && !synced()) return false;
  advance_dirty(segment);
  last_sync_ns_.store((std::chrono::steady_clock::now() - begun).count(), std::memory_order_relaxed);
  return true;
}

void SyncEnv::advance_dirty(segment::ActiveSegment* to) noexcept {
  segment::ActiveSegment* now = dirty_from_.load(std::memory_order_acquire);
  while (now->number() < to->number() && !dirty_from_.compare_exchange_weak(now, to, std::memory_order_acq_rel)) {
  }
}

void SyncEnv::moved(const Point& point) noexcept {
  const auto address = format::Address::unpack(point.address);
  raise(state_.durable_floor, point.address);
  readers_.set_durable(address);
  state_.live->raise_durable(address, readers_.log());
  // Behind what cursors go by: whoever is told a durable position is shown every event up to it.
  raise(state_.durable_position, point.position);
  state_.live->wake();
}

void SyncEnv::wait(const std::atomic<std::uint32_t>& turns, std::uint32_t seen) noexcept {
  const std::chrono::nanoseconds patience(last_sync_ns_.load(std::memory_order_relaxed));
  const auto until = std::chrono::steady_clock::now() + std::min(patience, kYieldMax);
  do {
    if (turns.load(std::memory_order_acquire) != seen) return;
    std::this_thread::yield();
  } while (std::chrono::steady_clock::now() < until);
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  io::futex_wait(turns, seen, std::chrono::seconds(1));
  sleepers_.fetch_sub(1, std::memory_order_relaxed);
}

void SyncEnv::wake(const std::atomic<std::uint32_t>& turns) noexcept {
  if (sleepers_.load(std::memory_order_seq_cst) != 0) io::futex_wake_all(turns);
}

}  // namespace daybook::log
