// Structs stored as the bytes that they have in memory.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include <daybook/error.h>
#include <daybook/types.h>

namespace daybook {

// A codec that copies: `template <> struct daybook::Codec<Tick> : daybook::RawCodec<Tick> {};`. For numbers, arrays of
// them and structs of those: events that are many, small and never read by another program.
//
// What is stored is the layout of T on the machine that wrote it: its byte order, the sizes and the order of its
// members. Daybook writes logs on little-endian machines only. Whoever changes T declares a new schema version; a
// change of size is noticed (Errc::bad_event), a change that keeps the size is not. Padding is stored as zeros where
// the compiler can tell where it is (GCC can). The compiler cannot tell pointers, which mean nothing in the next
// process: do not have any. A bool or an enum takes what the bytes say, also what no bool should be: use integers where
// bytes may be damaged.
template <typename T>
struct RawCodec {
  static_assert(std::is_trivially_copyable_v<T>, "RawCodec copies bytes: T has to be trivially copyable");
  static_assert(!std::is_pointer_v<T>, "a pointer means nothing in the process that reads it");

  static Result<void> encode(const T& value, std::string& out) {
    T copy = value;
#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
    __builtin_clear_padding(&copy);
#endif
#endif
    const std::size_t at = out.size();
    out.resize(at + sizeof(T));
    std::memcpy(out.data() + at, &copy, sizeof(T));
    return {};
  }

  // Errors: bad_event, when the size is not that of T.
  static Result<void> decode(Bytes bytes, T& value) {
    if (bytes.size() != sizeof(T)) {
      const std::string sizes = std::to_string(bytes.size()) + " bytes for " + std::to_string(sizeof(T));
      return fail({.code = Errc::bad_event, .what = "the size is another", .detail = ErrorText(sizes)});
    }
    std::memcpy(&value, bytes.data(), sizeof(T));
    return {};
  }

  // Of the size and alignment: all of the layout that can be known. Change schema versions with the layout.
  static constexpr std::uint64_t fingerprint() noexcept {
    return (std::uint64_t{sizeof(T)} << 16 | std::uint64_t{alignof(T)}) * 0x9e3779b97f4a7c15u;
  }
};

}  // namespace daybook
