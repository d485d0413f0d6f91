// A store as files: for the verbs that look below the public interface. Reads only, locks nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <daybook/error.h>

#include "io/directory.h"

namespace daybook::tools {

struct StoreFiles {
  std::unique_ptr<io::Directory> store;
  std::unique_ptr<io::Directory> segments;
  std::vector<std::uint64_t> numbers;  // of the segments, ascending

  // not_found when there is no store there.
  static Result<StoreFiles> open(const std::string& path);
};

// Whether somebody appends, or when nobody does, whether the last one said goodbye.
struct WriterState {
  enum class Kind : std::uint8_t { closed, writing, unclean };
  Kind kind = Kind::closed;
  std::uint64_t process = 0;  // who writes; 0 = cannot be told
};

WriterState find_writer(const std::string& path, const StoreFiles& files);

// "closed cleanly", "open for writing by process 7" ...
std::string describe_writer(const WriterState& state);
const char* name(WriterState::Kind kind);

}  // namespace daybook::tools
