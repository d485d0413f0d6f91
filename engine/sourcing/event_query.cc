#include <daybook/sourcing/event_query.h>

#include <optional>
#include <string_view>

#include <daybook/types.h>

#include "sourcing/fingerprint_hash.h"

namespace daybook {
namespace {

// A hash of the parts of a query.
class QueryHash : public sourcing::FingerprintHash {
 public:
  using FingerprintHash::add;
  void add(const std::vector<std::string>& texts) {
    add(std::uint64_t{texts.size()});
    for (const std::string& text : texts) add(std::string_view(text));
  }
  void add(const std::vector<QueryItem>& items) {
    add(std::uint64_t{items.size()});
    for (const QueryItem& item : items) {
      add(item.streams);
      add(item.types);
      add(item.tags);
    }
  }
  void add(const std::optional<Timestamp>& time) {
    add(std::uint64_t{time.has_value()});
    if (time) add(static_cast<std::uint64_t>(time->time_since_epoch().count()));
  }
};

}  // namespace

std::uint64_t fingerprint(const Query& query) {
  QueryHash hash;
  hash.add(query.items);
  hash.add(query.except);
  hash.add(query.recorded_from);
  hash.add(query.recorded_before);
  hash.add(query.occurred_from);
  hash.add(query.occurred_before);
  return hash.value();
}

}  // namespace daybook
