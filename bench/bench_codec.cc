// What does a typed event cost between its bytes and its struct, and finding out which struct it is?
//
// A JSON object of three fields and 60 bytes, as most events are; one of 30 fields, lists and maps; and a raw struct of 24
// bytes. Warm, one thread. Floors: a copy of the same bytes for the codecs; the codec alone for the decoder.
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <boost/describe.hpp>

#include <daybook/sourcing.h>
#include <daybook/sourcing/json.h>

#include "deposited.h"

namespace daybook::bench {

struct Line {
  std::string sku;
  std::uint32_t pieces = 0;
  double price = 0;
};
BOOST_DESCRIBE_STRUCT(Line, (), (sku, pieces, price))

struct Ordered {
  static constexpr EventType kEventType{.name = "Ordered"};
  std::string customer;
  std::vector<Line> lines;
  std::map<std::string, std::string> attributes;
  std::optional<std::string> voucher;
  Timestamp due{};
};
BOOST_DESCRIBE_STRUCT(Ordered, (), (customer, lines, attributes, voucher, due))

struct Tick {
  static constexpr EventType kEventType{.name = "Tick"};
  std::uint64_t instrument = 0;
  double price = 0;
  std::uint64_t size = 0;
};

// Others of a usual set, so that a name is compared with several.
struct Opened {
  static constexpr EventType kEventType{.name = "AccountOpened"};
  std::int64_t limit = 0;
};
BOOST_DESCRIBE_STRUCT(Opened, (), (limit))
struct Withdrawn {
  static constexpr EventType kEventType{.name = "MoneyWithdrawn"};
  std::int64_t cents = 0;
};
BOOST_DESCRIBE_STRUCT(Withdrawn, (), (cents))

}  // namespace daybook::bench

template <>
struct daybook::Codec<daybook::bench::Tick> : daybook::RawCodec<daybook::bench::Tick> {};

namespace daybook::bench {
namespace {

template <typename T>
T sample();
template <>
Deposited sample() {
  return deposit();
}
template <>
Ordered sample() {
  Ordered order{.customer = "customer-4711", .due = Timestamp(std::chrono::seconds(1'795'639'248))};
  for (int i = 0; i < 8; ++i) order.lines.push_back({"sku-" + std::to_string(i * 1'000), 3, 19.95});
  for (int i = 0; i < 4; ++i) order.attributes["attribute-" + std::to_string(i)] = "value";
  return order;
}
template <>
Tick sample() {
  return {.instrument = 4711, .price = 101.25, .size = 300};
}

template <typename T>
std::string bytes_of_sample() {
  std::string bytes;
  if (!Codec<T>::encode(sample<T>(), bytes)) bytes.clear();
  return bytes;
}

template <typename T>
void decode(benchmark::State& state) {
  const std::string bytes = bytes_of_sample<T>();
  for (auto _ : state) {
    T value{};
    if (!Codec<T>::decode(bytes, value)) return state.SkipWithError("does not decode");
    benchmark::DoNotOptimize(value);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes.size()));
  state.counters["bytes"] = static_cast<double>(bytes.size());
}

template <typename T>
void encode(benchmark::State& state) {
  const T value = sample<T>();
  std::string bytes;
  for (auto _ : state) {
    bytes.clear();
    if (!Codec<T>::encode(value, bytes)) return state.SkipWithError("does not encode");
    benchmark::DoNotOptimize(bytes.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes.size()));
  state.counters["bytes"] = static_cast<double>(bytes.size());
}

template <typename T>
void copy(benchmark::State& state) {
  const std::string bytes = bytes_of_sample<T>();
  std::string other(bytes.size(), ' ');
  for (auto _ : state) {
    std::memcpy(other.data(), bytes.data(), bytes.size());
    benchmark::DoNotOptimize(other.data());
    benchmark::ClobberMemory();
  }
}

// Dispatch and visit; raw, so that the codec is next to nothing. With a catalog: what it costs where it is not needed.
void dispatch(benchmark::State& state, bool with_catalog) {
  using Events = EventSet<Opened, Withdrawn, Deposited, Ordered, Tick>;
  Catalog catalog;
  catalog.add(Events());
  catalog.drop("Forgotten", 1);
  const EventDecoder<Events> decoder(with_catalog ? &catalog : nullptr);
  const std::string bytes = bytes_of_sample<Tick>();
  const std::string type = "Tick";
  EventView event;
  event.stream = "ticks";
  event.type = type;
  event.schema_version = 1;
  event.payload = bytes;
  std::uint64_t sum = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(event);
    const auto done = decoder.decode(event, [&](const auto& e, const EventView&) {
      if constexpr (std::same_as<decltype(e), const Tick&>) sum += e.size;
    });
    if (!done) return state.SkipWithError("does not decode");
  }
  benchmark::DoNotOptimize(sum);
}

BENCHMARK(decode<Deposited>)->Name("json/decode/3_fields");
BENCHMARK(encode<Deposited>)->Name("json/encode/3_fields");
BENCHMARK(copy<Deposited>)->Name("json/copy/3_fields");
BENCHMARK(decode<Ordered>)->Name("json/decode/order");
BENCHMARK(encode<Ordered>)->Name("json/encode/order");
BENCHMARK(copy<Ordered>)->Name("json/copy/order");
BENCHMARK(decode<Tick>)->Name("raw/decode");
BENCHMARK(encode<Tick>)->Name("raw/encode");
BENCHMARK_CAPTURE(dispatch, plain, false)->Name("decoder/raw");
BENCHMARK_CAPTURE(dispatch, with_catalog, true)->Name("decoder/raw/catalog");

}  // namespace
}  // namespace daybook::bench
