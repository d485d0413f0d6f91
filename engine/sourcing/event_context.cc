#include <daybook/sourcing/event_context.h>

#include <utility>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <simdjson.h>

namespace daybook {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>, rapidjson::UTF8<>, rapidjson::CrtAllocator,
                                 rapidjson::kWriteValidateEncodingFlag>;

bool put(Writer& writer, std::string_view name, std::string_view text) {
  return writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size())) &&
         writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

// Where a member of the object goes.
std::string& member(EventContext& context, std::string_view name) {
  if (name == "correlation") return context.correlation;
  if (name == "causation") return context.causation;
  if (name == "actor") return context.actor;
  return context.extra[std::string(name)];
}

Error not_an_object(const EventView& event) {
  return {.code = Errc::bad_event,
          .what = "metadata is not a JSON object",
          .actual = event.position,
          .detail = ErrorText(std::string(event.stream) + " @ version " + std::to_string(event.version))};
}

}  // namespace

Result<std::string> encode_context(const EventContext& context) {
  if (context.empty()) return std::string();
  rapidjson::StringBuffer buffer;
  Writer writer(buffer);
  bool ok = writer.StartObject();
  for (const auto& [name, text] : {std::pair<std::string_view, std::string_view>("correlation", context.correlation),
                                   {"causation", context.causation},
                                   {"actor", context.actor}}) {
    if (!text.empty()) ok = ok && put(writer, name, text);
  }
  for (const auto& [name, text] : context.extra) ok = ok && put(writer, name, text);
  ok = ok && writer.EndObject();
  if (!ok) return fail({.code = Errc::invalid_argument, .what = "text of an event context is not UTF-8"});
  return std::string(buffer.GetString(), buffer.GetSize());
}

Result<EventContext> decode_context(const EventView& event) {
  EventContext context;
  if (event.metadata.empty()) return context;
  thread_local simdjson::dom::parser parser;
  const std::string_view text = event.metadata.text();
  simdjson::dom::object object;
  if (parser.parse(text.data(), text.size()).get(object) != simdjson::SUCCESS) return fail(not_an_object(event));
  for (const auto& [name, value] : object) {
    std::string_view value_text;
    if (value.get(value_text) == simdjson::SUCCESS) member(context, name) = value_text;
  }
  return context;
}

Result<EventContext> caused_by(const EventView& event) {
  auto context = decode_context(event);
  if (!context) return context;
  context->causation = std::to_string(event.position);
  if (context->correlation.empty()) context->correlation = context->causation;
  context->extra.clear();
  return context;
}

}  // namespace daybook
