// Turns the events of one published frame into EventViews.
#pragma once

#include <cstdint>

#include <daybook/event.h>

#include "format/frame.h"

namespace daybook::log {

// The frame has passed check_frame(); its bytes must stay mapped. Thread safety: none.
class FrameReader {
 public:
  FrameReader() noexcept = default;
  FrameReader(const format::FrameHeader& frame, format::Word word) noexcept { enter(frame, word); }

  // Begins with the first event of a frame.
  void enter(const format::FrameHeader& frame, format::Word word) noexcept;
  void leave() noexcept { left_ = 0; }

  // The next event in `event`; false: there are no more.
  bool next(EventView& event) noexcept {
    if (left_ == 0) return false;
    while (stream_left_ == 0) next_stream();  // a conditional frame may name streams without events
    read(event);
    return true;
  }

  [[nodiscard]] std::uint64_t left() const noexcept { return left_; }
  [[nodiscard]] Position next_position() const noexcept { return position_; }

 private:
  void next_stream() noexcept;
  void read(EventView& event) noexcept;

  // What belongs together stands apart here: the compiler would load two neighbours as one vector, and the processor
  // waits with a wide load for narrow stores. That was a third of a replay's time.
  std::uint64_t left_ = 0;  // events of the frame
  const char* stream_id_ = nullptr;
  const std::byte* at_ = nullptr;  // the next event
  std::uint32_t stream_id_size_ = 0;
  std::uint64_t stream_left_ = 0;  // events of its stream
  Position position_ = 0;
  Version version_ = 0;
  std::int64_t recorded_at_ = 0;
  const format::FrameHeader* frame_ = nullptr;
  const format::StreamEntry* entry_ = nullptr;  // of the next stream
  std::uint32_t stream_index_ = 0;
};

inline void FrameReader::enter(const format::FrameHeader& frame, format::Word word) noexcept {
  left_ = word.event_count();
  stream_left_ = 0;
  stream_index_ = 0;
  position_ = format::load_decided(frame.position);
  recorded_at_ = format::load_decided(frame.recorded_at);
  frame_ = &frame;
  entry_ = format::stream_entries(frame, word.stream_count());
  at_ = reinterpret_cast<const std::byte*>(entry_ + word.stream_count());
}

inline void FrameReader::next_stream() noexcept {
  stream_id_ = reinterpret_cast<const char*>(frame_) + entry_->id_offset;
  stream_id_size_ = entry_->id_size;
  stream_left_ = entry_->event_count;
  version_ = format::load_decided(format::assigned_at(const_cast<format::FrameHeader&>(*frame_), stream_index_));
  ++stream_index_;
  ++entry_;
}

inline void FrameReader::read(EventView& event) noexcept {
  const auto& header = *reinterpret_cast<const format::EventHeader*>(at_);
  event.position = position_++;
  event.version = version_++;
  event.stream = {stream_id_, stream_id_size_};
  format::read_parts(header, recorded_at_, event);
  at_ += header.size;
  --left_;
  --stream_left_;
}

}  // namespace daybook::log
