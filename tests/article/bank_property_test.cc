// Random commands on many accounts from several threads: whatever the order, what was acknowledged is all that happened, and
// every way to ask for a balance gives the same answer.
#include <array>
#include <atomic>
#include <cstdio>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "article/bank_fixture.h"
#include "examples/bank/balances.h"
#include "examples/bank/check.h"
#include "support/rng.h"

namespace bank::test {
namespace {

using daybook::AsOf;
using daybook::Errc;
using daybook::test::Rng;

constexpr std::uint64_t kAccounts = 12;
constexpr int kThreads = 4;
constexpr int kCommands = 250;  // of each thread

class BankPropertyTest : public BankTest {
 protected:
  // What acknowledged commands have paid in, less what they have paid out.
  std::atomic<Cents> paid_in_ = 0;
  std::atomic<int> done_ = 0;
  std::atomic<int> refused_ = 0;
  std::atomic<int> odd_ = 0;

  // Sends a command, some of them twice under one id, as a sender does that has missed the answer. True = it was carried out.
  template <typename Command>
  bool carry_out(const Command& command, Rng& random) {
    daybook::CommandContext context;
    if (random.below(3) == 0) {
      context.id.emplace();
      for (auto& byte : *context.id) byte = static_cast<std::uint8_t>(random.below(256));
    }
    const auto done = send(command, context);
    if (!done) {
      ++(done.error().code == Errc::refused || daybook::is_conflict(done.error()) ? refused_ : odd_);
      return false;
    }
    if (done->repeated) ++odd_;
    if (context.id && random.coin()) {
      const auto again = send(command, context);
      if (!again || !again->repeated || again->last_position != done->last_position) ++odd_;
    }
    ++done_;
    return true;
  }

  void act(Rng& random) {
    const std::string id = std::to_string(random.below(kAccounts));
    const std::string other = std::to_string(random.below(kAccounts));
    const Cents cents = static_cast<Cents>(random.below(1'000)) - 20;  // a few that nobody may take
    switch (random.below(8)) {
      case 0:
        if (carry_out(OpenAccount{id, "owner-" + std::to_string(random.below(3)), cents}, random)) paid_in_ += cents;
        return;
      case 1:
        if (carry_out(Deposit{id, cents}, random)) paid_in_ += cents;
        return;
      case 2:
        if (carry_out(Withdraw{id, cents}, random)) paid_in_ -= cents;
        return;
      default: carry_out(Transfer{id, other, cents}, random); return;
    }
  }

  // A position in the middle of a transfer is no moment that ever was.
  daybook::Position end_of_append(daybook::Position position) {
    daybook::Cursor cursor = store().read({.after = position == 0 ? 0 : position - 1, .limit = 1});
    const daybook::EventView* event = position == 0 ? nullptr : cursor.next();
    return event != nullptr && event->type == "TransferSent" ? position + 1 : position;
  }

  // At any moment of the past, each account as its own history has it, and all of them as the projection has them.
  void check_past(Rng& random) {
    daybook::Projection<Balances> balances(store(), {.catalog = &catalog()});
    const daybook::Position last = store().published_position();
    for (int i = 0; i < 8; ++i) {
      const AsOf then = AsOf::position(end_of_append(random.below(last + 1)));
      const auto state = balances.state_at(then);
      ASSERT_TRUE(is_ok(state));
      Cents sum = 0;
      for (const auto& [id, cents] : state->cents) {
        EXPECT_EQ(balance(id, then), cents) << "account " << id << " as of position " << then.number();
        EXPECT_GE(cents, 0);
        sum += cents;
      }
      EXPECT_EQ(sum, state->paid_in) << "as of position " << then.number();
    }
  }
};

TEST_F(BankPropertyTest, EveryWayToAskForABalanceGivesTheSame) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    {
      std::vector<std::jthread> threads;
      for (std::uint64_t thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
          Rng random(seed * 100 + thread);
          for (int i = 0; i < kCommands; ++i) act(random);
        });
      }
    }
    ASSERT_EQ(odd_.load(), 0);
    ASSERT_EQ(check(*bank_), 0);
    Rng random(seed);
    ASSERT_NO_FATAL_FAILURE(check_past(random));
    const auto state = daybook::Projection<Balances>(store(), {.catalog = &catalog()})
                           .state_at(AsOf::position(store().published_position()));
    ASSERT_TRUE(is_ok(state));
    EXPECT_EQ(state->paid_in, paid_in_.load()) << "what was acknowledged is not what happened";
    ASSERT_TRUE(is_ok(bank_->close()));  // and the next seed goes on with the same accounts
    open_bank();
  }
  std::printf("[   info   ] %d commands carried out, %d refused\n", done_.load(), refused_.load());
  EXPECT_GE(done_.load(), 300);
  EXPECT_GE(refused_.load(), 50);
}

}  // namespace
}  // namespace bank::test
