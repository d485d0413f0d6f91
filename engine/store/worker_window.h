// The events that the workers of a group have: handed out by stream, finished in any order, acknowledged in the order of the
// log.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <daybook/cursor.h>
#include <daybook/event.h>

namespace daybook::consumers {

// One thread pushes; each worker takes with its own number.
class WorkerWindow {
 public:
  struct Slot {
    EventView event;
    std::shared_ptr<const void> pin;  // of the bytes of the event: nothing is copied
    ResumeToken token;
    bool finished = false;
  };

  WorkerWindow(std::size_t workers, std::size_t capacity);

  // Gives the event to the worker of its stream. Sleeps while the window is full. False: it is closed.
  bool push(const EventView& event, std::shared_ptr<const void> pin, const ResumeToken& token);
  // A place to acknowledge when everything before it is.
  bool push_place(const ResumeToken& token);

  // The next event of a worker; sleeps until there is one. Null: the window is closed, and there are no more for it.
  const Slot* take(std::size_t worker);

  struct Prefix {
    std::optional<ResumeToken> end;  // everything up to here is finished; none: no more than before
    std::uint64_t events = 0;        // how many more those are
    bool whole = false;              // nothing is in the window
  };
  // The event in a slot from take() is finished.
  Prefix finish(const Slot& slot);
  // What push_place() may have finished, when nothing was in front of it.
  Prefix prefix();

  // No more events: workers take what they were given, and then nothing.
  void close();

 private:
  struct Worker {
    std::deque<std::uint64_t> given;  // numbers of slots
    std::condition_variable wanted;
    bool asleep = false;
  };

  [[nodiscard]] Slot& slot(std::uint64_t number) noexcept { return slots_[number % slots_.size()]; }
  // Locked: waits for room. Null: closed.
  Slot* next_slot(std::unique_lock<std::mutex>& lock);
  Prefix prefix_locked();

  std::mutex mutex_;
  std::condition_variable room_;
  bool reader_asleep_ = false;
  bool closed_ = false;
  std::vector<Slot> slots_;
  std::uint64_t first_ = 0;  // slots [first_, end_) are in use
  std::uint64_t end_ = 0;
  std::deque<Worker> workers_;
};

}  // namespace daybook::consumers
