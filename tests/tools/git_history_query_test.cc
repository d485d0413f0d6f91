// A real history, asked by index: every answer must be what a plain fold over the imported lines gives, with sidecars and
// without, in a store that is written and in one that is only read.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <daybook/daybook.h>

#include "command.h"
#include "event_json.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "tools/run_program.h"

namespace daybook::tools {
namespace {

namespace fs = std::filesystem;
using Positions = std::vector<Position>;

constexpr int kFirstYear = 2013;  // before the first commit
constexpr int kLastYear = 2026;   // after the last

Timestamp begin_of(int year) {
  return std::chrono::sys_days(std::chrono::year(year) / std::chrono::January / std::chrono::day(1));
}

int year_of(Timestamp time) {
  return static_cast<int>(std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(time)).year());
}

// The lines of the file, the n-th of which is to be the event at position n; and what is where in them.
struct History {
  History(const std::string& path, std::size_t many_changes) : many(many_changes) {
    std::ifstream in(path);
    EventJsonReader reader;
    for (std::string line; std::getline(in, line);) {
      EventLine& event = events.emplace_back();
      EXPECT_EQ(reader.read(line, event), "");
      const Position position = events.size();
      streams[event.stream].push_back(position);
      types[event.type].push_back(position);
      for (const std::string& tag : event.tags) {
        tags[tag].push_back(position);
        if (tag.starts_with("author:")) years[{tag, year_of(event.occurred_at.value())}].push_back(position);
      }
    }
  }
  [[nodiscard]] const EventLine& at(Position position) const { return events[position - 1]; }

  const std::size_t many;  // a busy file has more changes than that
  std::vector<EventLine> events;
  std::map<std::string, Positions> streams;
  std::map<std::string, Positions> types;
  std::map<std::string, Positions> tags;
  std::map<std::pair<std::string, int>, Positions> years;  // of an author
};

Positions drain(Cursor cursor) {
  Positions found;
  while (const EventView* const event = cursor.next()) found.push_back(event->position);
  EXPECT_FALSE(cursor.error());
  return found;
}

Positions reversed(Positions positions) {
  std::ranges::reverse(positions);
  return positions;
}

// Everything that can be asked about a query, against the positions that it should find.
void expect_matches(const Store& store, const Query& query, const Positions& expected, const std::string& what) {
  ASSERT_EQ(drain(store.read(query)), expected) << what;
  ASSERT_EQ(drain(store.read(query, {.direction = Direction::backward})), reversed(expected)) << what;
  EXPECT_EQ(store.count(query).value(), expected.size()) << what;
  EXPECT_EQ(store.exists(query).value(), !expected.empty()) << what;
  EXPECT_EQ(store.first(query).value(), expected.empty() ? 0 : expected.front()) << what;
  EXPECT_EQ(store.last(query).value(), expected.empty() ? 0 : expected.back()) << what;
}

// The files that a commit changed, each once.
void expect_files_of_commits(const Store& store, const History& history) {
  for (const auto& [tag, positions] : history.tags) {
    if (!tag.starts_with("commit:")) continue;
    std::set<std::string> files;
    std::set<std::string> expected;
    Cursor cursor = store.read(Query::tag(tag));
    while (const EventView* const event = cursor.next()) files.emplace(event->stream);
    EXPECT_FALSE(cursor.error());
    for (const Position position : positions) expected.insert(history.at(position).stream);
    ASSERT_EQ(files, expected) << tag;
    expect_matches(store, Query::tag(tag), positions, tag);
  }
}

void expect_years_of_authors(const Store& store, const History& history) {
  for (const auto& [tag, positions] : history.tags) {
    if (!tag.starts_with("author:")) continue;
    std::uint64_t events = 0;
    for (int year = kFirstYear; year <= kLastYear; ++year) {
      const auto found = history.years.find({tag, year});
      const Query query{
          .items = {{.tags = {tag}}}, .occurred_from = begin_of(year), .occurred_before = begin_of(year + 1)};
      if (found == history.years.end()) {
        EXPECT_EQ(store.count(query).value(), 0u) << tag << " in " << year;
        continue;
      }
      expect_matches(store, query, found->second, tag + " in " + std::to_string(year));
      events += found->second.size();
    }
    EXPECT_EQ(events, positions.size()) << tag;
  }
}

// Recorded is when it was imported: what the store says of that, asked again as a window.
void expect_recorded_windows(const Store& store, const History& history) {
  std::vector<Timestamp> recorded;
  Cursor cursor = store.read();
  while (const EventView* const event = cursor.next()) recorded.push_back(event->recorded_at);
  ASSERT_FALSE(cursor.error());
  ASSERT_EQ(recorded.size(), history.events.size());
  const auto busiest = std::ranges::max_element(history.tags, {}, [](const auto& tag) { return tag.second.size(); });
  for (const std::size_t part : {0, 1, 2, 3}) {
    const Timestamp from = recorded[recorded.size() * part / 5];
    const Timestamp before = recorded[std::min(recorded.size() * (part + 2) / 5, recorded.size() - 1)];
    Positions expected;
    for (const Position position : busiest->second) {
      const Timestamp time = recorded[position - 1];
      if (time >= from && time < before) expected.push_back(position);
    }
    expect_matches(store, {.items = {{.tags = {busiest->first}}}, .recorded_from = from, .recorded_before = before},
                   expected, "recorded in window " + std::to_string(part));
  }
}

void expect_counts(const std::vector<KeyCount>& counted, const std::map<std::string, Positions>& expected,
                   const std::string& prefix = {}) {
  auto next = counted.begin();
  for (auto at = expected.lower_bound(prefix); at != expected.end() && at->first.starts_with(prefix); ++at, ++next) {
    ASSERT_NE(next, counted.end()) << at->first;
    ASSERT_EQ(next->key, at->first);
    EXPECT_EQ(next->events, at->second.size()) << at->first;
    EXPECT_EQ(next->last_position, at->second.back()) << at->first;
  }
  EXPECT_EQ(next, counted.end());
}

void expect_numbers_of_keys(const Store& store, const History& history) {
  expect_counts(store.streams().value(), history.streams);
  expect_counts(store.streams("aeron-d").value(), history.streams, "aeron-d");
  expect_counts(store.types().value(), history.types);
  expect_counts(store.tags().value(), history.tags);
  expect_counts(store.tags("author:").value(), history.tags, "author:");
  for (const auto& [type, positions] : history.types) expect_matches(store, Query::type(type), positions, type);

  // Which files had many changes: no event is read for that.
  std::set<std::string> busy;
  std::set<std::string> expected;
  const std::vector<KeyCount> files = store.streams().value();
  for (const KeyCount& file : files) {
    if (file.events > history.many) busy.insert(file.key);
  }
  for (const auto& [file, positions] : history.streams) {
    if (positions.size() > history.many) expected.insert(file);
  }
  EXPECT_FALSE(expected.empty());
  EXPECT_EQ(busy, expected);
}

void expect_streams(const Store& store, const History& history) {
  for (const auto& [stream, positions] : history.streams) {
    const Version last = positions.size();
    const StreamHead head = store.head(stream).value();
    EXPECT_EQ(head.version, last) << stream;
    EXPECT_EQ(head.last_position, positions.back()) << stream;
    EXPECT_EQ(store.first(Query::stream(stream)).value(), positions.front()) << stream;
    EXPECT_EQ(store.last(Query::stream(stream)).value(), positions.back()) << stream;
    ASSERT_EQ(drain(store.read_stream(stream)), positions) << stream;
    ASSERT_EQ(drain(store.read_stream(stream, {.direction = Direction::backward})), reversed(positions)) << stream;
    // The middle of it, by versions.
    const Version from = last / 3 + 1;
    const Version to = std::max(from, last * 2 / 3);
    const Positions middle(positions.begin() + static_cast<std::ptrdiff_t>(from - 1),
                           positions.begin() + static_cast<std::ptrdiff_t>(to));
    ASSERT_EQ(drain(store.read_stream(stream, {.from_version = from, .to_version = to})), middle) << stream;
    const StreamReadOptions back{.from_version = from, .to_version = to, .direction = Direction::backward};
    ASSERT_EQ(drain(store.read_stream(stream, back)), reversed(middle)) << stream;
  }
  EXPECT_EQ(store.head("no/such/file").value().version, 0u);
  EXPECT_TRUE(drain(store.read_stream("no/such/file")).empty());
}

// What cursors return is the line that was imported, whole.
void expect_events(const Store& store, const History& history) {
  const auto longest = std::ranges::max_element(history.streams, {}, [](const auto& s) { return s.second.size(); });
  Version version = 0;
  Cursor cursor = store.read_stream(longest->first);
  while (const EventView* const event = cursor.next()) {
    EXPECT_EQ(event->version, ++version);
    EXPECT_TRUE(history.at(event->position).matches(*event)) << event->position;
  }
  EXPECT_FALSE(cursor.error());
}

void expect_answers(const Store& store, const History& history) {
  expect_events(store, history);
  expect_files_of_commits(store, history);
  expect_years_of_authors(store, history);
  expect_recorded_windows(store, history);
  expect_numbers_of_keys(store, history);
  expect_streams(store, history);
}

// Every sealed segment gets its sidecar, soon.
void wait_for_sidecars(const Store& store, const fs::path& segments) {
  const auto info = store.info();
  ASSERT_TRUE(test::is_ok(info));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (const SegmentInfo& segment : info->segments) {
    if (!segment.sealed) continue;
    const std::string digits = std::to_string(segment.number);
    const fs::path sidecar = segments / (std::string(20 - digits.size(), '0') + digits + ".idx");
    while (!fs::exists(sidecar)) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << sidecar;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
}

std::size_t remove_sidecars(const fs::path& segments) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(segments)) {
    if (entry.path().extension() == ".idx") found.push_back(entry.path());
  }
  for (const fs::path& path : found) fs::remove(path);
  return found.size();
}

void check_answers(const std::string& folder, std::size_t events, std::size_t many,
                   const std::vector<std::string>& options) {
  const History history(folder + "/events.jsonl", many);
  ASSERT_EQ(history.events.size(), events);
  const test::TempDir directory;
  const std::string path = (directory / "store").string();
  std::vector<std::string> words = {"import", path, folder + "/events.jsonl"};
  words.insert(words.end(), options.begin(), options.end());
  const test::Outcome outcome = test::run_inside(words);
  ASSERT_EQ(outcome.status, kOk) << outcome.err;
  {
    SCOPED_TRACE("open for writing");
    auto store = Store::open(path);
    ASSERT_TRUE(test::is_ok(store));
    wait_for_sidecars(*store, fs::path(path) / "segments");
    expect_answers(*store, history);
    ASSERT_TRUE(test::is_ok(store->close()));
  }
  {
    SCOPED_TRACE("by sidecars");
    const auto store = Store::open(path, {.mode = Mode::read_only});
    ASSERT_TRUE(test::is_ok(store));
    expect_answers(*store, history);
  }
  EXPECT_GT(remove_sidecars(fs::path(path) / "segments"), 0u);
  {
    SCOPED_TRACE("without sidecars");
    const auto store = Store::open(path, {.mode = Mode::read_only});
    ASSERT_TRUE(test::is_ok(store));
    expect_answers(*store, history);
  }
}

TEST(GitHistoryQueryTest, TheSampleIsFoundByIndex) {
  const std::string folder = DAYBOOK_SOURCE_DIR "/tests/data/git-history";
  check_answers(folder, 1'408, 20, {});
  check_answers(folder, 1'408, 20, {"--batch", "3", "--durability", "memory", "--segment-size", "64KiB"});
}

#ifdef DAYBOOK_GIT_HISTORY_DIR
TEST(GitHistoryQueryTest, TheWholeHistoryIsFoundByIndex) {
  const test::TempDir folder;
  const test::Outcome unpacked = test::run_other(
      {"zstd", "-q", "-d", DAYBOOK_GIT_HISTORY_DIR "/events.jsonl.zst", "-o", (folder / "events.jsonl").string()}, "/");
  ASSERT_EQ(unpacked.status, 0) << unpacked.err;
  check_answers(folder.path().string(), 67'536, 100,
                {"--batch", "20", "--durability", "memory", "--segment-size", "4MiB"});
}
#endif

}  // namespace
}  // namespace daybook::tools
