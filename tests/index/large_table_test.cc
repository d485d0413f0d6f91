#include "index/large_table.h"

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "index/index_model.h"
#include "index/packed_list.h"
#include "index/sidecar_layout.h"

namespace daybook::index {
namespace {

using Numbers = std::vector<std::uint32_t>;
using Bytes = std::vector<std::byte>;

constexpr std::uint32_t kEvents = 2 * kSlabSize + 1'000;

// Events with tags: all that a function is true of have the tag.
struct Tag {
  std::string name;
  std::uint32_t form;
  std::function<bool(std::uint32_t ordinal)> has;
};

std::vector<Tag> tags() {
  constexpr std::uint32_t kArrayMax = Container::kArrayMax;
  return {{"once", kPackedForm, [](std::uint32_t at) { return at == 77; }},
          {"few", kPackedForm, [](std::uint32_t at) { return at % 3'000 == 1; }},
          {"few in a row", kPackedForm, [](std::uint32_t at) { return at >= 500 && at < 563; }},
          {"one in 200", kPackedForm, [](std::uint32_t at) { return at % 200 == 5; }},
          {"one in 17", kPackedForm, [](std::uint32_t at) { return at % 17 == 3; }},
          {"one in 15", kRoaringForm, [](std::uint32_t at) { return at % 15 == 3; }},
          {"many in a row", kRoaringForm, [](std::uint32_t at) { return at >= 65'000 && at < 67'000; }},
          {"all", kRoaringForm, [](std::uint32_t) { return true; }},
          {"a full array", kPackedForm,
           [](std::uint32_t at) { return at % 2 == 0 && at >= kSlabSize && at < kSlabSize + 2 * kArrayMax; }},
          {"one more", kRoaringForm,
           [](std::uint32_t at) { return at % 2 == 0 && at >= kSlabSize && at < kSlabSize + 2 * kArrayMax + 1; }}};
}

TEST(LargeTableTest, TheFormFollowsFromTheSet) {
  IndexModel model;
  for (std::uint32_t at = 0; at < kEvents; ++at) {
    ModelEvent event{.stream = "stream", .type = "type"};
    for (const Tag& tag : tags()) {
      if (tag.has(at)) event.tags.push_back(tag.name);
    }
    event.place = {8 * std::uint64_t{at}, 0};
    model.add(event);
  }
  MemoryIndex index;
  model.fill(index);
  std::vector<HashedKey> keys;
  for (std::uint32_t number = 0; number < index.keys(KeyKind::tag); ++number) {
    keys.push_back({key_hash({KeyKind::tag, index.key_text(KeyKind::tag, number)}), number});
  }
  Bytes bytes;
  LargeTable::encode(index, KeyKind::tag, keys, bytes);
  const auto table = LargeTable::parse(bytes, {KeyKind::tag, kEvents});
  ASSERT_TRUE(table) << table.error().what;
  for (const Tag& tag : tags()) {
    const LargeEntry* const entry = table->find(key_hash({KeyKind::tag, tag.name}), tag.name);
    ASSERT_NE(entry, nullptr) << tag.name;
    EXPECT_EQ(entry->form, tag.form) << tag.name;
    Numbers numbers;
    for (std::uint32_t at = 0; at < kEvents; ++at) {
      if (tag.has(at)) numbers.push_back(at);
    }
    const Postings found = table->postings(*entry);
    EXPECT_EQ(*found, Ordinals::of(numbers)) << tag.name;
    EXPECT_EQ(found->is_list(), numbers.size() < kLargeFrom) << tag.name;
  }
}

// A table of one key, made by hand.
Bytes table_of(const Numbers& numbers, std::uint32_t form, const Bytes& data) {
  struct {
    std::uint32_t count = 1;
    std::uint32_t text_size = 8;
    std::uint64_t data_size = 0;
    LargeEntry entry{};
    char text[8] = {'t', 'h', 'e', ' ', 't', 'e', 'x', 't'};
  } head;
  head.data_size = sidecar_align(data.size());
  head.entry = {.hash = key_hash({KeyKind::tag, {head.text, 8}}),
                .count = static_cast<std::uint32_t>(numbers.size()),
                .first = numbers.front(),
                .last = numbers.back(),
                .text_offset = 0,
                .text_size = 8,
                .data_offset = 0,
                .data_size = static_cast<std::uint32_t>(data.size()),
                .form = form};
  Bytes bytes(sizeof(head) + head.data_size);
  std::memcpy(bytes.data(), &head, sizeof(head));
  std::memcpy(bytes.data() + sizeof(head), data.data(), data.size());
  return bytes;
}

TEST(LargeTableTest, OtherFormsAreRefused) {
  for (const std::uint32_t count : {1u, kLargeFrom - 1, kLargeFrom, kLargeFrom + 1}) {
    Numbers numbers;
    for (std::uint32_t i = 0; i < count; ++i) numbers.push_back(3 * i);
    Bytes packed;
    PackedList::encode(numbers, packed);
    const Bytes bitmap = Ordinals::of(numbers).to_roaring();
    const auto accepted = [&](std::uint32_t form, const Bytes& data) {
      return LargeTable::parse(table_of(numbers, form, data), {KeyKind::tag, kEvents}).has_value();
    };
    EXPECT_TRUE(accepted(kPackedForm, packed));
    EXPECT_FALSE(accepted(kRoaringForm, packed));
    EXPECT_FALSE(accepted(2, packed));
    EXPECT_FALSE(accepted(UINT32_MAX, packed));
    EXPECT_EQ(accepted(kRoaringForm, bitmap), count >= kLargeFrom);
    EXPECT_FALSE(accepted(kPackedForm, bitmap));
    EXPECT_FALSE(accepted(2, bitmap));
  }
}

}  // namespace
}  // namespace daybook::index
