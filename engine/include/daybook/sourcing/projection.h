// Projections in memory: a read model that is a fold of many streams, always as of a known position.
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <daybook/snapshot.h>
#include <daybook/sourcing/as_of.h>
#include <daybook/sourcing/catalog.h>
#include <daybook/sourcing/codec.h>
#include <daybook/sourcing/decoder.h>
#include <daybook/sourcing/event_query.h>
#include <daybook/sourcing/projector.h>
#include <daybook/store.h>

namespace daybook {

// The state of a projection: a struct that says how each of its events changes it.
//
//   struct Balances {
//     static constexpr std::string_view kName = "balances";
//     using Events = daybook::EventSet<AccountOpened, MoneyDeposited>;
//     void apply(const AccountOpened&, const daybook::EventView& at) { cents[std::string(at.stream)] = 0; }
//     void apply(const MoneyDeposited& event, const daybook::EventView& at) { cents[std::string(at.stream)] += event.cents; }
//
//     std::map<std::string, std::int64_t> cents;
//   };
//
// apply() may leave out the second parameter. It must not fail: a read model takes what has happened. A state with a codec
// can be kept in snapshots; `static constexpr std::uint32_t kStateVersion` marks changes of meaning.
template <typename State>
concept ProjectionState = std::default_initializable<State> && std::movable<State> && requires {
  typename State::Events;
  { State::kName } -> std::convertible_to<std::string_view>;
};

// Applies a typed event to a state, with or without its place in the log.
template <typename State, typename Event>
void apply_to(State& state, const Event& event, const EventView& at) {
  if constexpr (requires { state.apply(event, at); }) {
    state.apply(event, at);
  } else {
    static_assert(
        requires { state.apply(event); },
        "the projection's Events name an event that it has no apply(const Event&) or apply(const Event&, const "
        "EventView&) for");
    state.apply(event);
  }
}

struct ProjectionOptions {
  // The upcasters of older events; null when there are none. Must live as long as the projection.
  const Catalog* catalog = nullptr;

  // Which events. Unset = those of State::Events, under their older names too; given, it narrows them: to streams, to tags, or
  // (an item that names types) to some of them.
  std::optional<Query> query{};

  // Save a snapshot after so many events; 0 = none. With one, a start folds only what came later.
  std::uint64_t snapshot_events = 100'000;

  // In memory nothing survives what the log does not: seen as soon as it is published.
  ProjectorOptions projector{.visibility = Visibility::published};
};

// A state in memory, folded in this process. Thread safety: every method from any thread. Needs the store, which must live
// as long.
template <ProjectionState State>
class Projection {
 public:
  explicit Projection(Store& store, const ProjectionOptions& options = {})
      : store_(&store),
        options_(options),
        decoder_(options.catalog),
        query_(narrow(options.query.value_or(Query()), type_names(typename State::Events(), options.catalog))) {
    active_ = make_instance(true);
  }
  ~Projection() { stop(); }

  // From the newest snapshot, or the first event, and then in the background. Errors: those of reading.
  Result<void> start() { return active()->projector->start(); }
  void stop() { active()->projector->stop(); }

  // Takes everything that is there, in the calling thread (when it is not started).
  Result<void> catch_up() { return active()->projector->catch_up(); }

  // As Projector::wait_for. Who waits while a rebuild takes over waits for the new state.
  Result<void> wait_for(Position position, std::chrono::nanoseconds timeout) const {
    constexpr std::chrono::nanoseconds kForever = std::chrono::hours(24 * 365);
    const auto deadline = std::chrono::steady_clock::now() + std::min(timeout, kForever);
    while (true) {
      const auto instance = active();
      const auto left = deadline - std::chrono::steady_clock::now();
      const auto done = instance->projector->wait_for(position, std::max(left, std::chrono::nanoseconds(0)));
      if (done || done.error().code != Errc::closed) return done;
      std::unique_lock lock(active_mutex_);
      const auto replaced = [&] { return active_ != instance || !rebuilding_; };
      if (!changed_.wait_until(lock, deadline, replaced)) {
        return fail({.code = Errc::timed_out, .what = "rebuild of a projection", .expected = position});
      }
      if (active_ == instance) return done;
    }
  }

  // Calls `look(const State&)` while the state stands still (as of whole batches), and returns what it returns. Many may
  // look at the same time; keep it short, for nothing is taken meanwhile.
  template <typename Look>
  decltype(auto) read(Look&& look) const {
    const auto instance = active();
    const std::shared_lock lock(instance->target->mutex);
    return std::forward<Look>(look)(std::as_const(instance->target->state));
  }

  // Folds a new state from the first event while this one serves, and takes its place when it has caught up. For when apply()
  // was wrong, or a snapshot is not trusted. Errors: those of reading; this one goes on then.
  Result<void> rebuild() {
    const std::lock_guard one_at_a_time(rebuild_mutex_);
    const auto next = make_instance(false);
    const auto old = active();
    const bool running = old->projector->running();
    set_rebuilding(true);
    Result<void> done = next->projector->catch_up();
    if (done) old->projector->stop();
    if (done) done = next->projector->catch_up();  // what the old one has taken meanwhile
    if (done && running) done = next->projector->start();
    if (done) {
      const std::lock_guard lock(active_mutex_);
      active_ = next;
    } else if (running) {
      static_cast<void>(old->projector->start());
    }
    set_rebuilding(false);
    return done;
  }

  // The state as of a position or a time, from the nearest older snapshot; AsOf::version is invalid_argument.
  Result<State> state_at(const AsOf& as_of) const {
    Target target(*this, true);
    SnapshotBounds bounds;
    Query query = query_;
    ReadOptions read;
    switch (as_of.kind()) {
      case AsOf::Kind::version: return fail({.code = Errc::invalid_argument, .what = "a projection has no versions"});
      case AsOf::Kind::position:
        if (as_of.number() == 0) return State();
        bounds.position = as_of.number();
        read.before = as_of.number() + 1;
        break;
      case AsOf::Kind::recorded:
        bounds.recorded_at = as_of.time();
        query.recorded_before = as_of.time() + std::chrono::nanoseconds(1);
        break;
      case AsOf::Kind::occurred:
        target.use_snapshots = false;
        query.occurred_before = as_of.time() + std::chrono::nanoseconds(1);
        break;
    }
    const auto from = target.restore(bounds);
    if (!from) return fail(from.error());
    read.after = from->position;
    Cursor cursor = store_->read(query, read);
    while (const EventView* event = cursor.next()) DAYBOOK_TRY(target.apply(*event));
    if (const auto error = cursor.error()) return fail(*error);
    return std::move(target.state);
  }

  [[nodiscard]] Position position() const { return active()->projector->position(); }
  [[nodiscard]] Result<ProjectionProgress> progress() const { return active()->projector->progress(); }
  [[nodiscard]] std::optional<Error> error() const { return active()->projector->error(); }
  [[nodiscard]] std::vector<SkippedEvent> skipped() const { return active()->projector->skipped(); }

  // Saves a snapshot of the state now. Errors: invalid_argument (a state without codec), those of SnapshotStore::save.
  Result<void> save_snapshot() {
    const auto instance = active();
    const std::shared_lock lock(instance->target->mutex);
    return instance->target->save_snapshot();
  }

  static std::string snapshot_key() { return "projection/" + std::string(State::kName); }

 private:
  // The state, and where it is up to. begin() takes the lock that readers share, commit() gives it back.
  struct Target final : ProjectionTarget {
    Target(const Projection& owner, bool snapshots) : projection(&owner), use_snapshots(snapshots) {}

    Result<ResumeToken> open() override {
      const std::unique_lock lock(mutex);
      state = State();
      token = {};
      return restore({});
    }
    Result<void> begin() override {
      mutex.lock();
      return {};
    }
    Result<void> apply(const EventView& event) override {
      const auto decoded = projection->decoder_.decode(
          event, [&](const auto& typed, const EventView& at) { apply_to(state, typed, at); }, UnknownEvents::skip);
      if (!decoded) return fail(decoded.error());
      ++events_since_snapshot;
      return {};
    }
    Result<void> commit(const ResumeToken& at) override {
      token = at;
      const std::uint64_t every = projection->options_.snapshot_events;
      // A snapshot that cannot be saved costs a longer start, not the projection.
      if (every != 0 && events_since_snapshot >= every) static_cast<void>(save_snapshot());
      mutex.unlock();
      return {};
    }
    // The newest snapshot within the bounds, if there is one.
    Result<ResumeToken> restore(const SnapshotBounds& bounds) {
      if constexpr (Encodable<State>) {
        if (!use_snapshots) return token;
        const auto snapshot = projection->store_->snapshots().latest(snapshot_key(), fingerprint(), bounds);
        if (!snapshot || !*snapshot) return token;
        State restored;
        if (!Codec<State>::decode((*snapshot)->state, restored)) return token;
        state = std::move(restored);
        token.position = (*snapshot)->position;
      }
      return token;
    }

    Result<void> save_snapshot() {
      events_since_snapshot = 0;
      if constexpr (Encodable<State>) {
        if (token.position == 0) return {};
        std::string bytes;
        DAYBOOK_TRY(Codec<State>::encode(state, bytes));
        return projection->store_->snapshots().save(
            {.key = snapshot_key(), .position = token.position, .fingerprint = fingerprint(), .state = bytes});
      } else {
        return fail({.code = Errc::invalid_argument, .what = "snapshots need a codec of the state"});
      }
    }

    static std::uint64_t fingerprint() {
      std::uint64_t print = 0;
      if constexpr (Encodable<State>) print = Codec<State>::fingerprint();
      if constexpr (requires { State::kStateVersion; }) {
        print = (print ^ static_cast<std::uint64_t>(State::kStateVersion)) * 0x9e3779b97f4a7c15;
      }
      return print;
    }

    const Projection* projection;
    bool use_snapshots;
    mutable std::shared_mutex mutex;
    State state{};
    ResumeToken token{};
    std::uint64_t events_since_snapshot = 0;
  };

  // A target and who fills it; a rebuild makes a second.
  struct Instance {
    std::shared_ptr<Target> target;
    std::unique_ptr<Projector> projector;
  };

  std::shared_ptr<Instance> make_instance(bool use_snapshots) const {
    auto instance = std::make_shared<Instance>();
    instance->target = std::make_shared<Target>(*this, use_snapshots);
    instance->projector = std::make_unique<Projector>(*store_, query_, instance->target, options_.projector);
    return instance;
  }

  std::shared_ptr<Instance> active() const {
    const std::lock_guard lock(active_mutex_);
    return active_;
  }

  void set_rebuilding(bool rebuilding) {
    const std::lock_guard lock(active_mutex_);
    rebuilding_ = rebuilding;
    changed_.notify_all();
  }

  Store* store_;
  ProjectionOptions options_;
  EventDecoder<typename State::Events> decoder_;
  Query query_;
  mutable std::mutex active_mutex_;
  mutable std::condition_variable changed_;
  std::shared_ptr<Instance> active_;
  bool rebuilding_ = false;
  std::mutex rebuild_mutex_;
};

}  // namespace daybook
