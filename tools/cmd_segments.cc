// daybook segments [STORE]
//
// The files of a store, one line each.
#include <ostream>

#include <fmt/format.h>

#include "arguments.h"
#include "commands.h"
#include "quantity.h"
#include "report.h"
#include "store_summary.h"

namespace daybook::tools {
namespace {

struct Segments {
  std::string store;
  bool json = false;

  void declare(Arguments& arguments) {
    arguments.store(store);
    arguments.flag("--json", json, "as a JSON document");
  }

  int run(Io& io) {
    auto opened = Store::open(store, {.mode = Mode::read_only});
    if (!opened) return report(io, "segments", opened.error());
    auto info = opened->info();
    if (!info) return report(io, "segments", info.error());
    json ? print_json(*info, io) : print_table(*info, io);
    return kOk;
  }

 private:
  static void print_table(const StoreInfo& info, Io& io) {
    io.out << fmt::format("{:>8} {:>6} {:>14} {:>14} {:>12} {:>10} {:>10} {:>10}  {}\n", "segment", "epoch", "first",
                          "last", "events", "used", "size", "on disk", "state");
    for (const SegmentInfo& segment : info.segments) {
      const std::uint64_t events = segment.first_position == 0 ? 0 : segment.last_position - segment.first_position + 1;
      io.out << fmt::format("{:>8} {:>6} {:>14} {:>14} {:>12} {:>10} {:>10} {:>10}  {}\n", segment.number,
                            segment.epoch, segment.first_position, segment.last_position, format_count(events),
                            format_bytes(segment.used), format_bytes(segment.size), format_bytes(segment.allocated),
                            segment.sealed ? "sealed" : "active");
    }
  }

  static void print_json(const StoreInfo& info, Io& io) {
    JsonBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    put_text(writer, "schema", "daybook.segments/1");
    put_segments(writer, info);
    writer.EndObject();
    io.out << view(buffer) << '\n';
  }
};

}  // namespace

constinit const Command kSegments{"segments", "list the files of a store", "", declare_command<Segments>};

}  // namespace daybook::tools
