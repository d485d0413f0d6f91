// daybook streams [STORE]
//
// By index: costs what there are of them. Columns: events, position of the newest, name. Never writes.
#include "commands.h"
#include "key_list.h"

namespace daybook::tools {
namespace {

struct Streams : KeyList {
  int run(Io& io) const { return KeyList::run(io, "streams", KeyKind::streams); }
};

}  // namespace

constinit const Command kStreams{"streams", "list streams, with their numbers of events", "", declare_command<Streams>};

}  // namespace daybook::tools
