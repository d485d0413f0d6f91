// JSON out: RapidJSON's writer, and the rules that all output of the program shares.
#pragma once

#include <cstdint>
#include <ostream>
#include <string_view>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace daybook::tools {

using JsonBuffer = rapidjson::StringBuffer;
using JsonWriter = rapidjson::Writer<JsonBuffer>;

inline std::string_view view(const JsonBuffer& buffer) { return {buffer.GetString(), buffer.GetSize()}; }

void put_key(JsonWriter& json, std::string_view key);

// Bytes that are not UTF-8 are escaped as for a terminal: JSON cannot carry them.
void put_text(JsonWriter& json, std::string_view text);

// A number below 2^53; a string from there on, because many readers of JSON keep numbers in doubles.
void put_number(JsonWriter& json, std::uint64_t number);

void put_number(JsonWriter& json, std::string_view key, std::uint64_t number);
void put_text(JsonWriter& json, std::string_view key, std::string_view text);
void put_bool(JsonWriter& json, std::string_view key, bool value);
// Rounded to `decimals`.
void put_decimal(JsonWriter& json, std::string_view key, double value, int decimals);

// A document that is a list: {"schema": schema, "<name>": [...]}, and the end of its line. `put(json, element)` writes an element.
template <typename Elements, typename Put>
void print_list(std::ostream& out, std::string_view schema, std::string_view name, const Elements& elements,
                Put&& put) {
  JsonBuffer buffer;
  JsonWriter json(buffer);
  json.StartObject();
  put_text(json, "schema", schema);
  put_key(json, name);
  json.StartArray();
  for (const auto& element : elements) put(json, element);
  json.EndArray();
  json.EndObject();
  out << view(buffer) << '\n';
}

bool is_utf8(std::string_view text);

// Whether `text` is exactly one JSON value (RFC 8259). Numbers beyond the range of a double are not taken.
bool is_json(std::string_view text);

}  // namespace daybook::tools
