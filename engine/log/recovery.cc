#include "log/recovery.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "index/checkpoint.h"
#include "log/sealed_segment.h"
#include "segment/segment.h"
#include "segment/zero_check.h"

namespace daybook::log {
namespace {

using segment::Beyond;
using segment::Prefix;
using segment::Segment;
using segment::SegmentScanner;

constexpr int _ = -1;
constexpr std::array kTable = {
    // sealed, closed, complete, unsupported, promised, last
    DecisionRule{1, 0, 1, 0, _, _, Decision::accept},   // whatever was promised of it is there
    DecisionRule{1, 0, 0, 0, _, _, Decision::corrupt},  // a sealed segment was durable to its end
    DecisionRule{0, 1, 1, 0, 0, 1, Decision::go_on},
    DecisionRule{0, 1, 1, 0, 1, 1, Decision::corrupt},  // more was durable than the close says
    DecisionRule{0, 1, 1, 0, _, 0, Decision::corrupt},  // the footer goes before anything is appended
    DecisionRule{0, 1, 0, 0, _, _, Decision::corrupt},  // a close is durable to its end
    DecisionRule{0, 0, 1, 0, _, _, Decision::finish},   // a promise of more is a later segment's matter
    DecisionRule{0, 0, 0, 0, 0, _, Decision::cut},      // out-of-order write-back: later segments prove nothing
    DecisionRule{0, 0, 0, 0, 1, _, Decision::corrupt},  // the disk lost what it had promised
    DecisionRule{_, _, _, 1, _, _, Decision::refuse},
};

bool matches(int rule, bool sign) noexcept { return rule == _ || rule == static_cast<int>(sign); }

bool matches(const DecisionRule& rule, const SegmentSigns& signs) noexcept {
  return matches(rule.sealed, signs.sealed) && matches(rule.closed, signs.closed) &&
         matches(rule.complete, signs.complete) && matches(rule.unsupported, signs.unsupported) &&
         matches(rule.promised, signs.promised) && matches(rule.last, signs.last);
}

// One segment and what the scan of it says.
struct Scanned {
  explicit Scanned(std::shared_ptr<Segment> opened) : segment(std::move(opened)) {}

  std::shared_ptr<Segment> segment;
  std::optional<format::SegmentFooter> footer;
  Prefix prefix;
  Beyond beyond;
  Position base = 0;
  std::uint64_t zero_until = 0;  // from the end of the prefix, unless something is beyond it
  std::uint64_t stray = 0;       // offset of something that is behind the end of a closed segment; 0 = nothing is known

  [[nodiscard]] bool is(format::SegmentFooter::Kind kind) const noexcept { return footer && footer->kind == kind; }
  [[nodiscard]] format::Address end() const noexcept { return at(prefix.end); }
  [[nodiscard]] format::Address at(std::uint64_t offset) const noexcept {
    return {static_cast<std::uint32_t>(segment->number()), static_cast<std::uint32_t>(offset)};
  }
  [[nodiscard]] bool holds_something() const noexcept { return prefix.end > format::kDataStart || beyond.bytes > 0; }
};

Error corrupt(const char* what, std::uint64_t segment, std::uint64_t offset, std::uint64_t expected,
              std::uint64_t actual) noexcept {
  return {.code = Errc::corrupt,
          .what = what,
          .segment = segment,
          .offset = offset,
          .expected = expected,
          .actual = actual};
}

class Recovery {
 public:
  Recovery(io::Directory& segments, const VisitFrame& visit, Scope scope, const CoveredSegments& covered)
      : segments_(segments), visit_(visit), scope_(scope), covered_(covered) {}

  Result<Recovered> run(const std::function<std::optional<format::Address>(const Uuid&)>& mark) {
    DAYBOOK_TRY(open_all());
    if (scanned_.empty()) {
      DAYBOOK_TRY(remove_temporaries());
      return result_;
    }
    const Uuid log = scanned_.front().segment->header().log;
    if (const auto durable = mark(log); durable && plausible(*durable)) floor_ = *durable;
    DAYBOOK_TRY(scan_all());
    const auto cut_at = decide_all();
    if (!cut_at) return fail(cut_at.error());
    DAYBOOK_TRY(remove_temporaries());
    result_.log = log;
    result_.segment_size = scanned_.front().segment->header().size;
    DAYBOOK_TRY(act(*cut_at));
    return result_;
  }

 private:
  // LOCK is never synced, so a power cut may leave noise in it, and its checks are short ones. A mark that can be no
  // address near this log is noise; so many files do not get lost at once.
  bool plausible(const format::Address& mark) const noexcept {
    constexpr std::uint64_t kMissingMax = 1024;
    const Segment& last = *scanned_.back().segment;
    return mark.segment <= last.number() + kMissingMax && mark.offset >= format::kDataStart &&
           mark.offset <= last.data_end();
  }

  Result<void> open_all() {
    const auto names = segments_.list();
    if (!names) return fail(names.error());
    std::vector<std::uint64_t> numbers;
    for (const std::string& name : *names) {
      if (const auto number = format::parse_segment_name(name)) numbers.push_back(*number);
      if (format::is_temporary_name(name)) temporaries_.push_back(name);
    }
    std::ranges::sort(numbers);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const std::uint64_t expected = numbers.front() + i;
      if (numbers[i] != expected) return fail(corrupt("segment missing", expected, 0, expected, numbers[i]));
    }
    for (const std::uint64_t number : std::span(numbers).subspan(count_covered(numbers))) {
      auto segment = open_fresh(number);
      if (!segment) return fail(segment.error());
      const auto& header = (*segment)->header();
      if (!scanned_.empty()) {
        const auto& before = scanned_.back().segment->header();
        if (header.log != before.log) return fail(corrupt("segment of another log", number, 0, 0, 0));
        if (header.size != before.size) return fail(corrupt("segment size", number, 0, before.size, header.size));
        if (header.epoch < before.epoch) return fail(corrupt("epoch", number, 0, before.epoch, header.epoch));
      }
      scanned_.emplace_back(std::move(*segment));
    }
    return {};
  }

  // How many segments need not be opened.
  [[nodiscard]] std::size_t count_covered(std::span<const std::uint64_t> numbers) const {
    if (!covered_ || scope_ != Scope::tail || numbers.empty()) return 0;
    const auto newest = Segment::open(segments_, numbers.back());
    if (!newest) return 0;
    const auto table = covered_((*newest)->header().log);
    if (table.empty() || !index::covers_first_of(table, numbers)) return 0;
    const auto last = Segment::open(segments_, table.back().number);
    return last && is_as_covered(**last, table.back()) ? table.size() - 1 : 0;
  }

  // After a failed sync the page cache may show what the disk never got. A segment that is not known to be durable is
  // therefore read from the disk.
  Result<std::shared_ptr<Segment>> open_fresh(std::uint64_t number) {
    auto segment = Segment::open(segments_, number);
    if (!segment || (*segment)->footer()) return segment;
    segment->reset();  // mapped pages cannot be dropped
    auto file = segments_.open(format::segment_name(number), io::Directory::OpenMode::read);
    if (!file) return fail(file.error());
    (*file)->drop_cache(0);
    return Segment::open(segments_, number);
  }

  // Everything up to the first flaw is visited; behind it only floors matter.
  Result<void> scan_all() {
    Position position = 0;
    bool intact = true;
    bool reading = scope_ == Scope::whole;
    for (Scanned& at : scanned_) {
      at.footer = at.segment->footer();
      if (at.is(format::SegmentFooter::sealed)) {
        if (scanned_.front().segment == at.segment) position = at.footer->base_position;
        if (intact && at.footer->base_position != position) {
          return fail(corrupt("base position of a sealed segment", at.segment->number(), at.segment->data_end(),
                              position, at.footer->base_position));
        }
      }
      at.base = position;
      // Footers are written in the order of the log. Behind one that is missing all is read, so that what a stream was
      // last is what is visited last.
      if (!at.footer) reading = true;
      if (reading) {
        read(at, intact);
      } else {
        DAYBOOK_TRY(take_footer(at));
        result_.unread = position + at.prefix.events;
      }
      floor_ = std::max({floor_, at.prefix.floor, at.beyond.floor});
      if (intact && at.prefix.frames > 0) {
        if (at.prefix.recorded_first < clock_) {
          return fail(corrupt("recorded-at time", at.segment->number(), format::kDataStart,
                              static_cast<std::uint64_t>(clock_),
                              static_cast<std::uint64_t>(at.prefix.recorded_first)));
        }
        clock_ = at.prefix.recorded_last;
      }
      position += at.prefix.events;
      if (!ends_as_said(at)) intact = false;
    }
    return {};
  }

  void read(Scanned& at, bool intact) {
    const auto file = segments_.open(format::segment_name(at.segment->number()), io::Directory::OpenMode::read);
    const std::vector<segment::DataRange> data =
        file ? segment::find_data(**file, at.segment->data_end())
             : std::vector<segment::DataRange>{{.begin = 0, .end = at.segment->data_end()}};
    SegmentScanner scanner(*at.segment, intact ? std::optional(at.base) : std::nullopt);
    while (const format::FrameHeader* frame = scanner.next()) {
      if (!intact || scanner.word().state() != format::FrameState::published) continue;
      visit_(*frame, scanner.word());
    }
    at.prefix = scanner.prefix();
    at.zero_until = at.segment->data_end();
    if (!at.prefix.complete) at.beyond = segment::scan_beyond(*at.segment, at.prefix.end, data);
  }

  // What it says is not checked against the frames: it was written when they were durable, and its checksum is of this
  // log, segment and epoch. But nothing in it may lead outside the file. The floors of these frames say nothing new: each
  // was durable, and so is before its own frame.
  Result<void> take_footer(Scanned& at) {
    const format::SegmentFooter& said = *at.footer;
    const std::uint64_t number = at.segment->number();
    const std::uint64_t end = at.segment->data_end();
    if (said.valid_end < format::kDataStart || said.valid_end > end || said.valid_end % format::kAlign != 0) {
      return fail(corrupt("end of the frames in a footer", number, end, end, said.valid_end));
    }
    const std::uint64_t frames_max = (said.valid_end - format::kDataStart) / format::kFrameSizeMin;
    const std::uint64_t events_max = (said.valid_end - format::kDataStart) / sizeof(format::EventHeader);
    if (said.frames > frames_max || said.events < said.frames || said.events > events_max ||
        (said.frames == 0 && said.events != 0)) {
      return fail(corrupt("number of events in a footer", number, end, events_max, said.events));
    }
    if (said.base_position != at.base) {
      return fail(corrupt("base position in a footer", number, end, at.base, said.base_position));
    }
    if (said.recorded_last < said.recorded_first) {
      return fail(corrupt("recorded-at time in a footer", number, end, static_cast<std::uint64_t>(said.recorded_first),
                          static_cast<std::uint64_t>(said.recorded_last)));
    }
    at.prefix.end = at.is(format::SegmentFooter::sealed) ? end : said.valid_end;
    at.prefix.frames_end = said.valid_end;
    at.prefix.frames = said.frames;
    at.prefix.events = said.events;
    at.prefix.recorded_first = said.recorded_first;
    at.prefix.recorded_last = said.recorded_last;
    if (at.is(format::SegmentFooter::closed)) DAYBOOK_TRY(look_behind(at));
    at.prefix.complete = at.prefix.end == end;
    return {};
  }

  // A closed segment is gone on with, where a stray word behind its frames would be taken for a claim or a decision. All
  // is zero there, but for a pad that closes the segment. Only the beginning is looked at now; the writer looks at the
  // rest before it appends there.
  Result<void> look_behind(Scanned& at) {
    constexpr std::uint64_t kAtOpen = 1u << 20;
    at.zero_until = at.prefix.end;
    if (at.prefix.end == at.segment->data_end()) return {};
    const format::FrameStatus next = at.segment->check(at.prefix.end, format::Check::structure);
    if (next.kind == format::FrameStatus::Kind::decided && next.word.kind() == format::FrameKind::pad &&
        at.prefix.end + next.word.size() == at.segment->data_end()) {
      at.prefix.end = at.zero_until = at.segment->data_end();
      return {};
    }
    at.zero_until = std::min(at.prefix.end + kAtOpen, at.segment->data_end());
    const auto file = segments_.open(format::segment_name(at.segment->number()), io::Directory::OpenMode::read);
    if (!file) return fail(about(at, file.error()));
    const auto found = segment::find_nonzero(**file, at.prefix.end, at.zero_until);
    if (!found) return fail(about(at, found.error()));
    if (*found) {
      at.stray = **found;
      at.beyond.bytes = format::kAlign;
    }
    return {};
  }

  static bool ends_as_said(const Scanned& at) noexcept {
    if (!at.footer) return at.prefix.complete;
    return at.prefix.frames_end == at.footer->valid_end && at.prefix.events == at.footer->events &&
           at.prefix.frames == at.footer->frames &&
           (at.is(format::SegmentFooter::closed) ? at.beyond.bytes == 0 : at.prefix.complete);
  }

  SegmentSigns signs(std::size_t index) const noexcept {
    const Scanned& at = scanned_[index];
    SegmentSigns signs;
    signs.sealed = at.is(format::SegmentFooter::sealed);
    signs.closed = at.is(format::SegmentFooter::closed);
    signs.complete = ends_as_said(at);
    signs.unsupported = at.prefix.stop.kind == format::FrameStatus::Kind::unknown;
    signs.promised = floor_ > at.end();
    signs.last = std::none_of(scanned_.begin() + static_cast<std::ptrdiff_t>(index) + 1, scanned_.end(),
                              [](const Scanned& later) { return later.holds_something(); });
    return signs;
  }

  // The index of the segment where the log ends: cut, or gone on with; or past the last.
  Result<std::size_t> decide_all() {
    for (std::size_t i = 0; i < scanned_.size(); ++i) {
      const Scanned& at = scanned_[i];
      switch (decide(signs(i))) {
        case Decision::accept:
        case Decision::finish: break;
        case Decision::go_on:
        case Decision::cut: return i;
        case Decision::refuse: return fail(at.prefix.stop.error);
        case Decision::corrupt: return fail(flaw(at));
      }
    }
    // A durable address beyond the last segment: a whole file is gone.
    if (floor_ > scanned_.back().end()) {
      return fail(corrupt("durable log ends early", floor_.segment, floor_.offset, floor_.packed(),
                          scanned_.back().end().packed()));
    }
    return scanned_.size();
  }

  Error flaw(const Scanned& at) const noexcept {
    if (at.stray != 0) return corrupt("bytes behind the end of the log", at.segment->number(), at.stray, 0, 0);
    if (at.prefix.stop.kind == format::FrameStatus::Kind::bad) return at.prefix.stop.error;
    if (at.footer && at.prefix.frames_end != at.footer->valid_end) {
      return corrupt("end of the frames", at.segment->number(), at.prefix.end, at.footer->valid_end,
                     at.prefix.frames_end);
    }
    if (at.footer && at.prefix.events != at.footer->events) {
      return corrupt("number of events", at.segment->number(), at.segment->data_end(), at.footer->events,
                     at.prefix.events);
    }
    return corrupt("synced frames are missing", at.segment->number(), at.prefix.end, floor_.packed(),
                   at.end().packed());
  }

  Result<void> remove_temporaries() {
    for (const std::string& name : temporaries_) DAYBOOK_TRY(segments_.remove(name));
    return {};
  }

  Result<void> act(std::size_t end_index) {
    const bool cut = end_index < scanned_.size() && !scanned_[end_index].is(format::SegmentFooter::closed);
    DAYBOOK_TRY(remove_behind(end_index));
    for (std::size_t i = 0; i < std::min(end_index, scanned_.size()); ++i) {
      if (!scanned_[i].footer) DAYBOOK_TRY(seal(scanned_[i]));
    }
    if (cut) DAYBOOK_TRY(cut_off(scanned_[end_index]));
    const Scanned& last = scanned_[std::min(end_index, scanned_.size() - 1)];
    result_.position = last.base + last.prefix.events;
    result_.next_number = last.segment->number() + 1;
    result_.epoch = last.segment->header().epoch;
    result_.clock = clock_;
    if (last.is(format::SegmentFooter::closed)) {
      result_.go_on = last.prefix;
      result_.zero_until = last.zero_until;
      result_.go_on_base = last.base;
      return {};
    }
    ++result_.epoch;
    result_.report.unclean = true;
    if (!cut) {
      result_.report.segment = last.segment->number();
      result_.report.offset = last.prefix.end;
    }
    return {};
  }

  // From the back, each durable before the next, so that what a crash leaves of it is always without a gap: names that
  // are not synced may go in any order.
  Result<void> remove_behind(std::size_t end_index) {
    if (end_index + 1 >= scanned_.size()) return {};
    for (std::size_t i = scanned_.size() - 1; i > end_index; --i) {
      result_.report.bytes_cut += scanned_[i].prefix.end - format::kDataStart + scanned_[i].beyond.bytes;
      result_.report.frames_cut += scanned_[i].prefix.frames + scanned_[i].beyond.frames;
      DAYBOOK_TRY(segments_.remove(format::segment_name(scanned_[i].segment->number())));
      DAYBOOK_TRY(segments_.sync());
    }
    return {};
  }

  // Zeroes what lies behind the prefix, so that it can never come back; then pads, then seals, each durable before the
  // next: a crash in between leaves a torn tail at the same place, or a complete segment.
  Result<void> cut_off(Scanned& at) {
    result_.report.segment = at.segment->number();
    result_.report.offset = at.prefix.end;
    result_.report.bytes_cut += at.beyond.bytes;
    result_.report.frames_cut += at.beyond.frames;
    auto file = segments_.open(format::segment_name(at.segment->number()), io::Directory::OpenMode::read_write);
    if (!file) return fail(about(at, file.error()));
    if (auto done = describe_base(**file, at); !done) return fail(about(at, done.error()));
    const std::uint64_t size = at.segment->data_end() - at.prefix.end;
    if (auto done = (*file)->punch(at.prefix.end, size); !done) return fail(about(at, done.error()));
    if (auto done = (*file)->sync(); !done) return fail(about(at, done.error()));
    const format::Word pad = format::Word::pad(size, at.prefix.end, at.segment->salt());
    const auto bytes = std::as_bytes(std::span(&pad.bits, 1));
    if (auto done = (*file)->write_at(at.prefix.end, bytes); !done) return fail(about(at, done.error()));
    if (auto done = (*file)->sync(); !done) return fail(about(at, done.error()));
    at.prefix.end = at.segment->data_end();
    at.prefix.complete = true;
    if (auto done = write_footer(**file, *at.segment, at.prefix, at.base, format::SegmentFooter::sealed); !done) {
      return fail(about(at, done.error()));
    }
    return {};
  }

  Result<void> seal(Scanned& at) {
    auto file = segments_.open(format::segment_name(at.segment->number()), io::Directory::OpenMode::read_write);
    if (!file) return fail(about(at, file.error()));
    if (auto done = describe_base(**file, at); !done) return fail(about(at, done.error()));
    if (auto done = (*file)->sync(); !done) return fail(about(at, done.error()));
    if (auto done = write_footer(**file, *at.segment, at.prefix, at.base, format::SegmentFooter::sealed); !done) {
      return fail(about(at, done.error()));
    }
    return {};
  }

  // A crash may have left nothing of the hint, or noise, and a seal is for ever. Alone in its sector.
  static Result<void> describe_base(io::File& file, const Scanned& at) {
    const format::SegmentBase base{at.base, format::base_check(at.base, at.segment->salt())};
    return file.write_at(format::kBaseOffset, std::as_bytes(std::span(&base, 1)));
  }

  static Error about(const Scanned& at, Error error) noexcept {
    error.segment = at.segment->number();
    return error;
  }

  io::Directory& segments_;
  const VisitFrame& visit_;
  const Scope scope_;
  const CoveredSegments& covered_;
  std::vector<std::string> temporaries_;
  std::vector<Scanned> scanned_;
  format::Address floor_{};  // the largest that anything says was durable
  std::int64_t clock_ = 0;   // recorded-at of the last event of the intact part
  Recovered result_;
};

}  // namespace

std::span<const DecisionRule> decision_table() noexcept { return kTable; }

bool possible(const SegmentSigns& signs) noexcept { return !(signs.sealed && signs.closed); }

Decision decide(const SegmentSigns& signs) noexcept {
  for (const DecisionRule& rule : kTable) {
    if (matches(rule, signs)) return rule.decision;
  }
  return Decision::corrupt;
}

Result<Recovered> recover(io::Directory& segments,
                          const std::function<std::optional<format::Address>(const Uuid&)>& mark,
                          const VisitFrame& visit, Scope scope, const CoveredSegments& covered) {
  return Recovery(segments, visit, scope, covered).run(mark);
}

Result<void> write_footer(io::File& file, const segment::Segment& segment, const segment::Prefix& prefix, Position base,
                          format::SegmentFooter::Kind kind) {
  format::SegmentFooter footer{};
  footer.magic = format::kFooterMagic;
  footer.kind = kind;
  footer.valid_end = prefix.frames_end;
  footer.hash_end = std::min(prefix.frames_end + sizeof(format::Word), segment.data_end());
  footer.base_position = base;
  footer.events = prefix.events;
  footer.frames = prefix.frames;
  footer.recorded_first = prefix.recorded_first;
  footer.recorded_last = prefix.recorded_last;
  if (kind == format::SegmentFooter::sealed) {
    const format::Hash128 hash = format::xxh3_128(segment.bytes().first(footer.hash_end));
    footer.hash_low = hash.low;
    footer.hash_high = hash.high;
  }
  footer.crc = format::footer_crc(footer, segment.salt());
  DAYBOOK_TRY(file.write_at(segment.data_end(), std::as_bytes(std::span(&footer, 1))));
  return file.sync();
}

}  // namespace daybook::log
