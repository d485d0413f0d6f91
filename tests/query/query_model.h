// A log as a list, and queries as the plainest loop over it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <daybook/options.h>
#include <daybook/query.h>
#include <daybook/store.h>

#include "support/rng.h"

namespace daybook::test {

struct ModelEvent {
  std::string stream;
  std::string type;
  std::vector<std::string> tags;
  std::optional<EventId> id;
  std::optional<Timestamp> occurred_at_given;
  Version version = 0;
  Timestamp recorded_at{};  // as the store says: nobody else knows
  Timestamp occurred_at{};
};

class QueryModel {
 public:
  void add(ModelEvent event);
  [[nodiscard]] const std::vector<ModelEvent>& events() const { return events_; }
  std::vector<ModelEvent>& events() { return events_; }

  // Positions, in the direction of reading.
  [[nodiscard]] std::vector<Position> read(const Query& query, const ReadOptions& options) const;
  [[nodiscard]] std::vector<Position> read_stream(const std::string& stream, const StreamReadOptions& options) const;
  [[nodiscard]] std::vector<KeyCount> streams(std::string_view prefix) const;
  [[nodiscard]] std::vector<KeyCount> types(std::string_view prefix) const;
  [[nodiscard]] std::vector<KeyCount> tags(std::string_view prefix) const;
  [[nodiscard]] Position find(const EventId& id) const;

 private:
  std::vector<ModelEvent> events_;  // position - 1 is the index
  std::map<std::string, Version> versions_;
};

bool matches(const Query& query, const ModelEvent& event);

// Any query that makes sense for events of random_event().
Query random_query(Rng& rng, const QueryModel& model);
ModelEvent random_event(Rng& rng);
ReadOptions random_options(Rng& rng, const QueryModel& model);
std::string random_stream(Rng& rng);

// For failure messages.
std::string to_text(const Query& query, const ReadOptions& options);

}  // namespace daybook::test
