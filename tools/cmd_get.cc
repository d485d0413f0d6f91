// daybook get STORE POSITION|ID
//
// Prints one event, whole: by its number, or by its id (the newest that has it).
#include <charconv>
#include <ostream>

#include "arguments.h"
#include "commands.h"
#include "event_json.h"
#include "event_text.h"
#include "report.h"
#include "uuid_text.h"

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
    arguments.operand("POSITION", position, "number of the event in the log, from 1; or its id, as a UUID");
    arguments.flag("--json", json, "as a JSON object");
    arguments.flag("--raw", raw, "nothing but the bytes of the payload");
  }

  int run(Io& io) {
    const auto id = parse_uuid(position);
    Position wanted = 0;
    const char* end = position.data() + position.size();
    if (const auto [rest, error] = std::from_chars(position.data(), end, wanted);
        !id && (error != std::errc() || rest != end || wanted == 0)) {
      return report_usage(io, "get",
                          "POSITION must be a number from 1, or an id like 01234567-89ab-cdef-0123-456789abcdef");
    }
    auto opened = Store::open(store, {.mode = Mode::read_only});
    if (!opened) return report(io, "get", opened.error());
    if (id) {
      const auto found = opened->find(*id);
      if (!found) return report(io, "get", found.error());
      if (*found == 0) {
        io.err << "daybook get: no event has the id " << position << '\n';
        return kNo;
      }
      wanted = *found;
    }
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
