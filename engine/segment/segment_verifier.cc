#include "segment/segment_verifier.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace daybook::segment {
namespace {

template <typename T>
T read(std::span<const std::byte> bytes, std::uint64_t offset) noexcept {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

class Verifier {
 public:
  Verifier(const Segment& segment, std::optional<Position> base) : segment_(segment), base_(base) {}

  Verification run() {
    check_header(0);
    check_header(format::kHeaderCopy);
    out_.footer = segment_.footer();
    check_base_hint();
    if (out_.footer) {
      const bool sealed = out_.footer->kind == format::SegmentFooter::sealed;
      out_.ending = sealed ? Verification::Ending::sealed : Verification::Ending::closed;
      if (!base_) base_ = out_.footer->base_position;
    }
    check_frames();
    check_end();
    out_.footer ? check_footer(*out_.footer) : check_zeros(segment_.data_end(), segment_.bytes().size(), "footer");
    check_header_page();
    return std::move(out_);
  }

 private:
  enum class Repair : bool { no, yes };

  void add(std::uint64_t offset, const char* what, std::uint64_t expected, std::uint64_t actual, Repair repair) {
    const auto behind = std::ranges::upper_bound(out_.findings, offset, {}, &Finding::offset);
    out_.findings.insert(behind, {offset, what, expected, actual, repair == Repair::yes});
  }

  // The first word that is not zero is reported, not each.
  void check_zeros(std::uint64_t from, std::uint64_t to, const char* what) {
    for (std::uint64_t at = from; at < to; at += format::kAlign) {
      const std::uint64_t found = format::load_word(segment_.bytes().data() + at).bits;
      if (found == 0) continue;
      add(at, what, 0, found, Repair::yes);
      return;
    }
  }

  // The segment was opened with the first copy that is whole; the other must say the same.
  void check_header(std::uint64_t offset) {
    const auto header = read<format::SegmentHeader>(segment_.bytes(), offset);
    if (std::memcmp(&header, &segment_.header(), sizeof(header)) == 0) return;
    const bool whole = header.magic == format::kSegmentMagic && header.crc == format::header_crc(header);
    if (whole) {
      add(offset, "headers differ", segment_.header().crc, header.crc, Repair::no);
    } else {
      add(offset, "segment header checksum", header.crc, format::header_crc(header), Repair::yes);
    }
  }

  void check_header_page() {
    check_zeros(sizeof(format::SegmentHeader), format::kBaseOffset, "unused bytes of the header page");
    check_zeros(format::kBaseOffset + sizeof(format::SegmentBase), format::kHeaderCopy,
                "unused bytes of the header page");
    check_zeros(format::kHeaderCopy + sizeof(format::SegmentHeader), format::kDataStart,
                "unused bytes of the header page");
  }

  // Zeros are fine in an open segment: publishing has not been here yet, or a crash took the hint.
  void check_base_hint() {
    const auto hint = read<format::SegmentBase>(segment_.bytes(), format::kBaseOffset);
    if (hint.position == 0 && hint.check == 0 && !out_.footer) return;
    const std::uint64_t check = format::base_check(hint.position, segment_.salt());
    if (hint.check != check) {
      add(format::kBaseOffset, "base position check", check, hint.check, Repair::yes);
    } else if (base_ && hint.position != *base_) {
      add(format::kBaseOffset, "base position", *base_, hint.position, Repair::no);
    } else if (!base_) {
      base_ = hint.position;
    }
  }

  void check_frames() {
    SegmentScanner scanner(segment_, base_);
    while (scanner.next() != nullptr) {
    }
    out_.prefix = scanner.prefix();
    out_.floor = out_.prefix.floor;
    // A pad reaches to the end of the data, and stands for zeros.
    if (out_.prefix.end > out_.prefix.frames_end) {
      check_zeros(out_.prefix.frames_end + sizeof(format::Word), out_.prefix.end, "bytes of a pad");
    }
  }

  // What stands where the frames end.
  void check_end() {
    const Prefix& prefix = out_.prefix;
    if (prefix.complete) return;
    const bool wrong =
        prefix.stop.kind == format::FrameStatus::Kind::bad || prefix.stop.kind == format::FrameStatus::Kind::unknown;
    if (out_.ending != Verification::Ending::open) {
      if (wrong) {
        const Error& error = prefix.stop.error;
        // Behind the end that the footer gives there is nothing to lose.
        const bool lost = prefix.frames_end < out_.footer->valid_end;
        add(prefix.end, error.what, error.expected, error.actual, lost ? Repair::no : Repair::yes);
      } else {
        check_zeros(prefix.end, segment_.data_end(), "bytes behind the last frame");
      }
      return;
    }
    out_.tail = scan_beyond(segment_, prefix.end);
    out_.floor = std::max(out_.floor, out_.tail.floor);
    const format::Address end{static_cast<std::uint32_t>(segment_.number()), static_cast<std::uint32_t>(prefix.end)};
    if (out_.floor.segment == end.segment && out_.floor > end) {
      const char* what = wrong ? prefix.stop.error.what : "synced frames are missing";
      add(prefix.end, what, wrong ? prefix.stop.error.expected : out_.floor.offset,
          wrong ? prefix.stop.error.actual : end.offset, Repair::no);
    } else if (prefix.stop.kind == format::FrameStatus::Kind::unknown) {
      add(prefix.end, prefix.stop.error.what, prefix.stop.error.expected, prefix.stop.error.actual, Repair::no);
    }
  }

  void check_footer(const format::SegmentFooter& footer) {
    const std::uint64_t at = segment_.data_end();
    const Prefix& prefix = out_.prefix;
    const auto expect = [&](const char* what, std::uint64_t expected, std::uint64_t actual, Repair repair) {
      if (expected != actual) add(at, what, expected, actual, repair);
    };
    expect("end of the frames", footer.valid_end, prefix.frames_end, Repair::no);
    expect("number of events", footer.events, prefix.events, Repair::no);
    expect("number of frames", footer.frames, prefix.frames, Repair::no);
    if (base_) expect("base position", *base_, footer.base_position, Repair::no);
    expect("time of the first event", static_cast<std::uint64_t>(prefix.recorded_first),
           static_cast<std::uint64_t>(footer.recorded_first), Repair::no);
    expect("time of the last event", static_cast<std::uint64_t>(prefix.recorded_last),
           static_cast<std::uint64_t>(footer.recorded_last), Repair::no);
    expect("end of the hash", std::min(footer.valid_end + sizeof(format::Word), at), footer.hash_end, Repair::no);
    check_zeros(at + sizeof(footer), segment_.bytes().size(), "unused bytes of the footer page");
    if (out_.ending == Verification::Ending::sealed) {
      if (!prefix.complete && prefix.frames_end == footer.valid_end) {
        add(prefix.end, "pad of a sealed segment", at, prefix.end, Repair::yes);
      }
      check_hash(footer);
    }
  }

  void check_hash(const format::SegmentFooter& footer) {
    if (footer.hash_end > segment_.data_end()) return;  // found already
    const format::Hash128 hash = format::xxh3_128(segment_.bytes().first(footer.hash_end));
    if (hash == format::Hash128{footer.hash_low, footer.hash_high}) return;
    const bool low = hash.low != footer.hash_low;
    // When every frame is whole, it is the header page or the pad that changed: found already, or a copy of the hint.
    const bool frames_whole = out_.prefix.frames_end == footer.valid_end && out_.prefix.events == footer.events;
    add(segment_.data_end(), "hash check of the segment", low ? footer.hash_low : footer.hash_high,
        low ? hash.low : hash.high, frames_whole ? Repair::yes : Repair::no);
  }

  const Segment& segment_;
  std::optional<Position> base_;
  Verification out_;
};

}  // namespace

Verification verify_segment(const Segment& segment, std::optional<Position> base) {
  return Verifier(segment, base).run();
}

Result<Verification> verify_segment(io::Directory& segments, std::uint64_t number, std::optional<Position> base) {
  const auto segment = Segment::open(segments, number, Segment::Load::copy);
  if (!segment) return fail(segment.error());
  const auto file = segments.open(format::segment_name(number), io::Directory::OpenMode::read);
  if (!file) return fail(file.error());
  const auto size = (*file)->size();
  if (!size) return fail(size.error());
  Verification verified = verify_segment(**segment, base);
  const std::uint64_t expected = (*segment)->header().size;
  if (*size > expected) verified.findings.push_back({expected, "segment file size", expected, *size, true});
  return verified;
}

}  // namespace daybook::segment
