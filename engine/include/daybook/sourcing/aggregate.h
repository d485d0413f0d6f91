// Aggregates: state that is a fold of the events of one stream, and the events that a decision adds.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <daybook/error.h>
#include <daybook/sourcing/codec.h>
#include <daybook/sourcing/event_set.h>
#include <daybook/sourcing/event_type.h>
#include <daybook/types.h>

namespace daybook {

// The state of an aggregate: a plain struct that says how each of its events changes it.
//
//   struct Account {
//     static constexpr std::string_view kCategory = "account";                   // its streams are "account-<id>"
//     using Events = daybook::EventSet<AccountOpened, MoneyDeposited>;
//     void apply(const AccountOpened& event) { owner = event.owner; }
//     void apply(const MoneyDeposited& event) { cents += event.cents; }
//
//     std::string owner;
//     std::int64_t cents = 0;
//   };
//
// apply() must not fail, decide, or look at anything but the state and the event: it runs on what has happened already.
// A state with a codec can be kept in snapshots; when apply() changes its meaning, give it another
// `static constexpr std::uint32_t kStateVersion`, so that snapshots of the old meaning are not used. Events of its stream that
// are not among its Events are an error, unless it says `static constexpr bool kSkipsUnknownEvents = true`.
template <typename State>
concept AggregateState = std::default_initializable<State> && std::copyable<State> && requires {
  typename State::Events;
  { State::kCategory } -> std::convertible_to<std::string_view>;
};

// An event that is decided and not yet saved, as it will be stored.
struct PendingEvent {
  std::string_view type;  // of static storage: EventType::name
  std::uint32_t schema_version = 1;
  std::string payload{};
  std::vector<std::string> tags{};
  std::optional<EventId> id{};
  std::optional<Timestamp> occurred_at{};

  friend bool operator==(const PendingEvent&, const PendingEvent&) = default;
};

// What may be said of an event besides its struct.
struct EmitOptions {
  std::vector<std::string> tags{};  // besides those of the struct's own tags()
  std::optional<EventId> id{};
  std::optional<Timestamp> occurred_at{};
};

// An event as it will be stored. After an error of its codec, `out` has everything but the payload.
template <EventStruct Event>
Result<void> encode_event(const Event& event, EmitOptions options, PendingEvent& out) {
  out.type = event_type<Event>.name;
  out.schema_version = event_type<Event>.schema_version;
  if constexpr (TaggedEvent<Event>) out.tags = event.tags();
  for (std::string& tag : options.tags) out.tags.push_back(std::move(tag));
  out.id = options.id;
  out.occurred_at = options.occurred_at;
  return Codec<Event>::encode(event, out.payload);
}

// The part of an aggregate that does not depend on its state. Made by Aggregate.
class AggregateRoot {
 public:
  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  [[nodiscard]] const std::string& stream() const noexcept { return stream_; }

  // Of the stream, as loaded or saved last; pending events are not counted. 0 = nothing is saved.
  [[nodiscard]] Version version() const noexcept { return version_; }

  // Of the last event that is in the state, as loaded or saved last.
  [[nodiscard]] Position position() const noexcept { return position_; }

  // Whether anything has happened to it, pending events included.
  [[nodiscard]] bool exists() const noexcept { return version_ != 0 || !pending_.empty(); }

  // What emit() added since it was loaded or saved. They stay until a save has succeeded.
  [[nodiscard]] const std::vector<PendingEvent>& pending() const noexcept { return pending_; }

 protected:
  AggregateRoot(std::string id, std::string stream) : id_(std::move(id)), stream_(std::move(stream)) {}

  template <EventStruct Event>
  void add(const Event& event, EmitOptions options);

 private:
  friend class UnitOfWork;
  template <AggregateState>
  friend class Repository;

  std::string id_;
  std::string stream_;
  Version version_ = 0;
  Position position_ = 0;
  Version snapshot_version_ = 0;   // of the newest snapshot known of; 0 = none
  Timestamp snapshot_saved_at_{};  // when it was saved, or when the aggregate came to be known
  std::vector<PendingEvent> pending_;
  std::optional<Error> error_;  // an event that could not be encoded: no save will succeed
};

// Checks at compile time that a state has an apply() for each of its events.
template <typename State, typename Events>
struct AppliesAll;
template <typename State, typename... Events>
struct AppliesAll<State, EventSet<Events...>> {
  template <typename Event>
  static consteval bool applies() {
    static_assert(
        requires(State & state, const Event& event) { state.apply(event); },
        "the aggregate's Events name an event that it has no `void apply(const Event&)` for");
    static_assert(Encodable<Event>,
                  "an event of the aggregate has no codec: include <daybook/sourcing/json.h> and describe it with "
                  "BOOST_DESCRIBE_STRUCT, or specialise daybook::Codec");
    return true;
  }
  static constexpr bool value = (applies<Events>() && ...);
};

// An aggregate as a decision sees it: the state, and a way to add events to it. A value: copying it copies the decision
// that is under way. Loaded and saved by a Repository. Thread safety: none; one thread per object.
template <AggregateState State>
class Aggregate : public AggregateRoot {
  static_assert(AppliesAll<State, typename State::Events>::value);

 public:
  // One that has no events yet. `id` is what follows the category: the stream "account-7" has the id "7".
  explicit Aggregate(std::string_view id)
      : AggregateRoot(std::string(id), std::string(State::kCategory) + "-" + std::string(id)) {}

  [[nodiscard]] const State& state() const noexcept { return state_; }
  [[nodiscard]] const State& operator*() const noexcept { return state_; }
  [[nodiscard]] const State* operator->() const noexcept { return &state_; }

  // Applies an event to the state and keeps it for the next save. Whoever calls it has checked the rules.
  template <EventStruct Event>
  void emit(const Event& event, EmitOptions options = {}) {
    static_assert(contains<Event>(typename State::Events()), "the event is not one of the aggregate's Events");
    add(event, std::move(options));
    state_.apply(event);
  }

 private:
  template <AggregateState>
  friend class Repository;

  template <typename Event, typename... Events>
  static consteval bool contains(EventSet<Events...>) {
    return (std::same_as<Event, Events> || ...);
  }

  State state_{};
};

// Calls a decision with what it decides on: `decide` returns void, or a Result<void> whose error is returned.
template <typename Decide, typename Subject>
Result<void> run_decision(Decide&& decide, Subject& subject) {
  if constexpr (std::is_void_v<decltype(decide(subject))>) {
    decide(subject);
  } else {
    if (const auto decided = decide(subject); !decided) return fail(decided.error());
  }
  return {};
}

template <EventStruct Event>
void AggregateRoot::add(const Event& event, EmitOptions options) {
  PendingEvent& pending = pending_.emplace_back();
  if (const auto encoded = encode_event(event, std::move(options), pending); !encoded && !error_) {
    error_ = encoded.error();
    error_->detail = ErrorText(stream_ + ": " + std::string(pending.type) + ": " + std::string(error_->detail.view()));
  }
}

}  // namespace daybook
