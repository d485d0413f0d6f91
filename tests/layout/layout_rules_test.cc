// The checker itself: each rule on a sample that breaks it and on one that looks alike and does not.
#include <gtest/gtest.h>

#include <string>

#include "layout/layout_rules.h"

namespace daybook::layout {
namespace {

using Check = Violations (*)(const Tree&);

struct Sample {
  const char* name;
  Check check;
  Tree tree;
  Violations expected;
};

void PrintTo(const Sample& sample, std::ostream* out) { *out << sample.name; }

class LayoutRulesTest : public testing::TestWithParam<Sample> {};

TEST_P(LayoutRulesTest, FindsWhatIsWrongAndNothingElse) {
  const Sample& sample = GetParam();
  EXPECT_EQ(sample.check(sample.tree), sample.expected);
}

const Sample kRanks[] = {
    {"LowerRank",
     check_ranks,
     {{"engine/log/a.h", "#pragma once\n#include <vector>\n#include <daybook/types.h>\n#include \"io/b.h\"\n"},
      {"engine/io/b.h", ""}},
     {}},
    {"HigherRank",
     check_ranks,
     {{"engine/segment/a.h", "#pragma once\n#include \"log/b.h\"\n"}, {"engine/log/b.h", ""}},
     {"engine/segment/a.h:2: may not include engine/log/b.h"}},
    {"SameRankOtherFolder",
     check_ranks,
     {{"engine/format/a.h", "#include \"io/b.h\"\n"}, {"engine/io/b.h", ""}},
     {"engine/format/a.h:1: may not include engine/io/b.h"}},
    {"OwnFolderWithAndWithoutPath",
     check_ranks,
     {{"engine/io/a.h", "#include \"io/b.h\"\n#include \"b.h\"\n"}, {"engine/io/b.h", ""}},
     {}},
    {"PublicHeaderIncludesTheEngine",
     check_ranks,
     {{"engine/include/daybook/a.h", "#include \"log/b.h\"\n"}, {"engine/log/b.h", ""}},
     {"engine/include/daybook/a.h:1: may not include engine/log/b.h"}},
    {"AngledIncludeOfTheEngine",
     check_ranks,
     {{"index/a.cc", "#include <io/b.h>\n"}, {"engine/io/b.h", ""}},
     {"index/a.cc:1: may not include engine/io/b.h"}},
    {"SpacesBeforeTheName",
     check_ranks,
     {{"index/a.cc", " #  include\t\"io/b.h\"\n"}, {"engine/io/b.h", ""}},
     {"index/a.cc:1: may not include engine/io/b.h"}},
    {"TestsIncludeWhatTheyTest",
     check_ranks,
     {{"tests/tools/a.cc", "#include \"b.h\"\n#include \"log/c.h\"\n"}, {"tools/b.h", ""}, {"engine/log/c.h", ""}},
     {}},
    {"NobodyIncludesTests",
     check_ranks,
     {{"tools/a.cc", "#include \"support/b.h\"\n"}, {"tests/support/b.h", ""}},
     {"tools/a.cc:1: may not include tests/support/b.h"}},
    {"NobodyElseIncludesTools",
     check_ranks,
     {{"engine/store/a.cc", "#include \"tools/b.h\"\n"}, {"bench/c.cc", "#include \"tools/b.h\"\n"}, {"tools/b.h", ""}},
     {"bench/c.cc:1: may not include tools/b.h", "engine/store/a.cc:1: may not include tools/b.h"}},
    {"TestsIncludeEachOther",
     check_ranks,
     {{"tests/log/a.cc", "#include \"io/fake.h\"\n"}, {"tests/io/fake.h", ""}},
     {}},
    {"CommentedInclude",
     check_ranks,
     {{"engine/io/a.h", "// #include \"log/b.h\"\n/*\n#include \"log/b.h\"\n*/\n"}, {"engine/log/b.h", ""}},
     {}},
    {"IncludeBehindAStringThatLooksLikeAComment",
     check_ranks,
     {{"engine/io/a.h", "const char* a = \"/*\";\n#include \"log/b.h\"\n"}, {"engine/log/b.h", ""}},
     {"engine/io/a.h:2: may not include engine/log/b.h"}},
    {"IncludeOfNothing",
     check_ranks,
     {{"engine/io/a.h", "#include \"log/gone.h\"\n"}},
     {"engine/io/a.h:1: \"log/gone.h\" is not in the tree"}},
    {"UnknownFolder",
     check_ranks,
     {{"engine/cache/a.h", "#include <vector>\n"}},
     {"engine/cache/a.h:1: is in no folder that has a rank"}},
};
INSTANTIATE_TEST_SUITE_P(Ranks, LayoutRulesTest, testing::ValuesIn(kRanks),
                         [](const auto& sample) { return std::string(sample.param.name); });

const Sample kPublicHeaders[] = {
    {"StandardAndOwn",
     check_public_headers,
     {{"engine/include/daybook/a.h", "#include <vector>\n#include <cstdint>\n#include <daybook/b.h>\n"}},
     {}},
    {"Boost",
     check_public_headers,
     {{"engine/include/daybook/a.h", "#include <boost/interprocess/mapped_region.hpp>\n"}},
     {"engine/include/daybook/a.h:1: a public header may not include boost/interprocess/mapped_region.hpp"}},
    {"System",
     check_public_headers,
     {{"engine/include/daybook/a.h", "#include <sys/mman.h>\n#include <unistd.h>\n"}},
     {"engine/include/daybook/a.h:1: a public header may not include sys/mman.h",
      "engine/include/daybook/a.h:2: a public header may not include unistd.h"}},
    {"Quoted",
     check_public_headers,
     {{"engine/include/daybook/a.h.in", "#include \"daybook/b.h\"\n"}},
     {"engine/include/daybook/a.h.in:1: a public header may not include daybook/b.h"}},
    {"InternalHeadersMay", check_public_headers, {{"engine/io/a.h", "#include <sys/mman.h>\n"}}, {}},
};
INSTANTIATE_TEST_SUITE_P(PublicHeaders, LayoutRulesTest, testing::ValuesIn(kPublicHeaders),
                         [](const auto& sample) { return std::string(sample.param.name); });

const Sample kCmakeLists[] = {
    {"ListedInItsFolderOrAbove",
     check_cmake_lists,
     {{"engine/CMakeLists.txt", "set(s\n  io/a.cc\n  include/daybook/b.h)\n"},
      {"engine/io/a.cc", ""},
      {"engine/include/daybook/b.h", ""},
      {"tests/io/CMakeLists.txt", "daybook_test(NAME t SOURCES \"t.cc\")"},
      {"tests/io/t.cc", ""},
      {"examples/CMakeLists.txt", "daybook_example(hello SOURCES hello/main.cc)"},
      {"examples/hello/main.cc", ""},
      {"engine/sourcing/CMakeLists.txt", "daybook_layer(HEADERS include/daybook/sourcing/c.h)"},
      {"engine/include/daybook/sourcing/c.h", ""}},
     {}},
    {"LayerHeaderNotListed",
     check_cmake_lists,
     {{"engine/sourcing/CMakeLists.txt", "daybook_layer(HEADERS include/daybook/sourcing/c.h)"},
      {"engine/include/daybook/sourcing/d.h", ""}},
     {"engine/include/daybook/sourcing/d.h:1: is in no CMakeLists.txt"}},
    {"NotListed",
     check_cmake_lists,
     {{"engine/CMakeLists.txt", "set(s io/aa.cc a.cc xio/a.cc)\n"}, {"engine/io/a.cc", ""}},
     {"engine/io/a.cc:1: is in no CMakeLists.txt"}},
    {"ListedInAComment",
     check_cmake_lists,
     {{"engine/CMakeLists.txt", "set(s # io/a.cc\n)\n"}, {"engine/io/a.cc", ""}},
     {"engine/io/a.cc:1: is in no CMakeLists.txt"}},
    {"PublicHeaderNotListed",
     check_cmake_lists,
     {{"engine/CMakeLists.txt", "set(s)\n"}, {"engine/include/daybook/b.h", ""}, {"engine/io/internal.h", ""}},
     {"engine/include/daybook/b.h:1: is in no CMakeLists.txt"}},
    {"NoListAtAll", check_cmake_lists, {{"tools/a.cc", ""}}, {"tools/a.cc:1: is in no CMakeLists.txt"}},
};
INSTANTIATE_TEST_SUITE_P(CmakeLists, LayoutRulesTest, testing::ValuesIn(kCmakeLists),
                         [](const auto& sample) { return std::string(sample.param.name); });

const Sample kDoors[] = {
    {"ThroughTheDoor",
     check_doors,
     {{"engine/io/a.cc", "#include <boost/interprocess/mapped_region.hpp>\n"},
      {"index/b.cc", "#include <roaring/roaring.h>\n"}},
     {}},
    {"BoostElsewhere",
     check_doors,
     {{"engine/store/a.cc", "#include <boost/container/small_vector.hpp>\n"}},
     {"engine/store/a.cc:1: Boost is for engine/io alone"}},
    {"RoaringInAHeader",
     check_doors,
     {{"index/a.h", "#include <roaring/roaring.h>\n"}},
     {"index/a.h:1: CRoaring is for one .cc of index"}},
    {"RoaringElsewhere",
     check_doors,
     {{"engine/log/a.cc", "#include <roaring/roaring.hh>\n"}},
     {"engine/log/a.cc:1: CRoaring is for one .cc of index"}},
    {"RoaringInTwo",
     check_doors,
     {{"index/a.cc", "#include <roaring/roaring.h>\n"}, {"index/b.cc", "#include <roaring/roaring.h>\n"}},
     {"index/b.cc:1: CRoaring has a door already: index/a.cc"}},
};
INSTANTIATE_TEST_SUITE_P(Doors, LayoutRulesTest, testing::ValuesIn(kDoors),
                         [](const auto& sample) { return std::string(sample.param.name); });

const Sample kMemoryOrders[] = {
    {"InTheLockFreeFiles",
     check_memory_orders,
     {{"engine/segment/a.cc", "a.load(std::memory_order_acquire);\n"},
      {"engine/io/futex.cc", "a.load(std::memory_order_relaxed);\n"}},
     {}},
    {"Elsewhere",
     check_memory_orders,
     {{"engine/store/a.cc", "\na.load(std::memory_order_acquire);\na.store(1, std::memory_order::release);\n"},
      {"engine/io/file.cc", "a.fetch_add(1, memory_order_relaxed);\n"},
      {"engine/format/frame.cc", "a.exchange(1, std::memory_order_acq_rel);\n"}},
     {"engine/format/frame.cc:1: a weak memory order outside the lock-free files",
      "engine/io/file.cc:1: a weak memory order outside the lock-free files",
      "engine/store/a.cc:2: a weak memory order outside the lock-free files",
      "engine/store/a.cc:3: a weak memory order outside the lock-free files"}},
    {"SequentiallyConsistent",
     check_memory_orders,
     {{"engine/store/a.cc", "a.load(std::memory_order_seq_cst);\n"}},
     {}},
    {"InAComment", check_memory_orders, {{"engine/store/a.cc", "a.load();  // not memory_order_relaxed\n"}}, {}},
    {"BehindADigitSeparator",
     check_memory_orders,
     {{"engine/store/a.cc", "int n = 1'000;  // don't\na.load(std::memory_order_relaxed);\n"}},
     {"engine/store/a.cc:2: a weak memory order outside the lock-free files"}},
};
INSTANTIATE_TEST_SUITE_P(MemoryOrders, LayoutRulesTest, testing::ValuesIn(kMemoryOrders),
                         [](const auto& sample) { return std::string(sample.param.name); });

const Sample kNames[] = {
    {"Nouns",
     check_names,
     {{"engine/log/appender.h", ""}, {"tools/commands.cc", ""}, {"tests/utility_test.cc", ""}},
     {}},
    {"Nameless",
     check_names,
     {{"engine/io/file_utils.cc", ""}, {"engine/common/a.h", ""}, {"tests/helpers.h", ""}, {"tools/manager.h.in", ""}},
     {"engine/common/a.h:1: \"common\" names nothing", "engine/io/file_utils.cc:1: \"utils\" names nothing",
      "tests/helpers.h:1: \"helpers\" names nothing", "tools/manager.h.in:1: \"manager\" names nothing"}},
};
INSTANTIATE_TEST_SUITE_P(Names, LayoutRulesTest, testing::ValuesIn(kNames),
                         [](const auto& sample) { return std::string(sample.param.name); });

const Sample kHeaders[] = {
    {"StandAlone",
     check_headers,
     {{"engine/io/a.h", "// What it is.\n#pragma once\n"},
      {"engine/io/a.cc", "// Why.\n#include \"io/a.h\"\n#include <vector>\n"}},
     {}},
    {"NoPragmaOnce", check_headers, {{"engine/io/a.h", "#ifndef A\n"}}, {"engine/io/a.h:1: has no #pragma once"}},
    {"OwnHeaderSecond",
     check_headers,
     {{"engine/io/a.h", "#pragma once\n"}, {"engine/io/a.cc", "#include <vector>\n#include \"io/a.h\"\n"}},
     {"engine/io/a.cc:1: does not include a.h first"}},
    {"OwnHeaderNever",
     check_headers,
     {{"engine/io/a.h", "#pragma once\n"}, {"engine/io/a.cc", "int a;\n"}},
     {"engine/io/a.cc:1: does not include a.h first"}},
};
INSTANTIATE_TEST_SUITE_P(Headers, LayoutRulesTest, testing::ValuesIn(kHeaders),
                         [](const auto& sample) { return std::string(sample.param.name); });

}  // namespace
}  // namespace daybook::layout
