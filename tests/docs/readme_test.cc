// The program in the README is examples/quick_start.cc, and does what the README says.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "support/temp_dir.h"

namespace {

std::string read_file(const std::string& name) {
  std::ifstream file(std::string(DAYBOOK_SOURCE_DIR) + "/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Ran {
  int status = 0;
  std::string output;
};

Ran run(const std::string& command) {
  std::FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  Ran ran;
  std::array<char, 4096> bytes;
  while (const std::size_t size = std::fread(bytes.data(), 1, bytes.size(), pipe)) ran.output.append(bytes.data(), size);
  ran.status = WEXITSTATUS(pclose(pipe));
  return ran;
}

TEST(ReadmeTest, ItsProgramIsTheExample) {
  const std::string readme = read_file("README.md");
  std::string example = read_file("examples/quick_start.cc");
  ASSERT_FALSE(example.empty());
  example.erase(0, example.find("#include"));  // the comment above the program
  EXPECT_NE(readme.find("```cpp\n" + example + "```"), std::string::npos)
      << "copy examples/quick_start.cc to README.md, or the other way round";
}

TEST(ReadmeTest, ItsProgramAppendsOnceAndReadsBack) {
  daybook::test::TempDir dir;
  const std::string command = std::string(DAYBOOK_QUICK_START) + " " + (dir.path() / "ledger").string();
  const Ran first = run(command);
  EXPECT_EQ(first.status, 0);
  EXPECT_EQ(first.output,
            "1 account-1@1 AccountOpened {\"owner\":\"Ada\"}\n2 account-1@2 MoneyDeposited {\"cents\":1250}\n");
  const Ran second = run(command);
  EXPECT_EQ(second.status, 1);
  EXPECT_EQ(second.output, "wrong_version: expected no stream, actual version 2 (stream 0)\n");
}

}  // namespace
