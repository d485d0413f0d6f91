// The rules: what may happen, given what has happened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <daybook/daybook.h>
#include <daybook/sourcing.h>

namespace courses {

inline constexpr std::size_t kCoursesPerStudent = 5;

// Each reads the models that it needs and appends under the condition that they are still true: Errc::refused when a rule says
// no. Two that read the same and come at once: one is first, the other looks again. Thread safety: any thread.
daybook::Result<daybook::Appended> define_course(daybook::Store& store, const std::string& course,
                                                 std::int64_t capacity);
daybook::Result<daybook::Appended> change_capacity(daybook::Store& store, const std::string& course,
                                                   std::int64_t capacity);
daybook::Result<daybook::Appended> enrol(daybook::Store& store, const std::string& student, const std::string& course);
daybook::Result<daybook::Appended> withdraw(daybook::Store& store, const std::string& student,
                                            const std::string& course);

}  // namespace courses
