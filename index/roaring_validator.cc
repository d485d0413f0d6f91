#include "index/roaring_validator.h"

#include <bit>
#include <cstring>

#include "index/broken.h"
#include "index/container.h"
#include "index/roaring_layout.h"

namespace daybook::index {
namespace {

constexpr std::uint32_t kContainersMax = 1u << 16;
constexpr std::uint32_t kArrayMax = Container::kArrayMax;

// What one container holds, of the low 16 bits.
struct Extent {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  std::uint64_t size = 0;  // in bytes
};

class Validator {
 public:
  explicit Validator(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  Result<RoaringContent> run(std::uint64_t limit) const noexcept {
    const auto head = read_head();
    if (!head) return fail(head.error());
    if (const auto flags = check_run_flags(*head); !flags) return fail(flags.error());
    RoaringContent content;
    std::uint64_t at = head->data;
    for (std::uint32_t i = 0; i < head->containers; ++i) {
      const auto extent = check_container(*head, i, at);
      if (!extent) return fail(extent.error());
      const std::uint32_t high = key(*head, i) << 16;
      if (i == 0) content.first = high | extent->first;
      content.last = high | extent->last;
      content.count += count(*head, i);
      at += extent->size;
    }
    if (at != bytes_.size()) return broken("bitmap ends before its bytes", at, at, bytes_.size());
    if (content.count > 0 && content.last >= limit) return broken("bitmap value", 0, limit, content.last);
    return content;
  }

 private:
  template <typename T>
  [[nodiscard]] T load(std::uint64_t at) const noexcept {
    T value;
    std::memcpy(&value, bytes_.data() + at, sizeof(value));
    return value;
  }
  [[nodiscard]] std::uint16_t u16(std::uint64_t at) const noexcept { return load<std::uint16_t>(at); }
  [[nodiscard]] bool has(std::uint64_t at, std::uint64_t size) const noexcept {
    return at <= bytes_.size() && size <= bytes_.size() - at;
  }
  [[nodiscard]] std::uint32_t key(const RoaringHead& head, std::uint32_t i) const noexcept {
    return u16(head.keys + std::uint64_t{4} * i);
  }
  [[nodiscard]] std::uint32_t count(const RoaringHead& head, std::uint32_t i) const noexcept {
    return std::uint32_t{u16(head.keys + std::uint64_t{4} * i + 2)} + 1;
  }
  [[nodiscard]] bool is_run(const RoaringHead& head, std::uint32_t i) const noexcept {
    return head.has_runs && (load<std::uint8_t>(head.run_flags + i / 8) >> (i % 8) & 1) != 0;
  }

  [[nodiscard]] Result<RoaringHead> read_head() const noexcept {
    if (!has(0, 4)) return broken("bitmap cookie", 0);
    const auto cookie = load<std::uint32_t>(0);
    const bool has_runs = (cookie & 0xffff) == kRoaringCookie;
    if (!has_runs && (cookie != kRoaringCookieNoRuns || !has(4, 4))) {
      return broken("bitmap cookie", 0, kRoaringCookieNoRuns, cookie);
    }
    const std::uint32_t containers = has_runs ? (cookie >> 16) + 1 : load<std::uint32_t>(4);
    if (containers > kContainersMax) return broken("bitmap containers", 4, kContainersMax, containers);
    const RoaringHead head = RoaringHead::of(containers, has_runs);
    if (!has(0, head.data)) return broken("bitmap head is cut", bytes_.size(), head.data, bytes_.size());
    return head;
  }

  // At least one container has runs, or the other cookie would be there; and no flag is of no container.
  [[nodiscard]] Result<> check_run_flags(const RoaringHead& head) const noexcept {
    if (!head.has_runs) return {};
    bool any = false;
    for (std::uint32_t i = 0; i < head.containers; ++i) any = any || is_run(head, i);
    if (!any) return broken("bitmap without runs, and the cookie for them", head.run_flags);
    const std::uint32_t used = head.containers % 8;
    const std::uint64_t last = head.run_flags + (head.containers - 1) / 8;
    if (used != 0 && load<std::uint8_t>(last) >> used != 0) return broken("bitmap run flags", last);
    return {};
  }

  [[nodiscard]] Result<Extent> check_container(const RoaringHead& head, std::uint32_t i,
                                               std::uint64_t at) const noexcept {
    if (i > 0 && key(head, i) <= key(head, i - 1))
      return broken("bitmap keys ascend", head.keys + std::uint64_t{4} * i);
    if (head.has_offsets) {
      const std::uint64_t entry = head.offsets + std::uint64_t{4} * i;
      const auto offset = load<std::uint32_t>(entry);
      if (offset != at) return broken("bitmap container offset", entry, at, offset);
    }
    if (is_run(head, i)) return check_runs(at, count(head, i));
    return count(head, i) <= kArrayMax ? check_array(at, count(head, i)) : check_bitset(at, count(head, i));
  }

  [[nodiscard]] Result<Extent> check_array(std::uint64_t at, std::uint32_t count) const noexcept {
    const Extent extent{.size = std::uint64_t{2} * count};
    if (!has(at, extent.size)) return broken("bitmap array is cut", at, extent.size, bytes_.size() - at);
    for (std::uint32_t i = 1; i < count; ++i) {
      const std::uint64_t here = at + std::uint64_t{2} * i;
      if (u16(here) <= u16(here - 2)) return broken("bitmap array ascends", here);
    }
    return Extent{u16(at), u16(at + extent.size - 2), extent.size};
  }

  [[nodiscard]] Result<Extent> check_bitset(std::uint64_t at, std::uint32_t count) const noexcept {
    if (!has(at, kBitsetSize)) return broken("bitmap bitset is cut", at, kBitsetSize, bytes_.size() - at);
    Extent extent{.first = 1u << 16, .size = kBitsetSize};
    std::uint32_t found = 0;
    for (std::uint32_t i = 0; i < kBitsetSize / 8; ++i) {
      const auto word = load<std::uint64_t>(at + std::uint64_t{8} * i);
      if (word == 0) continue;
      found += static_cast<std::uint32_t>(std::popcount(word));
      if (extent.first == 1u << 16) extent.first = 64 * i + static_cast<std::uint32_t>(std::countr_zero(word));
      extent.last = 64 * i + 63 - static_cast<std::uint32_t>(std::countl_zero(word));
    }
    if (found != count) return broken("bitmap cardinality", at, count, found);
    return extent;
  }

  // runs:u16 (start:u16 length-1:u16){runs}; ascending, with a gap between any two, or they would be one.
  [[nodiscard]] Result<Extent> check_runs(std::uint64_t at, std::uint32_t count) const noexcept {
    if (!has(at, 2)) return broken("bitmap runs are cut", at, 2, bytes_.size() - at);
    const std::uint32_t runs = u16(at);
    const Extent extent{.size = 2 + std::uint64_t{4} * runs};
    if (runs == 0) return broken("bitmap runs", at);
    if (!has(at, extent.size)) return broken("bitmap runs are cut", at, extent.size, bytes_.size() - at);
    // What CRoaring weighs when it chooses between the forms. 0.2.66 counts two bytes for the length of an array, newer
    // versions none; whatever either writes as runs must pass. That is also why an array that would be smaller as runs
    // is not refused: one version keeps what another turns into runs.
    const std::uint64_t other_size = count <= kArrayMax ? 2 + std::uint64_t{2} * count : kBitsetSize;
    if (extent.size > other_size) return broken("bitmap runs are larger than without", at, other_size, extent.size);
    std::uint32_t found = 0;
    std::uint32_t end = 0;  // behind the run before
    for (std::uint32_t i = 0; i < runs; ++i) {
      const std::uint64_t here = at + 2 + std::uint64_t{4} * i;
      const std::uint32_t start = u16(here);
      if (i > 0 && start <= end) return broken("bitmap runs ascend", here, std::uint64_t{end} + 1, start);
      end = start + u16(here + 2) + 1;
      if (end > 1u << 16) return broken("bitmap run ends outside", here, 1u << 16, end);
      found += end - start;
    }
    if (found != count) return broken("bitmap cardinality", at, count, found);
    return Extent{u16(at + 2), end - 1, extent.size};
  }

  std::span<const std::byte> bytes_;
};

}  // namespace

Result<RoaringContent> validate_roaring(std::span<const std::byte> bytes, std::uint64_t limit) noexcept {
  return Validator(bytes).run(limit);
}

}  // namespace daybook::index
