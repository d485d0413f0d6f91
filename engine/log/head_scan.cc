#include "log/head_scan.h"

#include <cerrno>
#include <new>
#include <optional>
#include <utility>

namespace daybook::log {
namespace {

constexpr std::uint64_t kGrowEvery = 4096;  // events between looks whether the table needs room

std::unexpected<Error> no_memory() {
  return fail(Error{.code = Errc::io, .sys_errno = ENOMEM, .what = "heads of streams"});
}

}  // namespace

HeadScan::HeadScan(std::shared_ptr<SegmentSet> segments, Position end)
    : cursor_(std::move(segments), {.before = end + 1, .direction = Direction::backward}) {}

Result<StreamHead> HeadScan::head_at_open(std::string_view stream) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    const StreamKey key = seen_.key(stream);
    if (Head* const head = seen_.peek(key)) return StreamHead{seen_.version(head), seen_.last_position(head)};
    return search(key);
  } catch (const std::bad_alloc&) {
    return no_memory();
  }
}

Result<StreamHead> HeadScan::search(const StreamKey& key) {
  while (!read_all_) {
    const EventView* const event = cursor_.next();
    if (event == nullptr) {
      if (cursor_.error()) return fail(*cursor_.error());
      read_all_ = true;
      break;
    }
    if (++events_ % kGrowEvery == 0) seen_.grow();
    const StreamKey found = seen_.key(event->stream);
    Head* const head = seen_.find(found);
    if (head == nullptr) return no_memory();
    const StreamHead last{event->version, event->position};
    seen_.load(head, last);  // the first that is met is the last of its stream
    if (found == key) return last;
  }
  return StreamHead{};
}

}  // namespace daybook::log
