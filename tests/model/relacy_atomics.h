// The atomics policy of the model: segment/atomics.h over relacy's own atomics.
#pragma once

#include <type_traits>

#include "model/relacy.h"

namespace daybook::model {

// Now and then a thread stands still for so long that all others can go through whole appends: what a scheduler that
// picks the next thread by chance does next to never.
class Stall {
 public:
  static void maybe() {
    if (!rl::ctx().is_random_sched() || rl::rand(kRarity) != 0) return;
    for (unsigned left = rl::rand(kLongest); left > 0; --left) rl::yield(1, $);
  }

 private:
  static constexpr unsigned kRarity = 64;
  static constexpr unsigned kLongest = 80;
};

struct RelacyAtomics {
  template <typename T>
  using Atomic = rl::atomic<T>;

  using Order = rl::memory_order;
  static constexpr Order relaxed = rl::mo_relaxed;
  static constexpr Order acquire = rl::mo_acquire;
  static constexpr Order release = rl::mo_release;
  static constexpr Order acq_rel = rl::mo_acq_rel;
  static constexpr Order seq_cst = rl::mo_seq_cst;

  template <typename T>
  static T load(const rl::atomic<T>& object, Order order) {
    Stall::maybe();
    return object.load(order, $);
  }
  template <typename T>
  static void store(rl::atomic<T>& object, std::type_identity_t<T> value, Order order) {
    Stall::maybe();
    object.store(value, order, $);
  }
  template <typename T>
  static bool cas(rl::atomic<T>& object, T& expected, std::type_identity_t<T> desired, Order order) {
    Stall::maybe();
    return object.compare_exchange_strong(expected, desired, order, $);
  }
  template <typename T>
  static T exchange(rl::atomic<T>& object, std::type_identity_t<T> value, Order order) {
    Stall::maybe();
    return object.exchange(value, order, $);
  }
  template <typename T>
  static T add(rl::atomic<T>& object, std::type_identity_t<T> value, Order order) {
    Stall::maybe();
    return object.fetch_add(value, order, $);
  }
};

}  // namespace daybook::model
