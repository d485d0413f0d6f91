// What is under test: the real templates. A mutant overrides one of them.
#pragma once

#include <cstddef>

#include "log/publisher.h"
#include "segment/claims.h"

#include "model/model_log.h"

namespace daybook::model {

struct RealCore {
  template <typename Policy>
  using Claims = segment::Claims<Policy>;
  template <typename Env>
  using Publisher = log::Publisher<Env>;
  using Heads = model::Heads;
  static constexpr auto kFilled = A::release;         // the order that a filled word is stored with: Appender::fill()
  static constexpr bool kLoadFirst = true;            // heads are loaded before the claim: Appender::append()
  static constexpr std::size_t kSlots = 3;            // of a segment
  static constexpr bool kLooksBehindTheMark = false;  // what a condition is checked against
};

}  // namespace daybook::model
