// What `info` and `segments` say about a store, gathered once.
#pragma once

#include <cstdint>
#include <string>

#include <daybook/store.h>

#include "json.h"

namespace daybook::tools {

struct StoreSummary {
  StoreInfo info;
  Position first = 0;  // 0 = no events
  Position published = 0;
  Position durable = 0;
  std::uint64_t size = 0;  // sums over the segments, bytes
  std::uint64_t allocated = 0;
  std::uint64_t used = 0;

  static Result<StoreSummary> make(const Store& store);
};

// An array of objects under the key "segments".
void put_segments(JsonWriter& json, const StoreInfo& info);

}  // namespace daybook::tools
