// daybook types [STORE]
//
// By index: costs what there are of them. Columns: events, position of the newest, name. Never writes.
#include "commands.h"
#include "key_list.h"

namespace daybook::tools {
namespace {

struct Types : KeyList {
  int run(Io& io) const { return KeyList::run(io, "types", KeyKind::types); }
};

}  // namespace

constinit const Command kTypes{"types", "list types of events, with their numbers", "", declare_command<Types>};

}  // namespace daybook::tools
