// Consumers: readers with a name, whose place in the log is kept in the store.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <daybook/cursor.h>
#include <daybook/error.h>
#include <daybook/event.h>
#include <daybook/export.h>
#include <daybook/options.h>
#include <daybook/query.h>
#include <daybook/types.h>

namespace daybook {

// A place in the log to begin at.
class StartAt {
 public:
  enum class Kind : std::uint8_t { position = 0, time = 1, end = 2 };

  constexpr StartAt() noexcept = default;  // the beginning
  static constexpr StartAt beginning() noexcept { return {}; }
  // Behind that event. One beyond the end of the log is refused (Errc::invalid_argument).
  static constexpr StartAt after(Position position) noexcept { return {Kind::position, position, {}}; }
  // At the first event recorded at or after that time; at the end of the log when there is none yet.
  static constexpr StartAt time(Timestamp time) noexcept { return {Kind::time, 0, time}; }
  // Behind the last event that is visible now.
  static constexpr StartAt end() noexcept { return {Kind::end, 0, {}}; }

  [[nodiscard]] constexpr Kind kind() const noexcept { return kind_; }
  [[nodiscard]] constexpr Position position() const noexcept { return position_; }
  [[nodiscard]] constexpr Timestamp time() const noexcept { return time_; }

 private:
  constexpr StartAt(Kind kind, Position position, Timestamp time) noexcept
      : kind_(kind), position_(position), time_(time) {}

  Kind kind_ = Kind::position;
  Position position_ = 0;
  Timestamp time_{};
};

struct ConsumerOptions {
  // Which events. It is saved with the position: the same name with another query is refused (invalid_argument).
  Query query{};

  // Take the query as the new one of this name, and go on from the saved position with it.
  bool accept_new_query = false;

  // Where a name that is not known yet begins.
  StartAt start{};

  // Begin there whatever was saved. Also the way out of Errc::stale_token.
  std::optional<StartAt> reset{};

  // Durable events cannot be lost, so the position of a consumer of them is never ahead of the log. One that takes
  // everything that is published may be, after a power cut: then opening it is Errc::stale_token.
  Visibility visibility = Visibility::durable;

  // An acknowledgement is saved when so many events were acknowledged since the last time, or so much time is over; and
  // before a wait, in save() and in close(). So much may be seen again after a crash.
  std::uint64_t checkpoint_events = 1'000;
  std::chrono::milliseconds checkpoint_interval{100};

  // false: what is saved survives the death of the process. After a power cut, an older position may be found and its
  // events are seen again. true: every save is synced (some 100 us and more).
  bool sync = false;
};

// An event that was set aside, because it could not be handled.
struct ParkedEvent {
  Position position = 0;
  Version version = 0;
  std::string stream{};
  std::string type{};
  std::uint32_t attempts = 0;  // how often it was tried; 0 = never, an earlier event of its stream is parked
  std::string error{};         // of the last attempt
  Timestamp parked_at{};
};

// A consumer as it was saved last.
struct ConsumerInfo {
  std::string name{};
  Query query{};
  Position position = 0;     // everything up to here is done or parked
  std::uint64_t lag = 0;     // published events behind it: that the query matches
  std::uint64_t parked = 0;  // events
  Timestamp saved_at{};
  // Its file cannot be read (corrupt, unsupported, io): nothing but the name is known.
  std::optional<Error> error{};
};

// A forward cursor that remembers where it is: it begins behind the last acknowledged event that was saved. Every event is
// seen at least once, in order, also by a consumer that is killed.
//
//   auto consumer = store.consumer("invoices", {.query = Query::type("OrderPlaced")});
//   while (const EventView* event = consumer->next()) { use(*event); if (!consumer->ack()) ... }
//
// The position is in files of the store, <store>/consumers/<name>~*. It is no derived data: without the files the name
// begins anew. One Consumer or Subscription at a time has a name, in all processes (Errc::locked); a store that is open
// read-only will do, when the process may write to the folder.
// Thread safety: none, but for interrupt(). Lifetime: a consumer may outlive its Store. Fork: a child must not use it; its
// saves fail with Errc::closed.
class DAYBOOK_EXPORT Consumer {
 public:
  Consumer(Consumer&&) noexcept;
  Consumer& operator=(Consumer&&) noexcept;
  ~Consumer();  // closes; an error of close() is lost

  // The next event that is not parked, or null: at the end for now, or on an error. As Cursor::next().
  [[nodiscard]] const EventView* next();
  [[nodiscard]] std::optional<Error> error() const;

  // Saves what is acknowledged, and then sleeps as Cursor::wait(). A query that nothing has matched for long moves on
  // here: when everything returned is acknowledged, so is what does not match up to the end.
  [[nodiscard]] bool wait(std::chrono::nanoseconds timeout);
  // Ends the wait() that another thread is in, or else the next one.
  void interrupt() noexcept;

  // Everything that next() has returned is done. The error is that of saving; the acknowledgement holds all the same, and
  // the next one tries again.
  Result<void> ack();

  // Sets the event aside that next() returned last; saved at once. It is not returned again, unless a reset goes back to
  // before it; Store::replay_parked() gets it done. invalid_argument: next() has returned none.
  Result<void> park(const Error& why);

  // Saves what is acknowledged now.
  Result<void> save();

  // Goes to another place, and saves that at once. Events parked behind it are parked no more: they come again.
  Result<void> reset(const StartAt& start);

  // Resumes behind the last acknowledged event.
  [[nodiscard]] ResumeToken token() const;
  // The last acknowledged event, or one behind it that does not match; 0 = none yet.
  [[nodiscard]] Position position() const;
  // How many published events there are behind position(), acknowledged by nobody: of those that match the query.
  [[nodiscard]] Result<std::uint64_t> lag() const;

  // Saves, and gives the name free. next() returns null from then on.
  Result<void> close();

 private:
  struct Impl;
  friend class Store;
  explicit Consumer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

// A name of a consumer has 1 to 100 of these: A-Z a-z 0-9 . _ -
inline constexpr std::size_t kConsumerNameSizeMax = 100;

}  // namespace daybook
