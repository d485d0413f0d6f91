#include "event_printer.h"

#include <ostream>

#include "event_text.h"

namespace daybook::tools {

bool EventPrinter::print(const EventView& event) {
  if (jsonl_) {
    const std::string_view line = json_.write(event);
    io_.out.write(line.data(), static_cast<std::streamsize>(line.size()));
  } else {
    text_.clear();
    append_event_line(event, io_, text_);
    io_.out.write(text_.data(), static_cast<std::streamsize>(text_.size()));
  }
  return io_.out.good();
}

}  // namespace daybook::tools
