// What has changed between two states.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <daybook/error.h>
#include <daybook/export.h>
#include <daybook/sourcing/codec.h>

namespace daybook {

// A field that differs, by its path ("address.street", "lines[2].cents"); values as JSON, "" where there is none.
struct FieldChange {
  std::string field;
  std::string before;
  std::string after;

  friend bool operator==(const FieldChange&, const FieldChange&) = default;
};

// The fields that differ between two JSON documents, in the order of the first one, then those that only the second has.
// Objects are compared by member, arrays by index, numbers as they are written. Errc::invalid_argument when one of them
// is not JSON.
DAYBOOK_EXPORT Result<std::vector<FieldChange>> json_difference(std::string_view before, std::string_view after);

// The fields that differ between two states of an aggregate or a projection, whose codec is JSON:
//
//   auto then = accounts.load_at("7", daybook::AsOf::recorded(new_year));
//   auto now = accounts.load("7");
//   auto changes = daybook::difference(then->state(), now->state());
template <Encodable State>
Result<std::vector<FieldChange>> difference(const State& before, const State& after) {
  std::string texts[2];
  DAYBOOK_TRY(Codec<State>::encode(before, texts[0]));
  DAYBOOK_TRY(Codec<State>::encode(after, texts[1]));
  return json_difference(texts[0], texts[1]);
}

}  // namespace daybook
