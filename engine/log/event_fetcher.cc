#include "log/event_fetcher.h"

#include <algorithm>
#include <array>

#include "index/prefetch.h"

namespace daybook::log {

using index::Key;
using index::KeyKind;

Key stream_key(std::string_view stream) noexcept { return {KeyKind::stream, stream}; }
Key type_key(std::string_view type) noexcept { return {KeyKind::type, type}; }
Key tag_key(std::string_view tag) noexcept { return {KeyKind::tag, tag}; }
Key id_key(const EventId& id) noexcept { return {KeyKind::id, {reinterpret_cast<const char*>(id.data()), id.size()}}; }

// Reads the frame's word into what fetch() goes on with.
Result<void> EventFetcher::enter(std::uint64_t offset) {
  const format::FrameStatus status = segment_.check(offset, check(offset));
  const bool good = status.kind == format::FrameStatus::Kind::decided && status.word.has_events() &&
                    status.word.state() == format::FrameState::published;
  if (!good) {
    if (status.kind == format::FrameStatus::Kind::bad || status.kind == format::FrameStatus::Kind::unknown) {
      return fail(status.error);
    }
    return fail(Error{.code = Errc::corrupt, .what = "indexed frame", .segment = segment_.number(), .offset = offset});
  }
  reader_.enter(*reinterpret_cast<const format::FrameHeader*>(segment_.data().data() + offset), status.word);
  offset_ = offset;
  passed_ = 0;
  return {};
}

Result<void> EventFetcher::fetch(const index::Place& place, EventView& event) {
  if (place.offset != offset_ || place.index < passed_) {
    if (fetch_singles({&place, 1}, {}, {&event, 1}) == 1) return {};
    DAYBOOK_TRY(enter(place.offset));
  }
  do {
    if (!reader_.next(event)) {
      return fail(Error{.code = Errc::corrupt,
                        .what = "indexed event",
                        .segment = segment_.number(),
                        .offset = place.offset,
                        .expected = place.index,
                        .actual = passed_});
    }
  } while (passed_++ < place.index);
  return {};
}

std::size_t EventFetcher::fetch_singles(std::span<const index::Place> places, std::span<const std::byte* const> ahead,
                                        std::span<EventView> events) const noexcept {
  std::array<std::uint64_t, kRunMax> offsets;
  const std::size_t most = std::min({places.size(), events.size(), kRunMax});
  std::size_t count = 0;
  for (; count < most && places[count].index == 0; ++count) offsets[count] = places[count].offset;
  if (count == 0) return 0;
  return segment_.read_singles(std::span(offsets).first(count), check(offsets.front()), ahead, events);
}

void EventFetcher::prefetch(const index::Place& place) const noexcept {
  const std::byte* const frame = segment_.data().data() + place.offset;
  for (std::size_t line = 0; line < 4; ++line) index::prefetch_line(frame + 64 * line);
}

// In place, because an index keeps no copy of a key: the payload comes right behind the header.
std::string_view schema_bytes(const EventView& event) noexcept {
  if (event.schema_version == 1) return {};
  const auto* const header = reinterpret_cast<const format::EventHeader*>(event.payload.data()) - 1;
  return {reinterpret_cast<const char*>(&header->schema_version), sizeof(header->schema_version)};
}

bool EventFetcher::read_key_event(std::uint32_t ordinal, EventView& event) const {
  EventFetcher fresh(segment_, index_, kTrusting);
  const auto fetched = fresh.fetch(ordinal, event);
  if (!fetched && !error_) error_ = fetched.error();
  return fetched.has_value();
}

std::size_t EventFetcher::carrier(std::span<const std::uint32_t> ordinals, const Key& key) const {
  const std::optional<Error> before = error_;
  for (std::size_t i = 0; i < ordinals.size(); ++i) {
    EventView event;
    if (!read_key_event(ordinals[i], event) || !carries(event, key)) continue;
    error_ = before;
    return i;
  }
  return ordinals.size();
}

bool carries(const EventView& event, const Key& key) noexcept {
  switch (key.kind) {
    case KeyKind::stream: return event.stream == key.bytes;
    case KeyKind::type: return event.type == key.bytes;
    case KeyKind::tag: return std::find(event.tags.begin(), event.tags.end(), key.bytes) != event.tags.end();
    case KeyKind::id: return event.id != nullptr && id_key(*event.id).bytes == key.bytes;
    case KeyKind::schema: return event.schema_version != 1 && schema_bytes(event) == key.bytes;
  }
  return false;
}

void EventFetcher::each(std::uint32_t ordinal, KeyKind kind, const std::function<void(std::string_view)>& visit) const {
  EventView event;
  if (!read_key_event(ordinal, event)) return;
  switch (kind) {
    case KeyKind::stream: return visit(event.stream);
    case KeyKind::type: return visit(event.type);
    case KeyKind::id:
      if (event.id != nullptr) visit(id_key(*event.id).bytes);
      return;
    case KeyKind::schema:
      if (event.schema_version != 1) visit(schema_bytes(event));
      return;
    case KeyKind::tag:
      for (auto tag = event.tags.begin(); tag != event.tags.end(); ++tag) {
        if (std::find(event.tags.begin(), tag, *tag) == tag) visit(*tag);  // each distinct one
      }
  }
}

}  // namespace daybook::log
