#include "log/look_ahead.h"

#include <algorithm>

#include "format/frame.h"

namespace daybook::log {

void LookAhead::gather(std::span<const Part* const> parts, const index::Key& key, bool forward) {
  const auto some = parts.first(std::min(parts.size(), kPartsMax));
  shares_.clear();
  for (const Part* const part : some) {
    if (!part->is_open() || part->sidecar() == nullptr) continue;
    if (shares_.empty()) shares_.reserve(some.size());
    shares_.push_back({.part = part, .sidecar = part->sidecar()});
  }
  events_ = next_ = at_ = 0;
  known_ = false;
  if (shares_.empty()) return;
  if (room_ == nullptr) room_ = std::make_unique_for_overwrite<Room>();
  look_up(key, forward);
  for (const std::byte* const frame : next_frames(kDistance)) format::prefetch_frame(frame);
}

void LookAhead::look_up(const index::Key& key, bool forward) {
  using Step = index::Sidecar::Step;
  const std::uint64_t hash = shares_.front().sidecar->hash_of(key);
  for (const Share& it : shares_) it.sidecar->prefetch(key.kind, hash);
  for (Share& it : shares_) it.bucket = it.sidecar->bucket(key.kind, hash);
  for (Share& it : shares_) {
    it.begin = events_;
    const auto left = std::span(room_->ordinals).subspan(events_);
    const std::size_t found = it.sidecar->likely(key.kind, hash, it.bucket, left);
    events_ = std::min(events_ + found, kEventsMax);
    it.end = events_;
    it.whole = it.end - it.begin == found;
    it.sidecar->prefetch_places(ordinals_of(it), Step::first);
  }
  for (const Share& it : shares_) it.sidecar->prefetch_places(ordinals_of(it), Step::second);
  for (const Share& it : shares_) locate(it, forward);
}

void LookAhead::locate(const Share& share, bool forward) noexcept {
  const std::byte* const segment = share.part->segment().data().data();
  share.sidecar->warm_places(ordinals_of(share),
                             std::span(room_->places).subspan(share.begin, share.end - share.begin));
  for (std::size_t i = share.begin; i < share.end; ++i) {
    const std::byte* const frame = segment + room_->places[i].offset;
    format::prefetch_word(frame);
    room_->frames[forward ? i : share.begin + share.end - 1 - i] = frame;
  }
}

void LookAhead::turn_to(const Part& part) noexcept {
  const auto is_it = [&part](const Share& share) { return share.part == &part; };
  const auto it = std::find_if(shares_.begin() + static_cast<std::ptrdiff_t>(at_), shares_.end(), is_it);
  known_ = it != shares_.end();
  if (known_) at_ = static_cast<std::size_t>(it - shares_.begin());
}

std::span<const std::uint32_t> LookAhead::events() const noexcept {
  return known_ && shares_[at_].whole ? ordinals_of(shares_[at_]) : std::span<const std::uint32_t>();
}

std::span<const index::Place> LookAhead::places(std::span<const std::uint32_t> ordinals) const noexcept {
  if (!known_) return {};
  const Share& share = shares_[at_];
  const auto known = ordinals_of(share);
  const auto from = static_cast<std::size_t>(std::ranges::lower_bound(known, ordinals.front()) - known.begin());
  if (known.size() - from < ordinals.size() || !std::ranges::equal(ordinals, known.subspan(from, ordinals.size()))) {
    return {};
  }
  return places(from, ordinals.size());
}

std::span<const index::Place> LookAhead::places(std::size_t first, std::size_t count) const noexcept {
  return std::span(room_->places).subspan(shares_[at_].begin + first, count);
}

}  // namespace daybook::log
