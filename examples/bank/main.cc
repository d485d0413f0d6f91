// A bank on the command line. Every command is one process that opens the bank, does its work, and leaves; the ledger is all
// that is kept, and what it is worth is seen when a process dies in between.
//
//   example_bank DIRECTORY open ID OWNER CENTS        example_bank DIRECTORY balance ID [VERSION]
//   example_bank DIRECTORY deposit ID CENTS           example_bank DIRECTORY statement ID
//   example_bank DIRECTORY withdraw ID CENTS          example_bank DIRECTORY accounts OWNER
//   example_bank DIRECTORY transfer FROM TO CENTS     example_bank DIRECTORY check
//   example_bank DIRECTORY tour                       the story of two accounts, crash included
//   example_bank DIRECTORY simulate SEED [memory]     random transfers, until it is killed; not synced one by one
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "bank.h"
#include "check.h"
#include "tour.h"

namespace {

int fail(const daybook::Error& error) {
  std::fprintf(stderr, "%s\n", daybook::describe(error).c_str());
  return 1;
}

int usage() {
  std::fprintf(stderr, "usage: example_bank DIRECTORY COMMAND [ARGUMENT...]; see the head of main.cc\n");
  return 2;
}

int report(const daybook::Result<daybook::Appended>& done) {
  if (!done) return fail(done.error());
  std::printf("recorded at position %llu\n", static_cast<unsigned long long>(done->last_position));
  return 0;
}

int print_balance(bank::Bank& bank, const std::string& id, const daybook::AsOf& as_of) {
  const auto cents = bank.queries().ask(bank::GetBalance{id, as_of});
  if (!cents) return fail(cents.error());
  std::printf("%lld\n", static_cast<long long>(*cents));
  return 0;
}

int print_accounts(bank::Bank& bank, const std::string& owner) {
  // The read model follows the ledger; this waits until it has seen all that is there.
  if (const auto seen = bank.read_model().wait_for(bank.store().durable_position(), std::chrono::minutes(1)); !seen) {
    return fail(seen.error());
  }
  const auto rows = bank.queries().ask(bank::AccountsOf{owner});
  if (!rows) return fail(rows.error());
  for (const bank::AccountRow& row : *rows) {
    std::printf("%s %lld\n", row.id.c_str(), static_cast<long long>(row.cents));
  }
  return 0;
}

bool is_simulation_in_memory(const std::vector<std::string>& words) {
  return words.size() == 3 && words[0] == "simulate" && words[2] == "memory";
}

int run(bank::Bank& bank, const std::vector<std::string>& words) {
  const std::string& command = words[0];
  const auto is = [&](std::string_view name, std::size_t arguments) {
    return command == name && words.size() == arguments + 1;
  };
  const auto number = [](const std::string& text) { return std::strtoll(text.c_str(), nullptr, 10); };
  const daybook::CommandBus& commands = bank.commands();

  if (is("open", 3)) return report(commands.send(bank::OpenAccount{words[1], words[2], number(words[3])}));
  if (is("deposit", 2)) return report(commands.send(bank::Deposit{words[1], number(words[2])}));
  if (is("withdraw", 2)) return report(commands.send(bank::Withdraw{words[1], number(words[2])}));
  if (is("transfer", 3)) return report(commands.send(bank::Transfer{words[1], words[2], number(words[3])}));
  if (is("balance", 1))
    return print_balance(bank, words[1], daybook::AsOf::position(bank.store().published_position()));
  if (is("balance", 2)) {
    return print_balance(bank, words[1], daybook::AsOf::version(static_cast<daybook::Version>(number(words[2]))));
  }
  if (is("statement", 1)) return bank::print_statement(bank, words[1]);
  if (is("accounts", 1)) return print_accounts(bank, words[1]);
  if (is("check", 0)) return bank::check(bank);
  if (is("tour", 0)) return bank::tour(bank);
  if (is("simulate", 1) || is_simulation_in_memory(words))
    return bank::simulate(bank, static_cast<std::uint64_t>(number(words[1])));
  return usage();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return usage();
  const std::vector<std::string> words(argv + 2, argv + argc);
  daybook::OpenOptions options;
  if (is_simulation_in_memory(words)) options.durability = daybook::Durability::memory;
  auto bank = bank::Bank::open(argv[1], options);
  if (!bank) return fail(bank.error());
  const int status = run(**bank, words);
  if (const auto closed = (*bank)->close(); !closed && status == 0) return fail(closed.error());
  return status;
}
