#include <daybook/sourcing/catalog.h>

#include <algorithm>
#include <set>

#include <daybook/sourcing/decoder.h>
#include <daybook/store.h>

namespace daybook {
namespace {

std::string text_of(std::string_view name, std::uint32_t schema_version) {
  return std::string(name) + " v" + std::to_string(schema_version);
}
std::string text_of(const StoredType& type) { return text_of(type.name, type.schema_version); }

Error catalog_error(std::string_view problem) {
  return {.code = Errc::bad_event, .what = "catalog", .detail = ErrorText(problem)};
}

}  // namespace

// --- registration

void Catalog::note(std::string_view problem) {
  if (!problem_) problem_ = catalog_error(problem);
}

void Catalog::add_type(const EventType& type) {
  CatalogType added{{std::string(type.name), type.schema_version}, {}};
  for (const std::string_view alias : type.aliases) {
    if (!alias.empty()) added.aliases.emplace_back(alias);
  }
  add(added);
}

void Catalog::add(const CatalogType& type) {
  const std::size_t index = types_.size();
  const CatalogType* const known = find_type(type.type.name);
  if (known != nullptr) {
    if (known->type != type.type || known->aliases != type.aliases) {
      note(text_of(type.type) + ": called like " + text_of(known->type) + ", which was added before");
    }
    return;
  }
  for (const std::string& alias : type.aliases) {
    if (const CatalogType* const other = find_type(alias)) {
      note(text_of(type.type) + ": its alias " + alias + " is taken by " + text_of(other->type));
    }
  }
  types_.push_back(type);
  names_.emplace(type.type.name, index);
  for (const std::string& alias : type.aliases) names_.emplace(alias, index);
}

void Catalog::upcast(const StoredType& from, std::vector<StoredType> targets, Step step) {
  add_edge(from, {std::move(targets), std::make_shared<const Step>(std::move(step))});
}

void Catalog::drop(std::string_view type, std::uint32_t schema_version) {
  upcast({std::string(type), schema_version}, {},
         [](const EventForm&, const EventView&) -> Result<EventForms> { return EventForms(); });
}

// An older struct may have been renamed too: its step is one for each of the names.
void Catalog::add_steps(const EventType& from, std::vector<StoredType> targets, Step step) {
  const Edge edge{std::move(targets), std::make_shared<const Step>(std::move(step))};
  add_edge({std::string(from.name), from.schema_version}, edge);
  for (const std::string_view alias : from.aliases) {
    if (!alias.empty()) add_edge({std::string(alias), from.schema_version}, edge);
  }
}

void Catalog::add_edge(const StoredType& from, Edge edge) {
  if (!edges_.emplace(from, std::move(edge)).second) note(text_of(from) + ": two steps begin there");
}

// --- look-up

const CatalogType* Catalog::find_type(std::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : &types_[found->second];
}

bool Catalog::is_current(const Form& form) const {
  const CatalogType* const type = find_type(form.name);
  return type != nullptr && type->type.schema_version == form.schema_version;
}

const Catalog::Edge* Catalog::find_edge(const Form& form) const {
  if (const auto exact = edges_.find(form); exact != edges_.end()) return &exact->second;
  const CatalogType* const type = find_type(form.name);
  if (type == nullptr) return nullptr;
  const auto by_name = edges_.find(Form{type->type.name, form.schema_version});
  return by_name == edges_.end() ? nullptr : &by_name->second;
}

std::optional<std::uint32_t> Catalog::current_version(std::string_view type) const {
  const CatalogType* const found = find_type(type);
  if (found == nullptr) return std::nullopt;
  return found->type.schema_version;
}

bool Catalog::has_step(std::string_view type, std::uint32_t schema_version) const {
  return find_edge({type, schema_version}) != nullptr;
}

std::vector<CatalogStep> Catalog::steps() const {
  std::vector<CatalogStep> all;
  for (const auto& [from, edge] : edges_) all.push_back({from, edge.targets});
  return all;
}

// --- completeness

// Goes through all forms that can be reached from one.
class Catalog::Walk {
 public:
  explicit Walk(const Catalog& catalog) : catalog_(catalog) {}

  // The first thing that is wrong with the paths from `form`.
  std::optional<std::string> problem(const Form& form) {
    if (catalog_.is_current(form)) {
      ends_.insert(catalog_.find_type(form.name)->type.name);
      return std::nullopt;
    }
    const Edge* const edge = catalog_.find_edge(form);
    if (edge == nullptr) return catalog_.why_not(form);
    if (done_.contains(edge)) return std::nullopt;
    if (!inside_.insert(edge).second) return "a cycle of steps";
    for (const StoredType& target : edge->targets) {
      if (auto found = problem({target.name, target.schema_version})) {
        return "leads to " + text_of(target) + ": " + *found;
      }
    }
    inside_.erase(edge);
    done_.insert(edge);
    return std::nullopt;
  }

  // Names of the current types that were come to.
  [[nodiscard]] const std::set<std::string_view>& ends() const noexcept { return ends_; }

 private:
  const Catalog& catalog_;
  std::set<const Edge*> inside_;
  std::set<const Edge*> done_;
  std::set<std::string_view> ends_;
};

std::string Catalog::why_not(const Form& form) const {
  if (const auto version = current_version(form.name)) return "no path to v" + std::to_string(*version);
  const auto known = edges_.lower_bound(Form{form.name, 0});
  const bool has_steps = known != edges_.end() && known->first.name == form.name;
  return has_steps ? "no step from this version" : "unknown type";
}

Result<void> Catalog::check() const {
  if (problem_) return fail(*problem_);
  for (const auto& [from, edge] : edges_) {
    const Form form{from.name, from.schema_version};
    if (is_current(form)) return fail(catalog_error(text_of(from) + ": a step begins at a form that is current"));
    if (const auto problem = Walk(*this).problem(form)) return fail(catalog_error(text_of(from) + ": " + *problem));
  }
  return {};
}

Result<std::vector<CatalogGap>> Catalog::check(const Store& store) const {
  DAYBOOK_TRY(check());
  const auto stored = store.types_by_version();
  if (!stored) return fail(stored.error());
  std::vector<CatalogGap> gaps;
  for (const TypeCount& type : *stored) {
    if (auto problem = Walk(*this).problem({type.type, type.schema_version})) {
      gaps.push_back({{type.type, type.schema_version}, type.events, type.last_position, *std::move(problem)});
    }
  }
  return gaps;
}

// --- queries

// The current types that older forms of the name lead to.
std::vector<std::string_view> Catalog::ends_of(std::string_view name) const {
  Walk walk(*this);
  const auto add = [&](std::string_view one) {
    for (auto at = edges_.lower_bound(Form{one, 0}); at != edges_.end() && at->first.name == one; ++at) {
      (void)walk.problem({at->first.name, at->first.schema_version});  // what is wrong is for check() to say
    }
  };
  add(name);
  const CatalogType* const type = find_type(name);
  if (type != nullptr && type->type.name != name) add(type->type.name);
  return {walk.ends().begin(), walk.ends().end()};
}

bool Catalog::leads_to(std::string_view type, std::span<const std::string_view> types) const {
  return std::ranges::any_of(ends_of(type),
                             [&](std::string_view end) { return std::ranges::find(types, end) != types.end(); });
}

Query Catalog::expand(Query query) const {
  std::set<std::string_view> older;
  for (const auto& [from, edge] : edges_) older.insert(from.name);
  for (const auto& [name, type] : names_) older.insert(name);

  const auto widen = [&](QueryItem& item, bool only_these) {
    std::set<std::string_view> ends;  // the names that the item's types have now
    for (const std::string& type : item.types) {
      const CatalogType* const known = find_type(type);
      ends.insert(known == nullptr ? std::string_view(type) : known->type.name);
    }
    std::set<std::string> names(item.types.begin(), item.types.end());
    for (const CatalogType& type : types_) {
      if (!ends.contains(type.type.name)) continue;
      names.insert(type.type.name);
      names.insert(type.aliases.begin(), type.aliases.end());
    }
    const auto is_end = [&](std::string_view end) { return ends.contains(end); };
    for (const std::string_view name : older) {
      const std::vector<std::string_view> reached = ends_of(name);
      const bool current = find_type(name) != nullptr;
      const bool fits = only_these ? !current && !reached.empty() && std::ranges::all_of(reached, is_end)
                                   : std::ranges::any_of(reached, is_end);
      if (fits) names.emplace(name);
    }
    item.types.assign(names.begin(), names.end());
  };
  for (QueryItem& item : query.items) {
    if (!item.types.empty()) widen(item, false);
  }
  for (QueryItem& item : query.except) {
    if (!item.types.empty()) widen(item, true);
  }
  return query;
}

// --- decoding

Result<EventForms> Catalog::to_current(const EventView& event) const {
  EventForms out;
  EventForm form{{std::string(event.type), event.schema_version}, std::string(event.payload.text())};
  DAYBOOK_TRY(advance(std::move(form), event, 0, out));
  return out;
}

// Steps from `form` on until every event is current. More steps than there are is a cycle, which check() would have
// found.
Result<void> Catalog::advance(EventForm form, const EventView& event, std::size_t steps, EventForms& out) const {
  const Form at{form.type.name, form.type.schema_version};
  if (is_current(at)) {
    out.push_back(std::move(form));
    return {};
  }
  const std::string as = steps == 0 ? std::string() : "as " + text_of(form.type);
  const Edge* const edge = find_edge(at);
  if (edge == nullptr) return fail(about_event(event, why_not(at), as));
  if (steps > edges_.size()) return fail(about_event(event, "a cycle of steps", as));
  auto next = (*edge->step)(form, event);
  if (!next) {
    const std::string_view detail = next.error().detail.view();
    const std::string where = as.empty() || detail.empty() ? as + std::string(detail) : as + ": " + std::string(detail);
    return fail(about_event(event, next.error().what, where));
  }
  for (EventForm& one : *next) {
    if (std::ranges::find(edge->targets, one.type) == edge->targets.end()) {
      return fail(about_event(event, "the step made a form that it did not declare: " + text_of(one.type), as));
    }
    DAYBOOK_TRY(advance(std::move(one), event, steps + 1, out));
  }
  return {};
}

}  // namespace daybook
