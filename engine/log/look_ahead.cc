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
  places_.resize(used);
  for (const Share& it : shares_) {
    it.sidecar->warm_places(ordinals_of(it), std::span(places_).subspan(it.begin, it.end - it.begin));
  }
}

void LookAhead::queue_frames(bool forward) {
  frames_.resize(places_.size());
  for (const Share& it : shares_) {
    const std::byte* const segment = it.part->segment().data().data();
    for (std::size_t i = it.begin; i < it.end; ++i) {
      frames_[forward ? i : it.begin + it.end - 1 - i] = segment + places_[i].offset;
    }
  }
  for (const std::byte* const frame : frames_) static_cast<void>(format::load_word(frame));
  next_ = 0;
  for (const std::byte* const frame : next_frames(kDistance)) format::prefetch_frame(frame);
}

std::span<const index::Place> LookAhead::places(const Part& part,
                                                std::span<const std::uint32_t> ordinals) const noexcept {
  const auto share = std::ranges::find(shares_, &part, &Share::part);
  if (share == shares_.end()) return {};
  const auto known = ordinals_of(*share);
  const auto from = static_cast<std::size_t>(std::ranges::lower_bound(known, ordinals.front()) - known.begin());
  if (known.size() - from < ordinals.size() || !std::ranges::equal(ordinals, known.subspan(from, ordinals.size()))) {
    return {};
  }
  return std::span(places_).subspan(share->begin + from, ordinals.size());
}

}  // namespace daybook::log
