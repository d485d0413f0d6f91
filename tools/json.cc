#include "json.h"

#include <fmt/format.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <simdjson.h>

#include "escape.h"

namespace daybook::tools {

void put_key(JsonWriter& json, std::string_view key) {
  json.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
}

void put_text(JsonWriter& json, std::string_view text) {
  if (is_utf8(text)) {
    json.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  } else {
    const std::string safe = escaped(text);
    json.String(safe.data(), static_cast<rapidjson::SizeType>(safe.size()));
  }
}

void put_number(JsonWriter& json, std::uint64_t number) {
  if (number < std::uint64_t{1} << 53) {
    json.Uint64(number);
  } else {
    put_text(json, fmt::format_int(number).c_str());
  }
}

void put_number(JsonWriter& json, std::string_view key, std::uint64_t number) {
  put_key(json, key);
  put_number(json, number);
}

void put_text(JsonWriter& json, std::string_view key, std::string_view text) {
  put_key(json, key);
  put_text(json, text);
}

void put_bool(JsonWriter& json, std::string_view key, bool value) {
  put_key(json, key);
  json.Bool(value);
}

void put_decimal(JsonWriter& json, std::string_view key, double value, int decimals) {
  put_key(json, key);
  const std::string text = fmt::format("{:.{}f}", value, decimals);
  json.RawValue(text.data(), text.size(), rapidjson::kNumberType);
}

bool is_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

bool is_json(std::string_view text) {
  // The reader takes NUL for the end.
  if (text.find('\0') != std::string_view::npos) return false;
  // Iterative: a hostile text must not use up the stack. Numbers as strings: only their form counts.
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseValidateEncodingFlag;
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::BaseReaderHandler<> ignore;
  rapidjson::Reader reader;
  return !reader.Parse<kFlags>(stream, ignore).IsError();
}

}  // namespace daybook::tools
