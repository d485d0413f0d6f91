#include <daybook/error.h>

#include <cstdio>
#include <cstring>

namespace daybook {
namespace {

std::string hex(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof(text), "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

// Checksums and magics are compared by eye in hexadecimal, everything else in decimal.
std::string number(const char* what, std::uint64_t value) {
  const bool in_hex = std::strstr(what, "check") != nullptr || std::strstr(what, "magic") != nullptr;
  return in_hex ? hex(value) : std::to_string(value);
}

}  // namespace

const char* name(Errc code) noexcept {
  switch (code) {
    case Errc::io: return "io";
    case Errc::corrupt: return "corrupt";
    case Errc::unsupported: return "unsupported";
    case Errc::locked: return "locked";
    case Errc::not_found: return "not_found";
    case Errc::wrong_version: return "wrong_version";
    case Errc::invalid_argument: return "invalid_argument";
    case Errc::too_large: return "too_large";
    case Errc::no_space: return "no_space";
    case Errc::poisoned: return "poisoned";
    case Errc::read_only: return "read_only";
    case Errc::closed: return "closed";
    case Errc::stale_token: return "stale_token";
    case Errc::unsupported_fs: return "unsupported_fs";
    case Errc::condition_failed: return "condition_failed";
    case Errc::duplicate_id: return "duplicate_id";
    case Errc::bad_event: return "bad_event";
    case Errc::refused: return "refused";
    case Errc::timed_out: return "timed_out";
  }
  return "unknown";
}

std::string describe(const Error& error) {
  std::string text = name(error.code);
  if (error.segment != 0) text += ": segment " + std::to_string(error.segment) + " @ " + hex(error.offset);
  if (*error.what != '\0') text += std::string(": ") + error.what;
  switch (error.code) {
    case Errc::locked:
      if (error.actual != 0) text += ": open for writing in process " + std::to_string(error.actual);
      break;
    case Errc::wrong_version:
      if (std::strcmp(error.what, "expected version") == 0) {
        text += " " + std::to_string(error.expected);
      }
      text += ", actual version " + std::to_string(error.actual) + " (stream " + std::to_string(error.index) + ")";
      break;
    case Errc::invalid_argument:
    case Errc::too_large:
      text += ": limit " + std::to_string(error.expected) + ", actual " + std::to_string(error.actual) + " (item " +
              std::to_string(error.index) + ")";
      break;
    case Errc::condition_failed:
      text +=
          ": violated by position " + std::to_string(error.actual) + " (condition " + std::to_string(error.index) + ")";
      break;
    case Errc::duplicate_id:
      text += error.actual == 0 ? ": twice in one append" : ": in use at position " + std::to_string(error.actual);
      text += " (event " + std::to_string(error.index) + ")";
      break;
    case Errc::unsupported_fs: text += ": file system " + hex(error.actual); break;
    default:
      if (error.expected != 0 || error.actual != 0) {
        text += ": expected " + number(error.what, error.expected) + ", found " + number(error.what, error.actual);
      }
  }
  if (!error.detail.empty()) text += ": " + std::string(error.detail.view());
  if (error.sys_errno != 0) text += std::string(": ") + std::strerror(error.sys_errno);
  return text;
}

}  // namespace daybook
