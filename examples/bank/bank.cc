#include "bank.h"

#include <system_error>
#include <utility>

namespace bank {
namespace {

using daybook::Appended;
using daybook::CommandContext;
using daybook::Result;

AccountRow to_row(const daybook::SqliteRow& row) {
  return {.id = std::string(row.text(0)), .owner = std::string(row.text(1)), .cents = row.integer(2)};
}

}  // namespace

Bank::Bank(daybook::Store store, const std::filesystem::path& directory)
    : directory_(directory),
      store_(std::move(store)),
      accounts_(store_, {.catalog = &catalog(), .snapshots = {.every_events = 100}}),
      read_model_(store_, (directory / "accounts.db").string(), {.catalog = &catalog()}) {}

Result<std::unique_ptr<Bank>> Bank::open(const std::filesystem::path& directory, const daybook::OpenOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return daybook::fail({.code = daybook::Errc::io, .sys_errno = error.value(), .what = "mkdir"});
  auto store = daybook::Store::open(directory / "ledger", options);
  if (!store) return daybook::fail(store.error());
  std::unique_ptr<Bank> bank(new Bank(std::move(*store), directory));
  DAYBOOK_TRY(catalog().check());
  DAYBOOK_TRY(bank->handle_commands());
  DAYBOOK_TRY(bank->handle_queries());
  DAYBOOK_TRY(bank->read_model_.start());
  return bank;
}

Result<void> Bank::close() {
  read_model_.stop();
  return store_.close();
}

Result<void> Bank::handle_commands() {
  DAYBOOK_TRY(commands_.handle<OpenAccount>([this](const OpenAccount& command, const CommandContext& context) {
    return accounts_.update(
        command.id, [&](auto& account) { return bank::open(account, command.owner, command.cents); }, context);
  }));
  DAYBOOK_TRY(commands_.handle<Deposit>([this](const Deposit& command, const CommandContext& context) {
    return accounts_.update(
        command.id, [&](auto& account) { return deposit(account, command.cents, command.method); }, context);
  }));
  DAYBOOK_TRY(commands_.handle<Withdraw>([this](const Withdraw& command, const CommandContext& context) {
    return accounts_.update(
        command.id, [&](auto& account) { return withdraw(account, command.cents, command.method); }, context);
  }));
  return commands_.handle<Transfer>(
      [this](const Transfer& command, const CommandContext& context) { return carry_out(command, context); });
}

// Two accounts, one append: the money is in both or in neither. Somebody else's change to either of them is a conflict, and
// the decision is made again.
Result<Appended> Bank::carry_out(const Transfer& command, const CommandContext& context) {
  return daybook::carry_out(store_, context, {}, [&]() -> Result<Appended> {
    auto from = accounts_.load(command.from);
    if (!from) return daybook::fail(from.error());
    auto to = accounts_.load(command.to);
    if (!to) return daybook::fail(to.error());
    DAYBOOK_TRY(transfer(*from, *to, command.cents));
    daybook::UnitOfWork work(store_, {.command = context});
    return work.add(accounts_, *from).add(accounts_, *to).save();
  });
}

Result<void> Bank::handle_queries() {
  DAYBOOK_TRY(queries_.handle<GetAccount>([this](const GetAccount& question) {
    return read_model_.read([&](daybook::SqliteDatabase& db) -> Result<AccountRow> {
      std::optional<AccountRow> found;
      DAYBOOK_TRY(db.query("SELECT id, owner, cents FROM account WHERE id = ?", {question.id},
                           [&](const daybook::SqliteRow& row) { found = to_row(row); }));
      if (!found) return daybook::refuse("there is no account " + question.id);
      return *found;
    });
  }));
  DAYBOOK_TRY(queries_.handle<AccountsOf>([this](const AccountsOf& question) {
    return read_model_.read([&](daybook::SqliteDatabase& db) -> Result<std::vector<AccountRow>> {
      std::vector<AccountRow> rows;
      DAYBOOK_TRY(db.query("SELECT id, owner, cents FROM account WHERE owner = ? ORDER BY id", {question.owner},
                           [&](const daybook::SqliteRow& row) { rows.push_back(to_row(row)); }));
      return rows;
    });
  }));
  return queries_.handle<GetBalance>([this](const GetBalance& question) -> Result<Cents> {
    const auto account = accounts_.load_at(question.id, question.as_of);
    if (!account) return daybook::fail(account.error());
    return (*account)->cents;
  });
}

}  // namespace bank
