// Where things are in a bitmap in the portable Roaring format. Little endian, aligned to nothing.
//
//   cookie:u32  containers:u32 (no runs)  |  cookie:u16 containers-1:u16 is_run:bit{containers} (some runs)
//   (key:u16 count-1:u16){containers}  offset:u32{containers}?  container{containers}
//   container := array: number:u16{count}  |  bitset: u64{1024}  |  runs: runs:u16 (first:u16 others:u16){runs}
//
// The key of a container is its slab. Offsets are there but where there are runs and fewer than 4 containers.
#pragma once

#include <cstdint>

namespace daybook::index {

inline constexpr std::uint32_t kRoaringCookie =
    12347;  // in the low half; the high half is the number of containers - 1
inline constexpr std::uint32_t kRoaringCookieNoRuns = 12346;  // the number of containers follows

// The head of a bitmap, as offsets from its start.
struct RoaringHead {
  std::uint32_t containers = 0;
  bool has_runs = false;
  bool has_offsets = false;
  std::uint64_t run_flags = 0;
  std::uint64_t keys = 0;
  std::uint64_t offsets = 0;
  std::uint64_t data = 0;

  // Of so many containers.
  static constexpr RoaringHead of(std::uint32_t containers, bool has_runs) noexcept {
    constexpr std::uint32_t kOffsetsFrom = 4;  // containers, where there are runs
    RoaringHead head{.containers = containers, .has_runs = has_runs};
    head.has_offsets = !has_runs || containers >= kOffsetsFrom;
    head.run_flags = 4;
    head.keys = has_runs ? head.run_flags + (containers + 7) / 8 : 8;
    head.offsets = head.keys + std::uint64_t{4} * containers;
    head.data = head.offsets + (head.has_offsets ? std::uint64_t{4} * containers : 0);
    return head;
  }
};

}  // namespace daybook::index
