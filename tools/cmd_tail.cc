// daybook tail [-f] [-n N] [STORE]
//
// Prints the newest events, and with -f those that are appended from then on, by whatever process. Sleeps meanwhile.
#include <algorithm>
#include <chrono>
#include <ostream>

#include "arguments.h"
#include "commands.h"
#include "event_printer.h"
#include "report.h"
#include "selection.h"

namespace daybook::tools {
namespace {

// How often a sleeping `tail -f` looks whether it is still wanted.
constexpr std::chrono::milliseconds kLookUp{200};

struct Tail {
  std::string store;
  SelectionOptions selection;
  std::uint64_t count = 10;
  bool follow = false;
  bool jsonl = false;

  void declare(Arguments& arguments) {
    arguments.store(store);
    arguments.number("-n,--lines", count, "how many events that are there already (default 10)");
    arguments.flag("-f,--follow", follow, "go on with events as they are appended");
    arguments.number("-l,--limit", selection.limit, "stop after N events");
    selection.declare_filters(arguments);
    arguments.flag("--jsonl", jsonl, "one JSON object per event");
  }

  int run(Io& io) {
    auto opened = Store::open(store, {.mode = Mode::read_only});
    if (!opened) return report(io, "tail", opened.error());
    auto first = first_position(*opened, io);
    if (!first) return report(io, "tail", first.error());

    SelectionOptions options = selection;
    options.range = std::to_string(*first) + "..";
    auto selected = Selection::make(options, *opened, {});
    if (!selected) return report_usage(io, "tail", selected.error());
    SelectedEvents events(*opened, *std::move(selected), io);
    return print(events, io);
  }

 private:
  // Where the newest `count` selected events begin.
  Result<Position> first_position(const Store& opened, const Io& io) const {
    const Position end = selection.durable ? opened.durable_position() : opened.published_position();
    SelectionOptions options = selection;
    options.reverse = true;
    options.range = ".." + std::to_string(end);
    options.limit = count;
    Position first = end + 1;
    if (count == 0) return first;
    SelectedEvents events(opened, Selection::make(options, opened, {}).value(), io);
    while (const EventView* event = events.next()) first = event->position;
    if (auto error = events.cursor().error()) return fail(*error);
    return first;
  }

  int print(SelectedEvents& events, Io& io) const {
    EventPrinter printer(io, jsonl);
    for (;;) {
      while (const EventView* event = events.next()) {
        if (!printer.print(*event)) return kOk;
      }
      if (auto error = events.cursor().error()) return report(io, "tail", *error);
      if (io.stop()) return kInterrupted;
      if (!follow || events.done()) return kOk;
      io.out.flush();
      if (!io.out.good() || (io.reader_gone && io.reader_gone())) return kOk;
      static_cast<void>(events.cursor().wait(kLookUp));
    }
  }
};

}  // namespace

constinit const Command kTail{"tail", "print the newest events, and follow", "", declare_command<Tail>};

}  // namespace daybook::tools
