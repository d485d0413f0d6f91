// A target that remembers what it was given, and fails when it is told to.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <daybook/sourcing/projector.h>

namespace daybook::test {

// What is committed survives open(); what is not, does not: as on a disk.
class RecordingTarget final : public ProjectionTarget {
 public:
  Result<ResumeToken> open() override {
    const std::lock_guard lock(mutex_);
    ++opened;
    batch_.clear();
    return token_;
  }
  Result<void> begin() override {
    if (const auto error = std::exchange(fail_begin, std::nullopt)) return fail(*error);
    inside_.store(true);
    return {};
  }
  Result<void> apply(const EventView& event) override {
    if (!inside_.load()) return fail({.code = Errc::io, .what = "apply() outside of a batch"});
    if (on_event) {
      if (const auto done = on_event(event); !done) return done;
    }
    batch_.push_back(event.position);
    return {};
  }
  Result<void> commit(const ResumeToken& token) override {
    inside_.store(false);
    const std::lock_guard lock(mutex_);
    if (const auto error = std::exchange(fail_commit, std::nullopt)) {
      batch_.clear();
      return fail(*error);
    }
    taken_.insert(taken_.end(), batch_.begin(), batch_.end());
    commits_.push_back(batch_.size());
    batch_.clear();
    token_ = token;
    return {};
  }

  [[nodiscard]] std::vector<Position> taken() const {
    const std::lock_guard lock(mutex_);
    return taken_;
  }
  [[nodiscard]] std::vector<std::size_t> commits() const {
    const std::lock_guard lock(mutex_);
    return commits_;
  }
  [[nodiscard]] ResumeToken token() const {
    const std::lock_guard lock(mutex_);
    return token_;
  }

  // Set before the projector runs.
  std::function<Result<void>(const EventView&)> on_event;
  std::optional<Error> fail_begin;
  std::optional<Error> fail_commit;
  std::atomic<int> opened = 0;

 private:
  std::atomic<bool> inside_ = false;
  std::vector<Position> batch_;
  mutable std::mutex mutex_;
  std::vector<Position> taken_;
  std::vector<std::size_t> commits_;
  ResumeToken token_;
};

// Every event of the log up to `last` whose type is one of the story's.
inline std::vector<Position> matching(const Store& store, Position last = ~Position{0}) {
  std::vector<Position> positions;
  Cursor cursor = store.read();
  while (const EventView* event = cursor.next()) {
    if (event->type != "Noted" && event->position <= last) positions.push_back(event->position);
  }
  return positions;
}

}  // namespace daybook::test
