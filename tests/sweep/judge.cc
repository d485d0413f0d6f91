#include "sweep/judge.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <daybook/store.h>

#include "log/frame_reader.h"
#include "log/live_page.h"
#include "log/recovery.h"
#include "segment/segment_verifier.h"
#include "store/store_access.h"

namespace daybook::test {

void Tally::add(const Tally& other) {
  images += other.images;
  refused += other.refused;
  cut += other.cut;
  flagged += other.flagged;
  healed += other.healed;
  harmless += other.harmless;
  undetected += other.undetected;
  read += other.read;
  tails += other.tails;
  if (!violation) violation = other.violation;
}

Judge::Judge(const Sample& sample) : sample_(sample) {
  store_.top = sample_.top;
  store_.segments = sample_.segments;
  std::string complaint;
  std::size_t events = 0;
  bool reported = false;
  if (!open_for_writing(complaint, events, reported)) fail_with("the sample is refused");
  recovered_ = store_.segments;
  restore();
}

void Judge::restore() {
  for (const std::string& name : store_.take_written()) {
    if (const auto it = sample_.top.find(name); it != sample_.top.end()) store_.top[name] = it->second;
    if (const auto it = sample_.segments.find(name); it != sample_.segments.end()) {
      store_.segments[name] = it->second;
    } else {
      store_.segments.erase(name);
    }
  }
}

bool Judge::changed() const { return store_.top != sample_.top || store_.segments != sample_.segments; }

void Judge::fail_with(const std::string& text) {
  if (!tally_.violation) tally_.violation = text;
}

// What log::Writer::open does, up to the point where it would begin to append. True: it would.
bool Judge::open_for_writing(std::string& complaint, std::size_t& events, bool& reported) {
  const auto& history = sample_.history->events();
  const auto directory = store_.open();
  const auto segments = directory->subdirectory(format::kSegmentsName, false);
  const auto live = log::LivePage::open_writer(*directory);
  if (!live) return false;
  const auto visit = [&](const format::FrameHeader& frame, format::Word word) {
    log::FrameReader reader(frame, word);
    EventView event;
    while (reader.next(event)) {
      if (events >= history.size()) {
        complaint = "an event that was never appended";
      } else if (event.position != events + 1) {
        complaint = "a wrong position";
      } else if (auto difference = history[events].difference(event)) {
        complaint = *difference;
      }
      ++events;
    }
  };
  const auto recovered = log::recover(
      **segments, [&](const Uuid& log) { return (*live)->durable(log); }, visit);
  if (!recovered) {
    complaint.clear();  // what was seen on the way does not count: nothing is shown of it
    return false;
  }
  if (recovered->position != events) complaint = "positions do not add up";
  // That a store which was closed was not is said, too.
  const RecoveryReport& report = recovered->report;
  reported = report.unclean && (report.bytes_cut > 0 || report.frames_cut > 0 || !sample_.killed);
  return true;
}

bool Judge::verifier_complains() {
  const auto segments = store_.open()->subdirectory(format::kSegmentsName, false);
  Position base = 0;
  for (const auto& [name, bytes] : store_.segments) {
    const auto number = format::parse_segment_name(name);
    const auto verified = segment::verify_segment(**segments, number.value_or(0), base);
    if (!verified || !verified->findings.empty()) return true;
    if (verified->tail.bytes > 0 && !sample_.killed) return true;
    base += verified->prefix.events;
  }
  return false;
}

std::size_t Judge::first_of_last_segment() const {
  const auto& bytes = sample_.segments.at(format::segment_name(1));
  format::SegmentFooter footer;
  std::memcpy(&footer, bytes.data() + format::data_end(bytes.size()), sizeof(footer));
  return footer.events;
}

void Judge::read_all(const std::function<std::string()>& what, bool reported) {
  const auto& history = sample_.history->events();
  auto store = StoreAccess::open(store_.open(), {.mode = Mode::read_only});
  if (!store) return;
  // When the first segment is gone, what is left begins later; a reader cannot know that it was not compacted away.
  std::size_t events = store_.segments.contains(format::segment_name(1)) ? 0 : first_of_last_segment();
  Cursor cursor = store->read({.verify = true});
  while (const EventView* const event = cursor.next()) {
    if (events >= history.size()) return fail_with(what() + ": read-only: an event that was never appended");
    if (event->position != events + 1) return fail_with(what() + ": read-only: position");
    if (const auto difference = history[events].difference(*event)) {
      return fail_with(what() + ": read-only: " + *difference);
    }
    ++events;
  }
  if (events == history.size() || cursor.error()) return;
  if (sample_.killed && events >= sample_.durable && reported) return;
  fail_with(what() + ": read-only: ends after " + std::to_string(events) + " of " + std::to_string(history.size()) +
            " events without an error");
}

void Judge::judge(const Damage& damage, bool read, const std::function<std::string()>& what) {
  ++tally_.images;
  damage(store_);
  if (read) {
    ++tally_.read;
    read_all(what, true);  // nobody has recovered it, so there is no report
  }
  std::string complaint;
  std::size_t events = 0;
  bool reported = false;
  const bool opened = open_for_writing(complaint, events, reported);
  if (!complaint.empty()) fail_with(what() + ": " + complaint);
  if (!opened) {
    ++tally_.refused;
  } else if (events < sample_.history->events().size()) {
    ++tally_.cut;
    if (!sample_.killed || events < sample_.durable || !reported) {
      fail_with(what() + ": cut in silence to " + std::to_string(events) + " events");
    }
  } else if (reported) {
    ++tally_.flagged;
  } else if (store_.segments == recovered_) {
    ++tally_.healed;
  } else {
    // Recovery may have written; look at the damage again.
    restore();
    damage(store_);
    if (!changed()) {
      ++tally_.harmless;
    } else if (verifier_complains()) {
      ++tally_.flagged;
    } else {
      ++tally_.undetected;
      fail_with(what() + ": undetected");
    }
  }
  restore();
  damage(store_);
  open_tail(what);
  restore();
}

// What log::Writer::open does, and then a reader who verifies: damage to what was not read at open is the reader's to
// find, and what was cut is in the report.
void Judge::open_tail(const std::function<std::string()>& what) {
  const auto directory = store_.open();
  const auto segments = directory->subdirectory(format::kSegmentsName, false);
  const auto live = log::LivePage::open_writer(*directory);
  if (!live) return;
  const auto recovered = log::recover(
      **segments, [&](const Uuid& log) { return (*live)->durable(log); },
      [](const format::FrameHeader&, format::Word) {}, log::Scope::tail);
  if (!recovered) return;
  ++tally_.tails;
  const RecoveryReport& report = recovered->report;
  read_all([&] { return "tail: " + what(); }, report.unclean && (report.bytes_cut > 0 || report.frames_cut > 0));
}

}  // namespace daybook::test
