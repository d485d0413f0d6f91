// A program of somebody else: the smallest one that appends and reads, through public headers only.
#include <daybook/daybook.h>
#include <daybook/version.h>

#include <cstdio>
#include <string_view>

int main() {
  if (daybook::version() != std::string_view(DAYBOOK_VERSION)) {
    std::fprintf(stderr, "headers of %s, library of %s\n", DAYBOOK_VERSION, daybook::version());
    return 1;
  }
  std::printf("daybook %s\n", daybook::version());
  return 0;
}
