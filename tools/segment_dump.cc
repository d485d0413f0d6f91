#include "segment_dump.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <ostream>

#include <fmt/format.h>

#include "escape.h"
#include "format/condition.h"
#include "hexdump.h"
#include "log/frame_reader.h"
#include "time_text.h"
#include "uuid_text.h"

namespace daybook::tools {
namespace {

using format::FrameState;
using format::FrameStatus;
using format::SegmentHeader;

// So much of what is damaged is shown.
constexpr std::uint64_t kDamageShown = 64;

template <typename T>
T read(std::span<const std::byte> bytes, std::uint64_t offset) {
  T value{};
  if (offset + sizeof(T) <= bytes.size()) std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

bool is_whole(const SegmentHeader& header) {
  return header.magic == format::kSegmentMagic && header.crc == format::header_crc(header);
}

const char* name(FrameState state) {
  switch (state) {
    case FrameState::empty: return "empty";
    case FrameState::filled: return "filled";
    case FrameState::published: return "published";
    case FrameState::rejected: return "rejected";
  }
  return "unknown state";
}

const char* name(std::uint8_t expectation) {
  switch (static_cast<Expect::Kind>(expectation)) {
    case Expect::Kind::any: return "any";
    case Expect::Kind::no_stream: return "no stream";
    case Expect::Kind::exists: return "exists";
    case Expect::Kind::exactly: return "exactly";
  }
  return "unknown";
}

std::string describe_keys(const char* what, const TagsView& keys) {
  std::string text;
  for (const std::string_view key : keys) {
    text += fmt::format("{}{} \"{}\"", text.empty() ? "" : ", ", what, escaped(key));
  }
  return text;
}

std::string describe_items(const format::StoredItems& items) {
  std::string text;
  for (const format::StoredItem& item : items) {
    text += text.empty() ? "(" : " or (";
    const char* between = "";
    for (const std::string& part :
         {describe_keys("stream", item.streams), describe_keys("type", item.types), describe_keys("tag", item.tags)}) {
      if (part.empty()) continue;
      text += between + part;
      between = "; ";
    }
    text += ')';
  }
  return text;
}

std::string time(std::int64_t nanos) { return format_time(Timestamp(std::chrono::nanoseconds(nanos))); }

std::string checked(std::uint32_t stored, std::uint32_t computed) {
  if (stored == computed) return fmt::format("{:#010x} ok", stored);
  return fmt::format("{:#010x} WRONG, computed {:#010x}", stored, computed);
}

}  // namespace

SegmentDump::SegmentDump(std::span<const std::byte> bytes, std::uint64_t number, const DumpOptions& options,
                         std::ostream& out)
    : bytes_(bytes), number_(number), options_(options), out_(out) {
  header_ = read<SegmentHeader>(bytes, 0);
  const auto copy = read<SegmentHeader>(bytes, format::kHeaderCopy);
  if (!is_whole(header_) && is_whole(copy)) header_ = copy;
  salt_ = format::segment_salt(header_);
  // The footer is a page before the end that the header gives, or that the file has.
  const std::uint64_t size = is_whole(header_) ? std::min<std::uint64_t>(header_.size, bytes.size()) : bytes.size();
  const std::uint64_t end = size < format::kDataStart + format::kPage ? 0 : format::data_end(size);
  data_ = bytes.first(end & ~(format::kAlign - 1));
}

std::uint64_t SegmentDump::run() {
  if (options_.offset == 0) {
    print_header(0);
    print_base();
    print_header(format::kHeaderCopy);
  }
  print_frames();
  if (frames_ < options_.frames_max) print_footer();
  write();
  return frames_;
}

void SegmentDump::write() {
  out_.write(text_.data(), static_cast<std::streamsize>(text_.size()));
  text_.clear();
}

void SegmentDump::print_header(std::uint64_t offset) {
  auto out = std::back_inserter(text_);
  if (offset + sizeof(SegmentHeader) > bytes_.size()) {
    fmt::format_to(out, "SegmentHeader @ {}  the file ends before it\n", offset);
    return;
  }
  const auto header = read<SegmentHeader>(bytes_, offset);
  fmt::format_to(out, "SegmentHeader @ {}\n", offset);
  fmt::format_to(out, "  magic           {:#018x} {}\n", header.magic,
                 header.magic == format::kSegmentMagic ? "ok" : "WRONG");
  fmt::format_to(out, "  format_version  {}\n  incompatible    {:#x}\n  compatible      {:#x}\n", header.format_version,
                 header.incompatible, header.compatible);
  fmt::format_to(out, "  log             {}\n  segment         {}\n", format_uuid(header.log),
                 format_uuid(header.segment));
  fmt::format_to(out, "  number          {}{}\n", header.number, header.number == number_ ? "" : " NOT AS IN ITS NAME");
  fmt::format_to(out, "  epoch           {}\n  size            {}\n", header.epoch, header.size);
  fmt::format_to(out, "  created_at      {}\n", time(header.created_at));
  fmt::format_to(out, "  crc             {}\n", checked(header.crc, format::header_crc(header)));
}

void SegmentDump::print_base() {
  const auto base = read<format::SegmentBase>(bytes_, format::kBaseOffset);
  const bool good = base.check == format::base_check(base.position, salt_);
  const bool none = base.position == 0 && base.check == 0;
  fmt::format_to(std::back_inserter(text_), "SegmentBase @ {}\n  position        {}\n  check           {:#018x} {}\n",
                 format::kBaseOffset, base.position, base.check,
                 none   ? "not written"
                 : good ? "ok"
                        : "WRONG");
}

void SegmentDump::print_footer() {
  auto out = std::back_inserter(text_);
  const std::uint64_t offset = data_.size();
  const auto footer = read<format::SegmentFooter>(bytes_, offset);
  if (footer.magic == 0 && footer.crc == 0) {
    fmt::format_to(out, "SegmentFooter @ {:#x}  none: neither closed nor sealed\n", offset);
    return;
  }
  const std::uint32_t crc = format::footer_crc(footer, salt_);
  const char* kind = footer.kind == format::SegmentFooter::closed   ? "closed"
                     : footer.kind == format::SegmentFooter::sealed ? "sealed"
                                                                    : "unknown";
  fmt::format_to(out, "SegmentFooter @ {:#x}\n  magic           {:#018x} {}\n", offset, footer.magic,
                 footer.magic == format::kFooterMagic ? "ok" : "WRONG");
  fmt::format_to(out, "  kind            {} {}\n  valid_end       {:#x}\n  hash_end        {:#x}\n", footer.kind, kind,
                 footer.valid_end, footer.hash_end);
  fmt::format_to(out, "  base_position   {}\n  events          {}\n  frames          {}\n", footer.base_position,
                 footer.events, footer.frames);
  fmt::format_to(out, "  recorded_first  {}\n  recorded_last   {}\n", time(footer.recorded_first),
                 time(footer.recorded_last));
  fmt::format_to(out, "  hash            {:016x}{:016x}\n  crc             {}\n", footer.hash_high, footer.hash_low,
                 checked(footer.crc, crc));
}

void SegmentDump::print_frames() {
  std::uint64_t offset = std::max(options_.offset, format::kDataStart) & ~(format::kAlign - 1);
  while (offset < data_.size() && frames_ < options_.frames_max && out_.good()) {
    offset = print_at(offset);
    if (text_.size() > (1u << 16)) write();
  }
}

std::uint64_t SegmentDump::print_at(std::uint64_t offset) {
  const FrameStatus status = format::check_frame(data_, offset, salt_, format::Check::checksums, number_);
  switch (status.kind) {
    case FrameStatus::Kind::empty: {
      const std::uint64_t end = skip_zeros(offset);
      fmt::format_to(std::back_inserter(text_), "@ {:#x}  {} zeros\n", offset, end - offset);
      return end;
    }
    case FrameStatus::Kind::undecided:
    case FrameStatus::Kind::decided:
    case FrameStatus::Kind::unknown:
      ++frames_;
      print_frame(offset, status);
      return offset + status.word.size();
    case FrameStatus::Kind::bad: break;
  }
  ++frames_;
  print_damage(offset, status);
  const std::uint64_t next = find_frame(offset + format::kAlign);
  fmt::format_to(std::back_inserter(text_), "  {} bytes up to {:#x} are no frame that verifies\n", next - offset, next);
  return next;
}

void SegmentDump::print_frame(std::uint64_t offset, const FrameStatus& status) {
  auto out = std::back_inserter(text_);
  const format::Word word = status.word;
  if (word.kind() == format::FrameKind::pad) {
    fmt::format_to(out, "@ {:#x}  pad, {} bytes\n", offset, word.size());
    return;
  }
  const auto header = read<format::FrameHeader>(data_, offset);
  fmt::format_to(out, "@ {:#x}  {}, {} bytes, {} events, {} streams", offset, name(word.state()), word.size(),
                 word.event_count(), word.stream_count());
  if (word.state() == FrameState::published) {
    fmt::format_to(out, ", position {}, recorded_at {}", header.position, time(header.recorded_at));
  } else if (word.state() == FrameState::rejected) {
    print_refusal(format::Refusal::unpack(header.recorded_at, header.position));
  }
  fmt::format_to(out, ", content_crc {:#010x} ok, decision_crc {:#010x}{}\n", header.content_crc, header.decision_crc,
                 word.decided() ? " ok" : "");
  if (status.kind == FrameStatus::Kind::unknown) {
    text_ += "  of a newer version\n";
  } else if (options_.events) {
    print_streams(offset, word);
  }
  if (options_.hex) append_hexdump(data_.subspan(offset, word.size()), offset, text_);
}

void SegmentDump::print_refusal(const format::Refusal& refusal) {
  auto out = std::back_inserter(text_);
  switch (refusal.reason) {
    case format::Refusal::Reason::expectation:
      fmt::format_to(out, ", stream {} was at version {}", refusal.index, refusal.actual);
      break;
    case format::Refusal::Reason::condition:
      fmt::format_to(out, ", condition {} was violated by position {}", refusal.index, refusal.actual);
      break;
    case format::Refusal::Reason::id:
      fmt::format_to(out, ", the id of event {} was in use at position {}", refusal.index, refusal.actual);
      break;
  }
}

void SegmentDump::print_damage(std::uint64_t offset, const FrameStatus& status) {
  const bool bits = std::strstr(status.error.what, "check") != nullptr;
  fmt::format_to(std::back_inserter(text_), "@ {:#x}  DAMAGED: {}: expected {}, found {}\n", offset, status.error.what,
                 bits ? fmt::format("{:#x}", status.error.expected) : fmt::format("{}", status.error.expected),
                 bits ? fmt::format("{:#x}", status.error.actual) : fmt::format("{}", status.error.actual));
  // Lengths and offsets may still hold together; then it can be shown what it was.
  const FrameStatus shape = format::check_frame(data_, offset, salt_, format::Check::structure, number_);
  const bool readable = shape.kind == FrameStatus::Kind::decided || shape.kind == FrameStatus::Kind::undecided;
  if (readable && shape.word.has_events() && options_.events) print_streams(offset, shape.word);
  const std::uint64_t size = options_.hex && readable ? shape.word.size() : kDamageShown;
  append_hexdump(data_.subspan(offset, std::min<std::uint64_t>(size, data_.size() - offset)), offset, text_);
}

void SegmentDump::print_streams(std::uint64_t offset, format::Word word) {
  auto out = std::back_inserter(text_);
  auto& frame = *reinterpret_cast<format::FrameHeader*>(const_cast<std::byte*>(data_.data() + offset));
  const format::Address floor = format::frame_floor(frame, word.stream_count());
  fmt::format_to(out, "  floor segment {} offset {:#x}\n", floor.segment, floor.offset);
  const format::StreamEntry* entries = format::stream_entries(frame, word.stream_count());
  log::FrameReader reader(frame, word);
  for (std::uint32_t i = 0; i < word.stream_count(); ++i) {
    const format::StreamEntry& entry = entries[i];
    fmt::format_to(out, "  stream \"{}\"  expects {}", escaped(format::stream_id(frame, entry)),
                   name(entry.expectation));
    if (entry.expectation == static_cast<std::uint8_t>(Expect::Kind::exactly)) {
      fmt::format_to(out, " {}", entry.expected_version);
    }
    fmt::format_to(out, ", assigned {}, {} events\n", format::assigned_at(frame, i), entry.event_count);
    EventView event;
    for (std::uint32_t j = 0; j < entry.event_count && reader.next(event); ++j) {
      fmt::format_to(out, "    type \"{}\", schema_version {}, payload {} bytes, metadata {} bytes, {} tags{}{}\n",
                     escaped(event.type), event.schema_version, event.payload.size(), event.metadata.size(),
                     event.tags.size(), event.id == nullptr ? "" : ", id " + format_uuid(*event.id),
                     event.has_occurred_at ? ", occurred_at " + format_time(event.occurred_at) : "");
    }
  }
  if (word.kind() == format::FrameKind::conditional) print_conditions(offset, word);
}

void SegmentDump::print_conditions(std::uint64_t offset, format::Word word) {
  const format::StoredBlock block(data_.data() + offset, word.size());
  auto out = std::back_inserter(text_);
  fmt::format_to(out, "  checked up to segment {} offset {:#x}{}\n", block.looked().segment, block.looked().offset,
                 block.unique_ids() ? ", ids are unique" : "");
  block.any([&](std::uint32_t, const format::StoredCondition& condition) {
    fmt::format_to(out, "  fails on a match after position {}: {}", condition.after,
                   condition.items.empty() ? "any event" : describe_items(condition.items));
    if (!condition.except.empty()) fmt::format_to(out, " except {}", describe_items(condition.except));
    const auto window = [&](const char* what, const std::optional<Timestamp>& at) {
      if (at) fmt::format_to(out, ", {} {}", what, format_time(*at));
    };
    window("recorded from", condition.recorded_from);
    window("recorded before", condition.recorded_before);
    window("occurred from", condition.occurred_from);
    window("occurred before", condition.occurred_before);
    text_ += '\n';
    return false;
  });
}

std::uint64_t SegmentDump::skip_zeros(std::uint64_t offset) const {
  while (offset < data_.size() && format::load_word(data_.data() + offset).bits == 0) offset += format::kAlign;
  return offset;
}

std::uint64_t SegmentDump::find_frame(std::uint64_t offset) const {
  for (; offset < data_.size(); offset += format::kAlign) {
    // Structure first: it costs next to nothing, and a checksum may run over megabytes.
    const auto is_whole_for = [&](format::Check check) {
      const FrameStatus status = format::check_frame(data_, offset, salt_, check, number_);
      return status.kind == FrameStatus::Kind::decided || status.kind == FrameStatus::Kind::undecided;
    };
    if (is_whole_for(format::Check::structure) && is_whole_for(format::Check::checksums)) break;
  }
  return std::min<std::uint64_t>(offset, data_.size());
}

}  // namespace daybook::tools
