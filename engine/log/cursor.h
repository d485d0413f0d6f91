// The walk behind daybook::Cursor: over segments, over frames, over the events of a frame.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <daybook/cursor.h>
#include <daybook/event.h>
#include <daybook/options.h>

#include "log/frame_reader.h"
#include "log/segment_set.h"

namespace daybook::log {

// Thread safety: none.
class Cursor {
 public:
  Cursor(std::shared_ptr<SegmentSet> segments, const ReadOptions& options);

  const EventView* next() {
    if (!reader_.next(event_) && !advance()) return nullptr;
    token_.position = event_.position;
    token_.epoch = epoch_;
    return &event_;
  }
  [[nodiscard]] const std::optional<Error>& error() const noexcept { return error_; }
  bool wait(std::chrono::nanoseconds timeout);
  [[nodiscard]] const ResumeToken& token() const noexcept { return token_; }

 private:
  // The next event is in `event_`. False: at the end for now, or an error.
  bool advance();
  // The next frame, or block, that holds an event to return is at hand.
  bool load();

  // Where to begin. False: nothing to read yet, or an error.
  bool start();
  bool start_forward();
  bool start_backward();
  // The last segment that begins before the event at `position`, or the first one.
  std::shared_ptr<ReadSegment> segment_before(Position position);
  // The last place of the log that is not past `stop`; null when there is no segment.
  template <typename Stop>
  std::optional<segment::Place> last_place(Stop stop);

  // The next published frame in forward order is in `reader_`. False: at the end for now, or an error.
  bool next_frame();
  bool next_segment();
  // Nothing is decided at `offset`, and the footer or the sync mark says that something must be. It may have been, in
  // between: look at the frame again.
  [[nodiscard]] bool ends_too_early(std::uint64_t offset) const noexcept;
  bool admit(const format::FrameHeader& frame, format::Word word);
  [[nodiscard]] bool visible(std::uint64_t frame_end) const noexcept;
  bool enter(std::shared_ptr<ReadSegment> segment, const segment::Place& place);

  // Backward: reads forward from a mark to `limit_`, to return from the back.
  bool load_block();

  bool failed(const Error& error) {
    error_ = error;
    return false;
  }

  std::shared_ptr<SegmentSet> segments_;
  ReadOptions options_;
  format::Check check_ = format::Check::checksums;

  bool started_ = false;
  std::shared_ptr<ReadSegment> segment_;
  std::uint64_t offset_ = 0;  // of the next frame in segment_
  Position expected_ = 0;     // position of the next event; 0 = not known
  std::uint64_t epoch_ = 0;   // of segment_
  FrameReader reader_;
  EventView event_;
  ResumeToken token_;
  std::optional<Error> error_;

  // Backward: events of the block before, read forward and returned from the back.
  Position limit_ = 0;  // events below it are still to come
  std::vector<EventView> block_;
};

}  // namespace daybook::log
