// daybook count [STORE]
//
// How many events there are of a stream, a type, with tags: by index, without reading an event. Never writes.
#include <ostream>

#include <fmt/format.h>

#include <daybook/store.h>

#include "arguments.h"
#include "commands.h"
#include "report.h"

namespace daybook::tools {
namespace {

struct Count {
  std::string store;
  QueryItem item;
  QueryItem except;

  void declare(Arguments& arguments) {
    arguments.store(store);
    arguments.texts("-s,--stream", item.streams, "ID", "of this stream (repeated: of any of them)");
    arguments.texts("-t,--type", item.types, "NAME", "of this type (repeated: of any of them)");
    arguments.texts("--tag", item.tags, "TAG", "with this tag (repeated: with all of them)");
    arguments.texts("--not-type", except.types, "NAME", "but not of this type (repeated: of none of them)");
  }

  int run(Io& io) const {
    auto opened = Store::open(store, {.mode = Mode::read_only});
    if (!opened) return report(io, "count", opened.error());
    Query query;
    if (item != QueryItem{}) query.items.push_back(item);
    if (except != QueryItem{}) query.except.push_back(except);
    const auto count = opened->count(query);
    if (!count) return report(io, "count", count.error());
    io.out << *count << '\n';
    return kOk;
  }
};

}  // namespace

constinit const Command kCount{"count", "count events without reading them", "", declare_command<Count>};

}  // namespace daybook::tools
