// daybook import STORE [FILE]
//
// Appends events from lines of JSON, in their order. Stops at the first line that it cannot take, with everything before
// it in the log. With --resume it goes on where an earlier import of the same input ended, however that ended.
#include <chrono>
#include <fstream>
#include <ostream>

#include <fmt/format.h>

#include "arguments.h"
#include "commands.h"
#include "durability_text.h"
#include "event_json.h"
#include "importer.h"
#include "progress.h"
#include "quantity.h"
#include "recovery_text.h"
#include "report.h"

namespace daybook::tools {
namespace {

constexpr std::string_view kDetails =
    "Each line is an object: \"stream\" and \"type\" (text), and as needed \"data\" and \"metadata\" (any JSON: its "
    "text is\n"
    "stored byte for byte), \"time\" (RFC 3339), \"id\" (UUID), \"tags\" (array of text), \"schema\" (number), "
    "\"version\"\n"
    "(the event must get this one). Bytes that are not JSON go to \"data_base64\" and \"metadata_base64\"; names that "
    "are\n"
    "not UTF-8 to \"stream_base64\", \"type_base64\" and tags of {\"base64\": ...}. What `daybook export` writes, this "
    "reads.\n";

// Compares the first lines of the input with the log, until the log ends.
class ResumeCheck {
 public:
  explicit ResumeCheck(const Store& store) : cursor_(store.read()), left_(store.published_position()) {}

  [[nodiscard]] bool done() const { return left_ == 0; }
  [[nodiscard]] std::uint64_t left() const { return left_; }
  [[nodiscard]] std::optional<Error> error() const { return cursor_.error(); }

  // Whether the next event of the log is the one of this line.
  bool take(const EventLine& line) {
    const EventView* event = cursor_.next();
    if (event == nullptr || !line.matches(*event)) return false;
    --left_;
    return true;
  }

 private:
  Cursor cursor_;
  std::uint64_t left_;
};

struct Import {
  std::string store;
  std::string file;
  std::string durability = "sync";
  std::uint64_t batch = 1000;
  std::uint64_t segment_size = 0;
  bool resume = false;
  bool any_file_system = false;
  bool json = false;
  bool quiet = false;

  void declare(Arguments& arguments) {
    arguments.store(store);
    arguments.operand("FILE", file, "lines of JSON; - or none: standard input", Need::optional);
    arguments.flag("--resume", resume, "skip what the store has already, after comparing it with the input");
    arguments.choice("-d,--durability", durability, durability_names(),
                     "what an acknowledged batch survives (default sync)");
    arguments.number("-b,--batch", batch, "events between two syncs (default 1000)");
    arguments.size("--segment-size", segment_size, "of a store that is created");
    arguments.flag("--any-file-system", any_file_system, "write on network and FUSE file systems, too");
    arguments.flag("--json", json, "report as a JSON document");
    arguments.flag("-q,--quiet", quiet, "no progress");
  }

  int run(Io& io) {
    if (batch == 0) return report_usage(io, "import", "--batch must be at least 1");
    std::ifstream opened_file;
    if (!file.empty() && file != "-") {
      opened_file.open(file);
      if (opened_file.is_open()) opened_file.peek();  // a directory opens, but does not read
      if (!opened_file.is_open() || opened_file.bad()) return report_failure(io, "import", "cannot read " + file);
    }
    auto opened = Store::open(
        store,
        {.durability = durability_of(durability), .segment_size = segment_size, .any_file_system = any_file_system});
    if (!opened) return report(io, "import", opened.error());
    if (opened->recovery().unclean) {
      io.err << "daybook import: " << describe_recovery(opened->recovery()) << '\n';
    }
    const int status = import(*opened, opened_file.is_open() ? opened_file : io.in, io);
    if (auto closed = opened->close(); !closed) return report(io, "import", closed.error());
    return status;
  }

 private:
  struct Tally {
    std::uint64_t lines = 0;
    std::uint64_t skipped = 0;
    std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  };

  int import(Store& opened, std::istream& in, Io& io) {
    Tally tally;
    Importer importer(opened, {.batch = batch, .durability = durability_of(durability)});
    const int status = read_lines(opened, in, io, importer, tally);
    if (status == kOk || status == kInterrupted) print(opened, io, importer, tally, status);
    return status;
  }

  int read_lines(Store& opened, std::istream& in, Io& io, Importer& importer, Tally& tally) {
    std::optional<ResumeCheck> check;
    if (resume) check.emplace(opened);
    Progress progress(io, "import", "events", 0, quiet);
    EventJsonReader reader;
    EventLine event;
    std::string line;
    while (!io.stop() && std::getline(in, line)) {
      ++tally.lines;
      if (line.empty() || line == "\r") continue;
      if (const std::string wrong = reader.read(line, event); !wrong.empty()) {
        if (auto error = importer.finish())
          return fail_line(io, importer, error->line, describe(error->error), kFailed);
        return fail_line(io, importer, tally.lines, wrong, kFailed);
      }
      if (check && !check->done()) {
        if (!check->take(event)) return fail_resume(io, *check, tally);
        ++tally.skipped;
      } else if (auto error = importer.add(event, tally.lines)) {
        return fail_append(io, importer, *error);
      }
      progress.update(tally.lines);
    }
    if (auto error = importer.finish()) return fail_append(io, importer, *error);
    if (in.bad()) return fail_line(io, importer, tally.lines, "cannot read any further", kFailed);
    return io.stop() ? kInterrupted : kOk;
  }

  int fail_line(Io& io, const Importer& importer, std::uint64_t line, std::string_view what, int status) const {
    io.err << fmt::format("daybook import: {}: line {}: {}\n", input_name(), line, what);
    say_imported(io, importer);
    return status;
  }

  int fail_append(Io& io, const Importer& importer, const ImportError& error) const {
    const int status = report(
        io, error.line == 0 ? "import" : fmt::format("import: {}: line {}", input_name(), error.line), error.error);
    say_imported(io, importer);
    return status;
  }

  int fail_resume(Io& io, const ResumeCheck& check, const Tally& tally) const {
    if (auto error = check.error()) return report(io, "import", *error);
    io.err << fmt::format(
        "daybook import: {}: line {}: differs from the event at position {}: this store does not hold the beginning of "
        "this input; nothing was imported\n",
        input_name(), tally.lines, tally.skipped + 1);
    return kNo;
  }

  static void say_imported(Io& io, const Importer& importer) {
    io.err << fmt::format("daybook import: {} events were imported before it\n", importer.imported());
  }

  [[nodiscard]] std::string input_name() const { return file.empty() || file == "-" ? "standard input" : file; }

  void print(const Store& opened, Io& io, const Importer& importer, const Tally& tally, int status) const {
    const auto time = std::chrono::steady_clock::now() - tally.start;
    if (json) return print_json(opened, io, importer, tally, time);
    if (tally.skipped != 0)
      io.out << fmt::format("the store has {} events of this input already\n", format_count(tally.skipped));
    io.out << fmt::format("imported {} events, {} of data, in {}: {} events/s, durability {}",
                          format_count(importer.imported()), format_bytes(importer.payload_bytes()),
                          format_duration(time),
                          format_count(static_cast<std::uint64_t>(per_second(importer.imported(), time))), durability);
    if (importer.imported() != 0)
      io.out << fmt::format(", positions {}..{}", importer.first_position(), importer.last_position());
    io.out << '\n';
    if (status == kInterrupted) io.err << "daybook import: interrupted; go on with --resume and the same input\n";
  }

  void print_json(const Store& opened, Io& io, const Importer& importer, const Tally& tally,
                  std::chrono::nanoseconds time) const {
    JsonBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    put_text(writer, "schema", "daybook.import/1");
    put_number(writer, "lines", tally.lines);
    put_number(writer, "skipped", tally.skipped);
    put_number(writer, "imported", importer.imported());
    put_number(writer, "first_position", importer.first_position());
    put_number(writer, "last_position", importer.last_position());
    put_number(writer, "data_bytes", importer.payload_bytes());
    put_text(writer, "durability", durability);
    put_decimal(writer, "seconds", std::chrono::duration<double>(time).count(), 6);
    put_decimal(writer, "events_per_second", per_second(importer.imported(), time), 1);
    put_recovery(writer, opened.recovery());
    writer.EndObject();
    io.out << view(buffer) << '\n';
  }
};

}  // namespace

constinit const Command kImport{"import", "append events from lines of JSON", kDetails, declare_command<Import>};

}  // namespace daybook::tools
