// From errno to Error.
#pragma once

#include <cerrno>
#include <string>

#include <daybook/error.h>

namespace daybook::io {

// The error of the system call `call` (a string literal), which has just failed with `error_number`.
inline Error system_error(const char* call, int error_number) {
  Error error{.code = Errc::io, .sys_errno = error_number, .what = call};
  if (error_number == ENOENT) error.code = Errc::not_found;
  if (error_number == ENOSPC || error_number == EDQUOT) error.code = Errc::no_space;
  return error;
}

inline std::unexpected<Error> fail_with_errno(const char* call) { return fail(system_error(call, errno)); }

// The error with the path that it is about: of one too long for an error, the end.
inline Error about(std::string path, Error error) {
  if (!error.detail.empty()) return error;
  if (path.size() > ErrorText::kSizeMax) path.replace(0, path.size() - ErrorText::kSizeMax + 3, "...");
  error.detail = ErrorText(path);
  return error;
}

}  // namespace daybook::io
