// A sensor whose events are protobuf messages:
//
//   example_protobuf STORE install PLACE      the sensor "1" is put up there
//   example_protobuf STORE measure MILLIKELVIN
//   example_protobuf STORE show
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <daybook/daybook.h>
#include <daybook/sourcing.h>

#include "message_codec.h"
#include "reading.pb.h"

// The messages cannot say what they are called in the log, so it is said for them.
template <>
struct daybook::EventTypeOf<readings::SensorInstalled> {
  static constexpr EventType value{.name = "SensorInstalled"};
};
template <>
struct daybook::EventTypeOf<readings::TemperatureMeasured> {
  static constexpr EventType value{.name = "TemperatureMeasured"};
};

namespace {

struct Sensor {
  static constexpr std::string_view kCategory = "sensor";
  using Events = daybook::EventSet<readings::SensorInstalled, readings::TemperatureMeasured>;

  void apply(const readings::SensorInstalled& event) { state.set_place(event.place()); }
  void apply(const readings::TemperatureMeasured& event) {
    const bool first = state.measurements() == 0;
    if (first || event.millikelvin() > state.highest_millikelvin()) {
      state.set_highest_millikelvin(event.millikelvin());
    }
    state.set_measurements(state.measurements() + 1);
  }

  readings::SensorState state;
};

}  // namespace

// The state is a message too, so that it can be kept in snapshots.
template <>
struct daybook::Codec<Sensor> {
  using State = daybook::Codec<readings::SensorState>;
  static Result<void> encode(const Sensor& sensor, std::string& out) { return State::encode(sensor.state, out); }
  static Result<void> decode(Bytes bytes, Sensor& sensor) { return State::decode(bytes, sensor.state); }
  static std::uint64_t fingerprint() { return State::fingerprint(); }
};

namespace {

int fail(const daybook::Error& error) {
  std::fprintf(stderr, "%s\n", daybook::describe(error).c_str());
  return 1;
}

daybook::Result<void> install(daybook::Aggregate<Sensor>& sensor, const std::string& place) {
  if (sensor.exists()) return daybook::refuse("the sensor is installed already");
  readings::SensorInstalled event;
  event.set_place(place);
  sensor.emit(event);
  return {};
}

daybook::Result<void> measure(daybook::Aggregate<Sensor>& sensor, std::int32_t millikelvin) {
  if (!sensor.exists()) return daybook::refuse("there is no sensor");
  readings::TemperatureMeasured event;
  event.set_millikelvin(millikelvin);
  sensor.emit(event);
  return {};
}

int show(daybook::Repository<Sensor>& sensors) {
  const auto sensor = sensors.load("1");
  if (!sensor) return fail(sensor.error());
  const readings::SensorState& state = sensor->state().state;
  std::printf("%s: %llu measurements, at most %d mK\n", state.place().c_str(),
              static_cast<unsigned long long>(state.measurements()), state.highest_millikelvin());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view command = argc > 2 ? argv[2] : "";
  if (!(command == "show" && argc == 3) && !((command == "install" || command == "measure") && argc == 4)) {
    std::fprintf(stderr, "usage: example_protobuf STORE install PLACE | measure MILLIKELVIN | show\n");
    return 2;
  }
  auto store = daybook::Store::open(argv[1]);
  if (!store) return fail(store.error());
  daybook::Repository<Sensor> sensors(*store, {.snapshots = {.every_events = 2}});
  if (command == "show") return show(sensors);
  const auto done = sensors.update("1", [&](auto& sensor) {
    return command == "install" ? install(sensor, argv[3])
                                : measure(sensor, static_cast<std::int32_t>(std::strtol(argv[3], nullptr, 10)));
  });
  return done ? 0 : fail(done.error());
}
