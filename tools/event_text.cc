#include "event_text.h"

#include <iterator>

#include <fmt/format.h>

#include "escape.h"
#include "quantity.h"
#include "time_text.h"
#include "uuid_text.h"

namespace daybook::tools {
namespace {

constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kCyan = "\x1b[36m";
constexpr std::string_view kPlain = "\x1b[0m";

void append_bytes(std::string_view name, std::string_view bytes, std::string& text) {
  fmt::format_to(std::back_inserter(text), "{} ({})\n", name, format_bytes(bytes.size()));
  if (bytes.empty()) return;
  text += "  ";
  append_escaped(bytes, text);
  text += '\n';
}

}  // namespace

void append_event_line(const EventView& event, const Io& io, std::string& text) {
  // The line is cut to the terminal's width, and escape sequences have no width: colour only what cannot be cut.
  const std::string head = fmt::format("{:>8}  {}", event.position, format_time(event.occurred_at));
  if (io.colour) text += kDim;
  text += head;
  if (io.colour) text += kPlain;

  std::string name = "  ";
  append_escaped(event.stream, name);
  fmt::format_to(std::back_inserter(name), "@{}", event.version);
  std::string type = "  ";
  append_escaped(event.type, type);
  std::string rest = "  ";
  append_escaped(event.payload.text(), rest);
  for (const std::string_view tag : event.tags) {
    rest += "  #";
    append_escaped(tag, rest);
  }
  if (io.columns == 0 && !io.colour) {
    text += name + type + rest + '\n';
    return;
  }
  std::string line = name + type + rest;
  const std::size_t columns = io.columns > head.size() ? io.columns - head.size() : io.columns;
  cut_to_columns(line, columns);
  if (io.colour && line.size() > name.size() + type.size()) {
    line.insert(name.size() + type.size(), kPlain);
    line.insert(name.size(), kCyan);
    line.insert(name.size(), kPlain);
    line.insert(0, kBold);
  }
  text += line;
  text += '\n';
}

void append_event_details(const EventView& event, std::string& text) {
  auto out = std::back_inserter(text);
  fmt::format_to(out, "position     {}\n", event.position);
  fmt::format_to(out, "stream       {}\n", escaped(event.stream));
  fmt::format_to(out, "version      {}\n", event.version);
  fmt::format_to(out, "type         {}\n", escaped(event.type));
  fmt::format_to(out, "schema       {}\n", event.schema_version);
  if (event.has_occurred_at) fmt::format_to(out, "time         {}\n", format_time(event.occurred_at));
  fmt::format_to(out, "recorded at  {}\n", format_time(event.recorded_at));
  if (event.id != nullptr) fmt::format_to(out, "id           {}\n", format_uuid(*event.id));
  for (const std::string_view tag : event.tags) fmt::format_to(out, "tag          {}\n", escaped(tag));
  if (!event.metadata.empty()) append_bytes("metadata", event.metadata.text(), text);
  append_bytes("data", event.payload.text(), text);
}

}  // namespace daybook::tools
