// Commands and queries, each handled in one place, found by its type.
#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <typeindex>
#include <typeinfo>
#include <unordered_map>
#include <utility>

#include <daybook/error.h>
#include <daybook/sourcing/command_id.h>
#include <daybook/sourcing/retry.h>

namespace daybook {

// What a command or a query gives: its own `using Result = ...`, or nothing.
template <typename Message>
struct ResultOf {
  using type = void;
};
template <typename Message>
requires requires { typename Message::Result; }
struct ResultOf<Message> {
  using type = typename Message::Result;
};

// Handlers by the type of what they handle.
class HandlerTable {
 protected:
  template <typename Message, typename... Context>
  using Handler = std::function<Result<typename ResultOf<Message>::type>(const Message&, const Context&...)>;

  template <typename Message, typename Function>
  Result<void> add(Function handler) {
    const bool added = handlers_.emplace(typeid(Message), std::make_shared<Function>(std::move(handler))).second;
    if (added) return {};
    return fail(
        {.code = Errc::invalid_argument, .what = "second handler", .detail = ErrorText(typeid(Message).name())});
  }

  template <typename Message, typename... Context>
  Result<typename ResultOf<Message>::type> call(const Message& message, const Context&... context) const {
    const auto found = handlers_.find(typeid(Message));
    if (found == handlers_.end()) {
      return fail({.code = Errc::not_found, .what = "handler", .detail = ErrorText(typeid(Message).name())});
    }
    return (*static_cast<const Handler<Message, Context...>*>(found->second.get()))(message, context...);
  }

 private:
  std::unordered_map<std::type_index, std::shared_ptr<void>> handlers_;
};

// Sends commands to their handlers. A command is a struct; it says what its handler gives by `using Result = ...`.
//
//   struct Deposit { std::string account; std::int64_t cents = 0; using Result = daybook::Appended; };
//   bus.handle<Deposit>([&](const Deposit& command, const daybook::CommandContext& context) {
//     return accounts.update(command.account, [&](auto& account) { return deposit(account, command.cents); }, context);
//   });
//   auto done = bus.send(Deposit{"7", 1250}, {.id = id});
//
// A handler that fails with a conflict is called again as `retry` says; Repository::update tries again by itself.
// Commands with an id are carried out once: what Repository::update and UnitOfWork record under an id is not recorded
// again, and Appended::repeated says so. A command that led to no event was not recorded, and is carried out again.
// Thread safety: add every handler first; then send() may be called from any thread, and runs the handler in it.
class CommandBus : private HandlerTable {
 public:
  explicit CommandBus(const RetryPolicy& retry = {.attempts = 1}) : retry_(retry) {}

  // `handler(const Command&, const CommandContext&)` or `handler(const Command&)`, giving Result<Command::Result>.
  // Errc::invalid_argument when the command has a handler already.
  template <typename Command, typename Handle>
  Result<void> handle(Handle handler) {
    using Function = Handler<Command, CommandContext>;
    if constexpr (std::is_invocable_v<Handle&, const Command&, const CommandContext&>) {
      return add<Command>(Function(std::move(handler)));
    } else {
      return add<Command>(Function(
          [handler = std::move(handler)](const Command& command, const CommandContext&) { return handler(command); }));
    }
  }

  // Errc::not_found when nobody handles the command; else what its handler returns.
  template <typename Command>
  Result<typename ResultOf<Command>::type> send(const Command& command, const CommandContext& context = {}) const {
    return retry_on_conflict(retry_, [&] { return call<Command, CommandContext>(command, context); });
  }

 private:
  RetryPolicy retry_;
};

// Asks queries of their handlers: read models, mostly. A query says what it gives by `using Result = ...`.
// Thread safety: as CommandBus.
class QueryBus : private HandlerTable {
 public:
  template <typename Question, typename Handle>
  Result<void> handle(Handle handler) {
    return add<Question>(Handler<Question>(std::move(handler)));
  }

  template <typename Question>
  Result<typename ResultOf<Question>::type> ask(const Question& question) const {
    return call<Question>(question);
  }
};

}  // namespace daybook
