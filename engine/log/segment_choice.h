// Which of the segments that a checkpoint covers may hold what somebody asks for, so that the others need not be
// opened.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "index/checkpoint.h"
#include "index/key.h"

namespace daybook::log {

// By ordinal of the checkpoint's table of segments. May have segments too many, never too few.
using SegmentMask = std::vector<bool>;

// The segments that may have the key: all of them when the checkpoint's page is damaged.
SegmentMask segments_with(const index::Checkpoint& checkpoint, const index::Key& key);

// The answer to one question, made when it is first needed: looking into a checkpoint costs microseconds, as much as
// asking several segments that are open already. Thread safety: none.
class SegmentChoice {
 public:
  using Choose = std::function<SegmentMask(const index::Checkpoint&)>;

  // `choose` is called once at most. What it refers to must outlive this.
  explicit SegmentChoice(Choose choose) : choose_(std::move(choose)) {}

  // Of a segment that the checkpoint covers, by its ordinal there. True as long as it costs less to ask the segment
  // itself.
  [[nodiscard]] bool may_hold(const index::Checkpoint& checkpoint, std::uint64_t ordinal, bool is_open) {
    if (!mask_) {
      if (is_open && asked_++ < kAskedFirst) return true;
      mask_ = choose_(checkpoint);
    }
    return (*mask_)[ordinal];
  }

 private:
  static constexpr unsigned kAskedFirst = 32;  // segments that are open

  Choose choose_;
  unsigned asked_ = 0;
  std::optional<SegmentMask> mask_;
};

}  // namespace daybook::log
