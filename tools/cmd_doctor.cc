// daybook doctor [STORE] [--catalog FILE]
//
// Which types are in a store, by schema version; with the catalog of an application, which of them it has no path for.
// By index: costs what there are of types. Never writes.
#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <daybook/sourcing/catalog_json.h>
#include <daybook/store.h>

#include "arguments.h"
#include "commands.h"
#include "escape.h"
#include "json.h"
#include "quantity.h"
#include "report.h"

namespace daybook::tools {
namespace {

constexpr std::string_view kDetails =
    "The catalog is a file that the application writes: daybook::json::write_catalog().\n"
    "Exit status: 0 there is a path for every event, or no catalog was given; 1 there are events without one.\n";

// A type of the store with what is wrong with it; empty when there is a path, or nobody asked.
struct Finding {
  TypeCount type;
  std::string gap;
};

struct Doctor {
  std::string store;
  std::string catalog_file;
  bool json = false;

  void declare(Arguments& arguments) {
    arguments.store(store);
    arguments.text("-c,--catalog", catalog_file, "FILE", "the types and steps that the application knows");
    arguments.flag("--json", json, "as a JSON document");
  }

  int run(Io& io) const {
    std::optional<Catalog> catalog;
    if (!catalog_file.empty()) {
      auto read = read_file();
      if (!read) return report_failure(io, "doctor", fmt::format("{}: {}", catalog_file, describe(read.error())));
      catalog = *std::move(read);
    }
    auto opened = Store::open(store, {.mode = Mode::read_only});
    if (!opened) return report(io, "doctor", opened.error());
    const auto findings = find(*opened, catalog);
    if (!findings) return report(io, "doctor", findings.error());
    json ? print_json(*findings, io) : print_text(*findings, io);
    return count_gaps(*findings) == 0 ? kOk : kNo;
  }

 private:
  [[nodiscard]] Result<Catalog> read_file() const {
    std::ifstream in(catalog_file, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(in), {});
    if (!in) return fail({.code = Errc::io, .sys_errno = errno, .what = "read"});
    auto catalog = json::read_catalog(text);
    if (!catalog) return catalog;
    if (const auto complete = catalog->check(); !complete) return fail(complete.error());
    return catalog;
  }

  static Result<std::vector<Finding>> find(const Store& store, const std::optional<Catalog>& catalog) {
    std::map<std::pair<std::string, std::uint32_t>, std::string> gaps;
    if (catalog) {
      const auto found = catalog->check(store);
      if (!found) return fail(found.error());
      for (const CatalogGap& gap : *found) gaps[{gap.type.name, gap.type.schema_version}] = gap.why;
    }
    auto types = store.types_by_version();
    if (!types) return fail(types.error());
    std::vector<Finding> findings;
    for (TypeCount& type : *types) {
      const auto gap = gaps.find({type.type, type.schema_version});
      findings.push_back({std::move(type), gap == gaps.end() ? std::string() : gap->second});
    }
    return findings;
  }

  static std::size_t count_gaps(const std::vector<Finding>& findings) {
    return static_cast<std::size_t>(
        std::ranges::count_if(findings, [](const Finding& finding) { return !finding.gap.empty(); }));
  }

  void print_text(const std::vector<Finding>& findings, Io& io) const {
    const bool checked = !catalog_file.empty();
    for (const auto& [type, gap] : findings) {
      if (checked && gap.empty()) continue;
      io.out << fmt::format("{} v{}: {} events, {}\n", escaped(type.type), type.schema_version,
                            format_count(type.events), checked ? gap : fmt::format("last at {}", type.last_position));
    }
    if (!checked) {
      io.out << "not checked: no catalog was given\n";
    } else if (const std::size_t gaps = count_gaps(findings); gaps == 0) {
      io.out << fmt::format("ok: there is a path for all {} forms of events\n", findings.size());
    } else {
      io.out << fmt::format("{} of {} forms of events have no path\n", gaps, findings.size());
    }
  }

  void print_json(const std::vector<Finding>& findings, Io& io) const {
    JsonBuffer buffer;
    JsonWriter out(buffer);
    out.StartObject();
    put_text(out, "schema", "daybook.doctor/1");
    put_bool(out, "checked", !catalog_file.empty());
    put_bool(out, "ok", count_gaps(findings) == 0);
    put_key(out, "types");
    out.StartArray();
    for (const auto& [type, gap] : findings) {
      out.StartObject();
      put_text(out, "type", type.type);
      put_number(out, "schema_version", type.schema_version);
      put_number(out, "events", type.events);
      put_number(out, "last_position", type.last_position);
      if (!gap.empty()) put_text(out, "gap", gap);
      out.EndObject();
    }
    out.EndArray();
    out.EndObject();
    io.out << view(buffer) << '\n';
  }
};

}  // namespace

constinit const Command kDoctor{"doctor", "find events that an application has no way to read", kDetails,
                                declare_command<Doctor>};

}  // namespace daybook::tools
