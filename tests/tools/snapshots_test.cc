// The command `snapshots`, and what `verify` and `info` say about them.
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include <daybook/daybook.h>

#include "command.h"
#include "format/layout.h"
#include "json.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "tools/run_program.h"

namespace daybook::tools {
namespace {

using test::Outcome;
using test::run_inside;

class SnapshotsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Store::open(store(), {.durability = Durability::memory, .segment_size = 1 << 20});
    ASSERT_TRUE(test::is_ok(opened));
    for (int i = 0; i < 9; ++i) ASSERT_TRUE(test::is_ok(opened->append("a", Expect::any(), {{.type = "T"}})));
    for (const Position position : {3, 6}) {
      ASSERT_TRUE(test::is_ok(opened->snapshots().save({.key = "account-1",
                                                        .version = position,
                                                        .position = position,
                                                        .fingerprint = 0xabc,
                                                        .state = "state at " + std::to_string(position)})));
    }
    ASSERT_TRUE(test::is_ok(opened->snapshots().save({.key = "projection/x", .position = 9, .state = "y"})));
    ASSERT_TRUE(test::is_ok(opened->close()));
  }

  [[nodiscard]] std::string store() const { return (directory_ / "store").string(); }

  void damage(const std::string& state) const {
    const auto path = directory_ / "store" / "snapshots" / format::snapshots_name(1);
    std::ifstream in(path, std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(in), {});
    bytes.at(bytes.find(state)) ^= 1;
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }

  const test::TempDir directory_;
};

TEST_F(SnapshotsTest, AreListed) {
  const Outcome text = run_inside({"snapshots", store()});
  EXPECT_EQ(text.status, kOk) << text.err;
  EXPECT_NE(text.out.find("10 B  0000000000000abc  good     account-1\n"), std::string::npos) << text.out;
  EXPECT_LT(text.out.find("account-1"), text.out.find("projection/x"));
  const Outcome lines = run_inside({"snapshots", store(), "--jsonl", "--stream", "account"});
  EXPECT_TRUE(lines.out.starts_with(R"({"key":"account-1","version":3,"position":3,"recorded_at":")")) << lines.out;
  EXPECT_NE(lines.out.find(R"("size":10,"fingerprint":"0000000000000abc","condition":"good"})"), std::string::npos);
  EXPECT_EQ(lines.out.find("projection"), std::string::npos);
  const Outcome json = run_inside({"snapshots", store(), "--json"});
  EXPECT_TRUE(is_json(json.out)) << json.out;
  EXPECT_TRUE(json.out.starts_with(R"({"schema":"daybook.snapshots/1","snapshots":[{)"));
}

TEST_F(SnapshotsTest, OfAStoreWithoutAny) {
  std::filesystem::remove_all(directory_ / "store" / "snapshots");
  EXPECT_EQ(run_inside({"snapshots", store()}).out, "");
  EXPECT_EQ(run_inside({"snapshots", store(), "--json"}).out, R"({"schema":"daybook.snapshots/1","snapshots":[]})"
                                                              "\n");
  EXPECT_EQ(run_inside({"info", store()}).out.find("snapshots"), std::string::npos);
  EXPECT_EQ(run_inside({"verify", store()}).out.find("snapshots"), std::string::npos);
  EXPECT_EQ(run_inside({"snapshots", (directory_ / "none").string()}).status, kFailed);
}

TEST_F(SnapshotsTest, DamageIsAWarning) {
  const Outcome whole = run_inside({"verify", store()});
  EXPECT_EQ(whole.status, kOk);
  EXPECT_NE(whole.out.find("\nsnapshots: 3 of 2 keys, "), std::string::npos) << whole.out;
  damage("state at 6");
  const Outcome outcome = run_inside({"verify", store()});
  EXPECT_EQ(outcome.status, kOk) << "the log is whole";
  EXPECT_NE(outcome.out.find("\nwarning: snapshots: 3 of 2 keys, "), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("; 1 damaged\n"), std::string::npos) << outcome.out;
  const Outcome json = run_inside({"verify", store(), "--json"});
  EXPECT_TRUE(is_json(json.out));
  EXPECT_NE(json.out.find(R"("snapshots":{"keys":2,"snapshots":3,"damaged":1,"stale":0,)"), std::string::npos);
  EXPECT_NE(run_inside({"snapshots", store()}).out.find("damaged  account-1\n"), std::string::npos);
}

TEST_F(SnapshotsTest, AreInInfo) {
  EXPECT_NE(run_inside({"info", store()}).out.find("\nsnapshots   3 of 2 keys, "), std::string::npos);
  const Outcome json = run_inside({"info", store(), "--json"});
  EXPECT_TRUE(is_json(json.out));
  EXPECT_NE(json.out.find(R"("snapshots":{"keys":2,"snapshots":3,)"), std::string::npos) << json.out;
}

}  // namespace
}  // namespace daybook::tools
