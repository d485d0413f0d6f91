// The binary as a user runs it: streams, signals, other users, and a writer at work meanwhile.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "command.h"
#include "support/temp_dir.h"
#include "tools/run_program.h"

namespace daybook::tools {
namespace {

namespace fs = std::filesystem;
using test::Outcome;
using test::Process;
using test::run_binary;
using test::run_other;

std::string numbered(int count) {
  std::string lines;
  for (int i = 1; i <= count; ++i)
    lines += fmt::format(R"({{"stream":"s-{}","type":"T","data":{}}})"
                         "\n",
                         i % 5, i);
  return lines;
}

class ProgramTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string store() const { return (directory_ / "store").string(); }
  void import(const std::string& lines) const {
    const Outcome outcome = run_binary({"import", store(), "--segment-size", "1MiB", "--durability", "memory"}, lines);
    ASSERT_EQ(outcome.status, kOk) << outcome.err;
  }
  // With `daybook` standing for the binary.
  [[nodiscard]] Outcome shell(const std::string& script) const {
    return run_other({"bash", "-c", "daybook() { \"" DAYBOOK_TOOL "\" \"$@\"; }; " + script}, directory_.path());
  }
  // Reads until somebody appends, and does not hang a failing test for ever.
  static std::string wait_for_line(Process& process) {
    ::alarm(60);
    std::string line = process.read_line();
    ::alarm(0);
    return line;
  }

  const test::TempDir directory_;
};

TEST_F(ProgramTest, ExitStatuses) {
  EXPECT_EQ(run_binary({"--help"}).status, kOk);
  EXPECT_EQ(run_binary({"version"}).status, kOk);
  EXPECT_EQ(run_binary({"--version"}).status, kOk);
  EXPECT_EQ(run_binary({}).status, kUsage);
  EXPECT_EQ(run_binary({"cat", "--nonsense"}).status, kUsage);
  EXPECT_EQ(run_binary({"cat", store()}).status, kFailed);
  import(numbered(3));
  EXPECT_EQ(run_binary({"verify", store()}).status, kOk);
  EXPECT_EQ(run_binary({"get", store(), "3"}).status, kOk);
  EXPECT_EQ(run_binary({"get", store(), "4"}).status, kNo);
  EXPECT_EQ(run_binary({"import", store()}, "nonsense\n").status, kFailed);
  EXPECT_EQ(run_binary({"bench", "append", store()}).status, kRefused);
}

TEST_F(ProgramTest, TheEnvironmentNamesTheStore) {
  import(numbered(3));
  EXPECT_EQ(shell("export DAYBOOK_STORE=store; daybook info && daybook get 2 --raw").status, kOk);
  EXPECT_EQ(shell("DAYBOOK_STORE=store daybook get 2 --raw").out, "2");
  EXPECT_EQ(shell("DAYBOOK_STORE=none daybook get store 3 --raw").out, "3") << "the operand wins";
  EXPECT_EQ(shell("daybook get 2").status, kUsage);
}

TEST_F(ProgramTest, ColoursOnlyWhereTheyAreWanted) {
  import(numbered(1));
  const auto has_escape = [this](const std::string& script) {
    return shell(script).out.find('\x1b') != std::string::npos;
  };
  EXPECT_FALSE(has_escape("daybook cat store"));
  EXPECT_TRUE(has_escape("CLICOLOR_FORCE=1 daybook cat store"));
  EXPECT_FALSE(has_escape("CLICOLOR_FORCE=1 daybook cat store --jsonl"));
  EXPECT_FALSE(has_escape("CLICOLOR_FORCE=1 NO_COLOR=1 daybook cat store"));
  EXPECT_FALSE(has_escape("CLICOLOR_FORCE=0 daybook cat store"));
}

// `| head` is how people look at things.
TEST_F(ProgramTest, AReaderThatGoesAwayIsNoError) {
  import(numbered(20'000));
  for (const char* verb : {"cat", "cat --jsonl", "export", "dump --events", "tail -n 20000"}) {
    const Outcome outcome = shell(fmt::format("set -o pipefail; daybook {} store | head -n 1", verb));
    EXPECT_EQ(outcome.status, kOk) << verb;
    EXPECT_EQ(outcome.err, "") << verb;
    EXPECT_NE(outcome.out, "") << verb;
  }
}

TEST_F(ProgramTest, AFullDiskBehindTheOutputIsAnError) {
  import(numbered(100));
  for (const char* verb : {"cat", "export", "info", "verify", "dump"}) {
    const Outcome outcome = shell(fmt::format("daybook {} store >/dev/full", verb));
    EXPECT_EQ(outcome.status, kFailed) << verb;
    EXPECT_NE(outcome.err.find("No space left"), std::string::npos) << outcome.err;
  }
}

// Readers need no right to write, leave nothing behind and change nothing.
TEST_F(ProgramTest, AReaderMayBeSomebodyElse) {
  import(numbered(100));
  fs::permissions(directory_.path(), fs::perms(0755));
  std::map<std::string, fs::file_time_type> before;
  for (const auto& entry : fs::recursive_directory_iterator(store())) {
    fs::permissions(entry.path(), fs::perms(entry.is_directory() ? 0555 : 0444));
    before[entry.path()] = fs::last_write_time(entry.path());
  }
  fs::permissions(store(), fs::perms(0555));
  const uid_t user = ::geteuid() == 0 ? 65534 : 0;  // anybody but root, whom no permission stops
  const std::string program = (directory_ / "daybook").string();
  fs::copy_file(DAYBOOK_TOOL, program);  // where it was built may be out of reach
  fs::permissions(program, fs::perms(0755));

  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"info"}, {"segments"}, {"cat"}, {"tail"}, {"export"}, {"verify"}, {"dump"}, {"bench", "replay"}}) {
    std::vector<std::string> arguments = words;
    arguments.push_back(store());
    const Outcome outcome = test::run_binary_at(program, arguments, {}, user);
    EXPECT_EQ(outcome.status, kOk) << words.back() << outcome.err;
    EXPECT_EQ(outcome.err, "") << words.back();
  }
  const Outcome refused = test::run_binary_at(program, {"import", store()}, numbered(1), user);
  EXPECT_EQ(refused.status, kFailed);
  EXPECT_NE(refused.err.find("Permission denied"), std::string::npos) << refused.err;

  std::map<std::string, fs::file_time_type> after;
  for (const auto& entry : fs::recursive_directory_iterator(store())) {
    after[entry.path()] = fs::last_write_time(entry.path());
  }
  EXPECT_TRUE(before == after) << "files appeared, went or changed";
  fs::permissions(store(), fs::perms(0755));
  fs::permissions(fs::path(store()) / "segments", fs::perms(0755));
}

// One process appends, others look: every verb that reads, without a lock, and sees what is new.
TEST_F(ProgramTest, LooksAtALiveStore) {
  Process writer({"import", store(), "--segment-size", "64KiB", "--batch", "1", "--quiet"});
  writer.write(numbered(10));
  Process follower_of_none({"tail", "-f", store()});
  // The store is there once the first event is; a look before that fails, and says so.
  Outcome info;
  for (int i = 0; i < 1'000 && info.out.find("events      10\n") == std::string::npos; ++i) {
    info = run_binary({"info", store()});
  }
  ASSERT_NE(info.out.find("events      10\n"), std::string::npos) << info.out << info.err;
  EXPECT_NE(info.out.find("state       open for writing in process "), std::string::npos) << info.out;
  EXPECT_NE(run_binary({"info", store(), "--json"}).out.find(R"("state":"writing","writer_process":)"),
            std::string::npos);

  Process follower({"tail", "-f", "-n", "2", "--jsonl", store()});
  EXPECT_NE(wait_for_line(follower).find(R"("position":9,)"), std::string::npos);
  EXPECT_NE(wait_for_line(follower).find(R"("position":10,)"), std::string::npos);
  writer.write(R"({"stream":"late","type":"T"})"
               "\n");
  EXPECT_NE(wait_for_line(follower).find(R"("position":11,"stream":"late",)"), std::string::npos);

  // Through several segments, while others verify.
  const std::string more = numbered(2'000);
  writer.write(more);
  for (int position = 12; position <= 2'011; ++position) {
    const std::string line = wait_for_line(follower);
    ASSERT_TRUE(line.starts_with(fmt::format(R"({{"position":{},)", position))) << line;
    if (position % 500 == 0) {
      const Outcome verified = run_binary({"verify", store()});
      EXPECT_EQ(verified.status, kOk) << verified.out << verified.err;
    }
  }
  for (const char* verb : {"cat", "segments", "export", "dump", "verify"}) {
    EXPECT_EQ(run_binary({verb, store()}).status, kOk) << verb;
  }
  const Outcome locked = run_binary({"import", store()}, numbered(1));
  EXPECT_EQ(locked.status, kFailed);
  EXPECT_NE(locked.err.find("open for writing in process"), std::string::npos) << locked.err;

  follower.signal(SIGINT);
  EXPECT_EQ(follower.wait().status, kInterrupted);
  const Outcome written = writer.wait();
  EXPECT_EQ(written.status, kOk) << written.err;
  EXPECT_NE(run_binary({"info", store()}).out.find("state       closed cleanly"), std::string::npos);
}

TEST_F(ProgramTest, TailEndsWhenItsReaderGoes) {
  import(numbered(3));
  Process follower({"tail", "-f", "-n", "1", store()});
  EXPECT_NE(wait_for_line(follower), "");
  follower.close_output();
  ::alarm(60);
  EXPECT_EQ(follower.wait().status, kOk);
  ::alarm(0);
}

TEST_F(ProgramTest, AKilledImportIsTakenUpAgain) {
  const std::string lines = numbered(3'000);
  const std::size_t middle = lines.find('\n', lines.size() / 2) + 1;
  {
    Process writer({"import", store(), "--segment-size", "64KiB", "--batch", "1", "--quiet", "--durability", "memory"});
    writer.write(lines.substr(0, middle));
    Outcome last;
    const std::string wanted = fmt::format(
        "\"data\":{}}}", std::count(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(middle), '\n'));
    for (int i = 0; i < 1'000 && last.out.find(wanted) == std::string::npos; ++i) {
      last = run_binary({"tail", "-n", "1", "--jsonl", store()});
    }
    ASSERT_NE(last.out.find(wanted), std::string::npos) << last.out << last.err;
    writer.signal(SIGKILL);
    EXPECT_EQ(writer.wait().status, 128 + SIGKILL);
  }
  EXPECT_NE(run_binary({"info", store()}).out.find("the last writer did not close it"), std::string::npos);
  EXPECT_EQ(run_binary({"verify", store()}).status, kOk) << "a crash is no damage";
  const Outcome resumed = run_binary({"import", "--resume", store()}, lines);
  EXPECT_EQ(resumed.status, kOk) << resumed.err;
  EXPECT_NE(resumed.err.find("the last writer did not close the store"), std::string::npos) << resumed.err;
  EXPECT_EQ(run_binary({"verify", store()}).status, kOk);
  EXPECT_NE(run_binary({"tail", "-n", "1", store()}).out.find("    3000  "), std::string::npos);
}

// Ctrl-C on a long import: it stops in order, with everything that it took in the log.
TEST_F(ProgramTest, AnInterruptedImportStopsInOrder) {
  Process writer({"import", store(), "--segment-size", "64KiB", "--quiet"});
  writer.write(numbered(50));
  Outcome info;
  for (int i = 0; i < 1'000 && info.status != kOk; ++i) info = run_binary({"info", store()});
  ASSERT_EQ(info.status, kOk);
  writer.signal(SIGTERM);
  writer.write(numbered(1));  // it reads again, and sees that it should stop
  const Outcome outcome = writer.wait();
  EXPECT_EQ(outcome.status, kInterrupted) << outcome.err;
  EXPECT_NE(outcome.err.find("interrupted"), std::string::npos) << outcome.err;
  EXPECT_NE(run_binary({"info", store()}).out.find("state       closed cleanly"), std::string::npos);
}

}  // namespace
}  // namespace daybook::tools
