// Given, when, then: tests of decisions, without a store. Works with any test framework:
//
//   EXPECT_TRUE(daybook::given<Account>(AccountOpened{"Ada"}, MoneyDeposited{500})
//                   .when([](auto& account) { return withdraw(account, 700); })
//                   .then_refused("insufficient funds"));
//
// A Verdict converts to bool and says in `message` what was expected and found; it can be written to a stream, so
// GoogleTest prints it: EXPECT_TRUE(verdict) << verdict.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <daybook/sourcing/aggregate.h>

namespace daybook {

struct Verdict {
  bool passed = false;
  std::string message{};

  explicit operator bool() const noexcept { return passed; }
  friend std::ostream& operator<<(std::ostream& out, const Verdict& verdict) { return out << verdict.message; }
};

// What a decision did.
template <AggregateState State>
class Outcome {
 public:
  Outcome(Aggregate<State> before, Aggregate<State> after, Result<void> decided)
      : given_(before.pending().size()), after_(std::move(after)), decided_(std::move(decided)) {}

  // The decision emitted exactly these events, in this order, and was not refused.
  template <EventStruct... Events>
  [[nodiscard]] Verdict then(const Events&... events) const {
    if (!decided_) return {false, "expected events, but: " + describe(decided_.error())};
    Aggregate<State> expected("");
    (expected.emit(events), ...);
    return compare(expected.pending());
  }

  // It emitted nothing, and was not refused.
  [[nodiscard]] Verdict then_nothing() const { return then(); }

  // It was refused (Errc::refused) for that reason, and emitted nothing.
  [[nodiscard]] Verdict then_refused(std::string_view why) const {
    if (decided_) return {false, "expected: refused: " + std::string(why) + "\nfound: " + list(emitted())};
    if (decided_.error().code != Errc::refused || decided_.error().detail.view() != why) {
      return {false, "expected: refused: " + std::string(why) + "\nfound: " + describe(decided_.error())};
    }
    if (!emitted().empty()) return {false, "refused as expected, but after events: " + list(emitted())};
    return {true, "refused: " + std::string(why)};
  }

  // The state afterwards satisfies a predicate: `then_state([](const Account& a) { return a.cents == 500; })`.
  template <typename Predicate>
  [[nodiscard]] Verdict then_state(Predicate&& predicate) const {
    const bool holds = predicate(after_.state());
    return {holds, holds ? "the state is as expected" : "the state is not as expected, after: " + list(emitted())};
  }

  [[nodiscard]] const State& state() const { return after_.state(); }

 private:
  [[nodiscard]] std::vector<PendingEvent> emitted() const {
    return {after_.pending().begin() + static_cast<std::ptrdiff_t>(given_), after_.pending().end()};
  }

  static std::string list(const std::vector<PendingEvent>& events) {
    std::string text = events.empty() ? "no events" : "";
    for (const PendingEvent& event : events) {
      text += (text.empty() ? "" : ", ") + std::string(event.type) + " " + event.payload;
      for (const std::string& tag : event.tags) text += " #" + tag;
    }
    return text;
  }

  [[nodiscard]] Verdict compare(const std::vector<PendingEvent>& expected) const {
    const bool same = emitted() == expected;
    return {same, "expected: " + list(expected) + "\nfound: " + list(emitted())};
  }

  std::size_t given_;
  Aggregate<State> after_;
  Result<void> decided_;
};

// An aggregate with a past.
template <AggregateState State>
class Given {
 public:
  template <EventStruct... Events>
  explicit Given(const Events&... events) : aggregate_("1") {
    (aggregate_.emit(events), ...);
  }

  // Decides; `decide(aggregate)` returns void or a Result<void>.
  template <typename Decide>
  [[nodiscard]] Outcome<State> when(Decide&& decide) const {
    Aggregate<State> after = aggregate_;
    Result<void> decided = run_decision(decide, after);
    return {aggregate_, std::move(after), std::move(decided)};
  }

 private:
  Aggregate<State> aggregate_;
};

template <AggregateState State, EventStruct... Events>
[[nodiscard]] Given<State> given(const Events&... events) {
  return Given<State>(events...);
}

}  // namespace daybook
