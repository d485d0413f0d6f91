// The repository of one type of aggregate: load, decide, save; and load as of any moment.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <daybook/query.h>
#include <daybook/snapshot.h>
#include <daybook/sourcing/aggregate.h>
#include <daybook/sourcing/aggregate_cache.h>
#include <daybook/sourcing/as_of.h>
#include <daybook/sourcing/catalog.h>
#include <daybook/sourcing/decoder.h>
#include <daybook/sourcing/retry.h>
#include <daybook/sourcing/snapshot_policy.h>
#include <daybook/sourcing/unit_of_work.h>
#include <daybook/store.h>

namespace daybook {

struct RepositoryOptions {
  // The upcasters of older events; null when there are none. Must live as long as the repository.
  const Catalog* catalog = nullptr;

  // When to save snapshots. They are used to load from whenever one of its parts is set.
  SnapshotPolicy snapshots{};

  // How many aggregates to keep in memory between uses (each a copy of its state); 0 = none. For the process that
  // writes the store: there, what is kept is never ahead of the log.
  std::size_t cache = 0;

  // Of save() and update(); unset = the store's.
  std::optional<Durability> durability{};
};

// Loads and saves the aggregates of one type. Needs the store, which must live as long.
// Thread safety: every method may be called from any thread; the aggregates that it hands out are each for one thread.
template <AggregateState State>
class Repository {
 public:
  using Loaded = Aggregate<State>;

  explicit Repository(Store& store, const RepositoryOptions& options = {})
      : store_(&store), options_(options), decoder_(options.catalog), cache_(options.cache) {}

  // The aggregate as of now: from the cache or its newest snapshot, and the events since. One that has no events yet has
  // version 0 (Aggregate::exists()). Errors: bad_event (an event that does not decode, with its stream, version, type and
  // field), invalid_argument (a snapshot policy for a state without a codec, an id that is too long), those of reading.
  Result<Loaded> load(std::string_view id) {
    const auto begun = std::chrono::steady_clock::now();
    DAYBOOK_TRY(check_policy());
    Loaded loaded(id);
    Version cached = 0;
    if (auto kept = cache_.get(loaded.stream_)) {
      loaded = std::move(*kept);
      cached = loaded.version_;
    } else {
      DAYBOOK_TRY(restore(loaded, {}));
    }
    DAYBOOK_TRY(catch_up(loaded));
    const bool has_snapshot = save_slow(loaded, std::chrono::steady_clock::now() - begun);
    if (has_snapshot || loaded.version_ != cached) cache_.put(loaded);
    return loaded;
  }

  // The aggregate as it was; from the newest snapshot before that moment and the events between. It can be decided on like any
  // other; saving it fails with wrong_version if the stream has moved on since (as of an occurred time, with
  // invalid_argument: events between may have been left out).
  Result<Loaded> load_at(std::string_view id, const AsOf& as_of) {
    DAYBOOK_TRY(check_policy());
    Loaded loaded(id);
    if (const auto bounds = bounds_of(as_of)) DAYBOOK_TRY(restore(loaded, *bounds));
    Cursor cursor = store_->read_stream(loaded.stream_, {.from_version = loaded.version_ + 1});
    DAYBOOK_TRY(fold(cursor, loaded, as_of));
    if (as_of.kind() == AsOf::Kind::occurred) {
      loaded.error_ = Error{.code = Errc::invalid_argument, .what = "save of state as of an occurred time"};
    }
    return loaded;
  }

  // Calls `visit(const Event&, const EventView&)` for each event of the aggregate in the window, in order. `visit` takes every
  // one of State::Events (a generic lambda, or one overload for each), and may return a Result<void> whose error ends it.
  template <typename Visit>
  Result<void> history(std::string_view id, const HistoryWindow& window, Visit&& visit) const {
    const Loaded named(id);
    Cursor cursor =
        store_->read_stream(named.stream(), {.from_version = window.from_version, .to_version = window.to_version});
    while (const EventView* event = cursor.next()) {
      if (window.to && event->recorded_at > *window.to) break;
      if (window.from && event->recorded_at < *window.from) continue;
      const auto visited = decoder_.decode(*event, visit);
      if (!visited) return fail(visited.error());
    }
    if (const auto error = cursor.error()) return fail(*error);
    return {};
  }

  // Appends what the aggregate has pending, if its stream is where it was loaded: wrong_version (expected, actual) when not.
  // Then the aggregate is at its new version with nothing pending; after an error it is as it was, and may be saved again.
  Result<Appended> save(Loaded& aggregate, const CommandContext& command = {}) {
    return save_as(aggregate, {.command = command, .durability = options_.durability});
  }

  // Loads, calls `decide(aggregate)`, and saves what it has emitted; again when somebody else was first. `decide` returns void
  // or a Result<void>; its error is returned and nothing is saved. It may be called several times, each time on a
  // fresh aggregate. With CommandContext::id, a command that is in the log already is not decided again
  // (Appended::repeated). An aggregate for which nothing was emitted is not appended to: Appended is then all 0.
  template <typename Decide>
  Result<Appended> update(std::string_view id, Decide&& decide, const CommandContext& command = {},
                          const RetryPolicy& retry = {}) {
    return carry_out(*store_, command, retry, [&]() -> Result<Appended> {
      auto aggregate = load(id);
      if (!aggregate) return fail(aggregate.error());
      DAYBOOK_TRY(run_decision(decide, *aggregate));
      if (aggregate->pending().empty()) return Appended{};
      return save_as(*aggregate, {.command = command, .command_is_new = true, .durability = options_.durability});
    });
  }

  // Saves a snapshot of an aggregate that has nothing pending, whatever the policy says. Errors: invalid_argument (pending
  // events, no events, no codec), those of SnapshotStore::save.
  Result<void> save_snapshot(Loaded& aggregate) {
    if (!aggregate.pending_.empty() || aggregate.version_ == 0) {
      return fail({.code = Errc::invalid_argument, .what = "snapshot of an aggregate that is not saved"});
    }
    if constexpr (Encodable<State>) {
      std::string state;
      DAYBOOK_TRY(Codec<State>::encode(aggregate.state_, state));
      DAYBOOK_TRY(store_->snapshots().save({.key = aggregate.stream_,
                                            .version = aggregate.version_,
                                            .position = aggregate.position_,
                                            .fingerprint = state_fingerprint<State>(),
                                            .state = state}));
      aggregate.snapshot_version_ = aggregate.version_;
      aggregate.snapshot_saved_at_ = now();
      return {};
    } else {
      return fail(no_codec());
    }
  }

  // The error of the last snapshot that a policy asked for and that could not be saved or read; a snapshot is never a reason
  // for load() or save() to fail.
  [[nodiscard]] std::optional<Error> snapshot_error() const {
    const std::lock_guard lock(error_mutex_);
    return snapshot_error_;
  }

 private:
  friend class UnitOfWork;

  static Timestamp now() { return std::chrono::time_point_cast<Timestamp::duration>(std::chrono::system_clock::now()); }
  static Error no_codec() { return {.code = Errc::invalid_argument, .what = "snapshots need a codec of the state"}; }

  Result<Appended> save_as(Loaded& aggregate, const UnitOfWork::Options& options) {
    UnitOfWork work(*store_, options);
    return work.add(*this, aggregate).save();
  }

  Result<void> check_policy() const {
    if (!Encodable<State> && options_.snapshots.enabled()) return fail(no_codec());
    return {};
  }

  Result<void> restore(Loaded& loaded, const SnapshotBounds& bounds) {
    loaded.snapshot_saved_at_ = now();
    if constexpr (Encodable<State>) {
      if (!options_.snapshots.enabled()) return {};
      const auto snapshot = store_->snapshots().latest(loaded.stream_, state_fingerprint<State>(), bounds);
      if (!snapshot) return note(fail(snapshot.error()));
      if (!*snapshot) return {};
      State state;
      // The bytes are what was saved, and of this schema: an error here is a codec that does not read what it wrote.
      if (const auto decoded = Codec<State>::decode((*snapshot)->state, state); !decoded)
        return note(fail(decoded.error()));
      loaded.state_ = std::move(state);
      loaded.version_ = loaded.snapshot_version_ = (*snapshot)->version;
      loaded.position_ = (*snapshot)->position;
      loaded.snapshot_saved_at_ = (*snapshot)->saved_at;
    }
    return {};
  }

  Result<void> catch_up(Loaded& loaded) const {
    if (loaded.version_ != 0) {
      const auto head = store_->head(loaded.stream_);
      if (!head) return fail(head.error());
      if (head->version == loaded.version_) return {};
    }
    Cursor cursor = store_->read_stream(loaded.stream_, {.from_version = loaded.version_ + 1});
    return fold(cursor, loaded);
  }

  // Nothing: no snapshot is of use.
  static std::optional<SnapshotBounds> bounds_of(const AsOf& as_of) {
    switch (as_of.kind()) {
      case AsOf::Kind::version:
        if (as_of.number() == 0) return std::nullopt;
        return SnapshotBounds{.version = as_of.number()};
      case AsOf::Kind::position:
        if (as_of.number() == 0) return std::nullopt;
        return SnapshotBounds{.position = as_of.number()};
      case AsOf::Kind::recorded: return SnapshotBounds{.recorded_at = as_of.time()};
      case AsOf::Kind::occurred: return std::nullopt;
    }
    return std::nullopt;
  }

  enum class Choice : std::uint8_t { take, skip, stop };
  static Choice choose(const EventView& event, const AsOf& as_of) {
    const auto stop_unless = [](bool in) { return in ? Choice::take : Choice::stop; };
    switch (as_of.kind()) {
      case AsOf::Kind::version: return stop_unless(event.version <= as_of.number());
      case AsOf::Kind::position: return stop_unless(event.position <= as_of.number());
      case AsOf::Kind::recorded: return stop_unless(event.recorded_at <= as_of.time());
      case AsOf::Kind::occurred: return event.occurred_at <= as_of.time() ? Choice::take : Choice::skip;
    }
    return Choice::stop;
  }

  Result<void> fold(Cursor& cursor, Loaded& loaded, const std::optional<AsOf>& as_of = {}) const {
    while (const EventView* event = cursor.next()) {
      if (as_of) {
        const Choice choice = choose(*event, *as_of);
        if (choice == Choice::stop) break;
        if (choice == Choice::skip) continue;
      }
      const auto decoded = decoder_.decode(
          *event, [&](const auto& typed, const EventView&) { loaded.state_.apply(typed); }, kUnknownEvents);
      if (!decoded) return fail(decoded.error());
      loaded.version_ = event->version;
      loaded.position_ = event->position;
    }
    if (const auto error = cursor.error()) return fail(*error);
    return {};
  }

  // Called when `aggregate` was appended.
  Result<void> saved(Loaded& aggregate, const Appended& appended) {
    if (appended.repeated) {  // what was decided now was not appended: the state is what was appended then
      cache_.drop(aggregate.stream_);
      auto reloaded = load(aggregate.id_);
      if (!reloaded) return fail(reloaded.error());
      aggregate = std::move(*reloaded);
      return {};
    }
    aggregate.version_ = appended.last_version;
    aggregate.position_ = appended.last_position;
    aggregate.pending_.clear();
    const SnapshotPolicy& policy = options_.snapshots;
    const bool many =
        policy.every_events != 0 && aggregate.version_ - aggregate.snapshot_version_ >= policy.every_events;
    const bool long_ago = policy.every.count() != 0 && now() - aggregate.snapshot_saved_at_ >= policy.every;
    if (many || long_ago) static_cast<void>(note(save_snapshot(aggregate)));
    cache_.put(aggregate);
    return {};
  }

  // A snapshot of what took long to load. Whether one was asked for.
  bool save_slow(Loaded& loaded, std::chrono::nanoseconds took) {
    const auto limit = options_.snapshots.when_load_takes;
    if (limit.count() == 0 || took < limit || loaded.version_ == loaded.snapshot_version_) return false;
    static_cast<void>(note(save_snapshot(loaded)));
    return true;
  }

  // An error of a snapshot costs time, not the operation.
  Result<void> note(const Result<void>& done) {
    if (!done) {
      const std::lock_guard lock(error_mutex_);
      snapshot_error_ = done.error();
    }
    return {};
  }

  static constexpr UnknownEvents kUnknownEvents = [] {
    if constexpr (requires { State::kSkipsUnknownEvents; }) {
      return State::kSkipsUnknownEvents ? UnknownEvents::skip : UnknownEvents::fail;
    } else {
      return UnknownEvents::fail;
    }
  }();

  Store* store_;
  RepositoryOptions options_;
  EventDecoder<typename State::Events> decoder_;
  AggregateCache<Loaded> cache_;
  mutable std::mutex error_mutex_;
  std::optional<Error> snapshot_error_;
};

}  // namespace daybook
