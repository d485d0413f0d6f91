// Queries by event structs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <daybook/export.h>
#include <daybook/query.h>
#include <daybook/sourcing/catalog.h>
#include <daybook/sourcing/event_set.h>

namespace daybook {

// The names that events of the set may be stored under: of the structs, their aliases, and (with a catalog) of the older
// types that its upcasters turn into them.
template <EventStruct... Es>
std::vector<std::string> type_names(EventSet<Es...>, const Catalog* catalog) {
  Query query;
  QueryItem& item = query.items.emplace_back();
  const auto add = [&item](const EventType& type) {
    item.types.emplace_back(type.name);
    for (const std::string_view alias : type.aliases) {
      if (!alias.empty()) item.types.emplace_back(alias);
    }
  };
  (add(event_type<Es>), ...);
  if (catalog != nullptr) query = catalog->expand(std::move(query));
  return std::move(query.items.front().types);
}

// The query, with these types in every item that names none.
inline Query narrow(Query query, const std::vector<std::string>& types) {
  if (query.items.empty()) query.items.emplace_back();
  for (QueryItem& item : query.items) {
    if (item.types.empty()) item.types = types;
  }
  return query;
}

// A hash of everything that a query says: of which events a state is.
DAYBOOK_EXPORT std::uint64_t fingerprint(const Query& query);

}  // namespace daybook
