// Events in, events out: `import` and `export` in this process, on real stores.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <daybook/daybook.h>

#include "command.h"
#include "event_json.h"
#include "support/result_matchers.h"
#include "support/rng.h"
#include "support/temp_dir.h"
#include "tools/run_program.h"

namespace daybook::tools {
namespace {

using test::Outcome;
using test::run_inside;

class ImportTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string store() const { return (directory_ / "store").string(); }
  [[nodiscard]] std::string path(const std::string& name) const { return (directory_ / name).string(); }

  [[nodiscard]] Outcome import(const std::string& lines, std::vector<std::string> options = {}) const {
    options.insert(options.begin(), {"import", store(), "--segment-size", "1MiB"});
    return run_inside(options, lines);
  }
  [[nodiscard]] std::string export_all() const {
    const Outcome outcome = run_inside({"export", store()});
    EXPECT_EQ(outcome.status, kOk) << outcome.err;
    return outcome.out;
  }
  // What import made of the lines, without what the log adds.
  static std::vector<EventLine> parse(const std::string& lines) {
    std::vector<EventLine> events;
    EventJsonReader reader;
    for (std::size_t begin = 0; begin < lines.size();) {
      const std::size_t end = lines.find('\n', begin);
      std::string line = lines.substr(begin, end - begin);
      EXPECT_EQ(reader.read(line, events.emplace_back()), "") << line;
      begin = end == std::string::npos ? lines.size() : end + 1;
    }
    return events;
  }
  void expect_events(const std::string& lines) const {
    const std::vector<EventLine> expected = parse(lines);
    auto opened = Store::open(store(), {.mode = Mode::read_only});
    ASSERT_TRUE(test::is_ok(opened));
    Cursor cursor = opened->read();
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const EventView* event = cursor.next();
      ASSERT_NE(event, nullptr) << "event " << i + 1 << " of " << expected.size() << " is missing";
      ASSERT_TRUE(expected[i].matches(*event)) << "event " << i + 1;
    }
    EXPECT_EQ(cursor.next(), nullptr) << "more events than lines";
  }

  const test::TempDir directory_;
};

std::string line_of(int number, const std::string& stream) {
  return fmt::format(R"({{"stream":"{}","type":"Numbered","data":{{"number":{}}}}})"
                     "\n",
                     stream, number);
}

// Streams that come and go in any order, so that runs, splits and batches all happen.
std::string many_lines(int count, int streams, std::uint64_t seed) {
  test::Rng rng(seed);
  std::string lines;
  for (int i = 0; i < count; ++i)
    lines += line_of(i, fmt::format("s-{}", rng.below(static_cast<std::uint64_t>(streams))));
  return lines;
}

TEST_F(ImportTest, KeepsTheOrderWhateverTheBatch) {
  for (const int streams : {1, 3, 5'000}) {
    for (const char* batch : {"1", "2", "7", "1000", "100000"}) {
      std::filesystem::remove_all(store());
      const std::string lines = many_lines(3'000, streams, 7);
      const Outcome outcome = import(lines, {"--batch", batch, "--durability", "memory"});
      ASSERT_EQ(outcome.status, kOk) << outcome.err;
      EXPECT_NE(outcome.out.find("imported 3,000 events"), std::string::npos) << outcome.out;
      expect_events(lines);
    }
  }
}

TEST_F(ImportTest, EveryDurability) {
  std::string all;
  for (const char* durability : {"memory", "interval", "sync"}) {
    const std::string lines = many_lines(100, 10, all.size());
    const Outcome outcome = import(lines, {"--durability", durability, "--batch", "10"});
    ASSERT_EQ(outcome.status, kOk) << outcome.err;
    EXPECT_NE(outcome.out.find(std::string("durability ") + durability), std::string::npos) << outcome.out;
    all += lines;
    expect_events(all);
  }
}

TEST_F(ImportTest, BlankLinesAndCarriageReturnsAreNothing) {
  ASSERT_EQ(import("\n" + line_of(1, "a") +
                   "\r\n\n"
                   R"({"stream":"b","type":"T","data":1})"
                   "\r\n")
                .status,
            kOk);
  EXPECT_NE(export_all().find("\"data\":1}\n"), std::string::npos);
}

TEST_F(ImportTest, ReadsAFile) {
  std::ofstream(path("events")) << line_of(1, "a");
  EXPECT_EQ(run_inside({"import", store(), path("events")}).status, kOk);
  expect_events(line_of(1, "a"));
  EXPECT_EQ(run_inside({"import", store(), path("none")}).status, kFailed);
  EXPECT_EQ(run_inside({"import", store(), directory_.path().string()}).status, kFailed);
  expect_events(line_of(1, "a"));
}

TEST_F(ImportTest, ABadLineIsNamedAndEverythingBeforeItIsImported) {
  const std::string lines = many_lines(25, 4, 8);
  for (const char* batch : {"1", "10", "1000"}) {
    std::filesystem::remove_all(store());
    const Outcome outcome = import(lines + "{\"stream\":\"a\"}\n" + line_of(9, "z"), {"--batch", batch});
    EXPECT_EQ(outcome.status, kFailed);
    EXPECT_NE(outcome.err.find("line 26: \"type\" is missing"), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find("25 events were imported before it"), std::string::npos) << outcome.err;
    expect_events(lines);
  }
}

// What the store refuses is refused for one line, not for the batch around it.
TEST_F(ImportTest, AnEventThatTheStoreRefusesIsNamed) {
  const std::string before = many_lines(25, 4, 9);
  const std::string after = many_lines(25, 4, 10);
  const std::string long_name(256, 'n');
  const std::string large = "\"" + std::string(17 << 20, 'x') + "\"";
  const std::vector<std::string> refused = {line_of(1, long_name), line_of(1, ""),
                                            R"({"stream":"a","type":""})"
                                            "\n",
                                            R"({"stream":"a","type":"T","data":)" + large + "}\n"};
  for (const std::string& bad : refused) {
    std::filesystem::remove_all(store());
    const Outcome outcome = import(before + bad + after);
    EXPECT_EQ(outcome.status, kFailed);
    EXPECT_NE(outcome.err.find("line 26: "), std::string::npos) << outcome.err.substr(0, 1000);
    EXPECT_NE(outcome.err.find("25 events were imported before it"), std::string::npos) << outcome.err;
    expect_events(before);
  }
}

TEST_F(ImportTest, AVersionIsExpected) {
  const auto versioned = [](int version) {
    return fmt::format(R"({{"stream":"a","type":"T","version":{}}})"
                       "\n",
                       version);
  };
  // In runs, in batches, mixed with events that expect nothing.
  const std::string good =
      versioned(1) + versioned(2) + line_of(0, "b") + versioned(3) + line_of(0, "a") + versioned(5);
  ASSERT_EQ(import(good).status, kOk);
  expect_events(good);

  const Outcome conflict = import(line_of(1, "c") + versioned(6) + versioned(8) + versioned(9));
  EXPECT_EQ(conflict.status, kNo);
  EXPECT_NE(conflict.err.find("line 3: "), std::string::npos) << conflict.err;
  EXPECT_NE(conflict.err.find("expected version 7, actual version 6"), std::string::npos) << conflict.err;
  EXPECT_NE(conflict.err.find("2 events were imported before it"), std::string::npos) << conflict.err;
  expect_events(good + line_of(1, "c") + versioned(6));
}

TEST_F(ImportTest, ResumeGoesOnWhereTheStoreEnds) {
  const std::string lines = many_lines(500, 20, 11);
  const std::size_t middle = lines.find('\n', lines.size() / 2) + 1;
  ASSERT_EQ(import(lines.substr(0, middle)).status, kOk);
  const Outcome resumed = import(lines, {"--resume"});
  ASSERT_EQ(resumed.status, kOk) << resumed.err;
  EXPECT_NE(resumed.out.find("of this input already"), std::string::npos) << resumed.out;
  expect_events(lines);

  const Outcome again = import(lines, {"--resume"});
  EXPECT_EQ(again.status, kOk);
  EXPECT_NE(again.out.find("imported 0 events"), std::string::npos) << again.out;
  expect_events(lines);
}

// A store that holds something else must not be taken for the beginning of the input.
TEST_F(ImportTest, ResumeRefusesAnotherHistory) {
  const std::string lines = many_lines(100, 20, 12);
  ASSERT_EQ(import(lines).status, kOk);
  const std::string other = many_lines(60, 20, 12) + line_of(999, "other") + many_lines(100, 20, 13);
  const Outcome refused = import(other, {"--resume"});
  EXPECT_EQ(refused.status, kNo);
  EXPECT_NE(refused.err.find("line 61: differs from the event at position 61"), std::string::npos) << refused.err;
  expect_events(lines);
}

TEST_F(ImportTest, ReportsInJson) {
  const Outcome outcome = import(line_of(1, "a") + line_of(2, "b"), {"--json"});
  EXPECT_EQ(outcome.status, kOk);
  EXPECT_TRUE(is_json(outcome.out)) << outcome.out;
  for (const char* part : {R"({"schema":"daybook.import/1","lines":2,"skipped":0,"imported":2,"first_position":1,)",
                           R"("last_position":2,)", R"("durability":"sync",)", R"("recovery":{"unclean":false,)"}) {
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part << "\n" << outcome.out;
  }
}

TEST_F(ImportTest, NothingIsCreatedForABadCommandLine) {
  EXPECT_EQ(import("", {"--batch", "0"}).status, kUsage);
  EXPECT_EQ(import("", {"--durability", "maybe"}).status, kUsage);
  EXPECT_FALSE(std::filesystem::exists(store()));
}

// Equal events: every field that was given, byte for byte, whatever the bytes.
TEST_F(ImportTest, AnImportOfAnExportIsEqual) {
  test::Rng rng(14);
  const std::vector<std::string> odd = {"plain",     "\xff\xfe",           "quote\"back\\slash",  "tab\there",
                                        "\x01",      "gr\xc3\xbc\xc3\x9f", std::string(255, 'x'), "\xe2\x80\xa8",
                                        "{\"a\":1}", "line\nfeed"};
  const std::vector<std::string> payloads = {"",
                                             "{}",
                                             " {} ",
                                             "{\"a\":\n1}",
                                             "[1, 2]",
                                             "nul",
                                             "1e400",
                                             "\"\xff\"",
                                             "\"\\ud800\"",
                                             "0",
                                             std::string("\0\1\2", 3),
                                             "{\"a\":1}"};
  {
    auto opened = Store::open(store(), {.durability = Durability::memory, .segment_size = 1 << 20});
    ASSERT_TRUE(test::is_ok(opened));
    EventId id{};
    for (int i = 0; i < 2'000; ++i) {
      const auto pick = [&rng](const std::vector<std::string>& from) -> std::string_view {
        return from[rng.below(from.size())];
      };
      for (auto& byte : id) byte = static_cast<std::uint8_t>(rng.next());
      std::vector<std::string_view> tags;
      for (std::uint64_t count = rng.below(4); count > 0; --count) tags.push_back(pick(odd));
      NewEvent event{.type = pick(odd), .payload = pick(payloads), .metadata = pick(payloads)};
      event.schema_version = static_cast<std::uint32_t>(rng.next() >> rng.below(64));
      event.tags = std::span<const std::string_view>(tags);
      if (rng.coin()) event.id = id;
      if (rng.coin())
        event.occurred_at = Timestamp(std::chrono::nanoseconds(static_cast<std::int64_t>(rng.next() >> 1)));
      ASSERT_TRUE(test::is_ok(opened->append(pick(odd), Expect::any(), std::span(&event, 1))));
    }
    ASSERT_TRUE(test::is_ok(opened->close()));
  }
  const std::string exported = export_all();
  const Outcome imported = run_inside({"import", path("copy")}, exported);
  ASSERT_EQ(imported.status, kOk) << imported.err;

  auto original = Store::open(store(), {.mode = Mode::read_only});
  auto copy = Store::open(path("copy"), {.mode = Mode::read_only});
  ASSERT_TRUE(original && copy);
  Cursor left = original->read();
  Cursor right = copy->read();
  std::size_t count = 0;
  while (const EventView* a = left.next()) {
    const EventView* b = right.next();
    ASSERT_NE(b, nullptr);
    ++count;
    EXPECT_EQ(a->position, b->position);
    EXPECT_EQ(a->stream, b->stream);
    EXPECT_EQ(a->version, b->version);
    EXPECT_EQ(a->type, b->type);
    EXPECT_EQ(a->schema_version, b->schema_version);
    EXPECT_EQ(a->payload.text(), b->payload.text());
    EXPECT_EQ(a->metadata.text(), b->metadata.text());
    EXPECT_EQ(a->has_occurred_at, b->has_occurred_at);
    if (a->has_occurred_at) {
      EXPECT_EQ(a->occurred_at, b->occurred_at);
    }
    ASSERT_EQ(a->id == nullptr, b->id == nullptr);
    if (a->id != nullptr) {
      EXPECT_EQ(*a->id, *b->id);
    }
    EXPECT_TRUE(std::vector<std::string_view>(a->tags.begin(), a->tags.end()) ==
                std::vector<std::string_view>(b->tags.begin(), b->tags.end()));
  }
  EXPECT_EQ(count, 2'000u);
  EXPECT_EQ(right.next(), nullptr);
}

TEST_F(ImportTest, ExportToAFileIsAllOrNothing) {
  const std::string lines = many_lines(50, 5, 15);
  ASSERT_EQ(import(lines).status, kOk);
  ASSERT_EQ(run_inside({"export", store(), "--output", path("out")}).status, kOk);
  std::ifstream in(path("out"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), export_all());
  EXPECT_FALSE(std::filesystem::exists(path("out.tmp")));

  const Outcome failed = run_inside({"export", store(), "--output", path("missing/out")});
  EXPECT_EQ(failed.status, kFailed);
  EXPECT_NE(failed.err.find("cannot write"), std::string::npos) << failed.err;
}

TEST_F(ImportTest, ExportTakesSelectors) {
  ASSERT_EQ(import(line_of(1, "a") + line_of(2, "b") + line_of(3, "a")).status, kOk);
  const Outcome outcome = run_inside({"export", store(), "--stream", "a", "--reverse", "--limit", "1"});
  EXPECT_EQ(outcome.status, kOk);
  const auto events = parse(outcome.out);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].payload, R"({"number":3})");
}

}  // namespace
}  // namespace daybook::tools
