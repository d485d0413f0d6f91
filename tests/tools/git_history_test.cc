// A real history, imported and replayed: every file must have the lines and events that the truth says. The truth was
// counted in the files, not in the events.
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include <daybook/daybook.h>

#include "command.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "tools/run_program.h"

namespace daybook::tools {
namespace {

struct File {
  long long lines = 0;
  std::uint64_t events = 0;
  bool binary = false;
};

std::map<std::string, File> fold(const std::string& path) {
  std::map<std::string, File> files;
  auto store = Store::open(path, {.mode = Mode::read_only});
  EXPECT_TRUE(test::is_ok(store));
  if (!store) return files;
  Cursor cursor = store->read();
  while (const EventView* event = cursor.next()) {
    File& file = files[std::string(event->stream)];
    ++file.events;
    EXPECT_EQ(event->version, file.events);
    EXPECT_EQ(event->tags.size(), 2u);
    EXPECT_TRUE(event->has_occurred_at);
    if (event->type == "BinaryChanged") {
      EXPECT_EQ(event->payload.text(), "{}");
      file.binary = true;
      continue;
    }
    long long added = 0;
    long long deleted = 0;
    EXPECT_EQ(event->type, "LinesChanged");
    EXPECT_EQ(
        std::sscanf(std::string(event->payload.text()).c_str(), R"({"added":%lld,"deleted":%lld})", &added, &deleted),
        2);
    file.lines += added - deleted;
  }
  EXPECT_FALSE(cursor.error());
  return files;
}

void expect_truth(const std::map<std::string, File>& files, const std::string& truth_path, std::size_t rows_expected) {
  std::ifstream in(truth_path);
  std::size_t rows = 0;
  std::map<std::string, File> rest = files;
  for (std::string line; std::getline(in, line); ++rows) {
    std::istringstream fields(line);
    File truth;
    std::string path;
    fields >> truth.lines >> truth.events;
    fields.get();
    std::getline(fields, path);
    const auto found = rest.find(path);
    ASSERT_NE(found, rest.end()) << path;
    EXPECT_EQ(found->second.lines, truth.lines) << path;
    EXPECT_EQ(found->second.events, truth.events) << path;
    rest.erase(found);
  }
  EXPECT_EQ(rows, rows_expected);
  for (const auto& [path, file] : rest)
    EXPECT_TRUE(file.binary || file.lines == 0) << path << " is gone, but has lines";
}

void check_history(const std::string& folder, std::size_t events, std::size_t streams, std::size_t rows,
                   const std::vector<std::string>& options) {
  const test::TempDir directory;
  const std::string store = (directory / "store").string();
  std::vector<std::string> words = {"import", store, folder + "/events.jsonl"};
  words.insert(words.end(), options.begin(), options.end());
  const test::Outcome outcome = test::run_inside(words);
  ASSERT_EQ(outcome.status, kOk) << outcome.err;
  const std::map<std::string, File> files = fold(store);
  EXPECT_EQ(files.size(), streams);
  std::size_t total = 0;
  for (const auto& [path, file] : files) total += file.events;
  EXPECT_EQ(total, events);
  expect_truth(files, folder + "/truth.tsv", rows);
  EXPECT_EQ(test::run_inside({"verify", store}).status, kOk);
}

TEST(GitHistoryTest, TheSampleFoldsToItsTruth) {
  const std::string folder = DAYBOOK_SOURCE_DIR "/tests/data/git-history";
  check_history(folder, 1'408, 99, 75, {});
  check_history(folder, 1'408, 99, 75, {"--batch", "1", "--durability", "memory", "--segment-size", "64KiB"});
  check_history(folder, 1'408, 99, 75, {"--batch", "3", "--durability", "interval", "--segment-size", "64KiB"});
}

#ifdef DAYBOOK_GIT_HISTORY_DIR
TEST(GitHistoryTest, TheWholeHistoryFoldsToItsTruth) {
  const test::TempDir folder;
  for (const std::string name : {"events.jsonl", "truth.tsv"}) {
    const test::Outcome unpacked = test::run_other(
        {"zstd", "-q", "-d", DAYBOOK_GIT_HISTORY_DIR "/" + name + ".zst", "-o", (folder / name).string()}, "/");
    ASSERT_EQ(unpacked.status, 0) << unpacked.err;
  }
  check_history(folder.path().string(), 67'536, 4'326, 1'713, {});
  check_history(folder.path().string(), 67'536, 4'326, 1'713, {"--durability", "memory", "--segment-size", "1MiB"});
}
#endif

}  // namespace
}  // namespace daybook::tools
