// How far a consumer is, and what of that is saved: the part of a consumer that threads share.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <daybook/consumer.h>
#include <daybook/error.h>

#include "io/directory.h"
#include "store/consumer_file.h"
#include "store/log_view.h"

namespace daybook::consumers {

// The place that `start` names now.
Result<ResumeToken> resolve(const LogView& log, const StartAt& start, Visibility visibility);

// How many published events behind `position` a query matches; all of them when it is empty.
Result<std::uint64_t> lag_behind(const LogView& log, const Query& query, Position position);

// Thread safety: all methods, from any thread.
class Progress {
 public:
  // Of a name: takes its lock, reads what is saved, and applies the options.
  static Result<std::unique_ptr<Progress>> open(const LogView& log, io::Directory& store, std::string_view name,
                                                const ConsumerOptions& options);
  // Without a name: in memory alone.
  static Result<std::unique_ptr<Progress>> open_unnamed(const LogView& log, const ConsumerOptions& options);

  [[nodiscard]] Position position() const noexcept { return position_.load(); }
  [[nodiscard]] ResumeToken token() const;

  // Everything up to `at` is done, `events` more than before. Saves when it is time to.
  Result<void> ack(const ResumeToken& at, std::uint64_t events);
  Result<void> save();
  Result<void> reset(const ResumeToken& at);
  // Saves, and gives the name free. Nothing can be changed from then on (Errc::closed), but everything can be asked.
  Result<void> close();

  // Whether an event is parked; and whether one of the stream is. Cheap while nothing is.
  [[nodiscard]] bool is_parked(Position position) const;
  [[nodiscard]] bool is_stream_parked(std::string_view stream) const;
  [[nodiscard]] std::vector<ParkedEvent> parked() const;
  [[nodiscard]] std::size_t parked_count() const noexcept { return parked_count_.load(); }

  // Parks an event, after so many attempts, if fewer than `max` are; at `max`, that is `why`.
  Result<void> park(const EventView& event, std::uint32_t attempts, const Error& why, std::size_t max);
  // The same when one of its stream is parked, looked at and done in one step. False: none is.
  Result<bool> park_behind(const EventView& event, std::size_t max);
  // A parked event was tried once more, and failed again.
  Result<void> park_again(const ParkedEvent& event, const Error& why);
  // not_found: it is not parked.
  Result<void> unpark(Position position);

 private:
  Progress(std::unique_ptr<ConsumerFile> file, const ConsumerOptions& options, ConsumerState state);

  Result<void> save_locked();
  [[nodiscard]] Result<void> check_open() const;
  Result<void> park_locked(ParkedEvent event);
  void count_parked();
  [[nodiscard]] ConsumerFile::Sync sync() const noexcept {
    return sync_ ? ConsumerFile::Sync::yes : ConsumerFile::Sync::no;
  }

  const std::uint64_t checkpoint_events_;
  const std::int64_t checkpoint_ns_;
  const bool sync_;

  mutable std::mutex mutex_;
  std::unique_ptr<ConsumerFile> file_;  // null: unnamed, or closed
  bool closed_ = false;
  ConsumerState state_;        // as acknowledged; the file has what is saved of it
  std::uint64_t unsaved_ = 0;  // acknowledgements' events since the last save
  bool dirty_ = false;
  std::int64_t saved_at_ = 0;
  std::unordered_map<std::string, std::size_t> parked_streams_;

  std::atomic<Position> position_;
  std::atomic<std::size_t> parked_count_ = 0;
};

}  // namespace daybook::consumers
