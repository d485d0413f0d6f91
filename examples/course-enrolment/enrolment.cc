#include "enrolment.h"

#include "events.h"
#include "models.h"

namespace courses {
namespace {

using daybook::Appended;
using daybook::Decision;
using daybook::refuse;
using daybook::Result;

// Where an event is filed. Nothing is decided by it: the conditions are about tags.
std::string stream_of(const std::string& course) { return "course-" + course; }

// Everybody wants the last seat at the same moment; each loser looks again, and is told when it is gone.
daybook::DecisionOptions patient() { return {.retry = {.attempts = 1'000}}; }

}  // namespace

Result<Appended> define_course(daybook::Store& store, const std::string& course, std::int64_t capacity) {
  if (capacity < 1) return refuse("a course has at least one seat");
  return daybook::decide(store, [&](Decision& decision) -> Result<void> {
    Definition definition{.course = course};
    DAYBOOK_TRY(decision.read(definition));
    if (definition.defined) return refuse("there is a course " + course + " already");
    decision.emit(stream_of(course), CourseDefined{course, capacity});
    return {};
  });
}

Result<Appended> change_capacity(daybook::Store& store, const std::string& course, std::int64_t capacity) {
  return daybook::decide(
      store,
      [&](Decision& decision) -> Result<void> {
        Seats seats{.course = course};
        DAYBOOK_TRY(decision.read(seats));
        if (!seats.defined) return refuse("there is no course " + course);
        if (capacity < 1) return refuse("a course has at least one seat");
        if (capacity < seats.taken) return refuse("more students than that are enrolled");
        if (capacity != seats.capacity) decision.emit(stream_of(course), CapacityChanged{course, capacity});
        return {};
      },
      patient());
}

Result<Appended> enrol(daybook::Store& store, const std::string& student, const std::string& course) {
  return daybook::decide(
      store,
      [&](Decision& decision) -> Result<void> {
        // Two rules about two things, and one decision: it stands if neither the course nor the student has changed.
        Seats seats{.course = course};
        Timetable timetable{.student = student};
        DAYBOOK_TRY(decision.read(seats));
        DAYBOOK_TRY(decision.read(timetable));
        if (!seats.defined) return refuse("there is no course " + course);
        if (timetable.courses.contains(course)) return refuse(student + " is enrolled in " + course + " already");
        if (seats.taken >= seats.capacity) return refuse("the course is full");
        if (timetable.courses.size() >= kCoursesPerStudent) return refuse(student + " has too many courses");
        decision.emit(stream_of(course), StudentEnrolled{student, course});
        return {};
      },
      patient());
}

Result<Appended> withdraw(daybook::Store& store, const std::string& student, const std::string& course) {
  return daybook::decide(store, [&](Decision& decision) -> Result<void> {
    Enrolment enrolment{.course = course, .student = student};
    DAYBOOK_TRY(decision.read(enrolment));
    if (!enrolment.enrolled) return refuse(student + " is not enrolled in " + course);
    decision.emit(stream_of(course), StudentWithdrew{student, course});
    return {};
  });
}

}  // namespace courses
