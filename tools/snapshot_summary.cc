#include "snapshot_summary.h"

#include <fmt/format.h>

#include "quantity.h"

namespace daybook::tools {

const char* name(SnapshotCondition condition) {
  switch (condition) {
    case SnapshotCondition::good: return "good";
    case SnapshotCondition::damaged: return "damaged";
    case SnapshotCondition::stale: return "stale";
  }
  return "unknown";
}

std::optional<SnapshotInfo> check_snapshots(const std::string& store) {
  const auto opened = Store::open(store, {.mode = Mode::read_only});
  if (!opened || !opened->snapshots().list()) return std::nullopt;
  const auto info = opened->snapshots().info();
  if (!info) return std::nullopt;
  return *info;
}

std::string describe_snapshots(const SnapshotInfo& info) {
  if (info.files == 0 && info.foreign_files == 0) return {};
  std::string text =
      fmt::format("{} of {} keys, {}", format_count(info.snapshots), format_count(info.keys), format_bytes(info.bytes));
  if (info.damaged != 0) text += fmt::format("; {} damaged", format_count(info.damaged));
  if (info.stale != 0) text += fmt::format("; {} stale", format_count(info.stale));
  if (info.cut_files != 0) text += fmt::format("; {} files end in damage", info.cut_files);
  if (info.foreign_files != 0) text += fmt::format("; {} files cannot be read", info.foreign_files);
  return text;
}

void put_snapshots(JsonWriter& json, const SnapshotInfo& info) {
  put_key(json, "snapshots");
  json.StartObject();
  put_number(json, "keys", info.keys);
  put_number(json, "snapshots", info.snapshots);
  put_number(json, "damaged", info.damaged);
  put_number(json, "stale", info.stale);
  put_number(json, "files", info.files);
  put_number(json, "bytes", info.bytes);
  put_number(json, "cut_files", info.cut_files);
  put_number(json, "foreign_files", info.foreign_files);
  json.EndObject();
}

}  // namespace daybook::tools
