#include "store/worker_window.h"

#include <functional>
#include <string_view>
#include <utility>

namespace daybook::consumers {

WorkerWindow::WorkerWindow(std::size_t workers, std::size_t capacity) : slots_(capacity), workers_(workers) {}

WorkerWindow::Slot* WorkerWindow::next_slot(std::unique_lock<std::mutex>& lock) {
  reader_asleep_ = true;
  room_.wait(lock, [&] { return closed_ || end_ - first_ < slots_.size(); });
  reader_asleep_ = false;
  return closed_ ? nullptr : &slot(end_++);
}

bool WorkerWindow::push(const EventView& event, std::shared_ptr<const void> pin, const ResumeToken& token) {
  const std::size_t number = std::hash<std::string_view>()(event.stream) % workers_.size();
  Worker& worker = workers_[number];
  std::unique_lock lock(mutex_);
  Slot* const slot = next_slot(lock);
  if (slot == nullptr) return false;
  *slot = {.event = event, .pin = std::move(pin), .token = token};
  worker.given.push_back(end_ - 1);
  if (worker.asleep) worker.wanted.notify_one();
  return true;
}

bool WorkerWindow::push_place(const ResumeToken& token) {
  std::unique_lock lock(mutex_);
  Slot* const slot = next_slot(lock);
  if (slot == nullptr) return false;
  *slot = {.event = {}, .pin = nullptr, .token = token, .finished = true};
  return true;
}

const WorkerWindow::Slot* WorkerWindow::take(std::size_t worker) {
  Worker& own = workers_[worker];
  std::unique_lock lock(mutex_);
  own.asleep = true;
  own.wanted.wait(lock, [&] { return closed_ || !own.given.empty(); });
  own.asleep = false;
  if (own.given.empty()) return nullptr;
  Slot& taken = slot(own.given.front());
  own.given.pop_front();
  return &taken;
}

WorkerWindow::Prefix WorkerWindow::finish(const Slot& slot) {
  const std::lock_guard lock(mutex_);
  const_cast<Slot&>(slot).finished = true;
  return prefix_locked();
}

WorkerWindow::Prefix WorkerWindow::prefix() {
  const std::lock_guard lock(mutex_);
  return prefix_locked();
}

WorkerWindow::Prefix WorkerWindow::prefix_locked() {
  Prefix prefix;
  for (; first_ != end_ && slot(first_).finished; ++first_) {
    Slot& passed = slot(first_);
    prefix.end = passed.token;
    prefix.events += passed.event.position != 0 ? 1 : 0;
    passed.pin.reset();
  }
  prefix.whole = first_ == end_;
  if (prefix.end && reader_asleep_) room_.notify_one();
  return prefix;
}

void WorkerWindow::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  room_.notify_all();
  for (Worker& worker : workers_) worker.wanted.notify_all();
}

}  // namespace daybook::consumers
