// The hexdump in docs/format.md is that of v1/three-frames.seg.
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

std::string read_file(const std::string& name) {
  std::ifstream file(std::filesystem::path(DAYBOOK_SOURCE_DIR) / name, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// As `hexdump -C` does it, without the lines that are nothing but zeros.
std::vector<std::string> hexdump(const std::string& bytes) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < bytes.size(); at += 16) {
    const std::string part = bytes.substr(at, 16);
    if (part.find_first_not_of('\0') == std::string::npos) continue;
    char text[32];
    std::snprintf(text, sizeof(text), "%08zx ", at);
    std::string line = text;
    std::string printable;
    for (std::size_t i = 0; i < part.size(); ++i) {
      const auto byte = static_cast<unsigned char>(part[i]);
      std::snprintf(text, sizeof(text), i == 8 ? "  %02x" : " %02x", byte);
      line += text;
      printable += byte >= ' ' && byte < 0x7f ? part[i] : '.';
    }
    lines.push_back(line + "  |" + printable + "|");
  }
  return lines;
}

// The lines of a fenced block that show bytes: not "*", nor the size at the end, nor zeros.
std::vector<std::string> lines_of_block(const std::string& document, const std::string& fence) {
  std::vector<std::string> lines;
  const std::size_t start = document.find("```" + fence + "\n");
  if (start == std::string::npos) return lines;
  std::istringstream block(document.substr(start, document.find("\n```\n", start + 3) - start));
  std::string line;
  std::getline(block, line);
  while (std::getline(block, line)) {
    const std::size_t bar = line.find("  |");
    if (bar == std::string::npos || line.substr(8, bar - 8).find_first_not_of(" 0") == std::string::npos) continue;
    lines.push_back(line);
  }
  return lines;
}

TEST(FormatDocTest, ItsHexdumpIsTheGoldenFile) {
  const std::string golden = read_file("tests/golden/v1/three-frames.seg");
  ASSERT_EQ(golden.size(), 65'536u);
  const auto shown = lines_of_block(read_file("docs/format.md"), "hexdump");
  ASSERT_FALSE(shown.empty()) << "no ```hexdump block";
  EXPECT_EQ(shown, hexdump(golden));
}

}  // namespace
