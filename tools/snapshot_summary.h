// What `info` and `verify` say about the snapshots of a store.
#pragma once

#include <optional>
#include <string>

#include <daybook/store.h>

#include "json.h"

namespace daybook::tools {

const char* name(SnapshotCondition condition);

// Looks at every snapshot. Nothing: there is no store that can be opened there, or its snapshots cannot be read.
std::optional<SnapshotInfo> check_snapshots(const std::string& store);

// One line, "" when there are none: "12 snapshots of 3 keys; 1 damaged, 2 stale".
std::string describe_snapshots(const SnapshotInfo& info);

// An object under the key "snapshots".
void put_snapshots(JsonWriter& json, const SnapshotInfo& info);

}  // namespace daybook::tools
