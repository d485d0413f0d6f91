#include "tour.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

namespace bank {
namespace {

using daybook::AsOf;
using daybook::CommandContext;
using daybook::describe;
using daybook::Expect;
using daybook::Store;

int fail(const daybook::Error& error) {
  std::fprintf(stderr, "%s\n", describe(error).c_str());
  return 1;
}

// A step that must succeed.
template <typename Done>
bool step(const char* what, const Done& done) {
  std::printf("%s\n", what);
  if (!done) fail(done.error());
  return done.has_value();
}

// A step that must be refused.
template <typename Done>
bool refused(const char* what, const Done& done) {
  if (done) std::fprintf(stderr, "%s: was not refused\n", what);
  if (!done) std::printf("%s: %s\n", what, describe(done.error()).c_str());
  return !done && done.error().code == daybook::Errc::refused;
}

// A year ago this program was younger, and wrote its events in another form.
bool open_as_in_the_first_release(Bank& bank) {
  return step(
      "Ada's account is from the time of the first release: AccountCreated v1, in dollars",
      bank.store().append("account-ada", Expect::no_stream(),
                          {{.type = "AccountCreated", .payload = R"({"owner":"Ada","initial_balance":125.5})"}}));
}

bool move_money(Bank& bank) {
  const daybook::CommandBus& send = bank.commands();
  return step("Bob opens an account with 50.00", send.send(OpenAccount{"bob", "Bob", 5'000})) &&
         step("Ada deposits 10.00", send.send(Deposit{"ada", 1'000})) &&
         refused("Bob withdraws 60.00", send.send(Withdraw{"bob", 6'000})) &&
         refused("Bob transfers -20.00 to Ada", send.send(Transfer{"bob", "ada", -2'000})) &&
         step("Ada transfers 35.50 to Bob: one append, both accounts", send.send(Transfer{"ada", "bob", 3'550}));
}

// The answer to a command may be lost on its way; so its sender sends it again, with the same id.
bool send_twice(Bank& bank) {
  const CommandContext once{.id = daybook::CommandId{0xb0, 0xb1}, .event = {.correlation = "order-17", .actor = "ada"}};
  const auto first = bank.commands().send(Deposit{"ada", 700, "cheque"}, once);
  const auto second = bank.commands().send(Deposit{"ada", 700, "cheque"}, once);
  if (!step("Ada deposits a cheque of 7.00, and sends the command twice", first) || !second) return false;
  std::printf("  the second time it was %s\n", second->repeated ? "known already" : "carried out again");
  return second->repeated && second->last_position == first->last_position;
}

// What a process has acknowledged survives its death, and what it has not, has not half happened.
bool crash(Bank& bank) {
  std::printf("a process that has just transferred 5.00 from Bob to Ada dies in the middle of the next transfer\n");
  std::fflush(nullptr);
  const std::filesystem::path ledger = bank.directory();
  if (const auto closed = bank.close(); !closed) return fail(closed.error()) == 0;
  const pid_t child = ::fork();
  if (child == 0) {
    auto own = Bank::open(ledger);
    if (!own || !(*own)->commands().send(Transfer{"bob", "ada", 500})) ::_exit(1);
    auto ada = (*own)->accounts().load("ada");
    auto bob = (*own)->accounts().load("bob");
    if (!ada || !bob || !transfer(*ada, *bob, 100)) ::_exit(1);
    std::abort();  // decided, not saved
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status);
}

bool look_back(Bank& bank) {
  for (const daybook::Version version : {1, 2, 3, 4, 5}) {
    const auto cents = bank.queries().ask(GetBalance{"ada", AsOf::version(version)});
    if (!cents) return fail(cents.error()) == 0;
    std::printf("  Ada's balance as of version %llu: %lld\n", static_cast<unsigned long long>(version),
                static_cast<long long>(*cents));
  }
  return true;
}

}  // namespace

int tour(Bank& bank) {
  const bool told = open_as_in_the_first_release(bank) && move_money(bank) && send_twice(bank) && crash(bank);
  if (!told) return 1;
  auto reopened = Bank::open(bank.directory());
  if (!reopened) return fail(reopened.error());
  std::printf("the bank is opened again\n");
  return look_back(**reopened) ? check(**reopened) : 1;
}

}  // namespace bank
