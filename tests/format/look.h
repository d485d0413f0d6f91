// check_frame(), and the short ways beside it: they take exactly the frames that the long one finds decided, and read what
// is there.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include <gtest/gtest.h>

#include "format/frame.h"
#include "log/frame_reader.h"

namespace daybook::format {

inline void expect_same(const EventView& a, const EventView& b) {
  EXPECT_EQ(a.position, b.position);
  EXPECT_EQ(a.version, b.version);
  EXPECT_EQ(a.recorded_at, b.recorded_at);
  EXPECT_EQ(a.occurred_at, b.occurred_at);
  EXPECT_EQ(a.has_occurred_at, b.has_occurred_at);
  EXPECT_EQ(a.stream.data(), b.stream.data());
  EXPECT_EQ(a.stream.size(), b.stream.size());
  EXPECT_EQ(a.type.data(), b.type.data());
  EXPECT_EQ(a.type.size(), b.type.size());
  EXPECT_EQ(a.schema_version, b.schema_version);
  EXPECT_EQ(a.payload.data(), b.payload.data());
  EXPECT_EQ(a.payload.size(), b.payload.size());
  EXPECT_EQ(a.metadata.data(), b.metadata.data());
  EXPECT_EQ(a.metadata.size(), b.metadata.size());
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.tags.size(), b.tags.size());
  EXPECT_TRUE(std::ranges::equal(a.tags, b.tags));
}

inline FrameStatus look(std::span<const std::byte> segment, std::uint64_t offset, std::uint64_t salt, Check check) {
  const FrameStatus status = check_frame(segment, offset, salt, check, 1);
  const bool usual = status.kind == FrameStatus::Kind::decided && status.word.has_events();
  EXPECT_EQ(accept_frame(segment, offset, salt, check), usual ? status.word : Word{}) << "at " << offset;

  const bool single = usual && status.word.is_single() && status.word.state() == FrameState::published;
  EventView alone;
  EXPECT_EQ(read_singles(segment, {&offset, 1}, salt, check, {}, {&alone, 1}), single ? 1 : 0) << "at " << offset;
  if (offset % kAlign != 0 || offset > segment.size()) return status;
  std::uint64_t position = 0;
  if (segment.size() - offset >= sizeof(FrameHeader)) {
    position = reinterpret_cast<const FrameHeader*>(segment.data() + offset)->position;
  }
  std::array<EventView, 1> first;
  const FrameRun run = read_singles(segment, {.offset = offset, .position = position}, salt, check, first);
  EXPECT_EQ(run.events, single ? 1u : 0u) << "at " << offset;
  EXPECT_EQ(run.offset, offset + (single ? status.word.size() : 0)) << "at " << offset;
  EXPECT_EQ(run.position, position + run.events);
  if (single) {
    EventView event;
    log::FrameReader reader(*reinterpret_cast<const FrameHeader*>(segment.data() + offset), status.word);
    EXPECT_TRUE(reader.next(event));
    expect_same(alone, event);
    expect_same(first.front(), event);
  }
  return status;
}

}  // namespace daybook::format
