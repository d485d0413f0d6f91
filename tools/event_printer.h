// Events to an output stream, in the form that was asked for.
#pragma once

#include <string>

#include <daybook/event.h>

#include "command.h"
#include "event_json.h"

namespace daybook::tools {

class EventPrinter {
 public:
  EventPrinter(Io& io, bool jsonl) : io_(io), jsonl_(jsonl) {}

  // False when the output takes no more: its reader has gone.
  bool print(const EventView& event);

 private:
  Io& io_;
  bool jsonl_;
  EventJsonWriter json_;
  std::string text_;
};

}  // namespace daybook::tools
