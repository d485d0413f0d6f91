// A bank that is gone after the test.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "examples/bank/bank.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace bank::test {

using daybook::test::fails_with;
using daybook::test::is_ok;

class BankTest : public ::testing::Test {
 protected:
  BankTest() { open_bank(); }

  void open_bank() {
    bank_.reset();
    auto opened =
        Bank::open(dir_.path(), {.durability = daybook::Durability::memory, .segment_size = std::uint64_t{256} << 10});
    if (opened) bank_ = std::move(*opened);
    EXPECT_TRUE(is_ok(opened));
  }

  daybook::Store& store() { return bank_->store(); }

  template <typename Command>
  daybook::Result<daybook::Appended> send(const Command& command, const daybook::CommandContext& context = {}) {
    return bank_->commands().send(command, context);
  }

  // As the account's own history has it.
  Cents balance(const std::string& id, const daybook::AsOf& as_of) {
    const auto cents = bank_->queries().ask(GetBalance{id, as_of});
    EXPECT_TRUE(is_ok(cents));
    return cents.value_or(-1);
  }
  Cents balance(const std::string& id) { return balance(id, daybook::AsOf::position(store().published_position())); }

  // Returns when the read model has seen everything.
  void wait_for_read_model() {
    ASSERT_TRUE(is_ok(store().sync()));
    ASSERT_TRUE(is_ok(bank_->read_model().wait_for(store().durable_position(), std::chrono::minutes(1))));
  }

  // Types of an account's events, in order.
  std::vector<std::string> history(const std::string& id, const daybook::HistoryWindow& window = {}) {
    std::vector<std::string> types;
    const auto read = bank_->accounts().history(
        id, window, [&](const auto&, const daybook::EventView& at) { types.emplace_back(at.type); });
    EXPECT_TRUE(is_ok(read));
    return types;
  }

  daybook::test::TempDir dir_;
  std::unique_ptr<Bank> bank_;
};

}  // namespace bank::test
