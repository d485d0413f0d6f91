// Reads a whole log and checks what has to be true of any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include <daybook/store.h>

namespace daybook::concurrency {

// Positions and versions without gaps, times that never go back, checksums that fit. The number of events.
inline std::uint64_t check_log(const Store& store, std::map<std::string, Version>* versions = nullptr) {
  std::map<std::string, Version> own;
  auto& seen = versions == nullptr ? own : *versions;
  Position position = 0;
  Timestamp time{};
  Cursor cursor = store.read({.verify = true});
  while (const EventView* event = cursor.next()) {
    EXPECT_EQ(event->position, ++position);
    EXPECT_EQ(event->version, ++seen[std::string(event->stream)]) << "at position " << position;
    EXPECT_GE(event->recorded_at, time) << "at position " << position;
    time = event->recorded_at;
    if (::testing::Test::HasFailure()) break;
  }
  EXPECT_FALSE(cursor.error().has_value());
  EXPECT_EQ(position, store.published_position());
  return position;
}

}  // namespace daybook::concurrency
