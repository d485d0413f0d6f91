// The table of rare keys by itself: slots that keys share, those that they must not share, and every rule of its bytes.
#include "index/small_table.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "index/index_model.h"

namespace daybook::index {
namespace {

// The number at the end of a key.
std::uint64_t number_of(std::string_view text) {
  const std::size_t at = text.find_last_not_of("0123456789") + 1;
  std::uint64_t number = 0;
  std::from_chars(text.data() + at, text.data() + text.size(), number);
  return number;
}

std::uint64_t spread(std::uint64_t number) { return key_hash({KeyKind::stream, std::to_string(number)}); }

ModelEvent event_of(std::uint64_t ordinal, std::string stream, std::vector<std::string> tags = {}) {
  return {.stream = std::move(stream), .type = "T", .tags = std::move(tags), .place = {4096 + 64 * ordinal, 0}};
}

// The table of the keys of a kind, with the keys that are not in it.
struct Made {
  std::uint32_t events = 0;
  std::vector<std::uint64_t> words;
  std::size_t size = 0;
  std::vector<std::string> rest;

  [[nodiscard]] std::span<const std::byte> bytes() const { return std::as_bytes(std::span(words)).first(size); }
  [[nodiscard]] SmallTable table() const {
    const auto parsed = SmallTable::parse(bytes(), events);
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().what);
    return parsed ? *parsed : SmallTable();
  }
};

Made make(const IndexModel& model, KeyKind kind, KeyHash hash = key_hash) {
  MemoryIndex index(hash);
  model.fill(index);
  Made made{.events = index.events()};
  std::vector<HashedKey> small;
  std::vector<HashedKey> large;
  for (std::uint32_t number = 0; number < index.keys(kind); ++number) {
    const HashedKey key{hash({kind, index.key_text(kind, number)}), number};
    (index.key_count(kind, number) < 64 ? small : large).push_back(key);
  }
  std::vector<std::byte> bytes;
  for (const HashedKey& key : SmallTable::encode(index, kind, small, large, bytes)) {
    made.rest.emplace_back(index.key_text(kind, key.number));
  }
  made.size = bytes.size();
  made.words.resize((bytes.size() + 7) / 8);
  if (!bytes.empty()) std::memcpy(made.words.data(), bytes.data(), bytes.size());
  return made;
}

// Groups, by slot, in their order.
using Groups = std::map<std::uint64_t, std::vector<std::vector<std::uint32_t>>>;
Groups groups_of(const SmallTable& table) {
  Groups all;
  table.each_group(
      [&](std::uint64_t slot, SmallTable::Group group) { all[slot].emplace_back(group.begin(), group.end()); });
  return all;
}

// Every key that is not in the rest has one group in its slot, and there are no others.
void expect_groups(const Made& made, const IndexModel& model, KeyKind kind, KeyHash hash = key_hash) {
  const SmallTable table = made.table();
  Groups expected;
  for (const auto& [text, ordinals] : model.postings(kind)) {
    if (ordinals.size() >= 64 || std::ranges::count(made.rest, text) != 0) continue;
    expected[table.slot_of(hash({kind, text}))].push_back(ordinals);
  }
  for (auto& [slot, groups] : expected)
    std::ranges::sort(groups, std::greater<>(), [](auto& group) { return group[0]; });
  ASSERT_EQ(groups_of(table), expected);
  SmallTable::Room room;
  for (const auto& [text, ordinals] : model.postings(kind)) {
    const std::uint64_t hashed = hash({kind, text});
    const auto slot = table.slot(hashed, table.bucket(hashed), room);
    std::vector<std::uint32_t> all;
    const auto it = expected.find(table.slot_of(hashed));
    for (const auto& group : it == expected.end() ? Groups::mapped_type() : it->second) {
      all.insert(all.end(), group.begin(), group.end());
    }
    ASSERT_TRUE(std::ranges::equal(slot, all)) << text;
  }
}

TEST(SmallTableTest, EveryKeyHasItsGroup) {
  for (const std::uint32_t events : {1u, 2u, 7u, 8u, 9u, 63u, 64u, 65u, 479u, 480u, 481u, 1'000u, 6'000u}) {
    const IndexModel model = IndexModel::random(events, {.events = events, .streams = events, .tags = events});
    for (const KeyKind kind : {KeyKind::stream, KeyKind::type, KeyKind::tag, KeyKind::id}) {
      expect_groups(make(model, kind), model, kind);
      ASSERT_FALSE(HasFatalFailure()) << events;
    }
  }
}

TEST(SmallTableTest, NoKeysNoBytes) {
  const IndexModel model = IndexModel::random(1, {.events = 10, .ids = false});
  EXPECT_EQ(make(model, KeyKind::id).size, 0u);
  const auto parsed = SmallTable::parse({}, 10);
  ASSERT_TRUE(parsed);
  SmallTable::Room room;
  parsed->prefetch(17);
  parsed->prefetch(parsed->bucket(17));
  EXPECT_TRUE(parsed->slot(17, parsed->bucket(17), room).empty());
}

TEST(SmallTableTest, KeysOfOneSlotAreToldApart) {
  const KeyHash by_three = [](const Key& key) noexcept { return spread(number_of(key.bytes) / 3); };
  IndexModel model;
  for (std::uint64_t i = 0; i < 3'000; ++i) model.add(event_of(i, "s" + std::to_string(i * i % 1'009)));
  const Made made = make(model, KeyKind::stream, by_three);
  EXPECT_TRUE(made.rest.empty());
  expect_groups(made, model, KeyKind::stream, by_three);
}

TEST(SmallTableTest, TooManyKeysOfOneSlotAreLarge) {
  const KeyHash same = [](const Key&) noexcept -> std::uint64_t { return 0x4242'4242'4242'4242; };
  IndexModel model;
  for (std::uint64_t i = 0; i < 9; ++i) model.add(event_of(i, "s" + std::to_string(i)));
  EXPECT_EQ(make(model, KeyKind::stream, same).rest.size(), 9u);
  IndexModel fewer;
  for (std::uint64_t i = 0; i < 8; ++i) fewer.add(event_of(i, "s" + std::to_string(i)));
  EXPECT_TRUE(make(fewer, KeyKind::stream, same).rest.empty());
}

// One bucket for all, and a mark for each.
TEST(SmallTableTest, ABucketHasAnEnd) {
  const KeyHash one_bucket = [](const Key& key) noexcept { return spread(number_of(key.bytes)) & 0xffff'ffff; };
  IndexModel model;
  for (std::uint64_t i = 0; i < 300; ++i) model.add(event_of(i, "s" + std::to_string(i % 100)));
  const Made made = make(model, KeyKind::stream, one_bucket);
  expect_groups(made, model, KeyKind::stream, one_bucket);
  EXPECT_EQ(made.rest.size(), 15u);  // 85 of three events make 255
}

// The first event of "b1" has "a1" as well: who asks for "a1" there would be told that its events are those of "b1".
TEST(SmallTableTest, AGroupWhoseFirstEventHasAnotherKeyOfTheSlotIsLarge) {
  const KeyHash by_number = [](const Key& key) noexcept { return spread(number_of(key.bytes)); };
  IndexModel model;
  model.add(event_of(0, "s", {"a1"}));
  model.add(event_of(1, "s", {"a1", "b1"}));
  model.add(event_of(2, "s", {"b1", "c2"}));
  model.add(event_of(3, "s", {"a3"}));
  model.add(event_of(4, "s", {"b3"}));
  model.add(event_of(5, "s", {"a3", "b3"}));
  model.add(event_of(6, "s", {"a4", "b4"}));
  Made made = make(model, KeyKind::tag, by_number);
  std::ranges::sort(made.rest);
  EXPECT_EQ(made.rest, (std::vector<std::string>{"a1", "a4", "b1", "b4"}));
  expect_groups(made, model, KeyKind::tag, by_number);
}

TEST(SmallTableTest, AnotherKeyOfTheSlotMayBeOneOfManyEvents) {
  const KeyHash by_number = [](const Key& key) noexcept { return spread(number_of(key.bytes)); };
  IndexModel model;
  for (std::uint64_t i = 0; i < 200; ++i) {
    std::vector<std::string> tags = {i % 2 == 0 ? "many1" : "many2"};
    if (i == 101) tags.emplace_back("few1");  // beside many2: another slot
    if (i == 103) tags.emplace_back("few2");
    model.add(event_of(i, "s", tags));
  }
  const Made made = make(model, KeyKind::tag, by_number);
  EXPECT_EQ(made.rest, std::vector<std::string>{"few2"});
  expect_groups(made, model, KeyKind::tag, by_number);
}

// 20 bits for each entry, and a line for 60 buckets of four: by the format, to the byte.
TEST(SmallTableTest, TakesWhatItSays) {
  IndexModel model;
  constexpr std::uint64_t kEvents = 20'000;  // 20,000 * 32 - 1 takes 20 bits
  for (std::uint64_t i = 0; i < kEvents; ++i) model.add(event_of(i, "s" + std::to_string(i)));
  const Made made = make(model, KeyKind::stream);
  EXPECT_TRUE(made.rest.empty());
  constexpr std::uint64_t kLines = (kEvents / 4 + 59) / 60;
  EXPECT_EQ(made.size, (64 + 64 * kLines + (kEvents * 20 + 7) / 8 + 8 + 63) / 64 * 64);
}

// A table that is accepted says something else: there are not two ways to write one.
TEST(SmallTableTest, EveryFlippedBitIsRefusedOrSaysSomethingElse) {
  const IndexModel model = IndexModel::random(3, {.events = 700, .streams = 600});
  Made made = make(model, KeyKind::stream);
  constexpr std::uint64_t kLargest = ~std::uint64_t{0};
  const Groups before = groups_of(made.table());
  const std::uint64_t last_slot = made.table().slot_of(kLargest);
  std::uint64_t accepted = 0;
  auto* const bytes = reinterpret_cast<std::byte*>(made.words.data());
  for (std::size_t bit = 0; bit < made.size * 8; ++bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    const auto parsed = SmallTable::parse(made.bytes(), made.events);
    if (parsed) {
      ++accepted;
      ASSERT_TRUE(groups_of(*parsed) != before || parsed->slot_of(kLargest) != last_slot) << bit;
    } else {
      ASSERT_EQ(parsed.error().code, Errc::corrupt);
      ASSERT_LE(parsed.error().offset, made.size);
    }
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
  EXPECT_GT(accepted, 0u);
  for (std::size_t size = 1; size < made.size; ++size) {
    ASSERT_FALSE(SmallTable::parse(made.bytes().first(size), made.events)) << size;
  }
}

}  // namespace
}  // namespace daybook::index
