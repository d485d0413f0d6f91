// daybook tags [STORE]
//
// By index: costs what there are of them. Columns: events, position of the newest, name. Never writes.
#include "commands.h"
#include "key_list.h"

namespace daybook::tools {
namespace {

struct Tags : KeyList {
  int run(Io& io) const { return KeyList::run(io, "tags", KeyKind::tags); }
};

}  // namespace

constinit const Command kTags{"tags", "list tags, with the numbers of events that have them", "",
                              declare_command<Tags>};

}  // namespace daybook::tools
