// The gate in front of RoaringView: no bytes from a file are read that did not pass it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <daybook/error.h>

namespace daybook::index {

// What a valid bitmap holds. `first` and `last` mean nothing when count is 0.
struct RoaringContent {
  std::uint64_t count = 0;
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

// Whether the bytes are one Roaring bitmap in the portable format, all of them, with every value < limit. Anything that
// CRoaring would not write itself is refused; so what is accepted is the same bytes again after it is read and written
// (unless it is optimised in between, as Ordinals::to_roaring does: an array may turn into runs).
//
// The view trusts every count and offset; so would CRoaring 0.2.66 (Debian 12), which checks sizes at best.
//
// Errc::corrupt with the rule as `what` and the offset from the start of the bytes. Reads nothing outside them, allocates
// nothing. Thread safety: any thread.
Result<RoaringContent> validate_roaring(std::span<const std::byte> bytes, std::uint64_t limit) noexcept;

}  // namespace daybook::index
