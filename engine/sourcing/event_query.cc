#include <daybook/sourcing/event_query.h>

#include <optional>
#include <string_view>

#include <daybook/types.h>

namespace daybook {
namespace {

constexpr std::uint64_t kFnvOffset = 0xcbf29ce484222325u;
constexpr std::uint64_t kFnvPrime = 0x100000001b3u;

// FNV-1a, of sizes before what they are of, so that no two queries run together to the same bytes.
class Hash {
 public:
  void add(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) step(static_cast<std::uint8_t>(number >> shift));
  }
  void add(std::string_view text) {
    add(std::uint64_t{text.size()});
    for (const char c : text) step(static_cast<std::uint8_t>(c));
  }
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

  [[nodiscard]] std::uint64_t value() const noexcept { return hash_; }

 private:
  void step(std::uint8_t byte) { hash_ = (hash_ ^ byte) * kFnvPrime; }

  std::uint64_t hash_ = kFnvOffset;
};

}  // namespace

std::uint64_t fingerprint(const Query& query) {
  Hash hash;
  hash.add(query.items);
  hash.add(query.except);
  hash.add(query.recorded_from);
  hash.add(query.recorded_before);
  hash.add(query.occurred_from);
  hash.add(query.occurred_before);
  return hash.value();
}

}  // namespace daybook
