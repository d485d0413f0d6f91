#include "index/index_model.h"

#include <algorithm>
#include <cstring>
#include <set>

#include <gtest/gtest.h>

#include "support/rng.h"

namespace daybook::index {
namespace {

constexpr std::uint64_t kFirstFrame = 4096;
constexpr std::uint64_t kSegmentEnd = 1u << 30;

std::vector<KeyKind> kinds() { return {KeyKind::stream, KeyKind::type, KeyKind::tag, KeyKind::id, KeyKind::schema}; }

std::vector<std::uint32_t> elements(const Ordinals& set) {
  std::vector<std::uint32_t> all(set.size());
  EXPECT_EQ(set.read(0, all), all.size());
  return all;
}

void expect_frames(const SegmentIndex& index, const IndexModel& model) {
  ASSERT_EQ(index.events(), model.events().size());
  std::uint64_t before = 0;
  std::uint32_t ordinal = 0;
  for (const ModelEvent& event : model.events()) {
    ASSERT_EQ(index.place(ordinal), event.place) << ordinal;
    if (event.place.index == 0) {
      ASSERT_EQ(index.ordinal_at(event.place.offset), ordinal);
      ASSERT_EQ(index.ordinal_at(before + 1), ordinal);
      before = event.place.offset;
    }
    ++ordinal;
  }
  ASSERT_EQ(index.ordinal_at(before + 1), index.events());
  ASSERT_EQ(index.ordinal_at(~std::uint64_t{0}), index.events());
}

void expect_times(const SegmentIndex& index, const IndexModel& model) {
  if (model.events().empty()) return;
  const auto range = [&](std::int64_t ModelEvent::*time) {
    const auto [first, last] =
        std::minmax_element(model.events().begin(), model.events().end(),
                            [=](const ModelEvent& a, const ModelEvent& b) { return a.*time < b.*time; });
    return TimeRange{(*first).*time, (*last).*time};
  };
  EXPECT_EQ(index.recorded(), range(&ModelEvent::recorded_at));
  EXPECT_EQ(index.occurred(), range(&ModelEvent::occurred_at));
}

void expect_keys(const SegmentIndex& index, const IndexModel& model, KeyKind kind) {
  const auto postings = model.postings(kind);
  for (const auto& [text, ordinals] : postings) {
    const Key key{kind, text};
    ASSERT_EQ(index.count(key, model), ordinals.size()) << text;
    const Postings found = index.find(key, model);
    ASSERT_EQ(elements(*found), ordinals) << text;
    // The same text as another kind, and texts that no event has.
    for (const KeyKind other : kinds()) {
      const auto all = other == kind ? ordinals.size() : index.find({other, text}, model)->size();
      ASSERT_EQ(index.count({other, text}, model), all);
    }
    const std::string absent = text + "?";
    ASSERT_EQ(index.count({kind, absent}, model), 0u);
    ASSERT_FALSE(index.find({kind, absent}, model));
  }
  std::size_t visited = 0;
  index.each_key(kind, model, [&](std::string_view text, std::uint64_t count, std::uint32_t first, std::uint32_t last) {
    const auto at = postings.find(std::string(text));
    ASSERT_NE(at, postings.end()) << text;
    ASSERT_EQ(count, at->second.size());
    ASSERT_EQ(first, at->second.front());
    ASSERT_EQ(last, at->second.back());
    ++visited;
  });
  ASSERT_EQ(visited, postings.size());
}

}  // namespace

void IndexModel::add(const ModelEvent& event) { events_.push_back(event); }

IndexModel IndexModel::random(std::uint64_t seed, const ModelShape& shape) {
  test::Rng rng(seed);
  // Half of all draws fall on a few: some keys are rare, and some are everywhere.
  const auto pick = [&](const char* prefix, std::uint64_t of) {
    return prefix + std::to_string(rng.coin() ? rng.below(of) : rng.below(of / 20 + 1));
  };
  IndexModel model;
  std::uint64_t offset = kFirstFrame;
  std::uint32_t left = 0;
  std::uint32_t index = 0;
  for (std::uint32_t i = 0; i < shape.events; ++i) {
    if (left == 0) {
      offset += 8 * (10 + rng.below(30));
      left = 1 + static_cast<std::uint32_t>(rng.below(shape.batch_max));
      index = 0;
    }
    --left;
    ModelEvent event{.stream = pick("stream-", shape.streams), .type = pick("type-", shape.types)};
    for (std::uint64_t n = rng.below(shape.tags_each_max + 1); n > 0; --n)
      event.tags.push_back(pick("tag-", shape.tags));
    if (!event.tags.empty() && rng.below(4) == 0) event.tags.push_back(event.tags.front());
    if (rng.below(10) == 0) event.tags.push_back(event.stream);  // spelled alike
    if (shape.ids && rng.coin()) {
      const std::uint64_t bits[2] = {rng.next(), rng.next()};
      event.id.assign(reinterpret_cast<const char*>(bits), sizeof(bits));
    }
    if (const auto version = static_cast<std::uint32_t>(1 + rng.below(shape.schema_versions)); version != 1) {
      event.schema.assign(reinterpret_cast<const char*>(&version), sizeof(version));
    }
    event.recorded_at = static_cast<std::int64_t>(std::uint64_t{1'000} * i + rng.below(10));
    event.occurred_at = static_cast<std::int64_t>(rng.below(1'000'000)) - 500'000;
    event.place = {offset, index++};
    model.add(event);
  }
  return model;
}

std::vector<std::string> IndexModel::keys_of(std::uint32_t ordinal, KeyKind kind) const {
  const ModelEvent& event = events_[ordinal];
  switch (kind) {
    case KeyKind::stream: return {event.stream};
    case KeyKind::type: return {event.type};
    case KeyKind::id: return event.id.empty() ? std::vector<std::string>() : std::vector<std::string>{event.id};
    case KeyKind::schema:
      return event.schema.empty() ? std::vector<std::string>() : std::vector<std::string>{event.schema};
    case KeyKind::tag: break;
  }
  const std::set<std::string> distinct(event.tags.begin(), event.tags.end());
  return {distinct.begin(), distinct.end()};
}

std::size_t IndexModel::carrier(std::span<const std::uint32_t> ordinals, const Key& key) const {
  const auto carries = [&](std::uint32_t ordinal) {
    const auto keys = keys_of(ordinal, key.kind);
    return std::ranges::find(keys, key.bytes) != keys.end();
  };
  return static_cast<std::size_t>(std::ranges::find_if(ordinals, carries) - ordinals.begin());
}

void IndexModel::each(std::uint32_t ordinal, KeyKind kind, const std::function<void(std::string_view)>& visit) const {
  for (const std::string& key : keys_of(ordinal, kind)) visit(key);
}

std::map<std::string, std::vector<std::uint32_t>> IndexModel::postings(KeyKind kind) const {
  std::map<std::string, std::vector<std::uint32_t>> all;
  for (std::uint32_t ordinal = 0; ordinal < events_.size(); ++ordinal) {
    for (const std::string& key : keys_of(ordinal, kind)) all[key].push_back(ordinal);
  }
  return all;
}

void IndexModel::fill(MemoryIndex& index) const {
  for (const ModelEvent& event : events_) {
    if (event.place.index == 0) index.begin_frame(event.place.offset);
    index.add_event({.stream = event.stream,
                     .type = event.type,
                     .id = event.id,
                     .schema = event.schema,
                     .recorded_at = event.recorded_at,
                     .occurred_at = event.occurred_at},
                    event.tags);
  }
  index.settle();
}

SidecarIdentity IndexModel::identity() const {
  SidecarIdentity identity{.number = 7, .epoch = 3, .base_position = 1'000, .valid_end = kSegmentEnd};
  identity.log.fill(0xaa);
  identity.segment.fill(0xbb);
  identity.events = static_cast<std::uint32_t>(events_.size());
  identity.frames = static_cast<std::uint32_t>(
      std::count_if(events_.begin(), events_.end(), [](const ModelEvent& event) { return event.place.index == 0; }));
  return identity;
}

void expect_agrees(const SegmentIndex& index, const IndexModel& model) {
  expect_frames(index, model);
  expect_times(index, model);
  for (const KeyKind kind : kinds()) {
    if (!testing::Test::HasFatalFailure()) expect_keys(index, model, kind);
  }
}

std::optional<ParsedSidecar> try_parse(std::span<const std::byte> bytes, const SidecarIdentity& expected,
                                       KeyHash hash) {
  // Where the size is no multiple of 8, the words are longer; a sanitizer must see the end all the same.
  ParsedSidecar made;
  made.words.resize((bytes.size() + 7) / 8);
  if (!bytes.empty()) std::memcpy(made.words.data(), bytes.data(), bytes.size());
  auto parsed = Sidecar::parse(std::as_bytes(std::span(made.words)).first(bytes.size()), expected, hash);
  if (!parsed) return std::nullopt;
  made.sidecar = *std::move(parsed);
  return made;
}

ParsedSidecar parse_copy(std::span<const std::byte> bytes, const SidecarIdentity& expected, KeyHash hash) {
  auto parsed = try_parse(bytes, expected, hash);
  EXPECT_TRUE(parsed);
  return parsed ? *std::move(parsed) : ParsedSidecar();
}

std::uint64_t exercise(const Sidecar& sidecar, const IndexModel& model) {
  std::uint64_t sum = 0;
  for (std::uint32_t ordinal = 0; ordinal < sidecar.events(); ++ordinal) {
    const Place place = sidecar.place(ordinal);
    sum += place.offset + place.index + sidecar.ordinal_at(place.offset + ordinal % 9);
  }
  for (const KeyKind kind : kinds()) {
    const auto look = [&](std::string_view text) {
      sum += sidecar.count({kind, text}, model);
      const Postings found = sidecar.find({kind, text}, model);
      for (const std::uint32_t ordinal : elements(*found)) sum += ordinal;
    };
    for (const auto& [text, ordinals] : model.postings(kind)) look(text);
    sidecar.each_key(kind, model,
                     [&](std::string_view text, std::uint64_t count, std::uint32_t first, std::uint32_t last) {
                       sum += count + first + last;
                       look(text);
                     });
  }
  return sum;
}

}  // namespace daybook::index
