// Keys: what an index can be asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace daybook::index {

// What of an event a key names. DO NOT CHANGE: the values order the sections of a sidecar.
// `schema` is the schema version of an event whose version is not 1: nearly all are, and are what is left.
enum class KeyKind : std::uint8_t { stream = 0, type = 1, tag = 2, id = 3, schema = 4 };
inline constexpr std::size_t kKeyKinds = 5;

// One key: the bytes of a stream id, a type, a tag, an event id (16 bytes), or a schema version (4 bytes, little endian). A
// view: the bytes are the caller's.
struct Key {
  KeyKind kind{};
  std::string_view bytes;
  friend bool operator==(const Key&, const Key&) = default;
};

// XXH3-64 of the bytes, with a seed for each kind, so that a tag which is spelled like a stream hashes elsewhere. Set in
// stone: sidecars are sorted by it. Not keyed: whoever chooses keys can make them collide, which costs time and never
// answers, because every key is compared to the byte. Thread safety: any thread.
std::uint64_t key_hash(const Key& key) noexcept;

// The type of key_hash, for tests that want collisions.
using KeyHash = std::uint64_t (*)(const Key&) noexcept;

}  // namespace daybook::index
