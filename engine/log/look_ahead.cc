#include "log/look_ahead.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "log/event_fetcher.h"

namespace daybook::log {
namespace {

constexpr std::size_t kEvents = 24;  // of a key in a part, at most: more would push each other out of the nearest cache

struct Ahead {
  const Part* part = nullptr;
  const index::Sidecar* sidecar = nullptr;
  std::array<std::uint32_t, kEvents> room{};
  std::size_t count = 0;

  [[nodiscard]] std::span<const std::uint32_t> ordinals() const noexcept { return std::span(room).first(count); }
};

}  // namespace

void look_ahead(std::span<const Part* const> parts, const index::Key& key) {
  using Step = index::Sidecar::Step;
  std::array<Ahead, kLookAheadMax> all;
  std::size_t count = 0;
  for (const Part* const part : parts.first(std::min(parts.size(), kLookAheadMax))) {
    if (!part->is_open() || part->sidecar() == nullptr) continue;
    all[count].part = part;
    all[count++].sidecar = part->sidecar();
  }
  if (count == 0) return;
  const auto ahead = std::span(all).first(count);
  const std::uint64_t hash = ahead.front().sidecar->hash_of(key);
  for (const Ahead& it : ahead) it.sidecar->prefetch(key.kind, hash, Step::first);
  for (const Ahead& it : ahead) it.sidecar->prefetch(key.kind, hash, Step::second);
  for (Ahead& it : ahead) {
    it.count = it.sidecar->likely(key.kind, hash, it.room);
    it.sidecar->prefetch_places(it.ordinals(), Step::first);
  }
  for (const Ahead& it : ahead) it.sidecar->prefetch_places(it.ordinals(), Step::second);
  for (const Ahead& it : ahead) {
    const EventFetcher events(it.part->segment(), *it.sidecar, EventFetcher::kTrusting);
    for (const std::uint32_t ordinal : it.ordinals()) events.prefetch(it.sidecar->place(ordinal));
  }
}

}  // namespace daybook::log
