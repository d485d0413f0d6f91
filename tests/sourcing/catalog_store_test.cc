// The catalog against a store: what has no path is found by index, and queries find the events of years ago.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include <daybook/sourcing/decoder.h>
#include <daybook/store.h>

#include "sourcing/account_history.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace daybook::testing {
namespace {

using test::is_ok;

struct Row {
  std::string type;
  std::uint32_t schema_version;
  std::string payload;
};

void append(Store& store, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const auto done = store.append("account-1", Expect::any(),
                                   {{.type = row.type, .payload = row.payload, .schema_version = row.schema_version}});
    ASSERT_TRUE(is_ok(done));
  }
}

const std::vector<Row> kHistory = {
    {"AccountOpened", 1, "Ada"}, {"AccountTouched", 1, ""},
    {"PaidIn", 1, "3"},          {"AccountOpened", 2, "Ada|USD"},
    {"Weather", 1, "rain"},      {"PaidIn", 2, "4"},
    {"MoneyDeposited", 2, "5"},  {"AccountOpened", 3, "Ada|USD|1"},
    {"MoneyMoved", 1, "6"},      {"Rounded", 1, "0"},
    {"Several", 1, "1,2,3"},     {"AccountClosed", 1, "x"},
};

std::vector<std::string> decode_all(const Store& store, const Catalog& catalog, const Query& query,
                                    UnknownEvents unknown) {
  std::vector<std::string> seen;
  const EventDecoder<AccountEvents> decoder(&catalog);
  Cursor cursor = store.read(query);
  while (const EventView* event = cursor.next()) {
    const auto done = decoder.decode(
        *event, [&](const auto& e, const EventView&) { seen.push_back(text_of(e)); }, unknown);
    if (!done) seen.emplace_back(done.error().detail.view());
  }
  EXPECT_FALSE(cursor.error());
  return seen;
}

TEST(CatalogStoreTest, AQueryFindsWhatItsTypesWereCalledBefore) {
  const test::TempDir directory;
  auto store = Store::open(directory / "store");
  ASSERT_TRUE(is_ok(store));
  append(*store, kHistory);
  const Catalog catalog = account_catalog();
  EXPECT_EQ(decode_all(*store, catalog, catalog.query<MoneyDeposited>(), UnknownEvents::fail),
            (std::vector<std::string>{"deposited 300", "deposited 4", "deposited 5", "deposited 6", "closed moved",
                                      "deposited 1", "deposited 2", "closed 3"}));
  EXPECT_EQ(decode_all(*store, catalog, catalog.query<AccountOpened>(), UnknownEvents::fail),
            (std::vector<std::string>{"opened Ada EUR 0", "opened Ada USD 0", "opened Ada USD 1"}));
  EXPECT_EQ(decode_all(*store, catalog, {}, UnknownEvents::skip).size(), 12u);
}

std::vector<std::string> gaps_of(const Catalog& catalog, const Store& store) {
  const auto gaps = catalog.check(store);
  if (!gaps) return {std::string(gaps.error().detail.view())};
  std::vector<std::string> texts;
  for (const CatalogGap& gap : *gaps) {
    texts.push_back(gap.type.name + " v" + std::to_string(gap.type.schema_version) + ": " + std::to_string(gap.events) +
                    " to " + std::to_string(gap.last_position) + ": " + gap.why);
  }
  return texts;
}

TEST(CatalogStoreTest, WhatHasNoPathIsListed) {
  const test::TempDir directory;
  auto store = Store::open(directory / "store");
  ASSERT_TRUE(is_ok(store));
  append(*store, kHistory);
  Catalog catalog = account_catalog();
  EXPECT_EQ(gaps_of(catalog, *store), std::vector<std::string>{"Weather v1: 1 to 5: unknown type"});
  append(*store, {{"AccountOpened", 9, ""}, {"AccountOpened", 9, ""}, {"Rounded", 2, ""}, {"Weather", 2, ""}});
  EXPECT_EQ(gaps_of(catalog, *store),
            (std::vector<std::string>{"AccountOpened v9: 2 to 14: no path to v3",
                                      "Rounded v2: 1 to 15: no step from this version",
                                      "Weather v1: 1 to 5: unknown type", "Weather v2: 1 to 16: unknown type"}));
  catalog.drop("Rounded", 1);  // and an incomplete catalog is told before
  EXPECT_EQ(gaps_of(catalog, *store), std::vector<std::string>{"Rounded v1: two steps begin there"});
}

// By index as by going through all events: with segments that are sealed, reopened, and grow.
TEST(TypesByVersionTest, AgreeWithTheEvents) {
  const test::TempDir directory;
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::map<std::pair<std::string, std::uint32_t>, std::pair<std::uint64_t, Position>> expected;
  const auto check = [&](const Store& store, std::string_view prefix) {
    const auto counts = store.types_by_version(prefix);
    ASSERT_TRUE(is_ok(counts));
    std::map<std::pair<std::string, std::uint32_t>, std::pair<std::uint64_t, Position>> found;
    for (const TypeCount& count : *counts) {
      found[{count.type, count.schema_version}] = {count.events, count.last_position};
    }
    auto wanted = expected;
    std::erase_if(wanted, [&](const auto& entry) { return !entry.first.first.starts_with(prefix); });
    EXPECT_EQ(found.size(), counts->size());
    EXPECT_EQ(found, wanted);
  };
  for (int session = 0; session < 4; ++session) {
    auto store = Store::open(directory / "store", {.durability = Durability::memory, .segment_size = 1 << 20});
    ASSERT_TRUE(is_ok(store));
    check(*store, "");
    for (int i = 0; i < 6'000; ++i) {
      const std::string type = "type-" + std::to_string(random() % 20);
      // Mostly 1; one type has each number once, and version 0 is a number too.
      const std::uint32_t rare = random() % 3 == 0 ? static_cast<std::uint32_t>(random() % 5) : 1;
      const auto version = random() % 50 == 0 ? 1'000 + static_cast<std::uint32_t>(i) : rare;
      const auto done =
          store->append("s" + std::to_string(i % 7), Expect::any(),
                        {{.type = type, .payload = std::string(random() % 200, 'p'), .schema_version = version}});
      ASSERT_TRUE(is_ok(done));
      auto& [events, last] = expected[{type, version}];
      ++events;
      last = done->last_position;
      if (i % 1'500 == 0) check(*store, "");
    }
    check(*store, "type-1");
    ASSERT_TRUE(is_ok(store->close()));
  }
  auto reader = Store::open(directory / "store", {.mode = Mode::read_only});
  ASSERT_TRUE(is_ok(reader));
  check(*reader, "");
}

}  // namespace
}  // namespace daybook::testing
