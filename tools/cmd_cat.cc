// daybook cat [STORE]
//
// Prints events in order. Never writes, so it is safe on a live store.
#include <chrono>
#include <ostream>

#include "arguments.h"
#include "commands.h"
#include "event_printer.h"
#include "report.h"
#include "selection.h"

namespace daybook::tools {
namespace {

struct Cat {
  std::string store;
  SelectionOptions selection;
  bool jsonl = false;

  void declare(Arguments& arguments) {
    arguments.store(store);
    selection.declare_filters(arguments);
    selection.declare_window(arguments);
    arguments.flag("--jsonl", jsonl, "one JSON object per event");
  }

  int run(Io& io) {
    auto opened = Store::open(store, {.mode = Mode::read_only});
    if (!opened) return report(io, "cat", opened.error());
    auto selected = Selection::make(selection, *opened, std::chrono::system_clock::now());
    if (!selected) return report_usage(io, "cat", selected.error());

    SelectedEvents events(*opened, *std::move(selected), io);
    EventPrinter printer(io, jsonl);
    while (const EventView* event = events.next()) {
      if (!printer.print(*event)) return kOk;
    }
    if (auto error = events.cursor().error()) return report(io, "cat", *error);
    return io.stop() ? kInterrupted : kOk;
  }
};

}  // namespace

constinit const Command kCat{"cat", "print events", "", declare_command<Cat>};

}  // namespace daybook::tools
