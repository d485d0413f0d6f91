// A bank that is killed again and again while three threads transfer money: no cent is made or lost, what was acknowledged is
// there, and every way to ask for a balance agrees, read model and snapshots included.
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "article/bank_process.h"
#include "examples/bank/bank.h"
#include "examples/bank/check.h"
#include "support/result_matchers.h"
#include "support/rng.h"
#include "support/temp_dir.h"

namespace bank::test {
namespace {

using daybook::test::is_ok;
using daybook::test::Rng;
using daybook::test::TempDir;

// One bank and its many lives.
class KilledBank {
 public:
  explicit KilledBank(std::uint64_t seed) : random_(seed) {
    // Segments so small that most lives enter a new one; a store keeps its size.
    auto made = Bank::open(path(), {.segment_size = 64 << 10});
    EXPECT_TRUE(made && (*made)->close());
  }

  // From the start of the program to its death, 1 to 50 ms after its first transfer; or while it is still opening.
  void live_and_die(bool in_memory) {
    std::vector<std::string> arguments{path(), "simulate", std::to_string(random_.below(1'000'000))};
    if (in_memory) arguments.emplace_back("memory");
    BankProcess process(directory_ / "output", arguments);
    if (random_.below(8) == 0) {
      std::this_thread::sleep_for(std::chrono::microseconds(random_.below(20'000)));
    } else {
      ASSERT_TRUE(process.wait_until_it_works(std::chrono::seconds(60)));
      std::this_thread::sleep_for(std::chrono::microseconds(1'000 + random_.below(49'000)));
    }
    ASSERT_TRUE(process.kill()) << "it had ended by itself";
    acknowledged_ = process.acknowledged();
    transfers_ += acknowledged_ != 0;
  }

  void check_books() {
    auto bank = Bank::open(path());
    ASSERT_TRUE(is_ok(bank));
    EXPECT_GE((*bank)->store().published_position(), acknowledged_);
    ASSERT_EQ(check(**bank), 0);
    events_ = (*bank)->store().published_position();
    ASSERT_TRUE(is_ok((*bank)->close()));
  }

  [[nodiscard]] std::uint64_t events() const { return events_; }
  [[nodiscard]] int at_work() const { return transfers_; }

 private:
  [[nodiscard]] std::string path() const { return directory_ / "bank"; }

  TempDir directory_;
  Rng random_;
  daybook::Position acknowledged_ = 0;
  std::uint64_t events_ = 0;
  int transfers_ = 0;
};

TEST(BankKillTest, NoMoneyIsMadeOrLost) {
  constexpr std::uint64_t kBanks = 10;
  constexpr int kLives = 31;  // of each
  std::uint64_t events = 0;
  int at_work = 0;
  for (std::uint64_t seed = 1; seed <= kBanks; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    KilledBank bank(seed);
    for (int life = 0; life < kLives; ++life) {
      SCOPED_TRACE("life " + std::to_string(life));
      ASSERT_NO_FATAL_FAILURE(bank.live_and_die(life % 3 != 0));
      ASSERT_NO_FATAL_FAILURE(bank.check_books());
    }
    events += bank.events();
    at_work += bank.at_work();
  }
  std::printf("[   info   ] %llu kills, %d of them at work; %llu events\n",
              static_cast<unsigned long long>(kBanks * kLives), at_work, static_cast<unsigned long long>(events));
  // A loop that kills nobody at work shows nothing.
  EXPECT_GE(at_work, 200);
  EXPECT_GE(events, 5'000u);
}

}  // namespace
}  // namespace bank::test
