// Appends events to a store in the order in which they come, many per append, and says exactly how far it got.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <daybook/store.h>

#include "event_json.h"

namespace daybook::tools {

struct ImportOptions {
  std::uint64_t batch = 1000;  // events between two syncs
  Durability durability = Durability::sync;
};

// An error of the store, and the input line it is about.
struct ImportError {
  Error error{};
  std::uint64_t line = 0;
};

// Keeps the order of the events. An append may name a stream once, so a stream that comes back behind another begins a
// new append; a batch is as many appends as that takes, and one sync.
//
// Thread safety: none.
class Importer {
 public:
  Importer(Store& store, const ImportOptions& options);

  // Takes the event over. An error is about an earlier event or this one; everything before that event is in the log.
  [[nodiscard]] std::optional<ImportError> add(EventLine& event, std::uint64_t line);

  // Appends what is pending, and makes everything as durable as it was asked for.
  [[nodiscard]] std::optional<ImportError> finish();

  [[nodiscard]] std::uint64_t imported() const { return imported_; }
  [[nodiscard]] std::uint64_t payload_bytes() const { return payload_bytes_; }
  [[nodiscard]] Position first_position() const { return first_position_; }
  [[nodiscard]] Position last_position() const { return last_position_; }

 private:
  struct Pending {
    EventLine event;
    std::uint64_t line = 0;
  };

  [[nodiscard]] bool fits(const EventLine& event) const;
  [[nodiscard]] std::optional<ImportError> append_pending();
  [[nodiscard]] std::optional<ImportError> append_range(std::size_t begin, std::size_t end);
  Result<Appended> append_once(std::size_t begin, std::size_t end);
  [[nodiscard]] std::optional<ImportError> sync();

  Store& store_;
  const ImportOptions options_;
  std::vector<Pending> pending_;  // slots are used again, for the strings in them
  std::size_t count_ = 0;         // slots in use
  std::size_t pending_bytes_ = 0;
  std::unordered_set<std::string_view> streams_;  // of the pending events
  std::uint64_t since_sync_ = 0;
  std::uint64_t imported_ = 0;
  std::uint64_t payload_bytes_ = 0;
  Position first_position_ = 0;
  Position last_position_ = 0;
};

}  // namespace daybook::tools
