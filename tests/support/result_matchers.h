// What a Result holds, in the words of GoogleTest: ASSERT_TRUE(is_ok(r)), EXPECT_TRUE(fails_with(r, Errc::io, EIO)).
#pragma once

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <daybook/error.h>

namespace daybook::test {

inline std::string to_text(const Error& error) {
  return std::string(error.what) + ": code " + std::to_string(static_cast<int>(error.code)) + ", errno " +
         std::to_string(error.sys_errno) + " (" + std::strerror(error.sys_errno) + "), expected " +
         std::to_string(error.expected) + ", actual " + std::to_string(error.actual);
}

template <typename T>
std::optional<Error> error_of(const Result<T>& result) {
  if (result) return std::nullopt;
  return result.error();
}

template <typename T>
::testing::AssertionResult is_ok(const Result<T>& result) {
  if (result) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << to_text(result.error());
}

template <typename T>
::testing::AssertionResult fails_with(const Result<T>& result, Errc code, int error_number = 0,
                                      std::string_view what = {}) {
  if (result) return ::testing::AssertionFailure() << "it succeeded";
  const Error& error = result.error();
  const bool matches = error.code == code && error.sys_errno == error_number && (what.empty() || error.what == what);
  if (matches) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << to_text(error);
}

}  // namespace daybook::test
