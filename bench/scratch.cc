#include "scratch.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace daybook::bench {

Scratch::Scratch() {
  const char* const given = std::getenv("DAYBOOK_BENCH_DIR");
  std::error_code error;
  const std::filesystem::path parent = given != nullptr ? given : std::filesystem::temp_directory_path(error);
  std::string name = (parent / "daybook-bench-XXXXXX").string();
  if (error || ::mkdtemp(name.data()) == nullptr) {
    std::fprintf(stderr, "cannot make a directory like %s\n", name.c_str());
    std::exit(1);
  }
  path_ = name;
}

Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void stop(const Error& error) {
  std::fprintf(stderr, "%s\n", describe(error).c_str());
  std::exit(1);
}

PreparedFile::PreparedFile(const Scratch& scratch, std::uint64_t size, For purpose) {
  directory = must(io::open_directory(scratch.path().string(), false));
  file = must(directory->create("floor"));
  must(file->allocate(size));
  if (purpose == For::sync) {
    must(file->write_zeros(0, size));
    must(file->sync());
  }
  mapping = must(file->map(io::Access::read_write, size));
  if (purpose == For::memory) must(mapping->populate(0, size));
  must(directory->remove("floor"));
}

}  // namespace daybook::bench
