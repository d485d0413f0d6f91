#include "log/query_match.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace daybook::log {
namespace {

template <typename Keys>
bool has(const Keys& keys, std::string_view wanted) noexcept {
  return std::ranges::any_of(keys, [wanted](const auto& key) { return std::string_view(key) == wanted; });
}

template <typename Item>
bool item_matches(const Item& item, const EventView& event) noexcept {
  if (!item.streams.empty() && !has(item.streams, event.stream)) return false;
  if (!item.types.empty() && !has(item.types, event.type)) return false;
  return std::ranges::all_of(item.tags, [&event](const auto& tag) { return has(event.tags, std::string_view(tag)); });
}

template <typename Items>
bool any_matches(const Items& items, const EventView& event) noexcept {
  for (const auto& item : items) {
    if (item_matches(item, event)) return true;
  }
  return false;
}

// From the first time on, and before the second.
bool inside(const std::optional<Timestamp>& from, const std::optional<Timestamp>& before, Timestamp at) noexcept {
  return (!from || at >= *from) && (!before || at < *before);
}

// The times first: they are the cheapest to compare.
template <typename AnyQuery>
bool query_matches(const AnyQuery& query, const EventView& event) noexcept {
  return inside(query.recorded_from, query.recorded_before, event.recorded_at) &&
         inside(query.occurred_from, query.occurred_before, event.occurred_at) &&
         (query.items.empty() || any_matches(query.items, event)) && !any_matches(query.except, event);
}

std::unexpected<Error> refuse(const char* what, std::uint64_t limit, std::uint64_t actual, std::size_t index) noexcept {
  return fail(Error{.code = Errc::invalid_argument,
                    .what = what,
                    .expected = limit,
                    .actual = actual,
                    .index = static_cast<std::uint32_t>(index)});
}

Result<void> check_keys(const std::vector<std::string>& keys, std::size_t size_max, std::size_t index) noexcept {
  for (const std::string& key : keys) {
    if (key.empty() || key.size() > size_max) return refuse("key of a query", size_max, key.size(), index);
  }
  return {};
}

}  // namespace

bool matches(const Query& query, const EventView& event) noexcept { return query_matches(query, event); }

bool violates(const format::StoredCondition& condition, const EventView& event) noexcept {
  return event.position > condition.after && query_matches(condition, event);
}

Result<void> check_query(const Query& query) noexcept {
  const std::size_t items = query.items.size() + query.except.size();
  if (items > kQueryItemsMax) return refuse("items of a query", kQueryItemsMax, items, 0);
  std::size_t keys = 0;
  for (std::size_t i = 0; i < items; ++i) {
    const QueryItem& item = i < query.items.size() ? query.items[i] : query.except[i - query.items.size()];
    const std::size_t own = item.streams.size() + item.types.size() + item.tags.size();
    if (own == 0) return refuse("query item without any part", 1, 0, i);
    keys += own;
    if (keys > kQueryKeysMax) return refuse("keys of a query", kQueryKeysMax, keys, i);
    DAYBOOK_TRY(check_keys(item.streams, kStreamIdSizeMax, i));
    DAYBOOK_TRY(check_keys(item.types, kEventTypeSizeMax, i));
    DAYBOOK_TRY(check_keys(item.tags, kTagSizeMax, i));
  }
  return {};
}

}  // namespace daybook::log
