// What an index must answer, by going through all events: the model that the indexes are compared with.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "index/segment_index.h"
#include "index/sidecar.h"

namespace daybook::index {

struct ModelEvent {
  std::string stream;
  std::string type;
  std::vector<std::string> tags{};  // as given: one may be there twice
  std::string id{};
  std::string schema{};  // of 4 bytes; empty: version 1
  std::int64_t recorded_at = 0;
  std::int64_t occurred_at = 0;
  Place place{};
};

// What random_model makes.
struct ModelShape {
  std::uint32_t events = 1000;
  std::uint64_t streams = 300;  // to choose from
  std::uint64_t types = 5;
  std::uint64_t tags = 100;
  std::uint64_t tags_each_max = 4;  // up to so many for an event
  std::uint64_t batch_max = 1;      // events in a frame
  bool ids = true;
  std::uint64_t schema_versions = 3;  // to choose from
};

// Thread safety: const members from any thread.
class IndexModel final : public EventKeys {
 public:
  void add(const ModelEvent& event);
  static IndexModel random(std::uint64_t seed, const ModelShape& shape);

  [[nodiscard]] const std::deque<ModelEvent>& events() const noexcept { return events_; }
  [[nodiscard]] std::vector<std::string> keys_of(std::uint32_t ordinal, KeyKind kind) const;
  [[nodiscard]] std::size_t carrier(std::span<const std::uint32_t> ordinals, const Key& key) const override;
  void each(std::uint32_t ordinal, KeyKind kind, const std::function<void(std::string_view)>& visit) const override;

  // Every key of a kind with its ordinals.
  [[nodiscard]] std::map<std::string, std::vector<std::uint32_t>> postings(KeyKind kind) const;

  // Adds all events to an index, which points into the model's texts.
  void fill(MemoryIndex& index) const;
  [[nodiscard]] SidecarIdentity identity() const;

 private:
  std::deque<ModelEvent> events_;
};

// Asks the index everything, and fails the test where an answer is not the model's.
void expect_agrees(const SegmentIndex& index, const IndexModel& model);

// A sidecar with the bytes that it reads, aligned as a mapping is.
struct ParsedSidecar {
  std::vector<std::uint64_t> words;  // the bytes
  std::unique_ptr<Sidecar> sidecar;
};
// Fails the test and is null when it does not parse.
ParsedSidecar parse_copy(std::span<const std::byte> bytes, const SidecarIdentity& expected, KeyHash hash = key_hash);
// The same, for bytes that need not be right.
std::optional<ParsedSidecar> try_parse(std::span<const std::byte> bytes, const SidecarIdentity& expected,
                                       KeyHash hash = key_hash);

// Asks a sidecar of any content everything there is to ask, and looks at every answer. The model knows the keys.
std::uint64_t exercise(const Sidecar& sidecar, const IndexModel& model);

}  // namespace daybook::index
