#include "log/part.h"

#include <mutex>
#include <vector>

#include "format/layout.h"
#include "log/derived_file.h"
#include "log/event_fetcher.h"

namespace daybook::log {
namespace {

index::SidecarIdentity identity_of(const segment::Segment& segment, Position base) noexcept {
  const format::SegmentHeader& header = segment.header();
  return {.log = header.log,
          .segment = header.segment,
          .number = header.number,
          .epoch = header.epoch,
          .base_position = base};
}

// What a sidecar of the segment may be and cover.
index::SidecarIdentity expected_of(const segment::Segment& segment, Position base) noexcept {
  index::SidecarIdentity expected = identity_of(segment, base);
  expected.valid_end = segment.data_end();
  expected.events = expected.frames = ~std::uint32_t{0};
  if (const auto footer = segment.footer()) {
    expected.valid_end = footer->valid_end;
    expected.events = static_cast<std::uint32_t>(footer->events);
  }
  return expected;
}

}  // namespace

std::unique_ptr<SidecarFile> SidecarFile::open(io::Directory& segments, const segment::Segment& segment) {
  const auto base = segment.base();
  if (!base) return nullptr;
  auto file = segments.open(format::sidecar_name(segment.number()), io::Directory::OpenMode::read);
  if (!file) return nullptr;
  const auto size = (*file)->size();
  if (!size || *size == 0) return nullptr;
  auto mapping = (*file)->map(io::Access::read, *size);
  if (!mapping) return nullptr;
  auto sidecar = index::Sidecar::parse((*mapping)->bytes(), expected_of(segment, *base));
  if (!sidecar) return nullptr;
  return std::unique_ptr<SidecarFile>(new SidecarFile(std::move(*mapping), std::move(*sidecar)));
}

Result<void> write_sidecar(io::Directory& segments, const segment::Segment& segment, const index::MemoryIndex& memory,
                           Position base, std::uint64_t valid_end) {
  index::SidecarIdentity identity = identity_of(segment, base);
  identity.valid_end = valid_end;
  identity.events = memory.events();
  identity.frames = static_cast<std::uint32_t>(memory.frame_units().size());
  const std::vector<std::byte> bytes = index::encode_sidecar(memory, identity);
  return write_derived_file(segments, format::sidecar_name(segment.number()), segment.number(), bytes);
}

Result<void> IndexWalk::run(index::MemoryIndex& index, std::uint64_t frames) {
  stopped_ = false;
  for (; frames > 0 && !at_end(); --frames) {
    format::Word word = segment_.accept(offset_, format::Check::checksums);
    if (word.bits == 0) {
      const format::FrameStatus status = segment_.check(offset_, format::Check::checksums);
      if (status.kind == format::FrameStatus::Kind::bad || status.kind == format::FrameStatus::Kind::unknown) {
        index.settle();
        return fail(status.error);
      }
      if (status.kind != format::FrameStatus::Kind::decided) {
        stopped_ = true;
        break;
      }
      word = status.word;
    }
    if (word.has_events() && word.state() == format::FrameState::published) {
      add(index, *reinterpret_cast<const format::FrameHeader*>(segment_.data().data() + offset_), word);
    }
    offset_ += word.size();
  }
  if (at_end()) stopped_ = true;
  index.settle();
  return {};
}

void IndexWalk::add(index::MemoryIndex& index, const format::FrameHeader& frame, format::Word word) {
  if (!base_) base_ = format::load_decided(frame.position) - 1;
  index.begin_frame(offset_);
  FrameReader reader(frame, word);
  EventView event;
  while (reader.next(event)) {
    index.add_event({.stream = event.stream,
                     .type = event.type,
                     .id = event.id == nullptr ? std::string_view() : id_key(*event.id).bytes,
                     .schema = schema_bytes(event),
                     .recorded_at = event.recorded_at.time_since_epoch().count(),
                     .occurred_at = event.occurred_at.time_since_epoch().count()},
                    event.tags);
  }
}

Part::Part(std::shared_ptr<ReadSegment> segment, std::unique_ptr<SidecarFile> file)
    : segment_(std::move(segment)),
      file_(std::move(file)),
      begin_(format::kDataStart),
      walk_(*segment_->segment, 0),
      base_(file_->sidecar().identity().base_position),
      end_(file_->sidecar().identity().valid_end) {
  const auto footer = segment_->segment->footer();
  complete_ = footer && footer->kind == format::SegmentFooter::sealed && footer->valid_end == end_.load();
}

Part::Part(std::shared_ptr<ReadSegment> segment, std::uint64_t offset, Position base)
    : segment_(std::move(segment)),
      begin_(offset),
      memory_(std::make_unique<index::MemoryIndex>()),
      walk_(*segment_->segment, offset),
      base_(base),
      end_(offset) {}

Result<void> Part::catch_up() {
  if (complete() || file_ != nullptr) return {};
  const std::uint64_t at = end();
  if (at < segment().data_end() && format::load_word(segment().data().data() + at).bits == 0) return {};
  const std::scoped_lock turn(turn_);
  const std::unique_lock lock(mutex_);
  const auto walked = walk_.run(*memory_, ~std::uint64_t{0});
  if (walk_.base()) base_.store(*walk_.base(), std::memory_order_release);
  end_.store(walk_.offset(), std::memory_order_release);
  if (walk_.at_end()) complete_.store(true, std::memory_order_release);
  return walked;
}

void Part::give_up(const Error& error) {
  damage_ = error;
  complete_.store(true, std::memory_order_release);
}

std::uint64_t Part::events(const index::SegmentIndex& index) const noexcept {
  if (!damage_) return index.events();
  const auto footer = segment().footer();
  return footer ? footer->events : index.events();
}

Result<void> Part::write_sidecar(io::Directory& segments, std::uint64_t valid_end) const {
  const std::shared_lock lock(mutex_);
  if (walk_.offset() < valid_end) return {};  // not all of it is taken in
  return log::write_sidecar(segments, segment(), *memory_, base(), valid_end);
}

}  // namespace daybook::log
