// daybook info [STORE]
//
// What is in a store and how it is doing. Never writes, so it is safe on a live store.
#include <ostream>

#include <fmt/format.h>

#include "arguments.h"
#include "commands.h"
#include "quantity.h"
#include "report.h"
#include "snapshot_summary.h"
#include "store_files.h"
#include "store_summary.h"
#include "time_text.h"
#include "uuid_text.h"

namespace daybook::tools {
namespace {

struct Info {
  std::string store;
  bool json = false;

  void declare(Arguments& arguments) {
    arguments.store(store);
    arguments.flag("--json", json, "as a JSON document");
  }

  int run(Io& io) {
    auto opened = Store::open(store, {.mode = Mode::read_only});
    if (!opened) return report(io, "info", opened.error());
    auto summary = StoreSummary::make(*opened);
    if (!summary) return report(io, "info", summary.error());
    Cursor first_cursor = opened->read();
    Cursor last_cursor = opened->read({.direction = Direction::backward});
    const EventView* first = first_cursor.next();
    const EventView* last = last_cursor.next();
    const auto files = StoreFiles::open(store);
    if (!files) return report(io, "info", files.error());
    const WriterState writer = find_writer(store, *files);
    const SnapshotInfo snapshots = opened->snapshots().info().value_or(SnapshotInfo{});
    json ? print_json(*summary, writer, snapshots, first, last, io)
         : print_text(*summary, writer, snapshots, first, last, io);
    for (const Cursor* cursor : {&first_cursor, &last_cursor}) {
      if (auto error = cursor->error()) return report(io, "info", *error);
    }
    return kOk;
  }

 private:
  void print_text(const StoreSummary& summary, const WriterState& writer, const SnapshotInfo& snapshots,
                  const EventView* first, const EventView* last, Io& io) const {
    io.out << fmt::format("store       {}\nlog         {}\nepoch       {}\n", store, format_uuid(summary.info.log),
                          summary.info.epoch);
    io.out << fmt::format("events      {}\n", format_count(last == nullptr ? 0 : last->position - summary.first + 1));
    if (first != nullptr && last != nullptr) {
      io.out << fmt::format("positions   {}..{}\n", first->position, last->position);
      io.out << fmt::format("recorded    {} .. {}\n", format_time(first->recorded_at), format_time(last->recorded_at));
    }
    io.out << fmt::format("published   {}\ndurable     {}\n", summary.published, summary.durable);
    io.out << fmt::format("segments    {} of {}\n", summary.info.segments.size(),
                          format_bytes(summary.info.segment_size));
    io.out << fmt::format("size        {} in files, {} on disk, {} used\n", format_bytes(summary.size),
                          format_bytes(summary.allocated), format_bytes(summary.used));
    if (const std::string text = describe_snapshots(snapshots); !text.empty()) {
      io.out << fmt::format("snapshots   {}\n", text);
    }
    io.out << fmt::format("state       {}\n", describe_writer(writer));
  }

  static void print_json(const StoreSummary& summary, const WriterState& writer, const SnapshotInfo& snapshots,
                         const EventView* first, const EventView* last, Io& io) {
    JsonBuffer buffer;
    JsonWriter json_out(buffer);
    json_out.StartObject();
    put_text(json_out, "schema", "daybook.info/1");
    put_text(json_out, "log", format_uuid(summary.info.log));
    put_number(json_out, "epoch", summary.info.epoch);
    put_number(json_out, "first_position", first == nullptr ? 0 : first->position);
    put_number(json_out, "last_position", last == nullptr ? 0 : last->position);
    if (first != nullptr && last != nullptr) {
      put_text(json_out, "first_recorded_at", format_time(first->recorded_at));
      put_text(json_out, "last_recorded_at", format_time(last->recorded_at));
    }
    put_number(json_out, "published_position", summary.published);
    put_number(json_out, "durable_position", summary.durable);
    put_number(json_out, "segment_size", summary.info.segment_size);
    put_number(json_out, "size", summary.size);
    put_number(json_out, "allocated", summary.allocated);
    put_number(json_out, "used", summary.used);
    put_text(json_out, "state", name(writer.kind));
    if (writer.process != 0) put_number(json_out, "writer_process", writer.process);
    put_snapshots(json_out, snapshots);
    put_segments(json_out, summary.info);
    json_out.EndObject();
    io.out << view(buffer) << '\n';
  }
};

}  // namespace

constinit const Command kInfo{"info", "describe a store", "", declare_command<Info>};

}  // namespace daybook::tools
