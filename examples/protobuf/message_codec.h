// A codec of one's own: events that are protobuf messages. Everything that Daybook wants to know of a type is in two
// templates, Codec and EventTypeOf; neither needs to be known to the generated code.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <daybook/sourcing/codec.h>

// Fields that a message does not know are kept by protobuf, and fields that are missing have their defaults: what may change
// without another schema version is protobuf's own rule.
template <std::derived_from<google::protobuf::Message> Message>
struct daybook::Codec<Message> {
  static Result<void> encode(const Message& message, std::string& out) {
    if (message.AppendToString(&out)) return {};
    return fail({.code = Errc::invalid_argument,
                 .what = "protobuf message",
                 .detail = std::string_view(message.GetTypeName())});
  }

  static Result<void> decode(Bytes bytes, Message& message) {
    if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return {};
    return fail(
        {.code = Errc::bad_event, .what = "not a protobuf message", .detail = std::string_view(message.GetTypeName())});
  }

  // FNV-1a of the message's definition: a snapshot of another one is not used.
  static std::uint64_t fingerprint() {
    static const std::uint64_t print = [] {
      std::uint64_t hash = 0xcbf29ce484222325;
      for (const char c : Message::descriptor()->DebugString()) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
      }
      return hash;
    }();
    return print;
  }
};
