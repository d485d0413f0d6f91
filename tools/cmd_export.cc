// daybook export [STORE]
//
// Writes events as lines of JSON that `daybook import` reads back into equal events.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <ostream>

#include <fmt/format.h>

#include "arguments.h"
#include "commands.h"
#include "event_json.h"
#include "progress.h"
#include "report.h"
#include "selection.h"

namespace daybook::tools {
namespace {

constexpr std::string_view kDetails =
    "One object a line: position, stream, version, type, recorded_at, and as they were given schema, time, id, tags,\n"
    "metadata and data. Data that is JSON text is embedded as it is stored, other bytes become data_base64. Positions\n"
    "and versions from 2^53 on are strings.\n";

struct Export {
  std::string store;
  std::string output;
  SelectionOptions selection;
  bool quiet = false;

  void declare(Arguments& arguments) {
    arguments.store(store);
    arguments.text("-o,--output", output, "FILE", "write there, all or nothing, instead of to standard output");
    selection.declare_filters(arguments);
    selection.declare_window(arguments);
    arguments.flag("-q,--quiet", quiet, "no progress");
  }

  int run(Io& io) {
    auto opened = Store::open(store, {.mode = Mode::read_only});
    if (!opened) return report(io, "export", opened.error());
    auto selected = Selection::make(selection, *opened, std::chrono::system_clock::now());
    if (!selected) return report_usage(io, "export", selected.error());
    SelectedEvents events(*opened, *std::move(selected), io);
    Progress progress(io, "export", "events", opened->published_position(), quiet);
    return output.empty() ? write(events, progress, io.out, io) : write_file(events, progress, io);
  }

 private:
  static int write(SelectedEvents& events, Progress& progress, std::ostream& out, Io& io) {
    EventJsonWriter writer;
    while (const EventView* event = events.next()) {
      const std::string_view line = writer.write(*event);
      out.write(line.data(), static_cast<std::streamsize>(line.size()));
      if (!out.good()) return kOk;  // whoever owns the stream knows why
      progress.update(events.count());
    }
    progress.clear();
    if (auto error = events.cursor().error()) return report(io, "export", *error);
    return io.stop() ? kInterrupted : kOk;
  }

  // Under a temporary name first: a file with the right name is complete.
  int write_file(SelectedEvents& events, Progress& progress, Io& io) {
    const std::string temporary = output + ".tmp";
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    int status = out ? write(events, progress, out, io) : kFailed;
    out.close();
    if (status == kOk && !out.fail()) {
      if (std::rename(temporary.c_str(), output.c_str()) == 0) return kOk;
    }
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    return status == kOk || status == kFailed ? report_failure(io, "export", "cannot write " + output) : status;
  }
};

}  // namespace

constinit const Command kExport{"export", "write events as lines of JSON", kDetails, declare_command<Export>};

}  // namespace daybook::tools
