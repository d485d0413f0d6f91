// Events copied out of a log, to be compared.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <daybook/cursor.h>
#include <daybook/store.h>

#include "support/result_matchers.h"

namespace daybook::test {

struct StoredEvent {
  Position position = 0;
  Version version = 0;
  std::int64_t recorded_at = 0;
  std::optional<std::int64_t> occurred_at;
  std::string stream;
  std::string type;
  std::uint32_t schema_version = 0;
  std::string payload;
  std::string metadata;
  std::vector<std::string> tags;
  std::optional<EventId> id;

  StoredEvent() = default;
  explicit StoredEvent(const EventView& event)
      : position(event.position),
        version(event.version),
        recorded_at(event.recorded_at.time_since_epoch().count()),
        stream(event.stream),
        type(event.type),
        schema_version(event.schema_version),
        payload(event.payload.text()),
        metadata(event.metadata.text()),
        tags(event.tags.begin(), event.tags.end()) {
    if (event.has_occurred_at) occurred_at = event.occurred_at.time_since_epoch().count();
    if (event.id != nullptr) id = *event.id;
  }

  friend bool operator==(const StoredEvent&, const StoredEvent&) = default;
  friend std::ostream& operator<<(std::ostream& out, const StoredEvent& event) {
    return out << event.position << ": " << event.stream << "/" << event.version << " " << event.type << " "
               << event.payload.substr(0, 40);
  }
};

// Everything up to where the cursor stops, which must not be an error.
inline std::vector<StoredEvent> read_all(Cursor cursor) {
  std::vector<StoredEvent> events;
  while (const EventView* const event = cursor.next()) events.emplace_back(*event);
  const auto error = cursor.error();
  EXPECT_FALSE(error.has_value()) << to_text(*error);
  return events;
}
inline std::vector<StoredEvent> read_all(const Store& store, const ReadOptions& options = {}) {
  return read_all(store.read(options));
}

// For each event its position: most tests of cursors compare nothing else.
inline std::vector<Position> read_positions(const Store& store, const ReadOptions& options = {}) {
  std::vector<Position> positions;
  for (const StoredEvent& event : read_all(store, options)) positions.push_back(event.position);
  return positions;
}

// from, from + 1 ... to; or down, when `to` is smaller.
inline std::vector<Position> positions(Position from, Position to) {
  std::vector<Position> positions{from};
  while (positions.back() != to) positions.push_back(from < to ? positions.back() + 1 : positions.back() - 1);
  return positions;
}

}  // namespace daybook::test
