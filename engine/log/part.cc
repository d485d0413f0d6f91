#include "log/part.h"

#include <mutex>
#include <vector>

#include "format/layout.h"
#include "log/derived_file.h"
#include "log/event_fetcher.h"
#include "log/sealed_segment.h"

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

// A sidecar of a clean close may be of a part of what is sealed by now.
bool covers_whole(const index::SidecarIdentity& sidecar, const index::CheckpointSegment& sealed) noexcept {
  return sidecar.valid_end == sealed.valid_end && sidecar.events == sealed.events &&
         sidecar.base_position == sealed.base_position;
}

std::optional<index::CheckpointSegment> covered_whole(const segment::Segment& segment,
                                                      const index::SidecarIdentity& sidecar) noexcept {
  auto sealed = describe_sealed(segment);
  return sealed && covers_whole(sidecar, *sealed) ? sealed : std::nullopt;
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

Part::Part(const index::CheckpointSegment& sealed)
    : sealed_(sealed),
      number_(sealed.number),
      begin_(format::kDataStart),
      open_(false),
      base_(sealed.base_position),
      end_(sealed.valid_end),
      complete_(true) {}

Part::Part(std::shared_ptr<ReadSegment> segment, std::unique_ptr<SidecarFile> file)
    : sealed_(covered_whole(*segment->segment, file->sidecar().identity())),
      number_(segment->segment->number()),
      begin_(format::kDataStart),
      segment_(std::move(segment)),
      file_(std::move(file)),
      open_(true),
      base_(file_->sidecar().identity().base_position),
      end_(file_->sidecar().identity().valid_end),
      complete_(sealed_.has_value()) {}

Part::Part(std::shared_ptr<ReadSegment> segment, std::uint64_t offset, Position base)
    : number_(segment->segment->number()),
      begin_(offset),
      segment_(std::move(segment)),
      open_(true),
      memory_(std::make_unique<index::MemoryIndex>()),
      walk_(std::in_place, *segment_->segment, offset),
      base_(base),
      end_(offset) {}

Result<bool> Part::open(SegmentSet& segments) {
  if (is_open()) return false;
  const std::scoped_lock turn(turn_);
  if (is_open()) return false;
  auto segment = segments.get(number_);
  if (!segment) return fail(segment.error());
  if ((*segment)->segment->header().segment != sealed_->segment) {
    return fail(Error{.code = Errc::corrupt, .what = "segment is not the one that was covered", .segment = number_});
  }
  segment_ = std::move(*segment);
  file_ = SidecarFile::open(segments.directory(), *segment_->segment);
  if (file_ != nullptr && !covers_whole(file_->sidecar().identity(), *sealed_)) file_ = nullptr;
  const bool missing = file_ == nullptr;
  if (missing) index_sealed();
  open_.store(true, std::memory_order_release);
  return missing && !damage_;
}

// What it comes to must be what was said of the segment: a walk may also stop early without finding anything wrong.
void Part::index_sealed() {
  memory_ = std::make_unique<index::MemoryIndex>();
  walk_.emplace(*segment_->segment, format::kDataStart);
  const auto walked = walk_->run(*memory_, ~std::uint64_t{0});
  if (!walked) {
    damage_ = walked.error();
  } else if (memory_->events() != sealed_->events || walk_->base().value_or(base()) != base()) {
    damage_ = Error{.code = Errc::corrupt,
                    .what = "number of events",
                    .segment = number_,
                    .offset = walk_->offset(),
                    .expected = sealed_->events,
                    .actual = memory_->events()};
  }
}

Result<void> Part::catch_up(std::uint64_t frames) {
  if (complete() || file_ != nullptr) return {};
  const std::uint64_t at = end();
  if (at < segment().data_end() && format::load_word(segment().data().data() + at).bits == 0) return {};
  const std::scoped_lock turn(turn_);
  const std::unique_lock lock(mutex_);
  const auto walked = walk_->run(*memory_, frames);
  if (walk_->base()) base_.store(*walk_->base(), std::memory_order_release);
  end_.store(walk_->offset(), std::memory_order_release);
  if (walk_->at_end()) complete_.store(true, std::memory_order_release);
  return walked;
}

std::uint64_t Part::events(const index::SegmentIndex& index) const noexcept {
  return damage_ ? sealed_->events : index.events();
}

Result<void> Part::write_sidecar(io::Directory& segments, std::uint64_t valid_end) const {
  const std::shared_lock lock(mutex_);
  if (walk_->offset() < valid_end) {
    return fail(Error{.code = Errc::corrupt,
                      .what = "index ends before its segment",
                      .segment = number(),
                      .offset = walk_->offset(),
                      .expected = valid_end,
                      .actual = walk_->offset()});
  }
  return log::write_sidecar(segments, segment(), *memory_, base(), valid_end);
}

}  // namespace daybook::log
