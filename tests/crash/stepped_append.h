// An append that can be looked at, or joined, between any two of its steps.
#pragma once

#include <functional>
#include <span>
#include <utility>

#include <daybook/store.h>

#include "log/appender.h"
#include "store/store_access.h"

namespace daybook::test {

// What production does, and a hook in between. Thread safety: the hook is one of the calling thread.
struct SteppedEnv : log::ProductionEnv {
  static inline thread_local std::function<void(log::Step)> hook;

  static void step(log::Step step) noexcept {
    if (hook) hook(step);
  }
};

// Appends to `store` as Store::append does in Durability::memory, calling `hook` at each step. The hook may append
// itself where its own append could: at Step::begun.
inline Result<Appended> append_in_steps(Store& store, std::span<StreamAppend> streams,
                                        std::span<AppendCondition> conditions, std::function<void(log::Step)> hook) {
  log::Writer& writer = StoreAccess::writer(store);
  log::Appender<SteppedEnv> appender(writer.state(), OpenOptions{}.payload_size_max, &writer.past());
  SteppedEnv::hook = std::move(hook);
  format::Address end;
  Result<Appended> appended = appender.append(streams, conditions, end);
  SteppedEnv::hook = nullptr;
  return appended;
}
inline Result<Appended> append_in_steps(Store& store, std::span<StreamAppend> streams,
                                        std::function<void(log::Step)> hook) {
  return append_in_steps(store, streams, {}, std::move(hook));
}

}  // namespace daybook::test
