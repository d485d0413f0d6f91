// What the decisions look at. A model is not kept anywhere: it is folded from the events that it asks for, each time, and
// asks for no more than its decision needs. The smaller the question, the fewer decisions are in each other's way.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include <daybook/sourcing.h>

#include "events.h"

namespace courses {

// Is there such a course, and has it a seat?
struct Seats {
  using Events = daybook::EventSet<CourseDefined, CapacityChanged, StudentEnrolled, StudentWithdrew>;
  [[nodiscard]] daybook::Query query() const { return daybook::Query::tag(course_tag(course)); }

  void apply(const CourseDefined& event) {
    defined = true;
    capacity = event.capacity;
  }
  void apply(const CapacityChanged& event) { capacity = event.capacity; }
  void apply(const StudentEnrolled&) { ++taken; }
  void apply(const StudentWithdrew&) { --taken; }

  std::string course;
  bool defined = false;
  std::int64_t capacity = 0;
  std::int64_t taken = 0;
};

// Is there such a course? Who enrols there does not matter, and is not in the way.
struct Definition {
  using Events = daybook::EventSet<CourseDefined>;
  [[nodiscard]] daybook::Query query() const { return daybook::Query::tag(course_tag(course)); }

  void apply(const CourseDefined&) { defined = true; }

  std::string course;
  bool defined = false;
};

// Where is this student enrolled?
struct Timetable {
  using Events = daybook::EventSet<StudentEnrolled, StudentWithdrew>;
  [[nodiscard]] daybook::Query query() const { return daybook::Query::tag(student_tag(student)); }

  void apply(const StudentEnrolled& event) { courses.insert(event.course); }
  void apply(const StudentWithdrew& event) { courses.erase(event.course); }

  std::string student;
  std::set<std::string> courses;
};

// Is this student enrolled in this course? Both tags at once: neither the other students of the course nor the other
// courses of the student are in the way.
struct Enrolment {
  using Events = daybook::EventSet<StudentEnrolled, StudentWithdrew>;
  [[nodiscard]] daybook::Query query() const {
    return {.items = {{.tags = {course_tag(course), student_tag(student)}}}};
  }

  void apply(const StudentEnrolled&) { enrolled = true; }
  void apply(const StudentWithdrew&) { enrolled = false; }

  std::string course;
  std::string student;
  bool enrolled = false;
};

}  // namespace courses
