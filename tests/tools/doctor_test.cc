// daybook doctor: what is stored, by schema version, and what a catalog has no path for.
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include <daybook/daybook.h>
#include <daybook/sourcing/catalog_json.h>

#include "command.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "tools/run_program.h"

namespace daybook::tools {
namespace {

using test::Outcome;
using test::run_inside;

const Catalog::Step kSame = [](const EventForm& form, const EventView&) {
  return Result<EventForms>(EventForms{form});
};

class DoctorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Store::open(store(), {.durability = Durability::memory});
    ASSERT_TRUE(test::is_ok(opened));
    for (int i = 0; i < 1'234; ++i) {
      ASSERT_TRUE(test::is_ok(opened->append("a", Expect::any(), {{.type = "Opened"}})));
    }
    ASSERT_TRUE(test::is_ok(opened->append("a", Expect::any(), {{.type = "Opened", .schema_version = 3}})));
    ASSERT_TRUE(test::is_ok(opened->append("a", Expect::any(), {{.type = "Closed\n", .schema_version = 2}})));
    ASSERT_TRUE(test::is_ok(opened->close()));
  }

  // Writes it as an application would.
  [[nodiscard]] std::string file_of(const Catalog& catalog) const {
    const auto text = json::write_catalog(catalog);
    EXPECT_TRUE(test::is_ok(text));
    return file_of_text(text ? *text : std::string());
  }
  [[nodiscard]] std::string file_of_text(const std::string& text) const {
    const std::string path = directory_ / "catalog.json";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  [[nodiscard]] std::string store() const { return (directory_ / "store").string(); }

  const test::TempDir directory_;
};

TEST_F(DoctorTest, ListsWithoutACatalog) {
  const Outcome outcome = run_inside({"doctor", store()});
  EXPECT_EQ(outcome.status, kOk) << outcome.err;
  EXPECT_EQ(outcome.out,
            "Closed\\n v2: 1 events, last at 1236\n"
            "Opened v1: 1,234 events, last at 1234\n"
            "Opened v3: 1 events, last at 1235\n"
            "not checked: no catalog was given\n");
}

TEST_F(DoctorTest, NamesWhatHasNoPath) {
  Catalog catalog;
  catalog.add(CatalogType{{"Opened", 3}, {}});
  const Outcome outcome = run_inside({"doctor", store(), "--catalog", file_of(catalog)});
  EXPECT_EQ(outcome.status, kNo) << outcome.err;
  EXPECT_EQ(outcome.out,
            "Closed\\n v2: 1 events, unknown type\n"
            "Opened v1: 1,234 events, no path to v3\n"
            "2 of 3 forms of events have no path\n");
}

TEST_F(DoctorTest, IsContentWhenThereIsAPathForEverything) {
  Catalog catalog;
  catalog.add(CatalogType{{"Opened", 3}, {"Began"}});
  catalog.upcast(StoredType{"Opened", 1}, {StoredType{"Opened", 2}}, kSame);
  catalog.upcast(StoredType{"Opened", 2}, {StoredType{"Began", 3}}, kSame);
  catalog.drop("Closed\n", 2);
  const Outcome outcome = run_inside({"doctor", store(), "--catalog", file_of(catalog)});
  EXPECT_EQ(outcome.status, kOk) << outcome.err;
  EXPECT_EQ(outcome.out, "ok: there is a path for all 3 forms of events\n");
}

TEST_F(DoctorTest, SpeaksJson) {
  Catalog catalog;
  catalog.add(CatalogType{{"Opened", 3}, {}});
  catalog.drop("Closed\n", 2);
  const Outcome outcome = run_inside({"doctor", store(), "--json", "--catalog", file_of(catalog)});
  EXPECT_EQ(outcome.status, kNo) << outcome.err;
  EXPECT_EQ(outcome.out,
            R"({"schema":"daybook.doctor/1","checked":true,"ok":false,"types":[)"
            R"({"type":"Closed\n","schema_version":2,"events":1,"last_position":1236},)"
            R"({"type":"Opened","schema_version":1,"events":1234,"last_position":1234,"gap":"no path to v3"},)"
            R"({"type":"Opened","schema_version":3,"events":1,"last_position":1235}]})"
            "\n");
}

// An answer that looks fine because the catalog was not understood would be the worst of all.
TEST_F(DoctorTest, ABadCatalogIsNoCatalog) {
  const auto refused = [&](const std::string& text) {
    const Outcome outcome = run_inside({"doctor", store(), "--catalog", file_of_text(text)});
    EXPECT_EQ(outcome.status, kFailed) << text;
    EXPECT_EQ(outcome.out, "") << text;
    return outcome.err.substr(outcome.err.find("bad_event"));
  };
  EXPECT_EQ(refused(R"({"schema":"daybook.catalog/1","types":[]})"), "bad_event: is missing: field steps\n");
  EXPECT_EQ(refused(R"({"schema":"daybook.catalog/2","types":[],"steps":[]})"),
            "bad_event: not a catalog of this version: field schema\n");
  EXPECT_EQ(
      refused(R"({"schema":"daybook.catalog/1","types":[{"name":"A","schema_version":-1,"aliases":[]}],"steps":[]})"),
      "bad_event: out of range: field types[0].schema_version = -1\n");
  EXPECT_EQ(refused(R"({"schema":"daybook.catalog/1","types":[],"steps":[{"from":{"name":"A","schema_version":1},)"
                    R"("to":[{"name":"B","schema_version":1}]}]})"),
            "bad_event: catalog: A v1: leads to B v1: unknown type\n");
  refused("");
  const Outcome missing = run_inside({"doctor", store(), "--catalog", directory_ / "nothing"});
  EXPECT_EQ(missing.status, kFailed);
  EXPECT_NE(missing.err.find("No such file"), std::string::npos) << missing.err;
}

TEST_F(DoctorTest, TheFileSaysWhatTheCatalogDid) {
  Catalog catalog;
  catalog.add(CatalogType{{"Opened", 3}, {"Began"}});
  catalog.upcast(StoredType{"Opened", 1}, {StoredType{"Opened", 3}}, kSame);
  const auto text = json::write_catalog(catalog);
  ASSERT_TRUE(test::is_ok(text));
  EXPECT_EQ(*text,
            R"({"schema":"daybook.catalog/1","types":[{"name":"Opened","schema_version":3,"aliases":["Began"]}],)"
            R"("steps":[{"from":{"name":"Opened","schema_version":1},"to":[{"name":"Opened","schema_version":3}]}]})");
  const auto read = json::read_catalog(*text);
  ASSERT_TRUE(test::is_ok(read));
  EXPECT_EQ(json::write_catalog(*read), *text);
  EventView event;
  event.type = "Opened";
  event.schema_version = 1;
  EXPECT_FALSE(read->to_current(event));

  catalog.upcast(StoredType{"A", 1}, {StoredType{"B", 1}}, kSame);
  EXPECT_TRUE(test::fails_with(json::write_catalog(catalog), Errc::bad_event));
}

}  // namespace
}  // namespace daybook::tools
