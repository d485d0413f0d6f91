// Many students, few seats, and everybody at once.
#pragma once

#include <cstdint>

#include <daybook/daybook.h>

namespace courses {

// Threads try to enrol every student in every course, each student from two of them at a time; some withdraw again. Then reads
// the log from its first event: no course may have had more students than seats at any moment, no student too many courses, and
// no seat may have stayed free that somebody was refused. Prints what happened. Returns an exit code.
int race(daybook::Store& store, std::uint64_t seed);

}  // namespace courses
