// The program in the README is examples/quick_start.cc, and does what the README says; and every other piece of C++ in it is
// out of a file that is compiled.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "support/temp_dir.h"

namespace {

std::string read_file(const std::string& name) {
  std::ifstream file(std::filesystem::path(DAYBOOK_SOURCE_DIR) / name);
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
  while (const std::size_t size = std::fread(bytes.data(), 1, bytes.size(), pipe))
    ran.output.append(bytes.data(), size);
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

// A piece of C++ in the README, and the file that the comment above it names.
struct Excerpt {
  std::string file;
  std::string code;
};

std::vector<Excerpt> excerpts(const std::string& readme) {
  std::vector<Excerpt> found;
  std::istringstream lines(readme);
  std::string before;
  for (std::string line; std::getline(lines, line); before = line) {
    if (line != "```cpp") continue;
    Excerpt& excerpt = found.emplace_back();
    if (before.starts_with("<!-- ") && before.ends_with(" -->")) excerpt.file = before.substr(5, before.size() - 9);
    while (std::getline(lines, line) && line != "```") excerpt.code += line + "\n";
  }
  return found;
}

// Without indentation: an excerpt may begin inside a function.
std::string flush_left(const std::string& code) {
  std::istringstream lines(code);
  std::string flush;
  for (std::string line; std::getline(lines, line);) {
    const auto begin = line.find_first_not_of(' ');
    flush += (begin == std::string::npos ? "" : line.substr(begin)) + "\n";
  }
  return flush;
}

TEST(ReadmeTest, ItsExcerptsAreOutOfFilesThatCompile) {
  const std::vector<Excerpt> found = excerpts(read_file("README.md"));
  EXPECT_GE(found.size(), 12u);
  for (const Excerpt& excerpt : found) {
    ASSERT_FALSE(excerpt.file.empty()) << "which file is this of?\n" << excerpt.code;
    EXPECT_NE(flush_left(read_file(excerpt.file)).find(flush_left(excerpt.code)), std::string::npos)
        << excerpt.file << " does not contain\n"
        << excerpt.code;
  }
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

// docs/from-the-article.md names a test for each claim: `Suite.Name`, or `Suite.Prefix*`.
TEST(FromTheArticleTest, TheTestsItNamesExist) {
  std::string tests;
  for (const auto& file : std::filesystem::directory_iterator(DAYBOOK_SOURCE_DIR "/tests/article")) {
    if (file.path().extension() == ".cc") tests += read_file("tests/article/" + file.path().filename().string());
  }
  const std::string page = read_file("docs/from-the-article.md");
  const std::regex name("`([A-Za-z]+Test)\\.([A-Za-z_]*)(\\*?)`");
  int named = 0;
  for (std::sregex_iterator at(page.begin(), page.end(), name), end; at != end; ++at, ++named) {
    const bool whole = (*at)[3].length() == 0;
    const std::string test = (*at)[1].str() + ", " + (*at)[2].str() + (whole ? ")" : "");
    EXPECT_NE(tests.find(test), std::string::npos) << at->str();
  }
  EXPECT_GE(named, 35);
}

}  // namespace
