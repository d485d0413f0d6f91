#include "log/derived_file.h"

#include "format/layout.h"
#include "io/system.h"

namespace daybook::log {

Result<void> write_derived_file(io::Directory& directory, const std::string& name, std::uint64_t number,
                                std::span<const std::byte> bytes) {
  const std::string temporary = format::temporary_name(number, io::random_u64());
  auto file = directory.create(temporary);
  if (!file) return fail(file.error());
  const auto write = [&]() -> Result<void> {
    DAYBOOK_TRY((*file)->write_at(0, bytes));
    DAYBOOK_TRY((*file)->sync());
    // One of an earlier close, of a segment that recovery has removed, or one that was no good.
    if (auto removed = directory.remove(name); !removed && removed.error().code != Errc::not_found) return removed;
    return directory.rename(temporary, name);
  };
  if (auto written = write(); !written) {
    (void)directory.remove(temporary);
    return written;
  }
  return directory.sync();
}

}  // namespace daybook::log
