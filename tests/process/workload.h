// Which events there are: each is a function of its stream and version, so that whoever reads one knows what it must be.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <daybook/event.h>

#include "support/rng.h"

namespace daybook::test {

inline std::string stream_name(std::size_t thread) { return "stream-of-thread-" + std::to_string(thread); }

inline std::uint64_t hash_text(std::string_view text, std::uint64_t seed) {
  std::uint64_t hash = seed ^ 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3u;
  return hash;
}

// 0 to 400 bytes.
inline std::string payload_of(std::string_view stream, Version version) {
  Rng rng(hash_text(stream, version));
  std::string payload(rng.below(16) == 0 ? rng.below(400) : rng.below(60), '\0');
  for (char& c : payload) c = static_cast<char>(rng.next());
  return payload;
}

// Of everything in it, so that a change of any part is seen.
inline std::uint64_t hash_event(const EventView& event) {
  std::uint64_t hash = hash_text(event.payload.text(), event.position);
  hash = hash_text(event.stream, hash);
  hash = hash_text(event.type, hash ^ event.version);
  hash =
      hash_text(event.metadata.text(), hash ^ static_cast<std::uint64_t>(event.recorded_at.time_since_epoch().count()));
  return hash == 0 ? 1 : hash;
}

}  // namespace daybook::test
