// Sleeping until a word in memory changes, across threads and processes.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace daybook::io {

// Sleeps while `word` is `value`, until woken or `timeout` is over. May return early: look again.
// The word may be in a read-only mapping of another process's file.
void futex_wait(const std::uint32_t& word, std::uint32_t value, std::chrono::nanoseconds timeout) noexcept;

// Wakes everybody who sleeps on the word, in every process that maps it.
void futex_wake_all(const std::uint32_t& word) noexcept;

// The same on an atomic, which is its value and nothing else.
static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t) &&
              std::atomic<std::uint32_t>::is_always_lock_free);
inline void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t value,
                       std::chrono::nanoseconds timeout) noexcept {
  futex_wait(reinterpret_cast<const std::uint32_t&>(word), value, timeout);
}
inline void futex_wake_all(const std::atomic<std::uint32_t>& word) noexcept {
  futex_wake_all(reinterpret_cast<const std::uint32_t&>(word));
}

}  // namespace daybook::io
