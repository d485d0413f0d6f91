// Events as lines of JSON: what `export` and `cat --jsonl` write and `import` reads.
//
//   key                       value
//   position, recorded_at     of the log; import ignores them
//   stream, type              text (stream_base64, type_base64: bytes that are not UTF-8)
//   version                   of the event in its stream; import expects the event to get it
//   schema                    schema version; not written when it is 1
//   time                      when it happened, RFC 3339; absent when it was not given
//   id                        16 bytes as a UUID
//   tags                      array of text, or of {"base64": ...}
//   metadata, data            embedded as it is stored when it is JSON text, else metadata_base64, data_base64;
//                             absent when empty
//
// Embedding keeps the bytes, spaces and all, so that an import of an export stores what was stored.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event.h>

#include "json.h"

namespace daybook::tools {

// Writes lines. Thread safety: none; keeps its buffer between lines.
class EventJsonWriter {
 public:
  // The line for `event`, with its line feed. Valid until the next call.
  std::string_view write(const EventView& event);

 private:
  void put_bytes(const char* key, const char* key_base64, std::string_view bytes);
  void put_name(const char* key, const char* key_base64, std::string_view name);
  void put_tags(const TagsView& tags);
  void put_base64(std::string_view bytes);

  JsonBuffer buffer_;
  JsonWriter json_{buffer_};
  std::string base64_;
};

// An event that owns its bytes, as a line of JSON describes it.
struct EventLine {
  std::string stream;
  std::string type;
  std::optional<Version> version;
  std::uint32_t schema_version = 1;
  std::string payload;
  std::string metadata;
  std::vector<std::string> tags;
  std::optional<EventId> id;
  std::optional<Timestamp> occurred_at;

  // Whether `event` is what appending this line made.
  [[nodiscard]] bool matches(const EventView& event) const;
};

// Reads lines. Thread safety: none; keeps its buffers between lines.
class EventJsonReader {
 public:
  EventJsonReader();
  ~EventJsonReader();

  // Decodes one line into `event`; empty, or what is wrong with it. Strict: a key that it does not know, or twice, is
  // wrong too, because an import must not lose anything silently. May append spare bytes to the capacity of `line`.
  std::string read(std::string& line, EventLine& event);

 private:
  struct Parser;  // simdjson's, and half a second of compile time
  std::unique_ptr<Parser> parser_;
};

}  // namespace daybook::tools
