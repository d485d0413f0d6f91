// The bank: one store, the commands that change it, and the queries that ask about it.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <daybook/daybook.h>
#include <daybook/sourcing.h>

#include "account.h"
#include "read_model.h"

namespace bank {

// Commands: what somebody wants, in the imperative. They may be refused; events may not.
struct OpenAccount {
  std::string id;
  std::string owner;
  Cents cents = 0;
  using Result = daybook::Appended;
};
struct Deposit {
  std::string id;
  Cents cents = 0;
  std::string method = "cash";
  using Result = daybook::Appended;
};
struct Withdraw {
  std::string id;
  Cents cents = 0;
  std::string method = "cash";
  using Result = daybook::Appended;
};
struct Transfer {
  std::string from;
  std::string to;
  Cents cents = 0;
  using Result = daybook::Appended;
};

// Queries. The first two are answered by the read model, the third by the account's own history.
struct AccountRow {
  std::string id;
  std::string owner;
  Cents cents = 0;
  friend bool operator==(const AccountRow&, const AccountRow&) = default;
};
struct GetAccount {
  std::string id;
  using Result = AccountRow;
};
struct AccountsOf {
  std::string owner;
  using Result = std::vector<AccountRow>;
};
struct GetBalance {
  std::string id;
  daybook::AsOf as_of;
  using Result = Cents;
};

class Bank {
 public:
  // Opens the ledger in a directory, which is made when it is missing, and the read model beside it.
  static daybook::Result<std::unique_ptr<Bank>> open(const std::filesystem::path& directory,
                                                     const daybook::OpenOptions& options = {});

  // Stops the read model and closes the ledger: after it, another process may open the bank.
  daybook::Result<void> close();

  Bank(const Bank&) = delete;
  Bank& operator=(const Bank&) = delete;

  [[nodiscard]] const daybook::CommandBus& commands() const { return commands_; }
  [[nodiscard]] const daybook::QueryBus& queries() const { return queries_; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] daybook::Store& store() { return store_; }
  [[nodiscard]] daybook::Repository<Account>& accounts() { return accounts_; }
  [[nodiscard]] daybook::SqliteProjection<AccountTable>& read_model() { return read_model_; }

 private:
  Bank(daybook::Store store, const std::filesystem::path& directory);
  daybook::Result<void> handle_commands();
  daybook::Result<void> handle_queries();
  daybook::Result<daybook::Appended> carry_out(const Transfer& command, const daybook::CommandContext& context);

  std::filesystem::path directory_;
  daybook::Store store_;
  daybook::Repository<Account> accounts_;
  daybook::SqliteProjection<AccountTable> read_model_;
  daybook::CommandBus commands_;
  daybook::QueryBus queries_;
};

}  // namespace bank
