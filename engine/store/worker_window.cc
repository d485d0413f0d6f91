#include "store/worker_window.h"

#include <algorithm>
#include <functional>
#include <string_view>

namespace daybook::consumers {

WorkerWindow::WorkerWindow(std::size_t workers, std::size_t capacity) : slots_(capacity), workers_(workers) {}

// Who has to wait for room waits for more of it than one event takes, or it would be woken for each.
bool WorkerWindow::push(std::span<Entry> entries) {
  std::unique_lock lock(mutex_);
  if (!closed_ && room() < entries.size()) {
    room_wanted_ = std::max(entries.size(), slots_.size() / 2);
    room_.wait(lock, [&] { return closed_ || room() >= room_wanted_; });
    room_wanted_ = 0;
  }
  if (closed_) return false;
  for (Entry& entry : entries) put(entry);
  for (Worker& worker : workers_) {
    if (!worker.asleep || worker.given.empty()) continue;
    worker.asleep = false;
    worker.wanted.notify_one();
  }
  return true;
}

void WorkerWindow::put(Entry& entry) {
  const bool is_event = entry.event.position != 0;
  Slot& slot = this->slot(end_);
  slot.event = entry.event;
  slot.token = entry.token;
  slot.finished.store(!is_event);
  if (is_event) {
    if (pins_.empty() || pins_.back().second != entry.pin) pins_.emplace_back(end_, std::move(entry.pin));
    workers_[std::hash<std::string_view>()(entry.event.stream) % workers_.size()].given.push_back(end_);
  }
  ++end_;
}

bool WorkerWindow::take(std::size_t worker, std::vector<Number>& numbers) {
  Worker& own = workers_[worker];
  numbers.clear();
  std::unique_lock lock(mutex_);
  while (!closed_ && own.given.empty()) {
    own.asleep = true;
    own.wanted.wait(lock);
  }
  own.asleep = false;
  numbers.swap(own.given);
  return !numbers.empty();
}

WorkerWindow::Prefix WorkerWindow::pass() {
  const std::lock_guard lock(mutex_);
  Prefix prefix;
  for (; first_ != end_ && slot(first_).finished.load(); ++first_) {
    const Slot& passed = slot(first_);
    prefix.end = passed.token;
    prefix.events += passed.event.position != 0 ? 1 : 0;
  }
  prefix.whole = first_ == end_;
  let_go_of_bytes();
  if (room_wanted_ != 0 && room() >= room_wanted_) room_.notify_one();
  return prefix;
}

void WorkerWindow::let_go_of_bytes() {
  if (first_ == end_) pins_.clear();
  while (pins_.size() > 1 && pins_[1].first <= first_) pins_.pop_front();
}

void WorkerWindow::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  room_.notify_all();
  for (Worker& worker : workers_) worker.wanted.notify_all();
}

}  // namespace daybook::consumers
