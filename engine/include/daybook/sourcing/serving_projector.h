// A projector that serves, and the way to put another in its place while it does: rebuilding without a pause.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include <daybook/error.h>
#include <daybook/export.h>
#include <daybook/sourcing/projector.h>
#include <daybook/types.h>

namespace daybook {

// What Projection and SqliteProjection stand on; for targets of one's own that are to be rebuilt while they serve.
// Thread safety: every method from any thread at any time, but destruction, which must come after every other call has
// returned.
class DAYBOOK_EXPORT ServingProjector {
 public:
  explicit ServingProjector(std::shared_ptr<Projector> serving);
  ServingProjector(const ServingProjector&) = delete;
  ServingProjector& operator=(const ServingProjector&) = delete;
  ~ServingProjector();  // stops

  // Of the one that serves, as Projector's. stop() also ends a replace() that is going on or announced (closed).
  Result<void> start();
  void stop();
  Result<void> catch_up();

  // As Projector::wait_for. Who waits while another one takes over waits for that one.
  Result<void> wait_for(Position position, std::chrono::nanoseconds timeout) const;

  [[nodiscard]] std::shared_ptr<Projector> serving() const;

  // Why nothing is folded: the error of the one that serves, or else of the one that was to start in its place.
  [[nodiscard]] std::optional<Error> error() const;

  // How far the one is that is to take over; empty when there is none.
  [[nodiscard]] Result<std::optional<ProjectionProgress>> rebuild_progress() const;

  // A replace() that is to come: from now on wait_for() reckons with it, and stop() ends it.
  struct Announced {
    std::uint64_t stops = 0;
  };
  // `start`: the successor is to run, also when nothing ran before.
  Announced announce(bool start = false);

  // Makes what `next` has filled what serves. Called when neither folds; returns the projector that serves from then on.
  // After an error, the old one goes on.
  using TakeOver = std::function<Result<std::shared_ptr<Projector>>()>;

  // Lets `next` catch up while the old one serves and goes on; then stops both, when `next` is where the old one is or
  // farther, takes over, and goes on (if the old one was started). One at a time; each announce() needs one call.
  // Errors: of `next` and of taking over, and then the old one goes on; of starting the successor; closed (stop()).
  Result<void> replace(const Announced& announced, const std::shared_ptr<Projector>& next, const TakeOver& take_over);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook
