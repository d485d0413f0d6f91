// How structs become bytes and come back. One codec per struct.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>

#include <daybook/error.h>
#include <daybook/types.h>

namespace daybook {

// The codec of T. Include <daybook/sourcing/json.h> for JSON of described structs, say
// `template <> struct daybook::Codec<Tick> : daybook::RawCodec<Tick> {};` (<daybook/sourcing/raw.h>) for the bytes of a
// trivially copyable one, or specialise it with:
//
//   static Result<void> encode(const T& value, std::string& out);  // appends to `out`
//   static Result<void> decode(Bytes bytes, T& value);             // `value` was default-constructed
//   static std::uint64_t fingerprint();                            // changes when older bytes may not decode as meant
//
// An error of decode is Errc::bad_event, with the rule in Error::what and the field in Error::detail; whoever knows the
// event puts its stream, version and type before that. Thread safety: called from any thread.
template <typename T>
struct Codec;

template <typename T>
concept Encodable = requires(const T& value, T& out, std::string& bytes) {
  { Codec<T>::encode(value, bytes) } -> std::same_as<Result<void>>;
  { Codec<T>::decode(Bytes(), out) } -> std::same_as<Result<void>>;
  { Codec<T>::fingerprint() } -> std::convertible_to<std::uint64_t>;
};

// What snapshots of a state are marked with: the fingerprint of its codec, and `State::kStateVersion` if there is one. Without
// a codec there are no snapshots to be told apart.
template <typename State>
std::uint64_t state_fingerprint() {
  std::uint64_t print = 0;
  if constexpr (Encodable<State>) print = Codec<State>::fingerprint();
  if constexpr (requires { State::kStateVersion; }) {
    print = (print ^ static_cast<std::uint64_t>(State::kStateVersion)) * 0x9e3779b97f4a7c15;
  }
  return print;
}

}  // namespace daybook
