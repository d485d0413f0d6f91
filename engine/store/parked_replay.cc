#include "store/parked_replay.h"

#include <exception>
#include <string>
#include <unordered_set>
#include <vector>

#include "log/cursor.h"

namespace daybook::consumers {

Result<void> call(const EventHandler& handler, const EventView& event) {
  try {
    return handler(event);
  } catch (const std::exception& error) {
    return fail(Error{.code = Errc::refused, .what = "exception of a handler", .detail = ErrorText(error.what())});
  } catch (...) {
    return fail(Error{.code = Errc::refused, .what = "exception of a handler"});
  }
}

namespace {

class Replay {
 public:
  Replay(const LogView& log, Progress& progress, const EventHandler& handler)
      : log_(log), progress_(progress), handler_(handler) {}

  Result<ReplayReport> run() {
    // A subscription may park more behind what is being tried, until its stream is clear.
    for (bool again = true; again;) {
      again = false;
      for (const ParkedEvent& event : progress_.parked()) {
        if (event.position <= tried_) {
          blocked_.insert(event.stream);  // it failed, or was parked late: those behind it have to wait
          continue;
        }
        tried_ = event.position;
        again = true;
        DAYBOOK_TRY(step(event));
      }
    }
    return report_;
  }

 private:
  Result<void> step(const ParkedEvent& parked) {
    if (blocked_.contains(parked.stream)) {
      ++report_.left;
      return {};
    }
    log::Cursor cursor(log_.segments, {.after = parked.position - 1});
    const EventView* const event = cursor.next();
    if (event == nullptr && cursor.error()) return fail(*cursor.error());
    if (event == nullptr || event->position != parked.position) {
      return fail(Error{.code = Errc::stale_token, .what = "parked event", .expected = parked.position});
    }
    const auto handled = call(handler_, *event);
    if (handled) {
      ++report_.done;
      return unless_gone(progress_.unpark(parked.position));
    }
    ++report_.failed;
    blocked_.insert(parked.stream);
    return unless_gone(progress_.park_again(parked, handled.error()));
  }

  // Somebody else may have given it up meanwhile.
  static Result<void> unless_gone(Result<void> result) {
    if (!result && result.error().code == Errc::not_found) return {};
    return result;
  }

  const LogView& log_;
  Progress& progress_;
  const EventHandler& handler_;
  std::unordered_set<std::string> blocked_;
  Position tried_ = 0;
  ReplayReport report_;
};

}  // namespace

Result<ReplayReport> replay_parked(const LogView& log, Progress& progress, const EventHandler& handler) {
  return Replay(log, progress, handler).run();
}

}  // namespace daybook::consumers
