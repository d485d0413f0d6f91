// The rules of layout_rules.h, over the source tree that this program was built from.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "layout/layout_rules.h"

namespace daybook::layout {
namespace {

namespace fs = std::filesystem;

Tree read_tree() {
  Tree tree;
  const fs::path top = DAYBOOK_SOURCE_DIR;
  for (const char* folder : {"engine", "index", "tools", "bench", "tests", "examples"}) {
    if (!fs::exists(top / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(top / folder)) {
      if (!entry.is_regular_file()) continue;
      const fs::path& path = entry.path();
      const bool code = path.extension() == ".h" || path.extension() == ".cc" || path.extension() == ".in";
      if (!code && path.filename() != "CMakeLists.txt") continue;
      std::ifstream file(path, std::ios::binary);
      tree[path.lexically_relative(top).generic_string()] = std::string(std::istreambuf_iterator<char>(file), {});
    }
  }
  return tree;
}

const Tree& tree() {
  static const Tree tree = read_tree();
  return tree;
}

void expect_kept(const Violations& violations) {
  for (const std::string& violation : violations) ADD_FAILURE() << violation;
}

// A checker that looks in the wrong place finds nothing wrong.
TEST(LayoutTest, TheTreeIsRead) {
  ASSERT_TRUE(tree().contains("engine/include/daybook/store.h"));
  ASSERT_TRUE(tree().contains("engine/CMakeLists.txt"));
  ASSERT_TRUE(tree().contains("tests/layout/layout_test.cc"));
  EXPECT_NE(tree().at("engine/include/daybook/store.h").find("class DAYBOOK_EXPORT Store"), std::string::npos);
}

TEST(LayoutTest, FilesIncludeLowerRanksOnly) { expect_kept(check_ranks(tree())); }
TEST(LayoutTest, PublicHeadersIncludeTheStandardLibraryOnly) { expect_kept(check_public_headers(tree())); }
TEST(LayoutTest, EverySourceIsBuilt) { expect_kept(check_cmake_lists(tree())); }
TEST(LayoutTest, BoostAndRoaringHaveOneDoorEach) { expect_kept(check_doors(tree())); }
TEST(LayoutTest, WeakMemoryOrdersAreInTheLockFreeFiles) { expect_kept(check_memory_orders(tree())); }
TEST(LayoutTest, FilesAreNamedAfterWhatIsInThem) { expect_kept(check_names(tree())); }
TEST(LayoutTest, HeadersStandAlone) { expect_kept(check_headers(tree())); }

}  // namespace
}  // namespace daybook::layout
