// Projections in memory: a read model that is a fold of many streams, always as of a known position.
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
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
#include <daybook/sourcing/apply.h>
#include <daybook/sourcing/as_of.h>
#include <daybook/sourcing/catalog.h>
#include <daybook/sourcing/codec.h>
#include <daybook/sourcing/decoder.h>
#include <daybook/sourcing/event_query.h>
#include <daybook/sourcing/projector.h>
#include <daybook/sourcing/serving_projector.h>
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
// apply() may leave out the second parameter. It must not fail, nor throw: a read model takes what has happened. A state
// with a codec can be kept in snapshots; count up `static constexpr std::uint32_t kStateVersion` when what apply() does
// changes, so that states of before are not gone on with.
template <typename State>
concept ProjectionState = std::default_initializable<State> && std::movable<State> && requires {
  typename State::Events;
  { State::kName } -> std::convertible_to<std::string_view>;
};

struct ProjectionOptions {
  // The upcasters of older events; null when there are none. Must live as long as the projection.
  const Catalog* catalog = nullptr;

  // Which events. Unset = those of State::Events, under their older names too; given, it narrows them: to streams, to tags, or
  // (an item that names types) to some of them. A snapshot of other events is not gone on with.
  std::optional<Query> query{};

  // Save a snapshot after so many events; 0 = none. With one, a start folds only what came later.
  std::uint64_t snapshot_events = 100'000;

  // In memory nothing survives what the log does not: seen as soon as it is published.
  ProjectorOptions projector{.visibility = Visibility::published};
};

// A state in memory, folded in this process, also one that opened the store read-only (there without saving snapshots).
// Thread safety: every method from any thread at any time, but destruction, which must come after every other call has
// returned. The store must live as long. Neither copied nor moved: its parts point to each other.
template <ProjectionState State>
class Projection {
 public:
  explicit Projection(Store& store, const ProjectionOptions& options = {})
      : store_(&store),
        options_(options),
        decoder_(options.catalog),
        query_(narrow(options.query.value_or(Query()), type_names(typename State::Events(), options.catalog))),
        fingerprint_(state_fingerprint<State>() ^ daybook::fingerprint(query_)),
        target_(std::make_shared<Target>(*this, true, options.snapshot_events)),
        projector_(std::make_shared<Projector>(store, query_, target_, options.projector)) {}
  Projection(const Projection&) = delete;
  Projection& operator=(const Projection&) = delete;
  ~Projection() { stop(); }

  // From the newest snapshot, or the first event, and then in the background. Errors: as Projector::start.
  Result<void> start() { return projector_.start(); }
  // Also ends a rebuild that is going on.
  void stop() { projector_.stop(); }

  // Takes everything that is there, in the calling thread (when it is not started). Errors: as Projector::catch_up.
  Result<void> catch_up() { return projector_.catch_up(); }

  // As Projector::wait_for. Who waits while a rebuild takes over waits for the new state.
  Result<void> wait_for(Position position, std::chrono::nanoseconds timeout) const {
    return projector_.wait_for(position, timeout);
  }

  // Calls `look(const State&)` while the state stands still (as of whole batches), and returns what it returns. Many may
  // look at the same time; keep it short, for nothing is taken meanwhile, and do not look inside a look.
  template <typename Look>
  decltype(auto) read(Look&& look) const {
    const auto target = serving();
    const std::shared_lock lock = target->lock_shared();
    return std::forward<Look>(look)(std::as_const(target->state));
  }

  // Folds a new state from the first event while this one serves and goes on, and takes its place when it has caught up. For
  // when apply() was wrong, or a snapshot is not trusted: those that are there are removed. Errors: those of reading, and this
  // one goes on then; closed: stop() was called meanwhile.
  Result<void> rebuild() {
    const auto announced = projector_.announce();
    const auto target = std::make_shared<Target>(*this, false, 0);
    const auto next = std::make_shared<Projector>(*store_, query_, target, options_.projector);
    return projector_.replace(announced, next, [&]() -> Result<std::shared_ptr<Projector>> {
      DAYBOOK_TRY(renew_snapshots(*target));
      const std::lock_guard lock(target_mutex_);
      target_ = target;
      return next;
    });
  }

  // The state as of a position or a time, from the nearest older snapshot; AsOf::version is invalid_argument. Errors: those
  // of reading; of events that cannot be decoded, whatever ProjectorOptions::on_error says.
  Result<State> state_at(const AsOf& as_of) const {
    Target target(*this, false, 0);
    SnapshotBounds bounds;
    Query query = query_;
    ReadOptions read;
    switch (as_of.kind()) {
      case AsOf::Kind::version: return fail({.code = Errc::invalid_argument, .what = "a projection has no versions"});
      case AsOf::Kind::position:
        if (as_of.number() == 0) return State();
        bounds.position = as_of.number();
        if (as_of.number() != ~Position{0}) read.before = as_of.number() + 1;
        break;
      case AsOf::Kind::recorded:
        bounds.recorded_at = as_of.time();
        until(query.recorded_before, as_of.time());
        break;
      case AsOf::Kind::occurred: until(query.occurred_before, as_of.time()); break;
    }
    if (as_of.kind() != AsOf::Kind::occurred) target.restore(bounds);
    read.after = target.token.position;
    Cursor cursor = store_->read(query, read);
    while (const EventView* event = cursor.next()) DAYBOOK_TRY(target.apply(*event));
    if (const auto error = cursor.error()) return fail(*error);
    return std::move(target.state);
  }

  [[nodiscard]] Position position() const { return projector_.serving()->position(); }
  [[nodiscard]] Result<ProjectionProgress> progress() const { return projector_.serving()->progress(); }
  // How far a rebuild is; empty when there is none.
  [[nodiscard]] Result<std::optional<ProjectionProgress>> rebuild_progress() const {
    return projector_.rebuild_progress();
  }
  [[nodiscard]] std::optional<Error> error() const { return projector_.error(); }
  [[nodiscard]] std::vector<SkippedEvent> skipped() const { return projector_.serving()->skipped(); }

  // Saves a snapshot of the state now. Errors: invalid_argument (a state without codec), those of SnapshotStore::save.
  Result<void> save_snapshot() {
    const auto target = serving();
    const std::shared_lock lock = target->lock_shared();
    return target->save_snapshot();
  }

  static std::string snapshot_key() { return "projection/" + std::string(State::kName); }

 private:
  // The state, and where it is up to. begin() takes the lock that readers share, commit() gives it back: in between nothing
  // can fail, so that the state is always as of `token`.
  struct Target final : ProjectionTarget {
    Target(const Projection& owner, bool from_snapshot, std::uint64_t events)
        : projection(&owner), restores(from_snapshot), snapshot_events(events) {}

    Result<ResumeToken> open() override {
      if (opened) return token;
      const std::unique_lock lock(mutex);
      const bool durable = projection->options_.projector.visibility == Visibility::durable;
      const Position limit = durable ? projection->store_->durable_position() : 0;
      if (restores && (limit != 0 || !durable)) restore({.position = limit});
      opened = true;
      return token;
    }
    Result<void> begin() override {
      const std::lock_guard first(turn);
      mutex.lock();
      return {};
    }
    Result<void> apply(const EventView& event) override {
      // An older event may stand for several of today's, and must be taken with all of them or not at all.
      if (projection->options_.catalog != nullptr && !is_current(typename State::Events(), event)) {
        const auto decodes = decode(event, [](const auto&, const EventView&) {});
        if (!decodes) return decodes;
      }
      ++events_since_snapshot;
      return decode(event, [&](const auto& typed, const EventView& at) { apply_to(state, typed, at); });
    }
    Result<void> commit(const ResumeToken& at) override {
      token = at;
      mutex.unlock();
      if (snapshot_events == 0 || events_since_snapshot < snapshot_events) return {};
      events_since_snapshot = 0;
      // Only this thread changes the state: others may look at it while it is saved. A snapshot that cannot be saved costs
      // a longer start, not the projection.
      const std::shared_lock lock = lock_shared();
      const auto saved = save_snapshot();
      if (!saved && saved.error().code == Errc::read_only) snapshot_events = 0;
      return {};
    }

    // std::shared_mutex lets readers in while a writer waits: with many of them it would wait for ever. So everybody who
    // wants the lock waits for a turn.
    [[nodiscard]] std::shared_lock<std::shared_mutex> lock_shared() const {
      const std::lock_guard first(turn);
      return std::shared_lock(mutex);
    }

    // The newest snapshot within the bounds. Where none can be had, for whatever reason, it is folded from the first event.
    void restore(const SnapshotBounds& bounds) {
      if constexpr (Encodable<State>) {
        const auto snapshot = projection->store_->snapshots().latest(snapshot_key(), projection->fingerprint_, bounds);
        if (!snapshot || !*snapshot) return;
        State restored;
        if (!Codec<State>::decode((*snapshot)->state, restored)) return;
        state = std::move(restored);
        token.position = (*snapshot)->position;
      }
    }

    Result<void> save_snapshot() const {
      if constexpr (Encodable<State>) {
        if (token.position == 0) return {};
        std::string bytes;
        DAYBOOK_TRY(Codec<State>::encode(state, bytes));
        return projection->store_->snapshots().save({.key = snapshot_key(),
                                                     .position = token.position,
                                                     .fingerprint = projection->fingerprint_,
                                                     .state = bytes});
      } else {
        return fail({.code = Errc::invalid_argument, .what = "snapshots need a codec of the state"});
      }
    }

    template <typename Visitor>
    Result<void> decode(const EventView& event, Visitor&& visit) const {
      const auto decoded = projection->decoder_.decode(event, visit, UnknownEvents::skip);
      return decoded ? Result<void>() : Result<void>(fail(decoded.error()));
    }

    const Projection* projection;
    const bool restores;            // a snapshot, when it is opened
    std::uint64_t snapshot_events;  // 0 = none are saved; of who folds
    std::uint64_t events_since_snapshot = 0;
    bool opened = false;
    mutable std::mutex turn;
    mutable std::shared_mutex mutex;  // of what follows
    State state{};
    ResumeToken token{};
  };

  template <EventStruct... Es>
  static bool is_current(EventSet<Es...>, const EventView& event) {
    return ((event.schema_version == event_type<Es>.schema_version && event_type<Es>.is_called(event.type)) || ...);
  }

  // Narrows a window to what was up to a time, that time included.
  static void until(std::optional<Timestamp>& before, Timestamp time) {
    if (time == Timestamp::max()) return;
    const Timestamp behind = time + std::chrono::nanoseconds(1);
    before = std::min(before.value_or(behind), behind);
  }

  [[nodiscard]] std::shared_ptr<Target> serving() const {
    const std::lock_guard lock(target_mutex_);
    return target_;
  }

  // Of what was rebuilt: the old ones go, or the next start would go on from them.
  Result<void> renew_snapshots(Target& rebuilt) {
    if (options_.snapshot_events == 0) return {};
    const auto removed = store_->snapshots().remove(snapshot_key());
    if (!removed && removed.error().code == Errc::read_only) return {};
    DAYBOOK_TRY(removed);
    rebuilt.snapshot_events = options_.snapshot_events;
    if constexpr (Encodable<State>) static_cast<void>(rebuilt.save_snapshot());
    return {};
  }

  Store* store_;
  ProjectionOptions options_;
  EventDecoder<typename State::Events> decoder_;
  Query query_;
  std::uint64_t fingerprint_;
  mutable std::mutex target_mutex_;
  std::shared_ptr<Target> target_;  // of the projector that serves
  ServingProjector projector_;
};

}  // namespace daybook
