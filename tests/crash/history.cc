#include "crash/history.h"

#include <algorithm>
#include <utility>

#include "support/rng.h"

namespace daybook::test {

StoredEvent::StoredEvent(std::uint64_t seed, std::uint64_t serial, std::string stream_id, std::size_t payload_size)
    : stream(std::move(stream_id)) {
  Rng rng(seed * 0x9e3779b97f4a7c15u + serial);
  type = "Type" + std::to_string(rng.below(5));
  payload.resize(payload_size);
  for (char& c : payload) c = static_cast<char>(rng.next());
  metadata = "serial " + std::to_string(serial);
  for (std::uint64_t n = rng.below(3); n > 0; --n) tags.push_back("tag" + std::to_string(rng.below(100)));
  if (rng.coin()) {
    id.emplace();
    for (auto& byte : *id) byte = static_cast<std::uint8_t>(rng.next());
  }
  schema_version = static_cast<std::uint32_t>(rng.below(1000));
}

NewEvent StoredEvent::as_new() {
  tag_views.assign(tags.begin(), tags.end());
  NewEvent event{.type = type, .payload = payload, .schema_version = schema_version, .metadata = metadata};
  event.tags = Tags(tag_views);
  event.id = id;
  return event;
}

std::optional<std::string> StoredEvent::difference(const EventView& found) const {
  const auto differs = [](const char* what, const auto& expected, const auto& actual) {
    return std::optional<std::string>(std::string(what) + " is not the one appended (sizes " +
                                      std::to_string(expected.size()) + " and " + std::to_string(actual.size()) + ")");
  };
  if (found.stream != stream) return differs("stream", stream, found.stream);
  if (found.type != type) return differs("type", type, found.type);
  if (found.payload.text() != payload) return differs("payload", payload, found.payload.text());
  if (found.metadata.text() != metadata) return differs("metadata", metadata, found.metadata.text());
  if (!std::equal(tags.begin(), tags.end(), found.tags.begin(), found.tags.end())) return "tags differ";
  if (id.has_value() != (found.id != nullptr) || (id && *id != *found.id)) return "id differs";
  if (found.schema_version != schema_version) return "schema version differs";
  if (found.version != version) {
    return "version " + std::to_string(found.version) + " instead of " + std::to_string(version);
  }
  return std::nullopt;
}

void History::attempt(std::vector<StoredEvent> frame) {
  const std::size_t end = events_.size() + frame.size();
  for (StoredEvent& event : frame) {
    event.version = ++heads_[event.stream];
    event.frame_end = end;
    events_.push_back(std::move(event));
  }
  attempted_.store(end);
}

void History::refuse(std::size_t events) {
  for (; events > 0; --events) {
    --heads_[events_.back().stream];
    events_.pop_back();
  }
  attempted_.store(events_.size());
}

void History::truncate(std::size_t n) {
  while (events_.size() > n) {
    --heads_[events_.back().stream];
    events_.pop_back();
  }
  attempted_.store(n);
  published_.store(n);
  durable_.store(n);
}

Version History::version(std::string_view stream) const {
  const auto it = heads_.find(stream);
  return it == heads_.end() ? 0 : it->second;
}

}  // namespace daybook::test
