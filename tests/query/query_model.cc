#include "query/query_model.h"

#include <algorithm>
#include <functional>
#include <set>

namespace daybook::test {
namespace {

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::ranges::find(list, text) != list.end();
}

bool matches(const QueryItem& item, const ModelEvent& event) {
  return (item.streams.empty() || contains(item.streams, event.stream)) &&
         (item.types.empty() || contains(item.types, event.type)) &&
         std::ranges::all_of(item.tags, [&](const std::string& tag) { return contains(event.tags, tag); });
}

std::vector<KeyCount> count_keys(const std::vector<ModelEvent>& events, std::string_view prefix,
                                 const std::function<std::vector<std::string>(const ModelEvent&)>& keys) {
  std::map<std::string, KeyCount> counts;
  for (std::size_t i = 0; i < events.size(); ++i) {
    for (const std::string& key : keys(events[i])) {
      if (!key.starts_with(prefix)) continue;
      KeyCount& count = counts[key];
      ++count.events;
      count.last_position = i + 1;
    }
  }
  std::vector<KeyCount> list;
  for (auto& [key, count] : counts) list.push_back({key, count.events, count.last_position});
  return list;
}

std::vector<std::string> distinct(const std::vector<std::string>& list) {
  const std::set<std::string> set(list.begin(), list.end());
  return {set.begin(), set.end()};
}

void apply(std::vector<Position>& found, Direction direction, std::uint64_t limit) {
  if (direction == Direction::backward) std::ranges::reverse(found);
  if (limit != 0 && found.size() > limit) found.resize(limit);
}

std::string random_type(Rng& rng) { return "type-" + std::to_string(rng.below(rng.coin() ? 3 : 12)); }
std::string random_tag(Rng& rng) { return "tag-" + std::to_string(rng.below(rng.below(3) == 0 ? 300 : 8)); }

QueryItem random_item(Rng& rng) {
  QueryItem item;
  while (item.streams.empty() && item.types.empty() && item.tags.empty()) {
    if (rng.below(3) == 0) {
      for (std::uint64_t n = 1 + rng.below(3); n > 0; --n) item.streams.push_back(random_stream(rng));
    }
    if (rng.coin()) {
      for (std::uint64_t n = 1 + rng.below(3); n > 0; --n) item.types.push_back(random_type(rng));
    }
    if (rng.coin()) {
      for (std::uint64_t n = 1 + rng.below(3); n > 0; --n) item.tags.push_back(random_tag(rng));
    }
  }
  return item;
}

std::optional<Timestamp> random_time(Rng& rng, const QueryModel& model, bool occurred) {
  if (rng.below(6) != 0 || model.events().empty()) return std::nullopt;
  const ModelEvent& event = model.events()[rng.below(model.events().size())];
  return (occurred ? event.occurred_at : event.recorded_at) +
         std::chrono::nanoseconds(static_cast<std::int64_t>(rng.below(3)) - 1);
}

}  // namespace

std::string random_stream(Rng& rng) { return "stream-" + std::to_string(rng.below(rng.coin() ? 4 : 150)); }

ModelEvent random_event(Rng& rng) {
  ModelEvent event{.stream = random_stream(rng), .type = random_type(rng)};
  for (std::uint64_t n = rng.below(4); n > 0; --n) event.tags.push_back(random_tag(rng));
  if (rng.below(3) == 0) {
    event.id.emplace();
    for (auto& byte : *event.id) byte = static_cast<std::uint8_t>(rng.next());
  }
  if (rng.below(4) == 0) {
    event.occurred_at_given = Timestamp(std::chrono::nanoseconds(static_cast<std::int64_t>(rng.next() >> 1)));
  }
  return event;
}

Query random_query(Rng& rng, const QueryModel& model) {
  Query query;
  for (std::uint64_t n = rng.below(8) == 0 ? rng.below(4) : rng.below(5) == 0 ? 0 : 1; n > 0; --n) {
    query.items.push_back(random_item(rng));
  }
  if (rng.below(5) == 0) {
    for (std::uint64_t n = 1 + rng.below(2); n > 0; --n) query.except.push_back(random_item(rng));
  }
  query.recorded_from = random_time(rng, model, false);
  query.recorded_before = random_time(rng, model, false);
  query.occurred_from = random_time(rng, model, true);
  query.occurred_before = random_time(rng, model, true);
  return query;
}

ReadOptions random_options(Rng& rng, const QueryModel& model) {
  ReadOptions options;
  const std::size_t size = model.events().size();
  if (rng.below(3) == 0) options.after = rng.below(size + 2);
  if (rng.below(3) == 0) options.before = rng.below(size + 3);
  if (rng.below(3) == 0) options.limit = 1 + rng.below(rng.coin() ? 5 : 200);
  if (rng.coin()) options.direction = Direction::backward;
  return options;
}

void QueryModel::add(ModelEvent event) {
  event.version = ++versions_[event.stream];
  events_.push_back(std::move(event));
}

bool matches(const Query& query, const ModelEvent& event) {
  const auto any = [&](const std::vector<QueryItem>& items) {
    return std::ranges::any_of(items, [&](const QueryItem& item) { return matches(item, event); });
  };
  return (query.items.empty() || any(query.items)) && !any(query.except) &&
         (!query.recorded_from || event.recorded_at >= *query.recorded_from) &&
         (!query.recorded_before || event.recorded_at < *query.recorded_before) &&
         (!query.occurred_from || event.occurred_at >= *query.occurred_from) &&
         (!query.occurred_before || event.occurred_at < *query.occurred_before);
}

std::vector<Position> QueryModel::read(const Query& query, const ReadOptions& options) const {
  std::vector<Position> found;
  for (Position position = options.after + 1; position <= events_.size(); ++position) {
    if (options.before != 0 && position >= options.before) break;
    if (matches(query, events_[position - 1])) found.push_back(position);
  }
  apply(found, options.direction, options.limit);
  return found;
}

std::vector<Position> QueryModel::read_stream(const std::string& stream, const StreamReadOptions& options) const {
  std::vector<Position> found;
  for (Position position = 1; position <= events_.size(); ++position) {
    const ModelEvent& event = events_[position - 1];
    if (event.stream != stream || event.version < options.from_version) continue;
    if (options.to_version != 0 && event.version > options.to_version) continue;
    found.push_back(position);
  }
  apply(found, options.direction, options.limit);
  return found;
}

std::vector<KeyCount> QueryModel::streams(std::string_view prefix) const {
  return count_keys(events_, prefix, [](const ModelEvent& event) { return std::vector{event.stream}; });
}
std::vector<KeyCount> QueryModel::types(std::string_view prefix) const {
  return count_keys(events_, prefix, [](const ModelEvent& event) { return std::vector{event.type}; });
}
std::vector<KeyCount> QueryModel::tags(std::string_view prefix) const {
  return count_keys(events_, prefix, [](const ModelEvent& event) { return distinct(event.tags); });
}

Position QueryModel::find(const EventId& id) const {
  for (Position position = events_.size(); position > 0; --position) {
    if (events_[position - 1].id == id) return position;
  }
  return 0;
}

std::string to_text(const Query& query, const ReadOptions& options) {
  std::string text;
  const auto add = [&](const char* name, const std::vector<std::string>& keys) {
    if (keys.empty()) return;
    text += std::string(" ") + name;
    for (const std::string& key : keys) text += " " + key;
  };
  for (const auto* const list : {&query.items, &query.except}) {
    text += list == &query.items ? "items" : "except";
    for (const QueryItem& item : *list) {
      text += " {";
      add("streams", item.streams);
      add("types", item.types);
      add("tags", item.tags);
      text += " }";
    }
    text += "; ";
  }
  const auto time = [&](const char* name, const std::optional<Timestamp>& at) {
    if (at) text += std::string(name) + " " + std::to_string(at->time_since_epoch().count()) + "; ";
  };
  time("recorded from", query.recorded_from);
  time("recorded before", query.recorded_before);
  time("occurred from", query.occurred_from);
  time("occurred before", query.occurred_before);
  return text + "after " + std::to_string(options.after) + ", before " + std::to_string(options.before) + ", limit " +
         std::to_string(options.limit) + (options.direction == Direction::backward ? ", backward" : "");
}

}  // namespace daybook::test
