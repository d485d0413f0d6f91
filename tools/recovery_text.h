// What open() found, in words and in JSON.
#pragma once

#include <string>

#include <daybook/store.h>

#include "json.h"

namespace daybook::tools {

// "the last writer did not close the store; ..." or "closed cleanly".
std::string describe_recovery(const RecoveryReport& report);

// The members of an object, under the key "recovery".
void put_recovery(JsonWriter& json, const RecoveryReport& report);

}  // namespace daybook::tools
