#include "store_summary.h"

namespace daybook::tools {

Result<StoreSummary> StoreSummary::make(const Store& store) {
  auto info = store.info();
  if (!info) return fail(info.error());
  StoreSummary summary;
  summary.info = *std::move(info);
  summary.published = store.published_position();
  summary.durable = store.durable_position();
  for (const SegmentInfo& segment : summary.info.segments) {
    if (summary.first == 0) summary.first = segment.first_position;
    summary.size += segment.size;
    summary.allocated += segment.allocated;
    summary.used += segment.used;
  }
  return summary;
}

void put_segments(JsonWriter& json, const StoreInfo& info) {
  put_key(json, "segments");
  json.StartArray();
  for (const SegmentInfo& segment : info.segments) {
    json.StartObject();
    put_number(json, "number", segment.number);
    put_number(json, "epoch", segment.epoch);
    put_number(json, "first_position", segment.first_position);
    put_number(json, "last_position", segment.last_position);
    put_bool(json, "sealed", segment.sealed);
    put_number(json, "size", segment.size);
    put_number(json, "allocated", segment.allocated);
    put_number(json, "used", segment.used);
    json.EndObject();
  }
  json.EndArray();
}

}  // namespace daybook::tools
