// Decisions that look at more, or at less, than one stream: they read models by query, and hold only if nothing that they
// have read has changed (the dynamic consistency boundary of dcb.events).
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <daybook/export.h>
#include <daybook/query.h>
#include <daybook/sourcing/aggregate.h>
#include <daybook/sourcing/apply.h>
#include <daybook/sourcing/catalog.h>
#include <daybook/sourcing/command_id.h>
#include <daybook/sourcing/decoder.h>
#include <daybook/sourcing/event_query.h>
#include <daybook/sourcing/retry.h>
#include <daybook/sourcing/unit_of_work.h>
#include <daybook/store.h>

namespace daybook {

// What a decision wants to know: a struct that says which events matter, and how each changes what is known.
//
//   struct Seats {
//     using Events = daybook::EventSet<CourseDefined, StudentEnrolled>;
//     daybook::Query query() const { return daybook::Query::tag("course:" + course); }
//     void apply(const CourseDefined& event) { free = event.capacity; }
//     void apply(const StudentEnrolled&) { --free; }
//
//     std::string course;
//     std::int64_t free = 0;
//   };
//
// Items of the query that name no types mean those of Events; what they match beyond Events is guarded against and not
// applied. apply() as of an aggregate; it may take the EventView as a second parameter. The narrower the query, the fewer
// decisions are in each other's way.
template <typename Model>
concept DecisionModel = requires(const Model& model) {
  typename Model::Events;
  { model.query() } -> std::same_as<Query>;
};

struct DecisionOptions {
  const Catalog* catalog = nullptr;  // the upcasters of older events; null when there are none
  CommandContext command{};          // as of Repository::update
  bool command_is_new = false;       // as of UnitOfWork::Options
  RetryPolicy retry{};
  std::optional<Durability> durability{};  // unset = the store's
};

// One attempt at a decision. Thread safety: none; one thread per object. Lifetime: within that of the store and the catalog.
class DAYBOOK_EXPORT Decision {
 public:
  // `options.retry` does not matter here: see decide().
  explicit Decision(Store& store, DecisionOptions options = {});

  // Folds the events that the model's query matches into it, as of now, and makes the decision depend on it: save() fails if
  // by then an event came that the query matches. May be called for several models, also for one that depends on what another
  // has shown; each is guarded from the moment at which it was read, so that all of them are as read when the events are
  // appended. Errors: bad_event (an event that does not decode), those of reading; the model is of no use then.
  template <DecisionModel Model>
  Result<void> read(Model& model);

  // Adds an event to what will be appended, to any stream. The stream is where it is filed; what guards it is what was read.
  template <EventStruct Event>
  void emit(std::string_view stream, const Event& event, EmitOptions options = {});

  // What emit() added. Events of one stream follow each other, in the order in which the streams were named first.
  [[nodiscard]] bool empty() const noexcept { return writes_.empty(); }

  // Appends all of it, or nothing: condition_failed when a model has changed (Error::index says which, in the order of
  // reading; Error::actual at which position). Other errors: those of UnitOfWork::save. A decision that emitted nothing is
  // checked and writes nothing.
  Result<Appended> save();

 private:
  struct Write {
    std::string stream;
    std::vector<PendingEvent> events;
  };
  PendingEvent& add(std::string_view stream);

  Store* store_;
  DecisionOptions options_;
  std::vector<AppendCondition> conditions_;
  std::vector<Write> writes_;
  std::optional<Error> error_;  // an event that could not be encoded: no save will succeed
};

// Calls `decide(Decision&)`, which reads, checks and emits, and saves what it has emitted; again, from the start, when
// something that it has read changed meanwhile. `decide` returns void or a Result<void>; its error is returned and nothing is
// saved. With CommandContext::id, a command that is in the log already is not decided again (Appended::repeated). When nothing
// was emitted, nothing is appended or checked, and Appended is all 0. Thread safety: any thread; `decide` runs in it.
//
//   daybook::decide(store, [&](daybook::Decision& decision) -> daybook::Result<void> {
//     Seats seats{.course = course};
//     DAYBOOK_TRY(decision.read(seats));
//     if (seats.free == 0) return daybook::refuse("the course is full");
//     decision.emit("course-" + course, StudentEnrolled{course, student});
//     return {};
//   });
template <typename Decide>
Result<Appended> decide(Store& store, Decide&& decide, const DecisionOptions& options = {});

template <DecisionModel Model>
Result<void> Decision::read(Model& model) {
  Query query = narrow(model.query(), type_names(typename Model::Events(), nullptr));
  if (options_.catalog != nullptr) query = options_.catalog->expand(std::move(query));
  // Everything up to here is in the model; whatever comes behind it fails the condition.
  const Position head = store_->published_position();
  const EventDecoder<typename Model::Events> decoder(options_.catalog);
  Cursor cursor = store_->read(query, {.before = head + 1});
  while (const EventView* event = cursor.next()) {
    // Of an old event that stands for several, the model may know one.
    const auto decoded = decoder.decode(
        *event, [&](const auto& typed, const EventView& at) { apply_to(model, typed, at); }, UnknownEvents::skip);
    if (!decoded) return fail(decoded.error());
  }
  if (const auto error = cursor.error()) return fail(*error);
  conditions_.push_back({.fail_if = std::move(query), .after = head});
  return {};
}

template <EventStruct Event>
void Decision::emit(std::string_view stream, const Event& event, EmitOptions options) {
  PendingEvent& pending = add(stream);
  if (const auto encoded = encode_event(event, std::move(options), pending); !encoded && !error_) {
    error_ = encoded.error();
    error_->detail = ErrorText(std::string(pending.type) + ": " + std::string(error_->detail.view()));
  }
}

template <typename Decide>
Result<Appended> decide(Store& store, Decide&& decide, const DecisionOptions& options) {
  DecisionOptions looked_for = options;
  looked_for.command_is_new = true;  // carry_out() looks
  return carry_out(store, options.command, options.retry, [&]() -> Result<Appended> {
    Decision decision(store, looked_for);
    DAYBOOK_TRY(run_decision(decide, decision));
    if (decision.empty()) return Appended{};
    return decision.save();
  });
}

}  // namespace daybook
