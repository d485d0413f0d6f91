// What the readers of bytes say when a rule of the format does not hold.
#pragma once

#include <cstdint>

#include <daybook/error.h>

namespace daybook::index {

// `offset` counts from the start of what is read.
inline std::unexpected<Error> broken(const char* what, std::uint64_t offset, std::uint64_t expected = 0,
                                     std::uint64_t actual = 0) {
  return fail({.code = Errc::corrupt, .what = what, .offset = offset, .expected = expected, .actual = actual});
}

// An error of a part that begins at `offset`, as one of the whole.
inline std::unexpected<Error> moved(Error error, std::uint64_t offset) {
  error.offset += offset;
  return fail(error);
}

}  // namespace daybook::index
