// Assertions are for bugs in Daybook, never for input: always on, because a wrong log is worse than none.
#pragma once

#include <cstdio>
#include <cstdlib>

#define DAYBOOK_ASSERT(condition)                                                                     \
  do {                                                                                                \
    if (!(condition)) [[unlikely]] {                                                                  \
      std::fprintf(stderr, "daybook: assertion failed: %s, %s:%d\n", #condition, __FILE__, __LINE__); \
      std::abort();                                                                                   \
    }                                                                                                 \
  } while (false)
