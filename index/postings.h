// The answer of an index.
#pragma once

#include <utility>

#include "index/ordinals.h"

namespace daybook::index {

// The set of events that have a key: its own, or that of an index. One that is the index's must not outlive it; and changes
// with it. Thread safety: as a set's.
class Postings {
 public:
  Postings() noexcept = default;  // no events
  explicit Postings(Ordinals set) noexcept : own_(std::move(set)) {}
  static Postings view(const Ordinals& set) noexcept {
    Postings made;
    made.viewed_ = &set;
    return made;
  }

  const Ordinals& operator*() const noexcept { return viewed_ == nullptr ? own_ : *viewed_; }
  const Ordinals* operator->() const noexcept { return &**this; }
  // Whether there are any events.
  explicit operator bool() const noexcept { return !(*this)->empty(); }

 private:
  Ordinals own_;
  const Ordinals* viewed_ = nullptr;
};

}  // namespace daybook::index
