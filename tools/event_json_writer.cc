#include <algorithm>

#include "base64.h"
#include "event_json.h"
#include "time_text.h"
#include "uuid_text.h"

namespace daybook::tools {
namespace {

bool is_space(char character) {
  return character == ' ' || character == '\t' || character == '\n' || character == '\r';
}

// Whether the text would come back byte for byte from a line that it is embedded in.
bool can_embed(std::string_view text) {
  return !text.empty() && !is_space(text.front()) && !is_space(text.back()) &&
         text.find_first_of("\n\r") == std::string_view::npos && is_json(text);
}

}  // namespace

void EventJsonWriter::put_base64(std::string_view bytes) {
  base64_.clear();
  append_base64(bytes, base64_);
  put_text(json_, base64_);
}

void EventJsonWriter::put_bytes(const char* key, const char* key_base64, std::string_view bytes) {
  if (bytes.empty()) return;
  if (can_embed(bytes)) {
    json_.Key(key);
    json_.RawValue(bytes.data(), bytes.size(), rapidjson::kObjectType);
  } else {
    json_.Key(key_base64);
    put_base64(bytes);
  }
}

void EventJsonWriter::put_name(const char* key, const char* key_base64, std::string_view name) {
  if (is_utf8(name)) {
    put_text(json_, key, name);
  } else {
    json_.Key(key_base64);
    put_base64(name);
  }
}

void EventJsonWriter::put_tags(const TagsView& tags) {
  if (tags.empty()) return;
  json_.Key("tags");
  json_.StartArray();
  for (const std::string_view tag : tags) {
    if (is_utf8(tag)) {
      put_text(json_, tag);
    } else {
      json_.StartObject();
      json_.Key("base64");
      put_base64(tag);
      json_.EndObject();
    }
  }
  json_.EndArray();
}

std::string_view EventJsonWriter::write(const EventView& event) {
  buffer_.Clear();
  json_.Reset(buffer_);
  json_.StartObject();
  put_number(json_, "position", event.position);
  put_name("stream", "stream_base64", event.stream);
  put_number(json_, "version", event.version);
  put_name("type", "type_base64", event.type);
  if (event.schema_version != 1) put_number(json_, "schema", event.schema_version);
  if (event.has_occurred_at) put_text(json_, "time", format_time(event.occurred_at));
  put_text(json_, "recorded_at", format_time(event.recorded_at));
  if (event.id != nullptr) put_text(json_, "id", format_uuid(*event.id));
  put_tags(event.tags);
  put_bytes("metadata", "metadata_base64", event.metadata.text());
  put_bytes("data", "data_base64", event.payload.text());
  json_.EndObject();
  buffer_.Put('\n');
  return view(buffer_);
}

bool EventLine::matches(const EventView& event) const {
  const bool same_id = event.id == nullptr ? !id : id == *event.id;
  const bool same_time = event.has_occurred_at ? occurred_at == event.occurred_at : !occurred_at;
  return stream == event.stream && type == event.type && (!version || *version == event.version) &&
         schema_version == event.schema_version && payload == event.payload.text() &&
         metadata == event.metadata.text() && same_id && same_time && tags.size() == event.tags.size() &&
         std::equal(event.tags.begin(), event.tags.end(), tags.begin());
}

}  // namespace daybook::tools
