#include "log/look_ahead.h"

#include <algorithm>

#include "format/frame.h"

namespace daybook::log {

void LookAhead::gather(std::span<const Part* const> parts, const index::Key& key, bool forward) {
  shares_.clear();
  for (const Part* const part : parts.first(std::min(parts.size(), kPartsMax))) {
    if (part->is_open() && part->sidecar() != nullptr) shares_.push_back({.part = part, .sidecar = part->sidecar()});
  }
  look_up(key);
  queue_frames(forward);
}

void LookAhead::look_up(const index::Key& key) {
  using Step = index::Sidecar::Step;
  places_.clear();
  if (shares_.empty()) return;
  const std::uint64_t hash = shares_.front().sidecar->hash_of(key);
  for (const Share& it : shares_) it.sidecar->prefetch(key.kind, hash, Step::first);
  for (const Share& it : shares_) it.sidecar->prefetch(key.kind, hash, Step::second);
  ordinals_.resize(kEventsMax);
  std::size_t used = 0;
  for (Share& it : shares_) {
    it.begin = used;
    used += it.sidecar->likely(key.kind, hash, std::span(ordinals_).subspan(used));
    it.end = used;
    it.sidecar->prefetch_places(ordinals_of(it), Step::first);
  }
  for (const Share& it : shares_) it.sidecar->prefetch_places(ordinals_of(it), Step::second);
  places_.reserve(used);
  for (const Share& it : shares_) {
    for (const std::uint32_t ordinal : ordinals_of(it)) places_.push_back(it.sidecar->place(ordinal));
  }
}

void LookAhead::queue_frames(bool forward) {
  frames_.clear();
  frames_.reserve(places_.size());
  for (const Share& it : shares_) {
    const std::byte* const segment = it.part->segment().data().data();
    const std::size_t size = it.end - it.begin;
    for (std::size_t i = 0; i < size; ++i) {
      frames_.push_back(segment + places_[forward ? it.begin + i : it.end - 1 - i].offset);
    }
  }
  for (const std::byte* const frame : frames_) static_cast<void>(format::load_word(frame));
  for (next_ = 0; next_ < std::min(kDistance, frames_.size());) advance();
}

bool LookAhead::places(const Part& part, std::span<const std::uint32_t> ordinals,
                       std::span<index::Place> out) const noexcept {
  const auto share = std::ranges::find(shares_, &part, &Share::part);
  if (share == shares_.end()) return false;
  const auto known = ordinals_of(*share);
  const auto from = static_cast<std::size_t>(std::ranges::lower_bound(known, ordinals.front()) - known.begin());
  if (known.size() - from < ordinals.size() || !std::ranges::equal(ordinals, known.subspan(from, ordinals.size()))) {
    return false;
  }
  const index::Place* const place = &places_[share->begin + from];
  for (std::size_t i = 0; i < ordinals.size(); ++i) out[i] = place[i];
  return true;
}

// The processor goes on by itself through what is longer.
void LookAhead::prefetch(const std::byte* frame) noexcept {
  constexpr std::uint64_t kLine = 64;
  const std::byte* const end = frame + std::min(format::load_word(frame).size(), 8 * kLine);
  for (const std::byte* line = frame + kLine; line < end; line += kLine) __builtin_prefetch(line);
  if (end != frame) __builtin_prefetch(end - 1);
}

}  // namespace daybook::log
