#include "bench_report.h"

#include <array>
#include <ostream>

#include <fmt/format.h>

#include "json.h"
#include "quantity.h"

namespace daybook::tools {
namespace {

struct Percentile {
  const char* name;
  double part;
};

constexpr std::array kPercentiles = {
    Percentile{"p50", 0.5},     Percentile{"p90", 0.9},       Percentile{"p99", 0.99},
    Percentile{"p99.9", 0.999}, Percentile{"p99.99", 0.9999},
};

void print_text(const BenchReport& report, Io& io) {
  io.out << fmt::format(
      "{}: {} events in {}: {} events/s, {}/s of data; {}", report.name, format_count(report.events),
      format_duration(report.time), format_count(static_cast<std::uint64_t>(per_second(report.events, report.time))),
      format_bytes(static_cast<std::uint64_t>(per_second(report.bytes, report.time))), report.conditions);
  for (const auto& [name, value] : report.inputs) io.out << fmt::format(", {} {}", name, format_count(value));
  io.out << '\n';
  if (report.latency.count() == 0) return;  // too short a run
  io.out << fmt::format("per {}:", report.per);
  for (const Percentile& percentile : kPercentiles) {
    io.out << fmt::format(" {} {},", percentile.name,
                          format_duration(std::chrono::nanoseconds(report.latency.percentile(percentile.part))));
  }
  io.out << fmt::format(" max {} (one reading of the clock is in each)\n",
                        format_duration(std::chrono::nanoseconds(report.latency.max())));
}

void print_json(const BenchReport& report, Io& io) {
  JsonBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  put_text(writer, "schema", "daybook.bench/1");
  put_text(writer, "name", report.name);
  put_text(writer, "conditions", report.conditions);
  for (const auto& [name, value] : report.inputs) put_number(writer, name, value);
  put_number(writer, "events", report.events);
  put_number(writer, "data_bytes", report.bytes);
  put_decimal(writer, "seconds", std::chrono::duration<double>(report.time).count(), 9);
  put_decimal(writer, "events_per_second", per_second(report.events, report.time), 1);
  put_decimal(writer, "data_bytes_per_second", per_second(report.bytes, report.time), 1);
  put_text(writer, "latency_of", report.per);
  put_key(writer, "latency_ns");
  writer.StartObject();
  for (const Percentile& percentile : kPercentiles) {
    put_number(writer, percentile.name, report.latency.percentile(percentile.part));
  }
  put_number(writer, "max", report.latency.max());
  writer.EndObject();
  writer.EndObject();
  io.out << view(buffer) << '\n';
}

}  // namespace

void BenchReport::print(Io& io, bool json) const { json ? print_json(*this, io) : print_text(*this, io); }

}  // namespace daybook::tools
