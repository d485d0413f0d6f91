// A program of somebody else that stores its structs as JSON: links daybook::sourcing, and brings Boost.Describe.
#include <cstdint>
#include <cstdio>
#include <string>

#include <boost/describe.hpp>

#include <daybook/daybook.h>
#include <daybook/sourcing.h>
#include <daybook/sourcing/catalog_json.h>
#include <daybook/sourcing/json.h>

struct MoneyDeposited {
  static constexpr daybook::EventType kEventType{.name = "MoneyDeposited", .schema_version = 2};
  std::int64_t cents = 0;
};
BOOST_DESCRIBE_STRUCT(MoneyDeposited, (), (cents))

int fail(const daybook::Error& error) {
  std::fprintf(stderr, "json_consumer: %s\n", daybook::describe(error).c_str());
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::string payload;
  if (auto done = daybook::Codec<MoneyDeposited>::encode({.cents = 1250}, payload); !done) return fail(done.error());
  auto store = daybook::Store::open(argv[1]);
  if (!store) return fail(store.error());
  const auto appended = store->append("account-1", daybook::Expect::any(),
                                      {{.type = "MoneyDeposited", .payload = payload, .schema_version = 2}});
  if (!appended) return fail(appended.error());

  daybook::Catalog catalog;
  catalog.add<MoneyDeposited>();
  const auto text = daybook::json::write_catalog(catalog);
  if (!text) return fail(text.error());
  const daybook::EventDecoder<daybook::EventSet<MoneyDeposited>> decoder(&catalog);
  std::int64_t sum = 0;
  auto cursor = store->read(catalog.query<MoneyDeposited>());
  while (const auto* event = cursor.next()) {
    const auto done =
        decoder.decode(*event, [&](const MoneyDeposited& e, const daybook::EventView&) { sum += e.cents; });
    if (!done) return fail(done.error());
  }
  if (auto error = cursor.error()) return fail(*error);
  return sum == 1250 ? 0 : 1;
}
