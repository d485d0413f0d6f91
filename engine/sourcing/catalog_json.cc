#include <daybook/sourcing/catalog_json.h>

#include <cstdint>
#include <utility>
#include <vector>

#include <daybook/sourcing/json.h>

namespace daybook::json {

// Not in a namespace without a name: what a template of another file has for an argument has linkage there too.
namespace file {

constexpr const char* kSchema = "daybook.catalog/1";

struct Form {
  std::string name;
  std::uint32_t schema_version = 1;
};
BOOST_DESCRIBE_STRUCT(Form, (), (name, schema_version))

struct Type {
  std::string name;
  std::uint32_t schema_version = 1;
  std::vector<std::string> aliases;
};
BOOST_DESCRIBE_STRUCT(Type, (), (name, schema_version, aliases))

struct Step {
  Form from;
  std::vector<Form> to;
};
BOOST_DESCRIBE_STRUCT(Step, (), (from, to))

struct CatalogFile {
  std::string schema;
  std::vector<Type> types;
  std::vector<Step> steps;
};
BOOST_DESCRIBE_STRUCT(CatalogFile, (), (schema, types, steps))

}  // namespace file

Result<std::string> write_catalog(const Catalog& catalog) {
  DAYBOOK_TRY(catalog.check());
  file::CatalogFile written{.schema = file::kSchema, .types = {}, .steps = {}};
  for (const CatalogType& type : catalog.types()) {
    written.types.push_back({type.type.name, type.type.schema_version, type.aliases});
  }
  for (const CatalogStep& step : catalog.steps()) {
    file::Step& made = written.steps.emplace_back();
    made.from = {step.from.name, step.from.schema_version};
    for (const StoredType& target : step.targets) made.to.push_back({target.name, target.schema_version});
  }
  std::string text;
  DAYBOOK_TRY(Codec<file::CatalogFile>::encode(written, text));
  return text;
}

Result<Catalog> read_catalog(Bytes text) {
  file::CatalogFile read;
  DAYBOOK_TRY(Codec<file::CatalogFile>::decode(text, read));
  if (read.schema != file::kSchema) {
    return fail(
        {.code = Errc::bad_event, .what = "not a catalog of this version", .detail = ErrorText("field schema")});
  }
  const Catalog::Step no_code = [](const EventForm&, const EventView&) -> Result<EventForms> {
    return fail({.code = Errc::bad_event, .what = "a catalog that was read from a file has no code of its steps"});
  };
  Catalog catalog;
  for (file::Type& type : read.types)
    catalog.add(CatalogType{{type.name, type.schema_version}, std::move(type.aliases)});
  for (const file::Step& step : read.steps) {
    std::vector<StoredType> targets;
    targets.reserve(step.to.size());
    for (const file::Form& form : step.to) targets.emplace_back(form.name, form.schema_version);
    catalog.upcast({step.from.name, step.from.schema_version}, std::move(targets), no_code);
  }
  return catalog;
}

}  // namespace daybook::json
