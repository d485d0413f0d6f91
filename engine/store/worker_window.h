// The events that the workers of a group have: handed out by stream, finished in any order, acknowledged in the order of the
// log.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <daybook/cursor.h>
#include <daybook/event.h>

namespace daybook::consumers {

// One thread pushes; each worker takes with its own number. Both do so by the dozen: a lock, and a thread to be woken, for
// each event would cost more than many a handler does.
class WorkerWindow {
 public:
  struct Entry {
    EventView event;                  // position 0: none, but a place to acknowledge when everything before it is
    std::shared_ptr<const void> pin;  // of the bytes of the event: nothing is copied
    ResumeToken token;
  };
  // Of an event that was taken.
  using Number = std::uint64_t;

  WorkerWindow(std::size_t workers, std::size_t capacity);

  // Gives each event to the worker of its stream: at most capacity() of them. Sleeps while there is no room. False: the window
  // is closed.
  bool push(std::span<Entry> entries);
  [[nodiscard]] std::size_t capacity() const noexcept { return slots_.size(); }

  // The next events of a worker; sleeps until there are some. False: the window is closed, and there are no more for it.
  bool take(std::size_t worker, std::vector<Number>& numbers);
  [[nodiscard]] const EventView& event(Number number) const noexcept { return slots_[number % slots_.size()].event; }
  // An event that was taken is finished; its bytes may go. Takes no lock.
  void finish(Number number) noexcept { slot(number).finished.store(true); }

  struct Prefix {
    std::optional<ResumeToken> end;  // everything up to here is finished; none: no more than before
    std::uint64_t events = 0;        // how many more those are
    bool whole = false;              // nothing is in the window
  };
  // What is finished by now. No longer in the window after that.
  Prefix pass();

  // No more events: workers take what they were given, and then nothing.
  void close();

 private:
  struct Slot {
    EventView event;
    ResumeToken token;
    std::atomic<bool> finished = false;
  };
  struct Worker {
    std::vector<Number> given;
    std::condition_variable wanted;
    bool asleep = false;
  };

  [[nodiscard]] Slot& slot(Number number) noexcept { return slots_[number % slots_.size()]; }
  [[nodiscard]] std::size_t room() const noexcept { return slots_.size() - static_cast<std::size_t>(end_ - first_); }
  void put(Entry& entry);
  void let_go_of_bytes();

  std::mutex mutex_;
  std::condition_variable room_;
  std::size_t room_wanted_ = 0;  // by the thread that pushes; 0 = it is awake
  bool closed_ = false;
  std::vector<Slot> slots_;
  Number first_ = 0;  // slots [first_, end_) are in use
  Number end_ = 0;
  std::deque<std::pair<Number, std::shared_ptr<const void>>> pins_;  // from that event on, up to the next of them
  std::deque<Worker> workers_;
};

}  // namespace daybook::consumers
