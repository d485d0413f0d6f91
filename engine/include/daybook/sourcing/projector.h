// The engine of projections: folds a filtered, ordered run of events into a target, in batches that are one atomic step
// each.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <daybook/cursor.h>
#include <daybook/error.h>
#include <daybook/event.h>
#include <daybook/export.h>
#include <daybook/query.h>
#include <daybook/store.h>

namespace daybook {

// Where a projection keeps its state, and with it how far it is. Called by one thread at a time; must not throw, and must
// not call the projector that calls it.
class ProjectionTarget {
 public:
  virtual ~ProjectionTarget() = default;

  // Opens the state as of its last commit, and says where that was: the token of that commit; a token of position 0 when
  // there is nothing yet. Called again before going on after an error, also one of begin() or commit().
  virtual Result<ResumeToken> open() = 0;

  // Begins a batch: every apply() until commit() is of it.
  virtual Result<void> begin() = 0;

  // Takes one event. An error leaves no trace of it; the batch goes on, or is committed without it. A target that cannot
  // promise that any more (the disk is full) fails the commit as well.
  virtual Result<void> apply(const EventView& event) = 0;

  // Makes the batch and the token one atomic step: after an error or a crash, neither is there.
  virtual Result<void> commit(const ResumeToken& token) = 0;
};

// What to do with an event that the target fails to take.
enum class OnError : std::uint8_t {
  stop,  // stop at it: nothing of it or behind it is taken; Projector::error() says why
  // Leave it out, remember it (Projector::skipped), and go on. Errors that are no fault of the event (io, corrupt, locked,
  // no_space, poisoned, read_only, closed, timed_out) stop all the same.
  skip,
};

struct ProjectorOptions {
  // Most events that one commit covers. A projection that has caught up commits whatever is there.
  std::uint64_t batch_events = 1'024;

  // Durable by default: a projection outside the log must not hold what the log may lose. With `published` and a target
  // that survives what the log does not, a start after a loss of power may fail with stale_token.
  Visibility visibility = Visibility::durable;

  OnError on_error = OnError::stop;
};

struct ProjectionProgress {
  Position position = 0;                          // everything up to here that the query matches is in the state
  Position head = 0;                              // of the log, of what the projection may see
  std::uint64_t applied = 0;                      // events taken since the projector was made
  std::uint64_t remaining = 0;                    // events that the query matches between position and head
  double events_per_second = 0;                   // taken, since the start of the catching up that is going on
  std::optional<std::chrono::nanoseconds> eta{};  // until it has caught up, at that rate; unset = no rate yet
  bool live = false;                              // has caught up since it was started last
};

struct SkippedEvent {
  Position position = 0;
  Error error{};
};

// Reads the events of a query in log order and gives them to a target; then sleeps until there are more.
// Thread safety: every method may be called from any thread at any time, but destruction, which must come after every
// other call has returned. Folding is done by one thread at a time: who starts, stops or catches up waits for the others.
// The store must live as long; the target must not be touched otherwise while it runs.
class DAYBOOK_EXPORT Projector {
 public:
  Projector(const Store& store, Query query, std::shared_ptr<ProjectionTarget> target,
            const ProjectorOptions& options = {});
  Projector(const Projector&) = delete;
  Projector& operator=(const Projector&) = delete;
  ~Projector();  // stops

  // Takes everything that is there when it is called, in the calling thread, and returns. For projections that are kept up
  // to date inside the request that appends; not while the background thread runs (invalid_argument). Errors: the target's,
  // those of reading, stale_token (the state is ahead of a log that has lost events), closed (stop() was called meanwhile).
  Result<void> catch_up();

  // Starts a thread that goes on until stop(), or until an error. Does nothing when it runs. Errors: of opening the target;
  // stale_token.
  Result<void> start();

  // Ends the thread after the commit of what it has taken. Does nothing when it does not run.
  void stop();

  // Returns when everything up to `position` that the query matches is in the state, for reading what one has written:
  // wait_for(appended.last_position). Errc::timed_out; the projector's error when it has stopped for one; closed when it
  // does not run.
  Result<void> wait_for(Position position, std::chrono::nanoseconds timeout) const;

  // Everything up to here that the query matches is in the state. Moves on with the log, also over what does not match.
  [[nodiscard]] Position position() const;
  // The last position of the log that the projection may see.
  [[nodiscard]] Position head() const;
  [[nodiscard]] bool running() const;
  [[nodiscard]] Result<ProjectionProgress> progress() const;

  // Why it stopped by itself.
  [[nodiscard]] std::optional<Error> error() const;

  // With OnError::skip: what was left out since the projector was made, oldest first, the first 1,000.
  [[nodiscard]] std::vector<SkippedEvent> skipped() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook
