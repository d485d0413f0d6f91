#include "race.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "enrolment.h"
#include "events.h"

namespace courses {
namespace {

constexpr int kCourses = 8;
constexpr int kSeats = 10;
constexpr int kStudents = 40;
constexpr int kThreads = 8;  // four pairs; each pair has the same students

std::string course_name(int number) { return "course-" + std::to_string(number); }
std::string student_name(int number) { return "student-" + std::to_string(number); }

int complain(const daybook::Error& error) {
  std::fprintf(stderr, "%s\n", daybook::describe(error).c_str());
  return 1;
}

struct Attempts {
  std::atomic<int> enrolled = 0;
  std::atomic<int> refused = 0;
  std::atomic<int> failed = 0;
};

// Counts what came of it; true = done.
bool count(const daybook::Result<daybook::Appended>& done, Attempts& attempts) {
  if (done) {
    ++attempts.enrolled;
  } else if (done.error().code == daybook::Errc::refused) {
    ++attempts.refused;
  } else {
    ++attempts.failed;
    complain(done.error());
  }
  return done.has_value();
}

// One thread: its students try every course, in an order of its own. Some change their minds, and try again: at the end,
// whoever could still enrol somewhere has.
void enrol_all(daybook::Store& store, int thread, std::uint64_t seed, Attempts& attempts) {
  std::mt19937_64 random(seed + static_cast<std::uint64_t>(thread));
  std::vector<int> tries;  // student * kCourses + course
  for (int student = thread / 2; student < kStudents; student += kThreads / 2) {
    for (int course = 0; course < kCourses; ++course) tries.push_back(student * kCourses + course);
  }
  std::shuffle(tries.begin(), tries.end(), random);
  for (const int each : tries) {
    const std::string student = student_name(each / kCourses);
    const std::string course = course_name(each % kCourses);
    const bool enrolled = count(enrol(store, student, course), attempts);
    if (!enrolled || random() % 4 != 0) continue;
    const auto withdrawn = withdraw(store, student, course);
    if (!withdrawn && withdrawn.error().code != daybook::Errc::refused) count(withdrawn, attempts);
  }
}

// The referee reads the log as it is, one event after the other, and knows nothing of models and conditions.
struct Referee {
  std::map<std::string, std::int64_t> capacity;
  std::map<std::string, std::set<std::string>> students;  // by course
  std::map<std::string, std::set<std::string>> courses;   // by student
  int fouls = 0;

  void expect(bool holds, const daybook::EventView& at, const char* rule) {
    if (holds) return;
    std::fprintf(stderr, "position %llu: %s\n", static_cast<unsigned long long>(at.position), rule);
    ++fouls;
  }
  void operator()(const CourseDefined& event, const daybook::EventView& at) {
    expect(capacity.emplace(event.course, event.capacity).second, at, "a course was defined twice");
  }
  void operator()(const CapacityChanged& event, const daybook::EventView&) { capacity[event.course] = event.capacity; }
  void operator()(const StudentEnrolled& event, const daybook::EventView& at) {
    expect(students[event.course].insert(event.student).second, at, "a student was enrolled twice");
    courses[event.student].insert(event.course);
    expect(std::ssize(students[event.course]) <= capacity[event.course], at, "a course has more students than seats");
    expect(courses[event.student].size() <= kCoursesPerStudent, at, "a student has too many courses");
  }
  void operator()(const StudentWithdrew& event, const daybook::EventView& at) {
    expect(students[event.course].erase(event.student) == 1, at, "a student withdrew who was not enrolled");
    courses[event.student].erase(event.course);
  }
};

// A free seat, and a student who may have it and has not got it?
bool left_a_seat_free(const Referee& referee) {
  for (int course = 0; course < kCourses; ++course) {
    const std::string name = course_name(course);
    const auto in_course = referee.students.find(name);
    const auto taken = in_course == referee.students.end() ? 0 : std::ssize(in_course->second);
    if (taken >= referee.capacity.at(name)) continue;
    for (int student = 0; student < kStudents; ++student) {
      const auto enrolled = referee.courses.find(student_name(student));
      if (enrolled == referee.courses.end()) return true;
      if (!enrolled->second.contains(name) && enrolled->second.size() < kCoursesPerStudent) return true;
    }
  }
  return false;
}

int judge(const daybook::Store& store, Referee& referee) {
  using Events = daybook::EventSet<CourseDefined, CapacityChanged, StudentEnrolled, StudentWithdrew>;
  const daybook::EventDecoder<Events> decoder;
  daybook::Cursor cursor = store.read();
  while (const daybook::EventView* event = cursor.next()) {
    if (const auto decoded = decoder.decode(*event, referee); !decoded) return complain(decoded.error());
  }
  if (const auto error = cursor.error()) return complain(*error);
  return referee.fouls == 0 ? 0 : 1;
}

void run_threads(daybook::Store& store, std::uint64_t seed, Attempts& attempts) {
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] { enrol_all(store, thread, seed, attempts); });
  }
}

}  // namespace

int race(daybook::Store& store, std::uint64_t seed) {
  for (int course = 0; course < kCourses; ++course) {
    const auto defined = define_course(store, course_name(course), kSeats);
    if (!defined && defined.error().code != daybook::Errc::refused) return complain(defined.error());
  }
  Attempts attempts;
  run_threads(store, seed, attempts);
  // Whoever was refused a seat that somebody gave back later may have it now; nobody withdraws any more.
  for (int student = 0; student < kStudents; ++student) {
    for (int course = 0; course < kCourses; ++course) {
      count(enrol(store, student_name(student), course_name(course)), attempts);
    }
  }
  if (attempts.failed != 0) return 1;
  Referee referee;
  if (const int status = judge(store, referee); status != 0) return status;
  if (left_a_seat_free(referee)) {
    std::fprintf(stderr, "a seat stayed free that somebody was refused\n");
    return 1;
  }
  const auto taken = std::accumulate(referee.students.begin(), referee.students.end(), std::ptrdiff_t{0},
                                     [](auto sum, const auto& course) { return sum + std::ssize(course.second); });
  std::printf("%d enrolments, %d refusals; %td of %d seats are taken, and never was a course over its capacity\n",
              attempts.enrolled.load(), attempts.refused.load(), taken, kCourses * kSeats);
  return 0;
}

}  // namespace courses
