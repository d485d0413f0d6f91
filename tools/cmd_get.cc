// daybook get STORE POSITION
//
// Prints one event, whole.
#include <charconv>
#include <ostream>

#include "arguments.h"
#include "commands.h"
#include "event_json.h"
#include "event_text.h"
#include "report.h"

#include <daybook/store.h>

namespace daybook::tools {
namespace {

struct Get {
  std::string store;
  std::string position;
  bool json = false;
  bool raw = false;

  void declare(Arguments& arguments) {
    arguments.store(store);
    arguments.operand("POSITION", position, "number of the event in the log, from 1");
    arguments.flag("--json", json, "as a JSON object");
    arguments.flag("--raw", raw, "nothing but the bytes of the payload");
  }

  int run(Io& io) {
    Position wanted = 0;
    const char* end = position.data() + position.size();
    if (const auto [rest, error] = std::from_chars(position.data(), end, wanted);
        error != std::errc() || rest != end || wanted == 0) {
      return report_usage(io, "get", "POSITION must be a number from 1");
    }
    auto opened = Store::open(store, {.mode = Mode::read_only});
    if (!opened) return report(io, "get", opened.error());
    Cursor cursor = opened->read({.after = wanted - 1});
    const EventView* event = cursor.next();
    if (auto error = cursor.error()) return report(io, "get", *error);
    if (event == nullptr) {
      io.err << "daybook get: no event at position " << wanted << ": the log ends at " << opened->published_position()
             << '\n';
      return kNo;
    }
    print(*event, io);
    return kOk;
  }

 private:
  void print(const EventView& event, Io& io) const {
    if (raw) {
      io.out << event.payload.text();
    } else if (json) {
      io.out << EventJsonWriter().write(event);
    } else {
      std::string text;
      append_event_details(event, text);
      io.out << text;
    }
  }
};

}  // namespace

constinit const Command kGet{"get", "print one event, whole", "", declare_command<Get>};

}  // namespace daybook::tools
