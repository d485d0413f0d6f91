// daybook snapshots [STORE]
//
// Every snapshot that is there, and whether it can be used: reads each state, and looks for its event in the log. Never
// writes.
#include <ostream>

#include <fmt/format.h>

#include "arguments.h"
#include "commands.h"
#include "escape.h"
#include "json.h"
#include "quantity.h"
#include "report.h"
#include "snapshot_summary.h"
#include "time_text.h"

namespace daybook::tools {
namespace {

constexpr std::string_view kDetails =
    "Columns: version, position, time of the event at that position, size of the state, fingerprint, condition, key.\n"
    "Condition: good, damaged (the state's checksum), stale (of an event that a crash cut off). Those that are not "
    "good\n"
    "are passed over, and go with the next pruning: nothing is lost with them but time.\n";

std::string format_fingerprint(std::uint64_t fingerprint) { return fmt::format("{:016x}", fingerprint); }

struct Snapshots {
  std::string store;
  std::string prefix;
  bool json = false;
  bool jsonl = false;

  void declare(Arguments& arguments) {
    arguments.store(store);
    arguments.text("-s,--stream", prefix, "PREFIX", "only of streams, or other keys, that begin with it");
    arguments.flag("--json", json, "as a JSON document");
    arguments.flag("--jsonl", jsonl, "one JSON object for each");
  }

  int run(Io& io) {
    auto opened = Store::open(store, {.mode = Mode::read_only});
    if (!opened) return report(io, "snapshots", opened.error());
    const auto entries = opened->snapshots().list(prefix);
    if (!entries) return report(io, "snapshots", entries.error());
    if (json) {
      print_list(io.out, "daybook.snapshots/1", "snapshots", *entries, put);
      return kOk;
    }
    for (const SnapshotEntry& entry : *entries) {
      if (io.stop()) return kInterrupted;
      jsonl ? print_line(entry, io) : print_text(entry, io);
    }
    return kOk;
  }

 private:
  static void print_text(const SnapshotEntry& entry, Io& io) {
    io.out << fmt::format("{:>10} {:>12} {:>30} {:>10}  {}  {:<7}  {}\n", entry.version, entry.position,
                          format_time(entry.recorded_at), format_bytes(entry.state_size),
                          format_fingerprint(entry.fingerprint), name(entry.condition), escaped(entry.key));
  }

  static void put(JsonWriter& writer, const SnapshotEntry& entry) {
    writer.StartObject();
    put_text(writer, "key", entry.key);
    put_number(writer, "version", entry.version);
    put_number(writer, "position", entry.position);
    put_text(writer, "recorded_at", format_time(entry.recorded_at));
    put_text(writer, "saved_at", format_time(entry.saved_at));
    put_number(writer, "size", entry.state_size);
    put_text(writer, "fingerprint", format_fingerprint(entry.fingerprint));
    put_text(writer, "condition", name(entry.condition));
    writer.EndObject();
  }

  static void print_line(const SnapshotEntry& entry, Io& io) {
    JsonBuffer buffer;
    JsonWriter writer(buffer);
    put(writer, entry);
    io.out << view(buffer) << '\n';
  }
};

}  // namespace

constinit const Command kSnapshots{"snapshots", "list saved states", kDetails, declare_command<Snapshots>};

}  // namespace daybook::tools
