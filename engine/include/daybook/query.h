// Queries: which events to read, count, or make an append depend on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <daybook/types.h>

namespace daybook {

// Matches an event that every given part matches: it is of one of the streams, has one of the types, and carries all of
// the tags. A part that is empty matches any event; an item without any part is refused (Errc::invalid_argument), because
// it would mean "everything" by mistake. (The query item of the DCB specification, and streams.)
struct QueryItem {
  std::vector<std::string> streams{};  // any of them
  std::vector<std::string> types{};    // any of them
  std::vector<std::string> tags{};     // all of them

  friend bool operator==(const QueryItem&, const QueryItem&) = default;
};

// Matches an event that one of the items matches (every event when there are none), none of the exclusions matches, and
// that happened inside the windows. An event that several items match is one event.
struct Query {
  std::vector<QueryItem> items{};
  std::vector<QueryItem> except{};

  // From the first time on, and before the second.
  std::optional<Timestamp> recorded_from{};
  std::optional<Timestamp> recorded_before{};
  std::optional<Timestamp> occurred_from{};
  std::optional<Timestamp> occurred_before{};

  friend bool operator==(const Query&, const Query&) = default;

  // The queries that are asked most.
  static Query stream(std::string id) { return {.items = {{.streams = {std::move(id)}}}}; }
  static Query type(std::string name) { return {.items = {{.types = {std::move(name)}}}}; }
  static Query tag(std::string tag) { return {.items = {{.tags = {std::move(tag)}}}}; }
};

// What an append depends on: it fails if an event that `fail_if` matches is in the log at a position above `after`.
// Decided when the append is published, in log order, exactly. (The append condition of the DCB specification: `after` is
// the last position that the decision has taken into account; it may be beyond the last match, and beyond the log's end.)
struct AppendCondition {
  Query fail_if{};
  Position after = 0;        // 0: any match violates the condition
  Position violated_by = 0;  // out, when the append is refused: the first event that violates it; 0 = none does
};

// Limits of a query; one that breaks them is refused with Errc::invalid_argument.
inline constexpr std::size_t kQueryItemsMax = 256;   // items and exclusions together
inline constexpr std::size_t kQueryKeysMax = 1'024;  // streams, types and tags of all of them; each 1..255 bytes

}  // namespace daybook
