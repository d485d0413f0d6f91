// daybook consumers [STORE] [--json] | --parked NAME [--json] | --reset NAME --to POSITION|TIME
//
// The consumers of a store as they were saved last; what one has parked; or moves one that is not in use. Only --reset
// writes, to the file of that consumer alone.
#include <charconv>
#include <chrono>
#include <ostream>
#include <vector>

#include <fmt/format.h>

#include "arguments.h"
#include "commands.h"
#include "escape.h"
#include "json.h"
#include "report.h"
#include "time_text.h"

#include <daybook/store.h>

namespace daybook::tools {
namespace {

// "beginning", "end", a position, or a point in time.
std::optional<StartAt> parse_start(const std::string& text) {
  if (text == "beginning") return StartAt::beginning();
  if (text == "end") return StartAt::end();
  Position position = 0;
  const char* const end = text.data() + text.size();
  if (const auto [rest, error] = std::from_chars(text.data(), end, position); error == std::errc() && rest == end) {
    return StartAt::after(position);
  }
  if (const auto time = parse_time_or_ago(text, std::chrono::system_clock::now())) return StartAt::time(*time);
  return std::nullopt;
}

struct Consumers {
  std::string store;
  std::string parked;
  std::string reset;
  std::string to;
  bool json = false;

  void declare(Arguments& arguments) {
    arguments.store(store);
    arguments.text("--parked", parked, "NAME", "list the events that this consumer has parked");
    arguments.text("--reset", reset, "NAME", "move this consumer; it must not be in use");
    arguments.text("--to", to, "POSITION|TIME",
                   "where to: behind a position, at a time (RFC 3339, or -2h), \"beginning\" or \"end\"");
    arguments.flag("--json", json, "as a JSON document");
  }

  int run(Io& io) {
    if (reset.empty() != to.empty()) {
      return report_usage(io, "consumers", "--reset NAME and --to POSITION|TIME belong together");
    }
    if (!reset.empty() && !parked.empty()) return report_usage(io, "consumers", "--reset or --parked, not both");
    const auto start = reset.empty() ? StartAt() : parse_start(to);
    if (!start) return report_usage(io, "consumers", to + " is neither a position nor a time");
    auto opened = Store::open(store, {.mode = Mode::read_only});
    if (!opened) return report(io, "consumers", opened.error());
    if (!reset.empty()) return move(*opened, *start, io);
    return parked.empty() ? list(*opened, io) : list_parked(*opened, io);
  }

 private:
  int move(const Store& opened, const StartAt& start, Io& io) const {
    if (const auto moved = opened.reset_consumer(reset, start); !moved) return say(moved.error(), io);
    const auto all = opened.consumers();
    if (!all) return say(all.error(), io);
    for (const ConsumerInfo& info : *all) {
      if (info.name != reset) continue;
      io.out << fmt::format("{} is at position {}, {} behind\n", info.name, info.position, info.lag);
    }
    return kOk;
  }

  // One that is not there is an answer, and no failure. A journal is no part of the log, which verify looks at.
  static int say(const Error& error, Io& io) {
    const int status = report(io, "consumers", error,
                              error.code == Errc::corrupt && !error.detail.empty()
                                  ? "; without its files, consumers/<name>~*, it begins anew"
                                  : advice(error.code));
    return error.code == Errc::not_found ? kNo : status;
  }

  int list(const Store& opened, Io& io) const {
    const auto all = opened.consumers();
    if (!all) return say(all.error(), io);
    int status = kOk;
    for (const ConsumerInfo& info : *all) {
      if (info.error) status = say(*info.error, io);
    }
    if (json) {
      print_list(io.out, "daybook.consumers/1", "consumers", *all, put_consumer);
      return status;
    }
    io.out << fmt::format("{:>14} {:>14} {:>8}  {:<24}  {}\n", "position", "lag", "parked", "saved", "name");
    for (const ConsumerInfo& info : *all) {
      if (info.error) {
        io.out << fmt::format("{:>14} {:>14} {:>8}  {:<24}  {}\n", "?", "?", "?", "cannot be read", info.name);
        continue;
      }
      io.out << fmt::format("{:>14} {:>14} {:>8}  {:<24}  {}\n", info.position, info.lag, info.parked,
                            format_time(info.saved_at), info.name);
    }
    return status;
  }

  int list_parked(const Store& opened, Io& io) const {
    const auto events = opened.parked(parked);
    if (!events) return say(events.error(), io);
    if (json) {
      print_list(io.out, "daybook.parked/1", "parked", *events, put_parked);
      return kOk;
    }
    for (const ParkedEvent& event : *events) {
      io.out << fmt::format("{:>14}  {}  {} attempts  {}/{}  {}: {}\n", event.position, format_time(event.parked_at),
                            event.attempts, escaped(event.stream), event.version, escaped(event.type),
                            escaped(event.error));
    }
    return kOk;
  }

  static void put_consumer(JsonWriter& json, const ConsumerInfo& info) {
    json.StartObject();
    put_text(json, "name", info.name);
    if (info.error) {
      put_text(json, "error", describe(*info.error));
      json.EndObject();
      return;
    }
    put_number(json, "position", info.position);
    put_number(json, "lag", info.lag);
    put_number(json, "parked", info.parked);
    put_text(json, "saved_at", format_time(info.saved_at));
    json.EndObject();
  }

  static void put_parked(JsonWriter& json, const ParkedEvent& event) {
    json.StartObject();
    put_number(json, "position", event.position);
    put_text(json, "stream", event.stream);
    put_number(json, "version", event.version);
    put_text(json, "type", event.type);
    put_number(json, "attempts", event.attempts);
    put_text(json, "error", event.error);
    put_text(json, "parked_at", format_time(event.parked_at));
    json.EndObject();
  }
};

}  // namespace

constinit const Command kConsumers{"consumers", "list named consumers, what they have parked, or move one", "",
                                   declare_command<Consumers>};

}  // namespace daybook::tools
