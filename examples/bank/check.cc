#include "check.h"

#include <atomic>
#include <cstdio>
#include <random>
#include <thread>
#include <vector>

#include <unistd.h>

#include "balances.h"

namespace bank {
namespace {

int fail(const daybook::Error& error) {
  std::fprintf(stderr, "%s\n", daybook::describe(error).c_str());
  return 1;
}

int differ(const std::string& id, const char* how, Cents expected, Cents found) {
  std::fprintf(stderr, "account %s: %s says %lld, its events say %lld\n", id.c_str(), how,
               static_cast<long long>(found), static_cast<long long>(expected));
  return 1;
}

// One account, every other way.
int check_account(Bank& bank, const std::string& id, Cents expected) {
  const auto now = bank.accounts().load(id);
  if (!now) return fail(now.error());
  if ((*now)->cents != expected) return differ(id, "snapshot and tail", expected, (*now)->cents);

  const auto then = bank.accounts().load_at(id, daybook::AsOf::position(bank.store().published_position()));
  if (!then) return fail(then.error());
  if ((*then)->cents != expected) return differ(id, "as of the last position", expected, (*then)->cents);

  const auto row = bank.queries().ask(GetAccount{id});
  if (!row) return fail(row.error());
  if (row->cents != expected) return differ(id, "SQLite", expected, row->cents);
  return 0;
}

// At once and as a whole: whoever reads it may believe it.
void print_line(daybook::Position position) {
  const std::string line = std::to_string(position) + "\n";
  static_cast<void>(!::write(STDOUT_FILENO, line.data(), line.size()));
}

}  // namespace

int print_statement(Bank& bank, const std::string& id) {
  Account account;
  const auto printed = bank.accounts().history(id, {}, [&](const auto& event, const daybook::EventView& at) {
    account.apply(event);
    std::printf("%llu %s %lld\n", static_cast<unsigned long long>(at.version), std::string(at.type).c_str(),
                static_cast<long long>(account.cents));
  });
  return printed ? 0 : fail(printed.error());
}

int check(Bank& bank) {
  // The read model has seen what is durable: now that is everything.
  if (const auto synced = bank.store().sync(); !synced) return fail(synced.error());
  // The reference: a fold of the whole log, without snapshots.
  daybook::Repository<Account> plain(bank.store(), {.catalog = &catalog()});
  daybook::Projection<Balances> balances(bank.store(), {.catalog = &catalog()});
  if (const auto folded = balances.catch_up(); !folded) return fail(folded.error());
  if (const auto seen = bank.read_model().wait_for(bank.store().durable_position(), std::chrono::minutes(1)); !seen) {
    return fail(seen.error());
  }
  Cents sum = 0;
  const Balances state = balances.read([](const Balances& now) { return now; });
  for (const auto& [id, cents] : state.cents) {
    const auto replayed = plain.load(id);
    if (!replayed) return fail(replayed.error());
    if ((*replayed)->cents != cents) return differ(id, "the projection", (*replayed)->cents, cents);
    if (const int status = check_account(bank, id, cents); status != 0) return status;
    if (cents < 0) return differ(id, "the rule", 0, cents);
    sum += cents;
  }
  if (sum != state.paid_in) return differ("(all)", "what was paid in", sum, state.paid_in);
  std::printf("%zu accounts hold %lld cents, as was paid in; %llu events\n", state.cents.size(),
              static_cast<long long>(sum), static_cast<unsigned long long>(bank.store().published_position()));
  return 0;
}

int simulate(Bank& bank, std::uint64_t seed) {
  constexpr int kAccounts = 10;
  constexpr std::uint64_t kThreads = 3;
  for (int id = 0; id < kAccounts; ++id) {
    const auto opened =
        bank.commands().send(OpenAccount{std::to_string(id), "owner-" + std::to_string(id % 3), 100'000});
    if (!opened && opened.error().code != daybook::Errc::refused) return fail(opened.error());
  }
  std::vector<std::jthread> threads;
  std::atomic<bool> failed = false;
  for (std::uint64_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      std::mt19937_64 random(seed * kThreads + thread);
      while (!failed) {
        const std::string from = std::to_string(random() % kAccounts);
        const std::string to = std::to_string(random() % kAccounts);
        const auto cents = static_cast<Cents>(random() % 10'000);
        const auto done = bank.commands().send(Transfer{from, to, cents});
        if (done) {
          print_line(done->last_position);
        } else if (done.error().code != daybook::Errc::refused && !daybook::is_conflict(done.error())) {
          failed = fail(done.error()) != 0;
        }
      }
    });
  }
  threads.clear();
  return 1;
}

}  // namespace bank
