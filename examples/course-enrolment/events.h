// What happens when students enrol in courses. Each event carries a tag for everything that it is about: that is how
// decisions find it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <daybook/sourcing.h>
#include <daybook/sourcing/json.h>

namespace courses {

inline std::string course_tag(const std::string& course) { return "course:" + course; }
inline std::string student_tag(const std::string& student) { return "student:" + student; }

struct CourseDefined {
  static constexpr daybook::EventType kEventType{.name = "CourseDefined"};
  std::string course;
  std::int64_t capacity = 0;
  [[nodiscard]] std::vector<std::string> tags() const { return {course_tag(course)}; }
};
BOOST_DESCRIBE_STRUCT(CourseDefined, (), (course, capacity))

struct CapacityChanged {
  static constexpr daybook::EventType kEventType{.name = "CapacityChanged"};
  std::string course;
  std::int64_t capacity = 0;
  [[nodiscard]] std::vector<std::string> tags() const { return {course_tag(course)}; }
};
BOOST_DESCRIBE_STRUCT(CapacityChanged, (), (course, capacity))

// One fact about two things. With a stream for each course and one for each student, it would have to be told twice, or
// belong to neither; with tags it is about both.
struct StudentEnrolled {
  static constexpr daybook::EventType kEventType{.name = "StudentEnrolled"};
  std::string student;
  std::string course;
  [[nodiscard]] std::vector<std::string> tags() const { return {course_tag(course), student_tag(student)}; }
};
BOOST_DESCRIBE_STRUCT(StudentEnrolled, (), (student, course))

struct StudentWithdrew {
  static constexpr daybook::EventType kEventType{.name = "StudentWithdrew"};
  std::string student;
  std::string course;
  [[nodiscard]] std::vector<std::string> tags() const { return {course_tag(course), student_tag(student)}; }
};
BOOST_DESCRIBE_STRUCT(StudentWithdrew, (), (student, course))

}  // namespace courses
