#include "store_files.h"

#include <algorithm>

#include <fcntl.h>
#include <unistd.h>

#include "format/layout.h"
#include "io/lock_holder.h"
#include "io/system_error.h"
#include "log/segment_set.h"
#include "segment/segment.h"

namespace daybook::tools {
namespace {

bool has_closing_footer(io::Directory& segments, std::uint64_t number) {
  const auto segment = segment::Segment::open(segments, number);
  if (!segment) return false;
  const auto footer = (*segment)->footer();
  return footer && footer->kind == format::SegmentFooter::closed;
}

}  // namespace

Result<StoreFiles> StoreFiles::open(const std::string& path) {
  const auto fail_about = [&path](const Error& error) { return fail(io::about(path, error)); };
  StoreFiles files;
  auto store = io::open_directory(path, false);
  if (!store) return fail_about(store.error());
  files.store = *std::move(store);
  auto segments = log::open_segments(*files.store, false);
  if (!segments) return fail_about(segments.error());
  files.segments = *std::move(segments);
  const auto names = files.segments->list();
  if (!names) return fail_about(names.error());
  for (const std::string& name : *names) {
    if (const auto number = format::parse_segment_name(name)) files.numbers.push_back(*number);
  }
  std::ranges::sort(files.numbers);
  if (files.numbers.empty()) return fail_about({.code = Errc::not_found, .what = "no log in the store"});
  return files;
}

WriterState find_writer(const std::string& path, const StoreFiles& files) {
  const int fd = ::open((path + "/" + std::string(format::kLockName)).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd >= 0) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_len = 1;
    const bool writing = ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    const std::uint64_t process = writing ? io::find_lock_holder(fd) : 0;
    ::close(fd);
    if (writing) return {WriterState::Kind::writing, process};
  }
  const bool closed = has_closing_footer(*files.segments, files.numbers.back());
  return {closed ? WriterState::Kind::closed : WriterState::Kind::unclean, 0};
}

std::string describe_writer(const WriterState& state) {
  switch (state.kind) {
    case WriterState::Kind::closed: return "closed cleanly";
    case WriterState::Kind::unclean: return "the last writer did not close it; opening it for writing recovers it";
    case WriterState::Kind::writing: break;
  }
  return state.process == 0 ? "open for writing" : "open for writing in process " + std::to_string(state.process);
}

const char* name(WriterState::Kind kind) {
  switch (kind) {
    case WriterState::Kind::closed: return "closed";
    case WriterState::Kind::unclean: return "unclean";
    case WriterState::Kind::writing: break;
  }
  return "writing";
}

}  // namespace daybook::tools
