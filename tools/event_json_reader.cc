#include <array>
#include <limits>

#include <fmt/format.h>
#include <simdjson.h>

#include "base64.h"
#include "escape.h"
#include "event_json.h"
#include "time_text.h"
#include "uuid_text.h"

namespace daybook::tools {
namespace {

namespace ondemand = simdjson::ondemand;

enum class Key : std::uint8_t {
  position,
  recorded_at,
  stream,
  stream_base64,
  type,
  type_base64,
  version,
  schema,
  time,
  id,
  tags,
  metadata,
  metadata_base64,
  data,
  data_base64,
};

constexpr std::array<std::string_view, 15> kKeys = {
    "position", "recorded_at", "stream",   "stream_base64",   "type", "type_base64", "version", "schema", "time",
    "id",       "tags",        "metadata", "metadata_base64", "data", "data_base64",
};

constexpr std::uint32_t bit(Key key) { return std::uint32_t{1} << static_cast<unsigned>(key); }

// Thrown and caught in this file: what is wrong, found deep in a line.
struct Bad {
  std::string what;
};

// The value, or Bad.
template <typename T>
T take(simdjson::simdjson_result<T> result, std::string_view expected) {
  T value;
  if (std::move(result).get(value) != simdjson::SUCCESS) throw Bad{fmt::format("is not {}", expected)};
  return value;
}

std::string_view text_of(ondemand::value value) { return take(value.get_string(), "text"); }

// A number, or a string of digits: what put_number() writes.
std::uint64_t number_of(ondemand::value value) {
  constexpr std::string_view kExpected = "a number that fits";
  const bool quoted = take(value.type(), kExpected) == ondemand::json_type::string;
  return take(quoted ? value.get_uint64_in_string() : value.get_uint64(), kExpected);
}

std::string bytes_of(ondemand::value value) {
  std::optional<std::string> bytes = parse_base64(text_of(value));
  if (!bytes) throw Bad{"is not base64 (RFC 4648 with padding)"};
  return *std::move(bytes);
}

// The bytes of a value as they stand in the line.
std::string_view raw_text_of(ondemand::value value) {
  constexpr std::string_view kExpected = "JSON";
  std::string_view text;
  switch (take(value.type(), kExpected)) {
    case ondemand::json_type::object: text = take(take(value.get_object(), kExpected).raw_json(), kExpected); break;
    case ondemand::json_type::array: text = take(take(value.get_array(), kExpected).raw_json(), kExpected); break;
    default: text = value.raw_json_token(); break;
  }
  // A token reaches up to the next one.
  text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  // simdjson skips what nobody looks at, so it has not checked what is inside.
  if (!is_json(text)) throw Bad{"is not JSON (or a number in it is beyond a double: give the bytes in base64)"};
  return text;
}

std::string tag_of(ondemand::value value) {
  if (take(value.type(), "text") == ondemand::json_type::string) return std::string(text_of(value));
  std::string tag;
  std::size_t fields = 0;
  for (auto field : take(value.get_object(), R"(text or {"base64": ...})")) {
    ondemand::field pair = take(std::move(field), "an object");
    if (take(pair.unescaped_key(), "text") != "base64" || ++fields > 1) throw Bad{R"(is not {"base64": ...})"};
    tag = bytes_of(pair.value());
  }
  if (fields != 1) throw Bad{R"(is not {"base64": ...})"};
  return tag;
}

void read_tags(ondemand::value value, std::vector<std::string>& tags) {
  for (auto tag : take(value.get_array(), "an array")) tags.push_back(tag_of(take(tag, "an array")));
}

void read_value(Key key, ondemand::value value, EventLine& event) {
  switch (key) {
    case Key::position: number_of(value); break;
    case Key::recorded_at: text_of(value); break;
    case Key::stream: event.stream = text_of(value); break;
    case Key::stream_base64: event.stream = bytes_of(value); break;
    case Key::type: event.type = text_of(value); break;
    case Key::type_base64: event.type = bytes_of(value); break;
    case Key::version:
      event.version = number_of(value);
      if (event.version == 0) throw Bad{"is 0, but versions count from 1"};
      break;
    case Key::schema: {
      const std::uint64_t schema = number_of(value);
      if (schema > std::numeric_limits<std::uint32_t>::max()) throw Bad{"is over 4294967295"};
      event.schema_version = static_cast<std::uint32_t>(schema);
      break;
    }
    case Key::time:
      event.occurred_at = parse_time(text_of(value));
      if (!event.occurred_at) throw Bad{"is not a time (RFC 3339, years 1678 to 2261, at most 9 decimals)"};
      break;
    case Key::id:
      event.id = parse_uuid(text_of(value));
      if (!event.id) throw Bad{"is not a UUID"};
      break;
    case Key::tags: read_tags(value, event.tags); break;
    case Key::metadata: event.metadata = raw_text_of(value); break;
    case Key::metadata_base64: event.metadata = bytes_of(value); break;
    case Key::data: event.payload = raw_text_of(value); break;
    case Key::data_base64: event.payload = bytes_of(value); break;
  }
}

Key key_of(std::string_view name) {
  for (std::size_t i = 0; i < kKeys.size(); ++i) {
    if (kKeys[i] == name) return static_cast<Key>(i);
  }
  throw Bad{fmt::format("\"{}\" is not a key of an event", escaped(name))};
}

// The line feeds of a value may not be in front of its end, so two keys of one meaning count as one key given twice.
constexpr std::uint32_t meaning(Key key) {
  switch (key) {
    case Key::stream_base64: return bit(Key::stream);
    case Key::type_base64: return bit(Key::type);
    case Key::metadata_base64: return bit(Key::metadata);
    case Key::data_base64: return bit(Key::data);
    default: return bit(key);
  }
}

void clear(EventLine& event) {
  event.stream.clear();
  event.type.clear();
  event.version.reset();
  event.schema_version = 1;
  event.payload.clear();
  event.metadata.clear();
  event.tags.clear();
  event.id.reset();
  event.occurred_at.reset();
}

void read_fields(ondemand::document& document, EventLine& event) {
  std::uint32_t seen = 0;
  for (auto field : take(document.get_object(), "a JSON object")) {
    ondemand::field pair = take(std::move(field), "a JSON object");
    const Key key = key_of(take(pair.unescaped_key(), "a JSON object"));
    const std::string_view name = kKeys[static_cast<std::size_t>(key)];
    if ((seen & meaning(key)) != 0) throw Bad{fmt::format("\"{}\" is given twice", name)};
    seen |= meaning(key);
    try {
      read_value(key, pair.value(), event);
    } catch (const Bad& bad) {
      throw Bad{fmt::format("\"{}\" {}", name, bad.what)};
    }
  }
  if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) throw Bad{"something follows the JSON object"};
  if ((seen & bit(Key::stream)) == 0) throw Bad{"\"stream\" is missing"};
  if ((seen & bit(Key::type)) == 0) throw Bad{"\"type\" is missing"};
}

}  // namespace

struct EventJsonReader::Parser {
  ondemand::parser parser;
};

EventJsonReader::EventJsonReader() : parser_(std::make_unique<Parser>()) {}
EventJsonReader::~EventJsonReader() = default;

std::string EventJsonReader::read(std::string& line, EventLine& event) {
  clear(event);
  line.reserve(line.size() + simdjson::SIMDJSON_PADDING);
  try {
    ondemand::document document = take(parser_->parser.iterate(line), "JSON");
    read_fields(document, event);
    return {};
  } catch (const Bad& bad) {
    return bad.what;
  }
}

}  // namespace daybook::tools
