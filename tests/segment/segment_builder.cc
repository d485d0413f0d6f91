#include "segment/segment_builder.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "format/checksum.h"

namespace daybook::test {
namespace {

void put(std::vector<std::byte>& bytes, std::uint64_t offset, const void* from, std::size_t size) {
  std::memcpy(bytes.data() + offset, from, size);
}

}  // namespace

Uuid fixed_uuid(std::uint8_t first) {
  Uuid uuid;
  for (std::size_t i = 0; i < uuid.size(); ++i) uuid[i] = static_cast<std::uint8_t>(first + i);
  return uuid;
}

SegmentBuilder::SegmentBuilder(const Spec& spec) : spec_(spec), bytes_(spec.size), clock_(spec.created_at) {
  header_.magic = format::kSegmentMagic;
  header_.format_version = format::kFormatVersion;
  header_.log = spec.log;
  header_.segment = spec.segment;
  header_.number = spec.number;
  header_.epoch = spec.epoch;
  header_.size = spec.size;
  header_.created_at = spec.created_at;
  header_.crc = format::header_crc(header_);
  salt_ = format::segment_salt(header_);
  put(bytes_, 0, &header_, sizeof(header_));
  put(bytes_, format::kHeaderCopy, &header_, sizeof(header_));
}

std::uint64_t SegmentBuilder::fill(std::span<const StreamAppend> streams) {
  auto shape = format::measure(streams, std::numeric_limits<std::uint32_t>::max());
  if (shape && block_ != nullptr) shape = format::with_block(*shape, *block_);
  if (!shape || shape->size > format::data_end(spec_.size) - end_) {
    std::fprintf(stderr, "SegmentBuilder: %s\n", shape ? "the segment is full" : shape.error().what);
    std::abort();
  }
  const std::uint64_t offset = end_;
  clock_ += 1'000'000'000;
  format::fill(bytes_.data() + offset, *shape, streams, floor_, clock_, offset, salt_, block_);
  const auto word = shape->word(format::FrameState::filled);
  put(bytes_, offset, &word.bits, sizeof(word.bits));
  end_ += shape->size;
  return offset;
}

void SegmentBuilder::decide(std::uint64_t offset, format::Word word, std::uint64_t position, std::int64_t recorded_at) {
  auto& frame = format::frame_at(bytes_.data(), offset);
  frame.position = position;
  frame.recorded_at = recorded_at;
  frame.decision_crc = format::decision_crc({word, position, recorded_at, frame.content_crc}, offset, salt_,
                                            [&](std::uint32_t i) { return format::assigned_at(frame, i); });
  frame.word = word.bits;
  frames_end_ = end_;
}

std::uint64_t SegmentBuilder::publish(std::span<const StreamAppend> streams) {
  const std::uint64_t offset = fill(streams);
  auto& frame = format::frame_at(bytes_.data(), offset);
  const format::Word filled{frame.word};
  for (std::uint32_t i = 0; i < filled.stream_count(); ++i) {
    Version& version = versions_.try_emplace(std::string(streams[i].stream)).first->second;
    format::assigned_at(frame, i) = version + 1;
    version += streams[i].events.size();
  }
  decide(offset, filled.with(format::FrameState::published), spec_.base + events_ + 1, clock_);
  events_ += filled.event_count();
  if (frames_++ == 0) first_ = clock_;
  last_ = clock_;
  return offset;
}

std::uint64_t SegmentBuilder::publish(std::string_view stream, std::span<const NewEvent> events) {
  const StreamAppend one{.stream = stream, .events = events};
  return publish(std::span(&one, 1));
}

std::uint64_t SegmentBuilder::reject(std::span<const StreamAppend> streams, std::uint32_t refused, Version actual) {
  const std::uint64_t offset = fill(streams);
  const format::Word filled{format::frame_at(bytes_.data(), offset).word};
  decide(offset, filled.with(format::FrameState::rejected), actual, refused);
  return offset;
}

void SegmentBuilder::describe_base() {
  const format::SegmentBase base{spec_.base, format::base_check(spec_.base, salt_)};
  put(bytes_, format::kBaseOffset, &base, sizeof(base));
}

void SegmentBuilder::pad() {
  const std::uint64_t size = format::data_end(spec_.size) - end_;
  if (size == 0) return;
  const format::Word word = format::Word::pad(size, end_, salt_);
  put(bytes_, end_, &word.bits, sizeof(word.bits));
  end_ += size;
}

void SegmentBuilder::seal() {
  pad();
  write_footer(format::SegmentFooter::sealed);
}

void SegmentBuilder::write_footer(format::SegmentFooter::Kind kind) {
  format::SegmentFooter footer{};
  footer.magic = format::kFooterMagic;
  footer.kind = kind;
  footer.valid_end = frames_end_;
  footer.hash_end = std::min(frames_end_ + sizeof(format::Word), format::data_end(spec_.size));
  footer.base_position = spec_.base;
  footer.events = events_;
  footer.frames = frames_;
  footer.recorded_first = first_;
  footer.recorded_last = last_;
  if (kind == format::SegmentFooter::sealed) {
    const format::Hash128 hash = format::xxh3_128(std::span(bytes_).first(footer.hash_end));
    footer.hash_low = hash.low;
    footer.hash_high = hash.high;
  }
  footer.crc = format::footer_crc(footer, salt_);
  put(bytes_, format::data_end(spec_.size), &footer, sizeof(footer));
}

}  // namespace daybook::test
