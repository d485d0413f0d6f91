// Aggregates that were used last, so that loading them again reads only what is new.
#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace daybook {

// A bounded map from streams to values; the one that was used longest ago leaves first. Thread safety: any thread.
template <typename Value>
class AggregateCache {
 public:
  explicit AggregateCache(std::size_t capacity) : capacity_(capacity) {}

  // A copy of what is kept for the stream.
  std::optional<Value> get(std::string_view stream) {
    if (capacity_ == 0) return std::nullopt;
    const std::lock_guard lock(mutex_);
    const auto found = by_stream_.find(stream);
    if (found == by_stream_.end()) return std::nullopt;
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return *found->second;
  }

  // Keeps the value, unless a newer one (by version) is there.
  void put(const Value& value) {
    if (capacity_ == 0) return;
    const std::lock_guard lock(mutex_);
    if (const auto found = by_stream_.find(value.stream()); found != by_stream_.end()) {
      if (found->second->version() <= value.version()) *found->second = value;
      by_use_.splice(by_use_.begin(), by_use_, found->second);
      return;
    }
    by_use_.push_front(value);
    by_stream_.emplace(by_use_.front().stream(), by_use_.begin());
    if (by_use_.size() <= capacity_) return;
    by_stream_.erase(by_use_.back().stream());
    by_use_.pop_back();
  }

  void drop(std::string_view stream) {
    const std::lock_guard lock(mutex_);
    const auto found = by_stream_.find(stream);
    if (found == by_stream_.end()) return;
    const auto at = found->second;
    by_stream_.erase(found);
    by_use_.erase(at);
  }

 private:
  std::size_t capacity_;
  std::mutex mutex_;
  std::list<Value> by_use_;                                                              // the newest use first
  std::unordered_map<std::string_view, typename std::list<Value>::iterator> by_stream_;  // keys live in the values
};

}  // namespace daybook
