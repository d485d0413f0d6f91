#include "index/roaring_view.h"

#include <cassert>
#include <cstring>

namespace daybook::index {

template <typename T>
T RoaringView::load(std::uint64_t at) const noexcept {
  T value;
  std::memcpy(&value, bytes_ + at, sizeof(value));
  return value;
}

RoaringView::RoaringView(std::span<const std::byte> valid) noexcept : bytes_(valid.data()) {
  const auto cookie = load<std::uint32_t>(0);
  has_runs_ = (cookie & 0xffff) == kRoaringCookie;
  assert(has_runs_ || cookie == kRoaringCookieNoRuns);
  containers_ = has_runs_ ? (cookie >> 16) + 1 : load<std::uint32_t>(4);
}

std::uint32_t RoaringView::slab(std::uint32_t i) const noexcept {
  return load<std::uint16_t>(head().keys + std::uint64_t{4} * i);
}

std::uint32_t RoaringView::count(std::uint32_t i) const noexcept {
  return std::uint32_t{load<std::uint16_t>(head().keys + std::uint64_t{4} * i + 2)} + 1;
}

bool RoaringView::is_run(std::uint32_t i) const noexcept {
  return has_runs_ && (load<std::uint8_t>(head().run_flags + i / 8) >> (i % 8) & 1) != 0;
}

// In bytes, of container i, which is at `at`.
std::uint64_t RoaringView::size(std::uint32_t i, std::uint64_t at) const noexcept {
  if (is_run(i)) return 2 + std::uint64_t{4} * load<std::uint16_t>(at);
  return count(i) <= Container::kArrayMax ? std::uint64_t{2} * count(i) : kBitsetSize;
}

std::uint64_t RoaringView::offset(std::uint32_t i) const noexcept {
  const RoaringHead head = this->head();
  if (head.has_offsets) return load<std::uint32_t>(head.offsets + std::uint64_t{4} * i);
  std::uint64_t at = head.data;
  for (std::uint32_t before = 0; before < i; ++before) at += size(before, at);
  return at;
}

Container RoaringView::container(std::uint32_t i) const noexcept {
  const std::uint64_t at = offset(i);
  Container made{.data = bytes_ + at, .count = count(i)};
  if (is_run(i)) {
    made.form = Container::Form::runs;
    made.runs = load<std::uint16_t>(at);
    made.data += sizeof(std::uint16_t);
  } else if (made.count > Container::kArrayMax) {
    made.form = Container::Form::bitset;
  }
  return made;
}

}  // namespace daybook::index
