// The verbs that look: what they select, what they print, what they return. In this process, on a real store.
#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <daybook/daybook.h>

#include "command.h"
#include "json.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "time_text.h"
#include "tools/run_program.h"

namespace daybook::tools {
namespace {

using test::Outcome;
using test::run_inside;

// Twenty events: streams a and b in turn, types Even and Odd by position, data their position.
class CommandsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Store::open(store(), {.durability = Durability::memory, .segment_size = 1 << 20});
    ASSERT_TRUE(test::is_ok(opened));
    for (int i = 1; i <= 20; ++i) {
      const std::string data = std::to_string(i);
      ASSERT_TRUE(test::is_ok(
          opened->append(i % 2 == 0 ? "b" : "a", Expect::any(),
                         {{.type = i % 2 == 0 ? "Even" : "Odd", .payload = data, .tags = {"tag-1", "tag-2"}}})));
    }
    ASSERT_TRUE(test::is_ok(opened->close()));
  }

  [[nodiscard]] std::string store() const { return (directory_ / "store").string(); }

  // The data of the events that the command prints as lines of JSON: "1 2 3".
  [[nodiscard]] std::string selected(std::vector<std::string> words, int status = kOk) const {
    words.insert(words.begin() + 1, store());
    words.push_back("--jsonl");
    const Outcome outcome = run_inside(words);
    EXPECT_EQ(outcome.status, status) << outcome.err;
    std::string numbers;
    for (std::size_t at = 0; (at = outcome.out.find("\"data\":", at)) != std::string::npos;) {
      at += 7;
      numbers += (numbers.empty() ? "" : " ") + outcome.out.substr(at, outcome.out.find('}', at) - at);
    }
    return numbers;
  }

  const test::TempDir directory_;
};

TEST_F(CommandsTest, CatSelects) {
  EXPECT_EQ(selected({"cat"}), "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20");
  EXPECT_EQ(selected({"cat", "--range", "3..5"}), "3 4 5");
  EXPECT_EQ(selected({"cat", "--range", "18.."}), "18 19 20");
  EXPECT_EQ(selected({"cat", "--range", "..2"}), "1 2");
  EXPECT_EQ(selected({"cat", "--range", "0..2"}), "1 2");
  EXPECT_EQ(selected({"cat", "--range", "..0"}), "");
  EXPECT_EQ(selected({"cat", "--range", "7"}), "7");
  EXPECT_EQ(selected({"cat", "--range=-3.."}), "18 19 20");
  EXPECT_EQ(selected({"cat", "--range", "-3.."}), "18 19 20");
  EXPECT_EQ(selected({"cat", "--range=-0.."}), "");
  EXPECT_EQ(selected({"cat", "--range=-99.."}), "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20");
  EXPECT_EQ(selected({"cat", "--range", "30..40"}), "");
  EXPECT_EQ(selected({"cat", "--range", "5..3"}), "");
  EXPECT_EQ(selected({"cat", "--reverse", "--range", "3..6"}), "6 5 4 3");
  EXPECT_EQ(selected({"cat", "--reverse", "--range", "..0"}), "");
  EXPECT_EQ(selected({"cat", "--reverse", "--limit", "2"}), "20 19");
  EXPECT_EQ(selected({"cat", "--limit", "2"}), "1 2");
  EXPECT_EQ(selected({"cat", "--stream", "a", "--range", "..6"}), "1 3 5");
  EXPECT_EQ(selected({"cat", "--stream", "a", "--stream", "b", "--range", "..3"}), "1 2 3");
  EXPECT_EQ(selected({"cat", "--stream", "c"}), "");
  EXPECT_EQ(selected({"cat", "--type", "Ev*", "--range", "..5"}), "2 4");
  EXPECT_EQ(selected({"cat", "--type", "O?d", "--type", "Even", "--range", "..3"}), "1 2 3");
  EXPECT_EQ(selected({"cat", "--type", "O", "--range", "..3"}), "");
  EXPECT_EQ(selected({"cat", "--durable", "--range", "..2"}), "1 2");
}

TEST_F(CommandsTest, CatSelectsByTag) {
  EXPECT_EQ(selected({"cat", "--tag", "tag-1", "--range", "..3"}), "1 2 3");
  EXPECT_EQ(selected({"cat", "--tag", "tag-1", "--tag", "tag-2", "--stream", "b", "--limit", "2"}), "2 4");
  EXPECT_EQ(selected({"cat", "--tag", "tag-1", "--tag", "none"}), "");
  EXPECT_EQ(selected({"cat", "--tag", "tag-2", "--type", "Ev*", "--reverse", "--limit", "2"}), "20 18");
}

TEST_F(CommandsTest, CountsAndLists) {
  const auto out = [this](std::vector<std::string> words) {
    words.insert(words.begin() + 1, store());
    const Outcome outcome = run_inside(words);
    EXPECT_EQ(outcome.status, kOk) << outcome.err;
    return outcome.out;
  };
  EXPECT_EQ(out({"count"}), "20\n");
  EXPECT_EQ(out({"count", "--stream", "a"}), "10\n");
  EXPECT_EQ(out({"count", "--stream", "a", "--type", "Even"}), "0\n");
  EXPECT_EQ(out({"count", "--tag", "tag-1", "--not-type", "Odd"}), "10\n");
  EXPECT_EQ(out({"streams"}), "          10           19  a\n          10           20  b\n");
  EXPECT_EQ(out({"types", "--prefix", "E"}), "          10           20  Even\n");
  EXPECT_EQ(out({"tags", "--jsonl", "--prefix", "tag-2"}), R"({"key":"tag-2","events":20,"last_position":20})"
                                                           "\n");
  EXPECT_EQ(run_inside({"count", store(), "--type", ""}).status, kUsage);
}

TEST_F(CommandsTest, CatSelectsByTime) {
  EXPECT_EQ(selected({"cat", "--since", "-1h", "--limit", "1"}), "1");
  EXPECT_EQ(selected({"cat", "--since", "2100-01-01T00:00:00Z"}), "");
  EXPECT_EQ(selected({"cat", "--until", "2000-01-01T00:00:00Z"}), "");
  EXPECT_EQ(selected({"cat", "--until", "2100-01-01T00:00:00Z", "--limit", "1"}), "1");
  EXPECT_EQ(selected({"cat", "--reverse", "--until", "2100-01-01T00:00:00Z", "--limit", "1"}), "20");
  EXPECT_EQ(selected({"cat", "--reverse", "--until", "2000-01-01T00:00:00Z"}), "");
  EXPECT_EQ(selected({"cat", "--reverse", "--since", "2100-01-01T00:00:00Z"}), "");
}

// Times to the nanosecond, against the model: all events recorded in the window.
TEST_F(CommandsTest, TimeWindowsAreExact) {
  std::vector<Timestamp> recorded;
  auto opened = Store::open(store(), {.mode = Mode::read_only});
  ASSERT_TRUE(test::is_ok(opened));
  Cursor cursor = opened->read();
  while (const EventView* event = cursor.next()) recorded.push_back(event->recorded_at);
  ASSERT_EQ(recorded.size(), 20u);
  for (const std::size_t first : {0, 5, 19}) {
    for (const std::size_t last : {0, 5, 19}) {
      std::string expected;
      for (std::size_t i = 0; i < recorded.size(); ++i) {
        if (recorded[i] < recorded[first] || recorded[i] > recorded[last]) continue;
        expected += (expected.empty() ? "" : " ") + std::to_string(i + 1);
      }
      EXPECT_EQ(selected({"cat", "--since", format_time(recorded[first]), "--until", format_time(recorded[last])}),
                expected);
    }
  }
}

TEST_F(CommandsTest, TailPrintsTheNewest) {
  EXPECT_EQ(selected({"tail"}), "11 12 13 14 15 16 17 18 19 20");
  EXPECT_EQ(selected({"tail", "-n", "3"}), "18 19 20");
  EXPECT_EQ(selected({"tail", "-n", "0"}), "");
  EXPECT_EQ(selected({"tail", "-n", "99"}), "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20");
  EXPECT_EQ(selected({"tail", "-n", "3", "--stream", "a"}), "15 17 19");
  EXPECT_EQ(selected({"tail", "-n", "2", "--type", "E*"}), "18 20");
  EXPECT_EQ(selected({"tail", "-n", "3", "--limit", "1"}), "18");
  EXPECT_EQ(selected({"tail", "-f", "-n", "3", "--limit", "2"}), "18 19") << "and does not wait";
}

TEST_F(CommandsTest, UsageErrors) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"cat", store(), "--range", "a..b"},
           {"cat", store(), "--range", "1...2"},
           {"cat", store(), "--range", ""},
           {"cat", store(), "--range=-3..5"},
           {"cat", store(), "--range", "0"},
           {"cat", store(), "--since", "yesterday"},
           {"cat", store(), "--until", "-3x"},
           {"cat", store(), "--limit", "-1"},
           {"cat", store(), "--limit", "many"},
           {"cat", store(), "extra"},
           {"cat", store(), "--unknown"},
           {"cat"},
           {"get", store()},
           {"get", store(), "0"},
           {"get", store(), "x"},
           {"nothing"},
           {},
           {"bench"},
           {"bench", "append", "--threads", "0"},
           {"bench", "append", "--batch", "70000"},
           {"bench", "replay", store(), "--repeat", "0"},
       }) {
    const Outcome outcome = run_inside(words);
    EXPECT_EQ(outcome.status, kUsage) << (words.empty() ? "" : words.back());
    EXPECT_NE(outcome.err, "");
    EXPECT_EQ(outcome.out, "");
  }
}

TEST_F(CommandsTest, HelpIsNoError) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"--help"}, {"cat", "--help"}, {"bench", "append", "--help"}, {"import", "-h"}}) {
    const Outcome outcome = run_inside(words);
    EXPECT_EQ(outcome.status, kOk);
    EXPECT_NE(outcome.out.find("Usage"), std::string::npos);
    EXPECT_EQ(outcome.err, "");
  }
}

TEST_F(CommandsTest, NoStoreIsAFailureAndMakesNone) {
  const std::string none = (directory_ / "none").string();
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"info", none},
                                                                                     {"segments", none},
                                                                                     {"cat", none},
                                                                                     {"tail", none},
                                                                                     {"get", none, "1"},
                                                                                     {"export", none},
                                                                                     {"bench", "replay", none}}) {
    const Outcome outcome = run_inside(words);
    EXPECT_EQ(outcome.status, kFailed) << words.front();
    EXPECT_TRUE(outcome.err.starts_with("daybook " + words.front())) << outcome.err;
    EXPECT_FALSE(std::filesystem::exists(none)) << words.front();
  }
}

TEST_F(CommandsTest, GetPrintsOneEvent) {
  const Outcome text = run_inside({"get", store(), "4"});
  EXPECT_EQ(text.status, kOk);
  for (const char* part : {"position     4\n", "stream       b\n", "version      2\n", "type         Even\n",
                           "tag          tag-1\ntag          tag-2\n", "data (1 B)\n  4\n"}) {
    EXPECT_NE(text.out.find(part), std::string::npos) << part << text.out;
  }
  EXPECT_EQ(run_inside({"get", store(), "4", "--raw"}).out, "4");
  const Outcome json = run_inside({"get", store(), "4", "--json"});
  EXPECT_TRUE(json.out.starts_with(R"({"position":4,"stream":"b","version":2,"type":"Even",)")) << json.out;
  EXPECT_TRUE(is_json(json.out));

  const Outcome beyond = run_inside({"get", store(), "21"});
  EXPECT_EQ(beyond.status, kNo);
  EXPECT_NE(beyond.err.find("the log ends at 20"), std::string::npos) << beyond.err;
}

TEST_F(CommandsTest, GetFindsAnEventByItsId) {
  EventId id{0x01, 0x23};
  {
    auto opened = Store::open(store(), {.durability = Durability::memory});
    ASSERT_TRUE(test::is_ok(opened));
    const NewEvent event{.type = "Named", .payload = "21", .id = id};
    ASSERT_TRUE(test::is_ok(opened->append("a", Expect::any(), std::span(&event, 1))));
  }
  const Outcome found = run_inside({"get", store(), "01230000-0000-0000-0000-000000000000", "--raw"});
  EXPECT_EQ(found.status, kOk) << found.err;
  EXPECT_EQ(found.out, "21");
  EXPECT_EQ(run_inside({"get", store(), "01230000-0000-0000-0000-000000000001"}).status, kNo);
}

TEST_F(CommandsTest, CatForPeopleIsOneLineEach) {
  const Outcome outcome = run_inside({"cat", store(), "--range", "2..3"});
  EXPECT_EQ(outcome.status, kOk);
  EXPECT_NE(outcome.out.find("  b@1  Even  2  #tag-1  #tag-2\n"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("  a@2  Odd  3  #tag-1  #tag-2\n"), std::string::npos) << outcome.out;
  EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos) << "no colours into a file";
}

TEST_F(CommandsTest, InfoAndSegments) {
  const Outcome text = run_inside({"info", store()});
  EXPECT_EQ(text.status, kOk);
  for (const char* part : {"events      20\n", "positions   1..20\n", "published   20\n", "durable     20\n",
                           "state       closed cleanly\n"}) {
    EXPECT_NE(text.out.find(part), std::string::npos) << part << text.out;
  }
  const Outcome json = run_inside({"info", store(), "--json"});
  EXPECT_TRUE(is_json(json.out)) << json.out;
  EXPECT_TRUE(json.out.starts_with(R"({"schema":"daybook.info/1","log":")")) << json.out;
  for (const char* part : {R"("first_position":1,"last_position":20,)", R"("published_position":20,)",
                           R"("durable_position":20,)", R"("state":"closed",)", R"("segments":[{"number":1,)"}) {
    EXPECT_NE(json.out.find(part), std::string::npos) << part << json.out;
  }
  const Outcome table = run_inside({"segments", store()});
  EXPECT_EQ(table.status, kOk);
  EXPECT_NE(table.out.find("active"), std::string::npos) << table.out;
  const Outcome list = run_inside({"segments", store(), "--json"});
  EXPECT_TRUE(is_json(list.out) && list.out.starts_with(R"({"schema":"daybook.segments/1","segments":[{)")) << list.out;
}

TEST_F(CommandsTest, InfoOfAnEmptyStore) {
  const std::string empty = (directory_ / "empty").string();
  ASSERT_EQ(run_inside({"import", empty, "--segment-size", "64KiB"}).status, kOk);
  const Outcome text = run_inside({"info", empty});
  EXPECT_EQ(text.status, kOk) << text.err;
  EXPECT_NE(text.out.find("events      0\n"), std::string::npos) << text.out;
  EXPECT_EQ(run_inside({"cat", empty}).out, "");
  EXPECT_EQ(run_inside({"tail", empty}).out, "");
  EXPECT_EQ(run_inside({"get", empty, "1"}).status, kNo);
  EXPECT_TRUE(is_json(run_inside({"info", empty, "--json"}).out));
}

TEST_F(CommandsTest, VersionSaysWhich) {
  EXPECT_TRUE(run_inside({"version"}).out.starts_with("daybook "));
  const Outcome json = run_inside({"version", "--json"});
  EXPECT_TRUE(is_json(json.out) && json.out.starts_with(R"({"schema":"daybook.version/1",)")) << json.out;
}

TEST_F(CommandsTest, BenchMeasuresAndSaysItsDurability) {
  for (const char* durability : {"memory", "interval", "sync"}) {
    const Outcome text = run_inside({"bench", "append", "--events", "300", "--threads", "3", "--batch", "7",
                                     "--durability", durability, "--streams", "5"});
    EXPECT_EQ(text.status, kOk) << text.err;
    EXPECT_TRUE(text.out.starts_with("append: 300 events in ")) << text.out;
    EXPECT_NE(text.out.find(std::string("durability ") + durability), std::string::npos) << text.out;
    EXPECT_NE(text.out.find(" p99.99 "), std::string::npos) << text.out;
  }
  const Outcome replay = run_inside({"bench", "replay", store(), "--threads", "2", "--repeat", "3", "--json"});
  EXPECT_EQ(replay.status, kOk) << replay.err;
  EXPECT_TRUE(is_json(replay.out)) << replay.out;
  EXPECT_NE(replay.out.find(R"("schema":"daybook.bench/1","name":"replay","conditions":"verify on")"),
            std::string::npos);
  EXPECT_NE(replay.out.find(R"("events":120,)"), std::string::npos) << replay.out;
}

TEST_F(CommandsTest, BenchNeverWritesToAStoreThatHoldsSomething) {
  const Outcome refused = run_inside({"bench", "append", store()});
  EXPECT_EQ(refused.status, kRefused);
  EXPECT_EQ(selected({"tail", "-n", "1"}), "20");

  const std::string kept = (directory_ / "kept").string();
  ASSERT_EQ(run_inside({"bench", "append", kept, "--events", "10", "--size", "1KiB"}).status, kOk);
  const Outcome info = run_inside({"info", kept});
  EXPECT_NE(info.out.find("events      10\n"), std::string::npos) << info.out;
  EXPECT_EQ(run_inside({"get", kept, "10", "--raw"}).out.size(), 1024u);
}

}  // namespace
}  // namespace daybook::tools
