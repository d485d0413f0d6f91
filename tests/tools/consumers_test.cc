// daybook consumers: the list, what is parked, and the move.
#include <fstream>
#include <optional>
#include <string>

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

using test::is_ok;
using test::Outcome;
using test::run_inside;

class ConsumersCommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Store::open(path(), {.durability = Durability::memory, .segment_size = 1 << 20});
    ASSERT_TRUE(is_ok(opened));
    store_.emplace(std::move(*opened));
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(is_ok(store_->append("a stream\n", Expect::any(), {{.type = "Type"}})));
    }
  }
  // A consumer at position 5 that has parked 4.
  void consume(std::string_view name) {
    auto consumer = store_->consumer(name, {.visibility = Visibility::published});
    ASSERT_TRUE(is_ok(consumer));
    for (int i = 0; i < 4; ++i) ASSERT_NE(consumer->next(), nullptr);
    ASSERT_TRUE(is_ok(consumer->park({.code = Errc::refused, .what = "no", .detail = ErrorText("\"quoted\"")})));
    ASSERT_NE(consumer->next(), nullptr);
    ASSERT_TRUE(is_ok(consumer->ack()));
  }
  [[nodiscard]] std::string path() const { return (directory_ / "store").string(); }
  [[nodiscard]] Position position(std::string_view name) const {
    const auto all = store_->consumers();
    for (const ConsumerInfo& info : *all) {
      if (info.name == name) return info.position;
    }
    return 0;
  }

  const test::TempDir directory_;
  std::optional<Store> store_;
};

TEST_F(ConsumersCommandTest, ADamagedJournalIsNamedWithTheWayOut) {
  consume("billing");
  consume("mail");
  std::ofstream(path() + "/consumers/billing~2.journal") << "not a journal of anybody";
  const Outcome outcome = run_inside({"consumers", path()});
  EXPECT_EQ(outcome.status, kNo);
  EXPECT_NE(outcome.out.find("             ?              ?        ?  cannot be read            billing\n"),
            std::string::npos)
      << outcome.out;
  EXPECT_NE(outcome.out.find("  mail\n"), std::string::npos) << outcome.out;
  const Outcome json = run_inside({"consumers", path(), "--json"});
  EXPECT_EQ(json.status, kNo);
  EXPECT_NE(json.out.find("{\"name\":\"billing\",\"error\":\"corrupt: "), std::string::npos) << json.out;
  EXPECT_NE(json.out.find("{\"name\":\"mail\",\"position\":5,"), std::string::npos) << json.out;
  EXPECT_TRUE(is_json(json.out));
  EXPECT_NE(outcome.err.find("consumer billing; without its files, consumers/<name>~*, it begins anew"),
            std::string::npos)
      << outcome.err;
}

TEST_F(ConsumersCommandTest, ListsThem) {
  EXPECT_EQ(run_inside({"consumers", path(), "--json"}).out, "{\"schema\":\"daybook.consumers/1\",\"consumers\":[]}\n");
  consume("billing");
  const Outcome table = run_inside({"consumers", path()});
  EXPECT_EQ(table.status, kOk);
  EXPECT_NE(table.out.find("             5              5        1  20"), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("  billing\n"), std::string::npos);
  const Outcome json = run_inside({"consumers", path(), "--json"});
  EXPECT_NE(json.out.find("{\"name\":\"billing\",\"position\":5,\"lag\":5,\"parked\":1,\"saved_at\":\"2"),
            std::string::npos)
      << json.out;
  EXPECT_TRUE(is_json(json.out));
}

TEST_F(ConsumersCommandTest, ListsWhatIsParked) {
  consume("billing");
  const Outcome text = run_inside({"consumers", path(), "--parked", "billing"});
  EXPECT_EQ(text.status, kOk);
  EXPECT_NE(text.out.find("1 attempts  a stream\\n/4  Type: refused: no: \"quoted\"\n"), std::string::npos) << text.out;
  const Outcome json = run_inside({"consumers", path(), "--parked", "billing", "--json"});
  EXPECT_TRUE(is_json(json.out)) << json.out;
  EXPECT_NE(json.out.find("\"error\":\"refused: no: \\\"quoted\\\"\""), std::string::npos) << json.out;
  EXPECT_EQ(run_inside({"consumers", path(), "--parked", "nobody"}).status, kNo);
}

TEST_F(ConsumersCommandTest, MovesOne) {
  consume("billing");
  const Outcome moved = run_inside({"consumers", path(), "--reset", "billing", "--to", "8"});
  EXPECT_EQ(moved.status, kOk) << moved.err;
  EXPECT_EQ(moved.out, "billing is at position 8, 2 behind\n");
  EXPECT_EQ(position("billing"), 8u);
  const auto to = [&](const std::string& place) {
    const Outcome outcome = run_inside({"consumers", path(), "--reset", "billing", "--to", place});
    EXPECT_EQ(outcome.status, kOk) << outcome.err;
    return position("billing");
  };
  EXPECT_EQ(to("end"), 10u);
  EXPECT_EQ(to("beginning"), 0u);
  EXPECT_EQ(to("2100-01-01T00:00:00Z"), 10u);
  EXPECT_EQ(to("-1h"), 0u);
}

TEST_F(ConsumersCommandTest, RefusesWhatMakesNoSense) {
  consume("billing");
  EXPECT_EQ(run_inside({"consumers", path(), "--reset", "billing"}).status, kUsage);
  EXPECT_EQ(run_inside({"consumers", path(), "--to", "5"}).status, kUsage);
  EXPECT_EQ(run_inside({"consumers", path(), "--reset", "billing", "--to", "soon"}).status, kUsage);
  EXPECT_EQ(run_inside({"consumers", path(), "--reset", "a", "--to", "1", "--parked", "a"}).status, kUsage);
  EXPECT_EQ(run_inside({"consumers", path(), "--reset", "billing", "--to", "11"}).status, kFailed);
  EXPECT_EQ(run_inside({"consumers", path(), "--reset", "nobody", "--to", "1"}).status, kNo);
  EXPECT_EQ(run_inside({"consumers", path() + "-not"}).status, kFailed);
  EXPECT_EQ(position("billing"), 5u);
  const auto held = store_->consumer("billing", {.visibility = Visibility::published});
  const Outcome locked = run_inside({"consumers", path(), "--reset", "billing", "--to", "1"});
  EXPECT_EQ(locked.status, kFailed);
  EXPECT_NE(locked.err.find("consumer billing"), std::string::npos) << locked.err;
  // And the rest of the program does not mind the folder.
  EXPECT_EQ(run_inside({"verify", path()}).status, kOk);
}

}  // namespace
}  // namespace daybook::tools
