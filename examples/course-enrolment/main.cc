// Courses with few seats, and students who may have only so many courses: rules about two things at once, which belong to
// the stream of neither. Decisions ask for events by tags, and are appended under the condition that no further such event
// has come ("dynamic consistency boundary", https://dcb.events). Read events.h, models.h, enrolment.cc, in this order.
//
//   example_courses STORE define-course COURSE CAPACITY      example_courses STORE enrol STUDENT COURSE
//   example_courses STORE change-capacity COURSE CAPACITY    example_courses STORE withdraw STUDENT COURSE
//   example_courses STORE show COURSE                        example_courses STORE race [SEED]
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "enrolment.h"
#include "models.h"
#include "race.h"

namespace {

int fail(const daybook::Error& error) {
  std::fprintf(stderr, "%s\n", daybook::describe(error).c_str());
  return 1;
}

int usage() {
  std::fprintf(stderr, "usage: example_courses STORE COMMAND [ARGUMENT...]; see the head of main.cc\n");
  return 2;
}

int report(const daybook::Result<daybook::Appended>& done) {
  if (!done) return fail(done.error());
  if (done->last_position == 0) {
    std::printf("nothing to do\n");
  } else {
    std::printf("recorded at position %llu\n", static_cast<unsigned long long>(done->last_position));
  }
  return 0;
}

// A model serves to show things, too. Nothing is appended, so nothing is checked.
int show(daybook::Store& store, const std::string& course) {
  courses::Seats seats{.course = course};
  if (const auto read = daybook::Decision(store).read(seats); !read) return fail(read.error());
  if (!seats.defined) return fail(daybook::refuse("there is no course " + course).error());
  std::printf("%s: %lld of %lld seats are taken\n", course.c_str(), static_cast<long long>(seats.taken),
              static_cast<long long>(seats.capacity));
  return 0;
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

int run(daybook::Store& store, const std::vector<std::string>& words) {
  const std::string& command = words[0];
  if (words.size() == 3) {
    const auto last = number(words[2]);
    if (command == "define-course" && last) return report(courses::define_course(store, words[1], *last));
    if (command == "change-capacity" && last) return report(courses::change_capacity(store, words[1], *last));
    if (command == "enrol") return report(courses::enrol(store, words[1], words[2]));
    if (command == "withdraw") return report(courses::withdraw(store, words[1], words[2]));
  }
  if (command == "show" && words.size() == 2) return show(store, words[1]);
  if (command == "race" && words.size() <= 2) {
    const auto seed = words.size() == 2 ? number(words[1]) : 1;
    if (seed) return courses::race(store, static_cast<std::uint64_t>(*seed));
  }
  return usage();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return usage();
  auto store = daybook::Store::open(argv[1]);
  if (!store) return fail(store.error());
  const int status = run(*store, std::vector<std::string>(argv + 2, argv + argc));
  if (const auto closed = store->close(); !closed && status == 0) return fail(closed.error());
  return status;
}
