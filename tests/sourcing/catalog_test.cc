// Old events reach today's structs by steps that chain, and what has no way there is an error by name.
#include <daybook/sourcing/catalog.h>

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <daybook/sourcing/decoder.h>

#include "sourcing/account_history.h"
#include "sourcing/event_at_7.h"

namespace daybook::testing {
namespace {

// What decoding an event comes to: the structs as text, or the error's detail.
std::vector<std::string> decode(const Catalog* catalog, const EventView& event,
                                UnknownEvents unknown = UnknownEvents::fail) {
  std::vector<std::string> seen;
  const EventDecoder<AccountEvents> decoder(catalog);
  const auto decoded = decoder.decode(
      event,
      [&](const auto& e, const EventView& stored) {
        seen.push_back(text_of(e) + " @ " + std::to_string(stored.version));
      },
      unknown);
  if (!decoded) return {std::string(decoded.error().detail.view())};
  EXPECT_EQ(*decoded, seen.size());
  return seen;
}

using Texts = std::vector<std::string>;

constexpr std::string_view kAt7 = "stream account-1 @ version 7 (position 123): ";

std::string problem_of(const Catalog& catalog) {
  const auto checked = catalog.check();
  if (checked) return "";
  EXPECT_EQ(checked.error().code, Errc::bad_event);
  EXPECT_STREQ(checked.error().what, "catalog");
  return std::string(checked.error().detail.view());
}

TEST(CatalogTest, StepsChainToTheCurrentForm) {
  const Catalog catalog = account_catalog();
  EXPECT_EQ(problem_of(catalog), "");
  EXPECT_EQ(decode(&catalog, event_at_7("AccountOpened", 3, "Ada|EUR|5")), Texts{"opened Ada EUR 5 @ 7"});
  EXPECT_EQ(decode(&catalog, event_at_7("AccountOpened", 2, "Ada|USD")), Texts{"opened Ada USD 0 @ 7"});
  EXPECT_EQ(decode(&catalog, event_at_7("AccountOpened", 1, "Ada")), Texts{"opened Ada EUR 0 @ 7"});
}

TEST(CatalogTest, AnEventCanBeSplit) {
  const Catalog catalog = account_catalog();
  EXPECT_EQ(decode(&catalog, event_at_7("MoneyMoved", 1, "12")), (Texts{"deposited 12 @ 7", "closed moved @ 7"}));
  EXPECT_EQ(decode(&catalog, event_at_7("Several", 1, "1,2,3")),
            (Texts{"deposited 1 @ 7", "deposited 2 @ 7", "closed 3 @ 7"}));
  EXPECT_EQ(decode(&catalog, event_at_7("Several", 1, "")), Texts{});
}

TEST(CatalogTest, AnEventCanBeDropped) {
  const Catalog catalog = account_catalog();
  EXPECT_EQ(decode(&catalog, event_at_7("AccountTouched", 1, "whatever")), Texts{});
  EXPECT_EQ(decode(&catalog, event_at_7("Rounded", 1, "0")), Texts{});
  EXPECT_EQ(decode(&catalog, event_at_7("Rounded", 1, "4")), Texts{"deposited 4 @ 7"});
}

TEST(CatalogTest, ARenamedTypeIsFoundByItsOldName) {
  const Catalog catalog = account_catalog();
  EXPECT_EQ(decode(&catalog, event_at_7("PaidIn", 2, "8")), Texts{"deposited 8 @ 7"});    // alias, current version
  EXPECT_EQ(decode(&catalog, event_at_7("PaidIn", 1, "8")), Texts{"deposited 800 @ 7"});  // alias, older version
  EXPECT_EQ(decode(&catalog, event_at_7("MoneyDeposited", 1, "8")), Texts{"deposited 800 @ 7"});
}

// The seed of this: a chain with a gap that silently handed out the event as it was.
TEST(CatalogTest, NothingIsEverLeftUnmigrated) {
  const Catalog catalog = account_catalog();
  for (const auto unknown : {UnknownEvents::fail, UnknownEvents::skip}) {
    EXPECT_EQ(decode(&catalog, event_at_7("AccountOpened", 4, "x"), unknown),
              Texts{std::string(kAt7) + "AccountOpened v4: no path to v3"});
    EXPECT_EQ(decode(&catalog, event_at_7("PaidIn", 9, "x"), unknown),
              Texts{std::string(kAt7) + "PaidIn v9: no path to v2"});
    EXPECT_EQ(decode(&catalog, event_at_7("MoneyMoved", 2, "x"), unknown),
              Texts{std::string(kAt7) + "MoneyMoved v2: no step from this version"});
  }
  EXPECT_EQ(decode(&catalog, event_at_7("Weather", 1, "x")),
            Texts{std::string(kAt7) + "Weather v1: type is not in the event set"});
  EXPECT_EQ(decode(&catalog, event_at_7("Weather", 1, "x"), UnknownEvents::skip), Texts{});
}

// A reader of deposits does not stop at an account that nobody can open any more.
TEST(CatalogTest, WhereTypesMayBeSkippedStepsThatLeadElsewhereAreNotTaken) {
  const Catalog catalog = account_catalog();
  const EventDecoder<EventSet<MoneyDeposited>> decoder(&catalog);
  std::vector<std::string> seen;
  const auto visit = [&](const MoneyDeposited& e, const EventView&) { seen.push_back(text_of(e)); };
  EXPECT_EQ(decoder.decode(event_at_7("AccountOpened", 1, "bad"), visit, UnknownEvents::skip), 0u);
  EXPECT_FALSE(decoder.decode(event_at_7("AccountOpened", 1, "bad"), visit));
  // Half of this one is a deposit.
  EXPECT_EQ(decoder.decode(event_at_7("MoneyMoved", 1, "12"), visit, UnknownEvents::skip), 1u);
  EXPECT_FALSE(decoder.decode(event_at_7("MoneyMoved", 1, "12"), visit));
  EXPECT_EQ(seen, (Texts{"deposited 12", "deposited 12"}));
}

// An older version of a type may have held another event as well, under all names of the type.
TEST(CatalogTest, AnAliasLeadsWhereItsTypeLed) {
  Catalog catalog;
  catalog.add<MoneyDeposited, AccountClosed>();
  catalog.upcast<MoneyDepositedV1>([](const MoneyDepositedV1& old) {
    return std::tuple(MoneyDeposited{old.euros * 100}, AccountClosed{"after " + std::to_string(old.euros)});
  });
  const EventDecoder<EventSet<AccountClosed>> decoder(&catalog);
  std::vector<std::string> seen;
  const auto visit = [&](const AccountClosed& e, const EventView&) { seen.push_back(text_of(e)); };
  EXPECT_EQ(decoder.decode(event_at_7("PaidIn", 1, "7"), visit, UnknownEvents::skip), 1u);
  EXPECT_EQ(seen, Texts{"closed after 7"});
  EXPECT_EQ(catalog.query<AccountClosed>(),
            (Query{.items = {{.types = {"AccountClosed", "MoneyDeposited", "PaidIn"}}}}));
}

TEST(CatalogTest, AStepThatFailsNamesTheEventAndTheForm) {
  const Catalog catalog = account_catalog();
  EXPECT_EQ(decode(&catalog, event_at_7("MoneyDeposited", 1, "-1")),
            Texts{std::string(kAt7) + "MoneyDeposited v1: negative: "});
  EXPECT_EQ(decode(&catalog, event_at_7("AccountOpened", 1, "bad")),
            Texts{std::string(kAt7) + "AccountOpened v1: as AccountOpened v2: no currency: cannot read text"});
}

TEST(CatalogTest, AnUpcasterSeesTheStoredEvent) {
  Catalog catalog;
  catalog.add<MoneyDeposited>();
  catalog.upcast<MoneyDepositedV1>([](const MoneyDepositedV1&, const EventView& stored) {
    return MoneyDeposited{.cents = static_cast<std::int64_t>(stored.position)};
  });
  EXPECT_EQ(decode(&catalog, event_at_7("MoneyDeposited", 1, "8")), Texts{"deposited 123 @ 7"});
}

TEST(CatalogTest, StepsMayBeGivenWithoutStructs) {
  Catalog catalog;
  catalog.add<MoneyDeposited>();
  catalog.upcast(StoredType{"Cash", 1}, {StoredType{"MoneyDeposited", 2}}, [](const EventForm& form, const EventView&) {
    return Result<EventForms>(EventForms{{{"MoneyDeposited", 2}, form.payload + "0"}});
  });
  catalog.upcast(StoredType{"Cheat", 1}, {StoredType{"MoneyDeposited", 2}}, [](const EventForm&, const EventView&) {
    return Result<EventForms>(EventForms{{{"AccountClosed", 1}, "x"}});
  });
  EXPECT_EQ(problem_of(catalog), "");
  EXPECT_EQ(decode(&catalog, event_at_7("Cash", 1, "8")), Texts{"deposited 80 @ 7"});
  EXPECT_EQ(decode(&catalog, event_at_7("Cheat", 1, "8")),
            Texts{std::string(kAt7) + "Cheat v1: the step made a form that it did not declare: AccountClosed v1"});
}

const Catalog::Step kSame = [](const EventForm& form, const EventView&) {
  return Result<EventForms>(EventForms{form});
};

TEST(CatalogCheckTest, TwoStepsFromOneForm) {
  Catalog catalog = account_catalog();
  catalog.drop("AccountOpened", 1);
  EXPECT_EQ(problem_of(catalog), "AccountOpened v1: two steps begin there");
}

TEST(CatalogCheckTest, AStepFromACurrentForm) {
  Catalog catalog = account_catalog();
  catalog.drop("AccountOpened", 3);
  EXPECT_EQ(problem_of(catalog), "AccountOpened v3: a step begins at a form that is current");
  Catalog renamed = account_catalog();
  renamed.drop("PaidIn", 2);
  EXPECT_EQ(problem_of(renamed), "PaidIn v2: a step begins at a form that is current");
}

TEST(CatalogCheckTest, ATargetThatLeadsNowhere) {
  Catalog catalog;
  catalog.add<AccountOpened>();
  catalog.upcast<AccountOpenedV1>([](const AccountOpenedV1& old) { return AccountOpenedV2{old.owner, "EUR"}; });
  EXPECT_EQ(problem_of(catalog), "AccountOpened v1: leads to AccountOpened v2: no path to v3");
  Catalog unknown;
  unknown.upcast(StoredType{"A", 1}, {StoredType{"B", 1}}, kSame);
  EXPECT_EQ(problem_of(unknown), "A v1: leads to B v1: unknown type");
}

TEST(CatalogCheckTest, ACycle) {
  Catalog catalog;
  catalog.add<MoneyDeposited>();
  catalog.upcast(StoredType{"A", 1}, {StoredType{"MoneyDeposited", 2}, StoredType{"B", 1}}, kSame);
  catalog.upcast(StoredType{"B", 1}, {StoredType{"A", 1}}, kSame);
  EXPECT_EQ(problem_of(catalog), "A v1: leads to B v1: leads to A v1: a cycle of steps");

  // And without check(), decoding ends.
  Catalog unchecked;
  unchecked.add<MoneyDeposited>();
  unchecked.upcast(StoredType{"A", 1}, {StoredType{"A", 1}}, kSame);
  EXPECT_EQ(decode(&unchecked, event_at_7("A", 1, "8")), Texts{std::string(kAt7) + "A v1: as A v1: a cycle of steps"});
}

TEST(CatalogCheckTest, TwoTypesOfOneName) {
  Catalog catalog = account_catalog();
  catalog.add<AccountOpened>();  // again is nothing new
  EXPECT_EQ(problem_of(catalog), "");
  catalog.add<AccountOpenedV2>();
  EXPECT_EQ(problem_of(catalog), "AccountOpened v2: called like AccountOpened v3, which was added before");
  Catalog aliased = account_catalog();
  aliased.add(CatalogType{{"Payment", 1}, {"PaidIn"}});
  EXPECT_EQ(problem_of(aliased), "Payment v1: its alias PaidIn is taken by MoneyDeposited v2");
}

// --- queries

TEST(CatalogQueryTest, TypesAreWidenedByEveryNameThatLeadsToThem) {
  const Catalog catalog = account_catalog();
  EXPECT_EQ(catalog.query<AccountOpened>(), Query::type("AccountOpened"));
  const Query deposits{.items = {{.types = {"MoneyDeposited", "MoneyMoved", "PaidIn", "Rounded", "Several"}}}};
  EXPECT_EQ(catalog.query<MoneyDeposited>(), deposits);
  EXPECT_EQ(catalog.expand(Query::type("PaidIn")), deposits);
  EXPECT_EQ(catalog.expand(Query::type("Weather")), Query::type("Weather"));
  EXPECT_EQ(catalog.expand(Query::tag("a")), Query::tag("a"));
}

// Leaving out MoneyMoved, which is a deposit and a closing, would leave out a closing that was asked for.
TEST(CatalogQueryTest, ExclusionsAreWidenedOnlyByWhatLeadsNowhereElse) {
  const Catalog catalog = account_catalog();
  const Query query{.items = {{.tags = {"a"}}}, .except = {{.types = {"MoneyDeposited"}}}};
  const Query widened{.items = {{.tags = {"a"}}}, .except = {{.types = {"MoneyDeposited", "PaidIn", "Rounded"}}}};
  EXPECT_EQ(catalog.expand(query), widened);
  const Query both{.items = {{.tags = {"a"}}}, .except = {{.types = {"MoneyDeposited", "AccountClosed"}}}};
  EXPECT_EQ(catalog.expand(both).except.front().types,
            (Texts{"AccountClosed", "MoneyDeposited", "MoneyMoved", "PaidIn", "Rounded", "Several"}));
}

}  // namespace
}  // namespace daybook::testing
