// Saving: what several aggregates have pending, as one append.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <daybook/export.h>
#include <daybook/sourcing/aggregate.h>
#include <daybook/sourcing/command_id.h>
#include <daybook/sourcing/retry.h>
#include <daybook/store.h>

namespace daybook {

// The pending events of any number of aggregates, of any types, appended together or not at all: each at the version that
// its aggregate was loaded at, under conditions if there are any.
//
//   daybook::UnitOfWork work(store, {.command = command});
//   work.add(accounts, from).add(accounts, to);
//   auto saved = work.save();      // wrong_version when one of them has moved on: load, decide and try again
//
// Thread safety: none; one thread per object. The aggregates must live until save() returns.
class DAYBOOK_EXPORT UnitOfWork {
 public:
  struct Options {
    CommandContext command{};
    // It has been looked for, and is not recorded: save() need not look again. (carry_out() looks.)
    bool command_is_new = false;
    std::optional<Durability> durability{};  // unset = the store's
  };

  explicit UnitOfWork(Store& store) : UnitOfWork(store, Options()) {}
  UnitOfWork(Store& store, Options options);

  // An aggregate to save. One without pending events takes part with its version: the save fails if it has moved on.
  template <typename Repository, typename Aggregate>
  UnitOfWork& add(Repository& repository, Aggregate& aggregate) {
    return add_root(aggregate, [&repository, &aggregate](const Appended& appended) {
      return repository.saved(aggregate, appended);
    });
  }

  // Events of no aggregate, to a stream that is as expected (each stream once).
  UnitOfWork& add(std::string stream, Expect expect, std::vector<PendingEvent> events);

  // Fails the save if the query matches an event behind `condition.after`.
  UnitOfWork& require(AppendCondition condition);

  // Fails the save if the stream is not as expected; nothing is written to it.
  UnitOfWork& require(std::string stream, Expect expect);

  // Appends. After success the aggregates have their new versions and nothing pending; after any error they are as they
  // were, pending events included. Nothing pending at all: a check of the versions and conditions.
  // When the command was recorded before (CommandContext::id), nothing is written and Appended::repeated is true; the
  // aggregates are then what the store has, not what was decided now.
  // Errors: those of Store::append; bad_event or invalid_argument of an event that could not be encoded.
  Result<Appended> save();

 private:
  struct Part {
    AggregateRoot* root = nullptr;                         // null: no aggregate, but the next three
    std::string stream{};                                  //
    Expect expect{};                                       //
    std::vector<PendingEvent> events{};                    // none: the stream is only checked
    std::function<Result<void>(const Appended&)> saved{};  // tells the repository
    Version last_version = 0;                              // of its stream, when it was appended

    [[nodiscard]] const std::vector<PendingEvent>& pending() const { return root ? root->pending() : events; }
  };

  UnitOfWork& add_root(AggregateRoot& root, std::function<Result<void>(const Appended&)> saved);
  Result<Appended> append(std::string_view metadata);
  Result<void> finish(const Appended& appended);

  Store* store_;
  Options options_;
  std::vector<Part> parts_;
  std::vector<AppendCondition> conditions_;
};

// Where a command's events are, when it has been recorded; Appended::repeated is true then. Empty when it has not been, or led
// to no event. Errors: those of Store::find.
DAYBOOK_EXPORT Result<std::optional<Appended>> find_command(const Store& store, const CommandId& command);

// Carries out a command: calls `attempt`, which loads, decides and saves, and again after a conflict. A command that is
// recorded already is not carried out, and one that another thread has recorded meanwhile has not failed, whatever was decided
// on a state that held its result: where it is recorded is returned (Appended::repeated). Without an id there is nothing to
// look for.
template <typename Attempt>
Result<Appended> carry_out(const Store& store, const CommandContext& command, const RetryPolicy& retry,
                           Attempt&& attempt) {
  if (!command.id) return retry_on_conflict(retry, attempt);
  const auto before = find_command(store, *command.id);
  if (!before) return fail(before.error());
  if (*before) return **before;
  return retry_on_conflict(retry, [&]() -> Result<Appended> {
    auto done = attempt();
    if (done) return done;
    const auto meanwhile = find_command(store, *command.id);
    return meanwhile && *meanwhile ? Result<Appended>(**meanwhile) : done;
  });
}

}  // namespace daybook
