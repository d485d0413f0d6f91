#include "crash/image.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <daybook/store.h>

#include "log/frame_reader.h"
#include "log/live_page.h"
#include "segment/segment_verifier.h"
#include "store/store_access.h"

namespace daybook::test {
namespace {

std::string count_text(std::size_t n) { return std::to_string(n); }

// Compares frames as recovery visits them.
class Comparison {
 public:
  explicit Comparison(const History& history) : history_(history) {}

  // Comes in the middle: goes on behind event `events`.
  void skip_to(std::size_t events) { events_ = events; }

  void visit(const format::FrameHeader& frame, format::Word word) {
    if (violation_) return;
    log::FrameReader reader(frame, word);
    EventView event;
    while (reader.next(event)) compare(event);
    if (!violation_ && history_.events()[events_ - 1].frame_end != events_) {
      violation_ = "a frame ends after event " + count_text(events_) + ", where none did";
    }
  }

  void compare(const EventView& event) {
    if (violation_) return;
    const std::size_t index = events_++;
    if (index >= history_.events().size()) {
      violation_ = "event " + count_text(index + 1) + " was never appended";
    } else if (event.position != index + 1) {
      violation_ = "event " + count_text(index + 1) + " has position " + count_text(event.position);
    } else if (auto difference = history_.events()[index].difference(event)) {
      violation_ = "event " + count_text(index + 1) + ": " + *difference;
    }
  }

  [[nodiscard]] Verdict verdict(const Expected& expected) const {
    if (violation_) return {events_, violation_};
    if (events_ < expected.least) {
      return {events_, count_text(events_) + " events are left of " + count_text(expected.least) + " acknowledged"};
    }
    if (events_ > expected.most) {
      return {events_, count_text(events_) + " events where only " + count_text(expected.most) + " were appended"};
    }
    return {events_, std::nullopt};
  }

 private:
  const History& history_;
  std::size_t events_ = 0;
  std::optional<std::string> violation_;
};

Result<log::Recovered> recover(io::Directory& store, const log::VisitFrame& visit, log::Scope scope) {
  // In the order of log::Writer::open.
  auto segments = store.subdirectory(format::kSegmentsName, true);
  if (!segments) return fail(segments.error());
  const auto lock = store.lock(format::kLockName);
  if (!lock) return fail(lock.error());
  const auto live = log::LivePage::open_writer(store);
  if (!live) return fail(live.error());
  return log::recover(
      **segments, [&](const Uuid& log) { return (*live)->durable(log); }, visit, scope);
}

Verdict compare_all(Store& store, const Expected& expected, Direction direction) {
  if (direction == Direction::forward) {
    Comparison comparison(*expected.history);
    Cursor cursor = store.read({.verify = true});
    while (const EventView* const event = cursor.next()) comparison.compare(*event);
    if (const auto error = cursor.error()) return {0, "reading: " + describe(*error)};
    return comparison.verdict(expected);
  }
  Cursor cursor = store.read({.direction = Direction::backward, .verify = true});
  std::size_t left = store.published_position();
  while (const EventView* const event = cursor.next()) {
    if (event->position != left || left == 0) return {left, "backward: position " + count_text(event->position)};
    if (auto difference = expected.history->events()[left - 1].difference(*event)) return {left, difference};
    --left;
  }
  if (const auto error = cursor.error()) return {0, "reading backward: " + describe(*error)};
  if (left != 0) return {left, "backward: ends before event " + count_text(left)};
  return {};
}

// The first file below segments/ that is not the same on both.
std::optional<std::string> different_file(const SimDisk& one, const SimDisk& other) {
  std::vector<std::vector<std::string>> names;
  for (const SimDisk* disk : {&one, &other}) {
    auto segments = disk->open()->subdirectory(format::kSegmentsName, false);
    if (!segments) return describe(segments.error());
    names.push_back((*segments)->list().value_or(std::vector<std::string>{}));
    std::ranges::sort(names.back());
  }
  if (names[0] != names[1]) return "other files are left";
  for (const std::string& name : names[0]) {
    const std::string path = std::string(format::kSegmentsName) + "/" + name;
    if (one.newest(path) != other.newest(path)) return name + " is another";
  }
  return std::nullopt;
}

std::optional<std::string> findings(const SimDisk& disk) {
  auto segments = disk.open()->subdirectory(format::kSegmentsName, false);
  if (!segments) return describe(segments.error());
  const auto names = (*segments)->list();
  for (const std::string& name : *names) {
    if (format::parse_sidecar_name(name)) continue;  // checked by what it answers: compare_indexes()
    const auto number = format::parse_segment_name(name);
    if (!number) return "a file is left behind: " + name;
    const auto verified = segment::verify_segment(**segments, *number, std::nullopt);
    if (!verified) return "verify: " + describe(verified.error());
    for (const segment::Finding& finding : verified->findings) {
      return "segment " + count_text(*number) + " @ " + count_text(finding.offset) + ": " + finding.what;
    }
  }
  return std::nullopt;
}

// How often each key is among the first events of a history.
using KeyCounts = std::map<std::string, std::uint64_t, std::less<>>;

std::optional<std::string> difference(const char* kind, const Result<std::vector<KeyCount>>& found,
                                      const KeyCounts& expected) {
  if (!found) return std::string(kind) + ": " + describe(found.error());
  if (found->size() != expected.size()) return std::string(kind) + ": " + count_text(found->size()) + " keys";
  for (const KeyCount& key : *found) {
    const auto at = expected.find(key.key);
    if (at == expected.end() || at->second != key.events) return std::string(kind) + ": " + key.key;
  }
  return std::nullopt;
}

// I6: whatever sidecars there are, indexes answer as the log itself does.
std::optional<std::string> compare_indexes(const Store& store, const History& history, std::size_t events) {
  KeyCounts streams;
  KeyCounts types;
  KeyCounts tags;
  for (std::size_t i = 0; i < events; ++i) {
    const StoredEvent& event = history.events()[i];
    ++streams[event.stream];
    ++types[event.type];
    const std::set<std::string> distinct(event.tags.begin(), event.tags.end());
    for (const std::string& tag : distinct) ++tags[tag];
  }
  if (auto text = difference("streams", store.streams(), streams)) return text;
  if (auto text = difference("types", store.types(), types)) return text;
  if (auto text = difference("tags", store.tags(), tags)) return text;
  for (const auto& [stream, count] : streams) {
    Cursor cursor = store.read_stream(stream);
    std::uint64_t version = 0;
    while (const EventView* const event = cursor.next()) {
      if (event->version != ++version || event->stream != stream) return "a stream read by index: " + stream;
    }
    if (version != count) return "a stream read by index: " + stream;
  }
  return std::nullopt;
}

}  // namespace

Verdict recover_and_compare(const SimDisk& disk, const Expected& expected) {
  const auto store = disk.open();
  Comparison comparison(*expected.history);
  const auto recovered = recover(
      *store, [&](const format::FrameHeader& frame, format::Word word) { comparison.visit(frame, word); },
      log::Scope::whole);
  if (!recovered) return {0, "false alarm: " + describe(recovered.error())};
  const Verdict verdict = comparison.verdict(expected);
  if (!verdict.violation && recovered->position != verdict.events) {
    return {verdict.events, "position " + count_text(recovered->position) + " after " + count_text(verdict.events)};
  }
  return verdict;
}

Verdict recover_tail_and_compare(const SimDisk& disk, const Expected& expected) {
  const SimDisk other = disk.kill();
  Comparison comparison(*expected.history);
  bool started = false;
  const auto visit = [&](const format::FrameHeader& frame, format::Word word) {
    if (!std::exchange(started, true)) comparison.skip_to(format::load_decided(frame.position) - 1);
    comparison.visit(frame, word);
  };
  const auto tail = recover(*disk.open(), visit, log::Scope::tail);
  if (!tail) return {0, "tail: false alarm: " + describe(tail.error())};
  if (!started) comparison.skip_to(tail->unread);
  const Verdict verdict = comparison.verdict(expected);
  if (verdict.violation) return verdict;
  if (tail->position != verdict.events) return {verdict.events, "tail: position " + count_text(tail->position)};

  const auto whole = recover(
      *other.open(), [](const format::FrameHeader&, format::Word) {}, log::Scope::whole);
  if (!whole) return {0, "false alarm: " + describe(whole.error())};
  if (whole->position != tail->position || whole->next_number != tail->next_number || whole->epoch != tail->epoch ||
      whole->clock != tail->clock || whole->go_on.has_value() != tail->go_on.has_value() ||
      (whole->go_on && whole->go_on->end != tail->go_on->end)) {
    return {verdict.events, "the tail says something else than the whole log"};
  }
  if (const auto difference = different_file(disk, other)) return {verdict.events, "tail: " + *difference};

  if (!tail->log) return verdict;
  auto store = StoreAccess::open(disk.open(), {.mode = Mode::read_only});
  if (!store) return {verdict.events, "tail: read-only: " + describe(store.error())};
  Expected same = expected;
  same.least = same.most = verdict.events;
  return compare_all(*store, same, Direction::forward);
}

Verdict open_and_compare(const SimDisk& disk, const Expected& expected, const OpenOptions& options) {
  std::size_t events = 0;
  {
    auto store = StoreAccess::open(disk.open(), options);
    if (!store) return {0, "false alarm: " + describe(store.error())};
    Verdict verdict = compare_all(*store, expected, Direction::forward);
    if (verdict.violation) return verdict;
    events = verdict.events;
    verdict = compare_all(*store, expected, Direction::backward);
    if (verdict.violation) return verdict;
    if (store->published_position() != events || store->durable_position() != events) {
      return {events, "positions: published " + count_text(store->published_position()) + ", durable " +
                          count_text(store->durable_position())};
    }
    std::map<std::string, Version, std::less<>> heads;
    for (std::size_t i = 0; i < events; ++i) ++heads[expected.history->events()[i].stream];
    for (const auto& [stream, version] : heads) {
      const auto head = store->head(stream);
      if (!head || head->version != version) return {events, "head of " + stream};
    }
    if (const auto text = compare_indexes(*store, *expected.history, events)) return {events, "index: " + *text};
    const auto appended =
        store->append("one more", Expect::no_stream(), {{.type = "More"}}, {.durability = Durability::sync});
    if (!appended) return {events, "appending: " + describe(appended.error())};
    if (appended->first_position != events + 1)
      return {events, "the next position is " + count_text(appended->first_position)};
    if (const auto closed = store->close(); !closed) return {events, "close: " + describe(closed.error())};
  }
  if (auto finding = findings(disk)) return {events, finding};
  OpenOptions reader = options;
  reader.mode = Mode::read_only;
  auto store = StoreAccess::open(disk.open(), reader);
  if (!store) return {events, "read-only: " + describe(store.error())};
  if (store->published_position() != events + 1)
    return {events, "read-only: " + count_text(store->published_position())};
  return {events, std::nullopt};
}

Verdict crash_while_recovering(const SimDisk& disk, const Expected& expected, Rng& rng, std::uint64_t& images) {
  std::vector<SimDisk> crashed;
  disk.faults().before_each_call(
      [&](IoCall) { crashed.push_back(disk.crash(rng, kCrashPolicies[rng.below(kCrashPolicies.size())])); });
  const Verdict whole = recover_and_compare(disk, expected);
  disk.faults().before_each_call({});
  if (whole.violation) return whole;
  crashed.push_back(disk.crash(rng, CrashPolicy::all_old));
  for (std::size_t i = 0; i < crashed.size(); ++i) {
    ++images;
    // Whatever was durable before is; what recovery kept is so at the latest when it returns.
    Expected then = expected;
    then.most = whole.events;
    if (i + 1 == crashed.size()) then.least = whole.events;
    const Verdict verdict = recover_and_compare(crashed[i], then);
    if (verdict.violation) {
      return {verdict.events, "crash before call " + count_text(i + 1) + " of a recovery: " + *verdict.violation};
    }
  }
  return whole;
}

void dump(const SimDisk& disk, const std::string& directory) {
  namespace fs = std::filesystem;
  fs::create_directories(fs::path(directory) / format::kSegmentsName);
  const auto write = [&](const std::string& path) {
    const auto bytes = disk.newest(path);
    if (!bytes) return;
    std::ofstream file(fs::path(directory) / path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes->data()), static_cast<std::streamsize>(bytes->size()));
  };
  write(std::string(format::kLockName));
  auto segments = disk.open()->subdirectory(format::kSegmentsName, false);
  if (!segments) return;
  const auto names = (*segments)->list();
  if (!names) return;
  for (const std::string& name : *names) write(std::string(format::kSegmentsName) + "/" + name);
}

}  // namespace daybook::test
