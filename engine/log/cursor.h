// The walk behind daybook::Cursor: over segments, over frames, over the events of a frame.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <daybook/event.h>
#include <daybook/options.h>

#include "log/event_cursor.h"
#include "log/frame_reader.h"
#include "log/segment_set.h"

namespace daybook::log {

// Thread safety: none.
class Cursor final : public EventCursor {
 public:
  Cursor(std::shared_ptr<SegmentSet> segments, const ReadOptions& options);

  struct Frame {
    const format::FrameHeader* frame = nullptr;
    format::Word word{};
    format::Address end{};  // behind it
  };
  // Forward, before anything else: the frame that holds the first event behind `after`. Nothing: there is none, or an
  // error.
  std::optional<Frame> frame();

  [[nodiscard]] std::shared_ptr<const void> pin() const override { return segment_; }

 private:
  // Events read at once, and bytes of their frames: these must still be in the nearest cache when the events are used.
  static constexpr std::size_t kForwardBlock = 32;
  static constexpr std::uint64_t kForwardBytes = 8192;

  bool load() override;
  bool load_forward();
  // As many usual frames of one event as come now and fit in the block.
  void load_singles();
  // Reads forward from a mark to `limit_`, to return from the back.
  bool load_backward();

  // Where to begin. False: nothing to read yet, or an error.
  bool start();
  bool start_forward();
  bool start_backward();
  // The last segment that begins before the event at `position`, or the first one.
  std::shared_ptr<ReadSegment> segment_before(Position position);
  // The last place of the log that is not past `stop`; null when there is no segment.
  template <typename Stop>
  std::optional<segment::Place> last_place(Stop stop);

  // The next published frame in forward order, its word in `word_`. Null: at the end for now, or an error.
  const format::FrameHeader* next_frame();
  // What stands at `offset_`, where no usual frame does: in `word`, or zero when things have changed and another look is
  // worth it. False: the end for now, or an error.
  bool look_closer(format::Word& word);
  bool next_segment();
  // Nothing is decided at `offset`: the error, if the footer or the durable address says that something must be. It may have
  // been, in between: look at the frame again.
  [[nodiscard]] std::optional<Error> missing_at(std::uint64_t offset) const noexcept;
  bool admit(const format::FrameHeader& frame, format::Word word);
  // Frames of segment_ that end there or before are visible.
  [[nodiscard]] std::uint64_t visible_end() const noexcept;
  bool enter(std::shared_ptr<ReadSegment> segment, const segment::Place& place);
  // What is asked of the next frame.
  [[nodiscard]] format::Check check() const noexcept {
    return offset_ < trusted_from_ ? format::Check::checksums : format::Check::structure;
  }
  // A walk to the end of a segment has stopped at `place`. False: at damage, where something was promised.
  bool ends_well(const std::shared_ptr<ReadSegment>& segment, const segment::Place& place);

  ReadOptions options_;

  bool started_ = false;
  std::shared_ptr<ReadSegment> segment_;
  std::uint64_t offset_ = 0;        // of the next frame in segment_
  std::uint64_t trusted_from_ = 0;  // frames of segment_ from here on need no checksums
  Position expected_ = 0;           // position of the next event; 0 = not known
  format::Word word_{};             // of the frame that next_frame() returned last
  FrameReader reader_;
  std::vector<EventView> block_;  // all of one segment, segment_
  Position limit_ = 0;            // backward: events below it are still to come
};

}  // namespace daybook::log
