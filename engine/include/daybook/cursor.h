// A walk over the log.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include <daybook/error.h>
#include <daybook/event.h>
#include <daybook/export.h>
#include <daybook/options.h>

namespace daybook {

namespace log {
class EventCursor;
}

// Where a reader is, in a form that may be stored and handed to another process. A token beyond what survived
// a crash is refused with Errc::stale_token, never answered with a different event.
struct ResumeToken {
  Uuid log{};               // which log
  std::uint64_t epoch = 0;  // of the segment that held the event; grows with every unclean recovery
  Position position = 0;    // the last event seen; 0 = none yet
};

// Forward or backward over the events of the whole log, in order, without gaps.
//
//   while (const EventView* event = cursor.next()) use(*event);
//   if (auto error = cursor.error()) ...
//
// A forward cursor that has reached the end returns null, and goes on after more was appended: wait() sleeps until
// then. A backward cursor ends at the first event.
// Thread safety: none, but for interrupt(); one cursor per thread. Lifetime: a cursor may outlive its Store.
class DAYBOOK_EXPORT Cursor {
 public:
  Cursor(Cursor&&) noexcept;
  Cursor& operator=(Cursor&&) noexcept;
  ~Cursor();

  // The next event, or null: at the end for now, or on an error. Stays null after an error.
  [[nodiscard]] const EventView* next();

  // Why next() returned null, when it was not for the end.
  [[nodiscard]] std::optional<Error> error() const;

  // Sleeps until next() has something to return or `timeout` is over; true = something is there (or an error is).
  // Works across processes. A reader that may not write to the store's LOCK file looks again every 10 ms, because it
  // cannot tell the writer that it sleeps.
  [[nodiscard]] bool wait(std::chrono::nanoseconds timeout);

  // Ends the wait() that another thread is in, or else the next one: it returns false at once. May be called from any
  // thread while the cursor lives (a program that stops a reader sets a flag of its own, and then interrupts).
  void interrupt() noexcept;

  // Resumes after the event that next() returned last. Pass it to Store::resume().
  [[nodiscard]] ResumeToken token() const;

 private:
  friend class Store;
  explicit Cursor(std::unique_ptr<log::EventCursor> impl);

  std::unique_ptr<log::EventCursor> impl_;
};

}  // namespace daybook
