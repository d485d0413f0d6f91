// The commands that list what a store has of one kind: streams, types, tags.
#pragma once

#include <cstdint>
#include <string>

#include "arguments.h"
#include "command.h"

namespace daybook::tools {

enum class KeyKind : std::uint8_t { streams, types, tags };

// What the three commands have in common: all of it but their names.
struct KeyList {
  std::string store;
  std::string prefix;
  bool by_count = false;
  bool jsonl = false;

  void declare(Arguments& arguments);
  int run(Io& io, const char* command, KeyKind kind) const;
};

}  // namespace daybook::tools
