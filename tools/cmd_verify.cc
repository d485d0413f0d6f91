// daybook verify [STORE]
//
// Reads every byte of a store and checks it: checksums, positions, versions, times, what each segment says about itself
// and about the one before. Never writes, so it is safe on a live or damaged store. Reports everything that it finds.
#include <optional>
#include <ostream>
#include <string>

#include <fmt/format.h>

#include "arguments.h"
#include "commands.h"
#include "json.h"
#include "progress.h"
#include "quantity.h"
#include "report.h"
#include "snapshot_summary.h"
#include "store_verifier.h"

namespace daybook::tools {
namespace {

constexpr std::string_view kDetails =
    "Exit status: 0 every byte is as it was written, 1 something is not. What lies behind the end of the log after a "
    "crash\n"
    "is no damage: nothing of it was ever promised, and the next writer cuts it. Nor is what is wrong with snapshots, "
    "of\n"
    "which it warns: they are passed over.\n";

struct Verify {
  std::string store;
  bool json = false;
  bool quiet = false;

  void declare(Arguments& arguments) {
    arguments.store(store);
    arguments.flag("--json", json, "as a JSON document");
    arguments.flag("-q,--quiet", quiet, "no progress");
  }

  int run(Io& io) {
    auto files = StoreFiles::open(store);
    if (!files) return report(io, "verify", files.error());
    const WriterState writer = find_writer(store, *files);
    Progress progress(io, "verify", "segments", files->numbers.size(), quiet, 1);
    StoreVerifier verifier(*files, [&progress](std::uint64_t segments) { progress.update(segments); });
    const auto result = verifier.run();
    progress.clear();
    if (!result) return report(io, "verify", result.error());
    const auto snapshots = check_snapshots(store);
    json ? print_json(*result, writer, snapshots, io) : print_text(*result, writer, io);
    if (!json && snapshots) print_snapshots(*snapshots, io);
    return result->findings.empty() ? kOk : kNo;
  }

 private:
  static std::string format_value(const StoreFinding& finding, std::uint64_t value) {
    const bool bits =
        finding.what.find("check") != std::string::npos || finding.what.find("magic") != std::string::npos;
    return bits ? fmt::format("{:#x}", value) : fmt::format("{}", value);
  }

  static void print_text(const StoreVerification& result, const WriterState& writer, Io& io) {
    for (const StoreFinding& finding : result.findings) {
      io.out << fmt::format("segment {} @ {:#x}: {}: expected {}, found {}", finding.segment, finding.offset,
                            finding.what, format_value(finding, finding.expected),
                            format_value(finding, finding.actual));
      if (finding.position != 0) io.out << fmt::format("; from position {} on", finding.position);
      io.out << (finding.repairable ? "; no event is affected\n" : "\n");
    }
    io.out << fmt::format("{}: {} events in {} frames of {} streams, {} segments, {} read\n",
                          result.findings.empty() ? "ok" : "damaged", format_count(result.events),
                          format_count(result.frames), format_count(result.streams), result.segments,
                          format_bytes(result.bytes));
    if (result.tail_bytes != 0) {
      io.out << fmt::format("behind the end of the log: {} bytes ({} whole frames) {}\n",
                            format_count(result.tail_bytes), result.tail_frames,
                            writer.kind == WriterState::Kind::writing ? "that are being appended"
                                                                      : "that a crash left; the next writer cuts them");
    }
    io.out << describe_writer(writer) << '\n';
  }

  // Damage to them is no damage of the store: they are derived, and passed over.
  static void print_snapshots(const SnapshotInfo& snapshots, Io& io) {
    const std::string text = describe_snapshots(snapshots);
    if (text.empty()) return;
    const bool all_good = snapshots.damaged == 0 && snapshots.cut_files == 0 && snapshots.foreign_files == 0;
    io.out << (all_good ? "snapshots: " : "warning: snapshots: ") << text << '\n';
  }

  static void print_json(const StoreVerification& result, const WriterState& writer,
                         const std::optional<SnapshotInfo>& snapshots, Io& io) {
    JsonBuffer buffer;
    JsonWriter json_out(buffer);
    json_out.StartObject();
    put_text(json_out, "schema", "daybook.verify/1");
    put_bool(json_out, "ok", result.findings.empty());
    put_text(json_out, "state", name(writer.kind));
    put_number(json_out, "segments", result.segments);
    put_number(json_out, "frames", result.frames);
    put_number(json_out, "events", result.events);
    put_number(json_out, "streams", result.streams);
    put_number(json_out, "bytes", result.bytes);
    put_number(json_out, "last_position", result.last_position);
    put_number(json_out, "tail_bytes", result.tail_bytes);
    put_number(json_out, "tail_frames", result.tail_frames);
    if (snapshots) put_snapshots(json_out, *snapshots);
    put_key(json_out, "findings");
    json_out.StartArray();
    for (const StoreFinding& finding : result.findings) put_finding(json_out, finding);
    json_out.EndArray();
    json_out.EndObject();
    io.out << view(buffer) << '\n';
  }

  static void put_finding(JsonWriter& json_out, const StoreFinding& finding) {
    json_out.StartObject();
    put_number(json_out, "segment", finding.segment);
    put_number(json_out, "offset", finding.offset);
    put_text(json_out, "what", finding.what);
    put_number(json_out, "expected", finding.expected);
    put_number(json_out, "actual", finding.actual);
    if (finding.position != 0) put_number(json_out, "position", finding.position);
    put_bool(json_out, "repairable", finding.repairable);
    json_out.EndObject();
  }
};

}  // namespace

constinit const Command kVerify{"verify", "check every byte of a store", kDetails, declare_command<Verify>};

}  // namespace daybook::tools
