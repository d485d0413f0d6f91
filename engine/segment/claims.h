// The words that appenders of one active segment share. This is the wait-free part of the append: claim.
//
// Invariants
//
// (1) Claims tile the offsets: each claim is [offset, offset + size) and the next begins where it ends, because
//     fetch_add is the only write to tail_.
// (2) So at most one claim covers the end of the data without fitting. Its thread writes the pad; claims before it fit,
//     claims behind it have nothing to do here. A claim that ends exactly at the end leaves nothing to pad.
// (3) Every entry into the segment (a claim or enter()) is counted in the upper bits of tail_ and, when its thread will
//     not touch the segment's memory again, in departures_. When publishing and claiming have both left the segment and
//     the counts are equal, nobody writes to it any more: whoever enters later looks at Log::publishing again before it
//     touches memory, and leaves. (Both sides are seq_cst: the entry is in tail_ before its second look; the retirer
//     sees publishing moved before it reads tail_.)
// (4) mark_ packs {offset / 8, events published in this segment}, so that positions stay gap-free though rejected
//     frames and padding take bytes. It moves by CAS from one frame's start to the next one's, each value once.
#pragma once

#include <cstdint>

#include "segment/atomics.h"

namespace daybook::segment {

// How far publishing has come in a segment.
struct Mark {
  std::uint64_t offset = 0;  // bytes; the frame there is the next to decide
  std::uint64_t events = 0;  // published before it in this segment

  [[nodiscard]] constexpr std::uint64_t packed() const noexcept { return offset / 8 << 32 | events; }
  static constexpr Mark unpack(std::uint64_t packed) noexcept { return {packed >> 32 << 3, packed & 0xffffffff}; }
};

struct Claim {
  enum class Kind : std::uint8_t {
    none,    // nothing was claimed
    owned,   // fits: fill the frame at `offset`
    padder,  // does not fit and covers the end: write the pad at `offset`, then go on to the next segment
    late,    // does not fit: go on to the next segment
  };
  Kind kind = Kind::none;
  std::uint64_t offset = 0;
};

// Thread safety: all methods, from any thread at any time.
template <typename A>
class Claims {
 public:
  Claims(std::uint64_t offset, std::uint64_t data_end, std::uint64_t events) noexcept
      : data_end_(data_end), tail_(offset), departures_(0), mark_(Mark{offset, events}.packed()), lease_(0) {}

  // Reserves `size` bytes and enters the segment. Wait-free: one fetch_add. Every claim is followed by one leave().
  [[gnu::always_inline]] Claim claim(std::uint64_t size) noexcept {
    // Relaxed is enough for the claim: it publishes nothing, and owning the bytes follows from the value returned.
    // The entry needs seq_cst, see (3).
    const std::uint64_t offset = A::add(tail_, kEntry + size, A::seq_cst) & kOffsetMask;
    if (offset + size <= data_end_) return {Claim::Kind::owned, offset};
    if (offset < data_end_) return {Claim::Kind::padder, offset};
    return {Claim::Kind::late, offset};
  }

  // True once no claim of that size can fit. Appenders look first, so that a segment that stays full (no space for the
  // next) is not claimed over and over until the offset overflows.
  [[nodiscard]] bool full() const noexcept { return (A::load(tail_, A::relaxed) & kOffsetMask) >= data_end_; }

  void enter() noexcept { A::add(tail_, kEntry, A::seq_cst); }

  // The calling thread touches this segment's memory no more. Release: its writes happen before the retirer's use.
  void leave() noexcept { A::add(departures_, std::uint64_t{1}, A::release); }

  // See (3); call it after having seen that publishing and claiming have left.
  [[nodiscard]] bool quiescent() const noexcept {
    const std::uint64_t departures = A::load(departures_, A::acquire);
    return A::load(tail_, A::seq_cst) / kEntry == departures % (kEntryCount);
  }

  [[nodiscard]] std::uint64_t claimed() const noexcept { return A::load(tail_, A::relaxed) & kOffsetMask; }
  [[nodiscard]] std::uint64_t data_end() const noexcept { return data_end_; }

  [[nodiscard]] Mark mark() const noexcept { return Mark::unpack(A::load(mark_, A::acquire)); }
  // Moves the mark from `from` to `to` unless somebody has. Release: who sees the new mark sees the decision of every
  // frame below it and what the stream table became by it.
  bool move_mark(Mark from, Mark to) noexcept {
    std::uint64_t expected = from.packed();
    return A::cas(mark_, expected, to.packed(), A::seq_cst);
  }

  // A hint that somebody is publishing. Never required, may be ignored by anyone at any time.
  [[gnu::always_inline]] bool try_lease() noexcept {
    return A::load(lease_, A::relaxed) == 0 && A::exchange(lease_, 1u, A::acquire) == 0;
  }
  void end_lease() noexcept { A::store(lease_, 0u, A::release); }

 private:
  static constexpr std::uint64_t kOffsetBits = 40;
  static constexpr std::uint64_t kEntry = std::uint64_t{1} << kOffsetBits;
  static constexpr std::uint64_t kEntryCount = std::uint64_t{1} << (64 - kOffsetBits);
  static constexpr std::uint64_t kOffsetMask = kEntry - 1;

  const std::uint64_t data_end_;

  // Claims touch the first line; publishing the second.
  alignas(64) typename A::template Atomic<std::uint64_t> tail_;  // {entries mod 2^24, next unclaimed offset}
  typename A::template Atomic<std::uint64_t> departures_;
  alignas(64) typename A::template Atomic<std::uint64_t> mark_;
  typename A::template Atomic<std::uint32_t> lease_;
};

}  // namespace daybook::segment
