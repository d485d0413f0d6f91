// The names of the durabilities, on the command line and in reports.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <daybook/options.h>

namespace daybook::tools {

inline const std::vector<std::string>& durability_names() {
  static const std::vector<std::string> names = {"memory", "interval", "sync"};
  return names;
}

// `name` is one of durability_names().
inline Durability durability_of(std::string_view name) {
  if (name == "memory") return Durability::memory;
  return name == "interval" ? Durability::interval : Durability::sync;
}

}  // namespace daybook::tools
