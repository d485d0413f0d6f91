// How the lock-free core reaches shared memory: through a policy, so that a model checker can run the same code over
// its own atomics and every memory order can be weakened to see that a test notices.
//
// `Atomic<T>` is an object; `Word` is a 64-bit field of a mapped file. All accesses go through load, store, cas,
// exchange and add, which take either.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace daybook::segment {

struct StdAtomics {
  template <typename T>
  using Atomic = std::atomic<T>;

  using Order = std::memory_order;
  static constexpr Order relaxed = std::memory_order_relaxed;
  static constexpr Order acquire = std::memory_order_acquire;
  static constexpr Order release = std::memory_order_release;
  static constexpr Order acq_rel = std::memory_order_acq_rel;
  static constexpr Order seq_cst = std::memory_order_seq_cst;

  template <typename T>
  static T load(const std::atomic<T>& object, Order order) noexcept {
    return object.load(order);
  }
  template <std::integral T>
  static T load(T& field, Order order) noexcept {
    return std::atomic_ref(field).load(order);
  }

  template <typename T>
  static void store(std::atomic<T>& object, std::type_identity_t<T> value, Order order) noexcept {
    object.store(value, order);
  }
  template <std::integral T>
  static void store(T& field, std::type_identity_t<T> value, Order order) noexcept {
    std::atomic_ref(field).store(value, order);
  }

  // Strong compare-and-swap; `expected` becomes what was found. Failure order: the success order without its release.
  // Inlined, because `expected` would be in memory for a call.
  template <typename T>
  [[gnu::always_inline]] static bool cas(std::atomic<T>& object, T& expected, std::type_identity_t<T> desired,
                                         Order order) noexcept {
    return object.compare_exchange_strong(expected, desired, order);
  }
  template <std::integral T>
  [[gnu::always_inline]] static bool cas(T& field, T& expected, std::type_identity_t<T> desired, Order order) noexcept {
    return std::atomic_ref(field).compare_exchange_strong(expected, desired, order);
  }

  template <typename T>
  static T exchange(std::atomic<T>& object, std::type_identity_t<T> value, Order order) noexcept {
    return object.exchange(value, order);
  }
  template <typename T>
  static T add(std::atomic<T>& object, std::type_identity_t<T> value, Order order) noexcept {
    return object.fetch_add(value, order);
  }
};

}  // namespace daybook::segment
