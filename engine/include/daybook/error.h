// Errors: every fallible call of Daybook returns a Result; nothing throws across the API.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include <daybook/export.h>

namespace daybook {

// What went wrong, coarse enough to branch on. Values are stable: they appear in logs and in exit codes.
enum class Errc : std::uint8_t {
  io = 1,                 // a system call failed; see Error::sys_errno
  corrupt = 2,            // bytes break the format; see Error::segment and Error::offset
  unsupported = 3,        // well-formed, but written by a newer version or for another machine
  locked = 4,             // another process has the store open for writing
  not_found = 5,          // no store, segment or position there
  wrong_version = 6,      // an expectation on a stream did not hold; see expected and actual
  invalid_argument = 7,   // the call breaks a documented limit; see Error::what
  too_large = 8,          // the append does not fit in a segment, or a payload is over the limit
  no_space = 9,           // the disk (or quota) is full; appending resumes when there is room
  poisoned = 10,          // an earlier sync failed: the log refuses appends until it is reopened
  read_only = 11,         // the store was opened read-only
  closed = 12,            // the store was closed, or this is a forked child of the process that opened it
  stale_token = 13,       // a resume token beyond what survived a crash, or of another log
  unsupported_fs = 14,    // the file system is not known to keep the promises; see OpenOptions
  condition_failed = 15,  // an append condition is violated: index says which, actual by which position
  duplicate_id = 16,      // an event's id is in use: index says which event, actual at which position
  bad_event = 17,         // an event is not what its type says; Error::detail names stream, version, type and field
  refused = 18,           // a rule of the application says no; see refuse()
  timed_out = 19,         // what was waited for did not come in time
};

// Text that an error carries inside itself; what does not fit is cut off.
class ErrorText {
 public:
  constexpr ErrorText() noexcept = default;
  constexpr ErrorText(std::string_view text) noexcept : size_(std::min(text.size(), kSizeMax)) {
    std::copy_n(text.begin(), size_, text_.begin());
  }

  [[nodiscard]] constexpr std::string_view view() const noexcept { return {text_.data(), size_}; }
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }

  static constexpr std::size_t kSizeMax = 184;

 private:
  std::array<char, kSizeMax> text_{};
  std::size_t size_ = 0;
};

// A failure, with the evidence. Trivially copyable and free of allocation: the text is made by
// describe(), at the edge. Fields that do not apply are zero.
struct Error {
  Errc code{};
  std::int32_t sys_errno = 0;  // errno of the failed system call
  const char* what = "";       // the rule or the call, a string literal: "content checksum", "fdatasync"
  std::uint64_t segment = 0;   // segment number; 0 = not about a segment
  std::uint64_t offset = 0;    // byte offset in the segment's file
  std::uint64_t expected = 0;  // what the rule asked for (a version, a checksum, a size, a position)
  std::uint64_t actual = 0;    // what was found
  std::uint32_t index = 0;     // which element of the argument list is meant: stream, event or condition, from 0
  ErrorText detail{};          // names that only the moment knows: a store, a stream, a field, a rule
};

// A value or an Error. GCC 12's std::expected may be dropped without a warning; this one may not.
template <typename T = void>
struct [[nodiscard]] Result : std::expected<T, Error> {
  using std::expected<T, Error>::expected;
  // Written out, because `return {}` would otherwise set all the bytes of an Error to zero first.
  constexpr Result() noexcept(std::is_void_v<T> ||
                              std::is_nothrow_default_constructible_v<T>) requires(std::is_void_v<T> ||
                                                                                   std::is_default_constructible_v<T>) {
  }
};

// Makes a Result of an error: return fail({...}). An object, not a function, so that it is not among the candidates when
// a program calls a `fail` of its own with an Error.
inline constexpr auto fail = [](const Error& error) { return std::unexpected<Error>(error); };

// The error of a rule of the application: `if (cents > balance) return refuse("insufficient funds");`
inline std::unexpected<Error> refuse(std::string_view why) {
  return fail({.code = Errc::refused, .detail = ErrorText(why)});
}

// One line for people: what, where, expected and found.
DAYBOOK_EXPORT std::string describe(const Error& error);

// The enumerator's name, e.g. "wrong_version". Never null.
DAYBOOK_EXPORT const char* name(Errc code) noexcept;

}  // namespace daybook

// Evaluates an expression that yields a Result; returns its error to the caller if there is one. The variable has a name
// of its own each time, because the expression may hold a lambda that does the same.
#define DAYBOOK_TRY(expression) DAYBOOK_TRY_1(expression, __COUNTER__)
#define DAYBOOK_TRY_1(expression, number) DAYBOOK_TRY_2(expression, number)
#define DAYBOOK_TRY_2(expression, number)                                  \
  do {                                                                     \
    if (auto daybook_try_##number = (expression); !daybook_try_##number) { \
      return ::daybook::fail(daybook_try_##number.error());                \
    }                                                                      \
  } while (false)
