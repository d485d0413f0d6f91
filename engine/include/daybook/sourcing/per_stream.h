// One state per stream: a projection of many aggregates.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <daybook/event.h>
#include <daybook/sourcing/apply.h>
#include <daybook/sourcing/codec.h>
#include <daybook/sourcing/event_set.h>

namespace daybook {

template <typename Part, typename Event>
concept HasKeyOf = requires(const Event& event, const EventView& at) {
  Part::key_of(event, at);
};

// Whether Part says the key of every event of a set, or of none: half of it would mix keys with names of streams.
template <typename Part, EventStruct... Es>
consteval bool has_all_keys_or_none(EventSet<Es...>) {
  return (HasKeyOf<Part, Es> && ...) || !(HasKeyOf<Part, Es> || ...);
}

// A projection state that keeps one `Part` for each stream, or for each key if Part has
// `static std::string key_of(const Event&, const EventView&)` ("" = of no key). Part has kName, Events, apply() and, if it
// wants, kStateVersion, as a ProjectionState.
//
//   daybook::Projection<daybook::PerStream<AccountSummary>> summaries(store);
template <typename Part>
struct PerStream {
  static constexpr std::string_view kName = Part::kName;
  using Events = typename Part::Events;
  static constexpr std::uint32_t kStateVersion = [] {
    if constexpr (requires { Part::kStateVersion; }) return static_cast<std::uint32_t>(Part::kStateVersion);
    return std::uint32_t{0};
  }();
  static_assert(has_all_keys_or_none<Part>(Events()),
                "Part::key_of() is there for some of the events, but not for all");

  template <typename Event>
  void apply(const Event& event, const EventView& at) {
    std::string_view key = at.stream;
    std::string own;
    if constexpr (HasKeyOf<Part, Event>) {
      own = Part::key_of(event, at);
      if (own.empty()) return;
      key = own;
    }
    auto part = parts.find(key);
    if (part == parts.end()) part = parts.emplace(std::string(key), Part()).first;
    apply_to(part->second, event, at);
  }

  // The part of a stream (or key); null when nothing has happened there.
  [[nodiscard]] const Part* find(std::string_view key) const {
    const auto part = parts.find(key);
    return part == parts.end() ? nullptr : &part->second;
  }

  std::map<std::string, Part, std::less<>> parts;
};

// Parts with a codec make a state with one: for each, the sizes of key and bytes (32 bits each, little endian), the key, the bytes.
template <typename Part>
requires Encodable<Part>
struct Codec<PerStream<Part>> {
  static Result<void> encode(const PerStream<Part>& value, std::string& out) {
    std::string bytes;
    for (const auto& [key, part] : value.parts) {
      bytes.clear();
      DAYBOOK_TRY(Codec<Part>::encode(part, bytes));
      const std::uint32_t sizes[2] = {static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(bytes.size())};
      out.append(reinterpret_cast<const char*>(sizes), sizeof(sizes));
      out += key;
      out += bytes;
    }
    return {};
  }
  static Result<void> decode(Bytes bytes, PerStream<Part>& value) {
    for (std::string_view rest = bytes.text(); !rest.empty();) {
      std::uint32_t sizes[2];
      if (rest.size() < sizeof(sizes)) return cut();
      std::memcpy(sizes, rest.data(), sizeof(sizes));
      rest.remove_prefix(sizeof(sizes));
      if (rest.size() < std::size_t{sizes[0]} + sizes[1]) return cut();
      Part part;
      DAYBOOK_TRY(Codec<Part>::decode(Bytes(rest.substr(sizes[0], sizes[1])), part));
      value.parts.emplace_hint(value.parts.end(), std::string(rest.substr(0, sizes[0])), std::move(part));
      rest.remove_prefix(std::size_t{sizes[0]} + sizes[1]);
    }
    return {};
  }
  static std::uint64_t fingerprint() { return Codec<Part>::fingerprint() ^ 0x70617274735f3031; }

 private:
  static Result<void> cut() { return fail({.code = Errc::bad_event, .what = "state is cut off"}); }
};

}  // namespace daybook
