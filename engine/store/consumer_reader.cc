#include "store/consumer_reader.h"

#include <limits>
#include <utility>

#include "log/cursor.h"

namespace daybook::consumers {
Reader::Reader(LogView log, std::shared_ptr<Progress> progress, Query query, Visibility visibility)
    : log_(std::move(log)),
      query_(std::move(query)),
      visibility_(visibility),
      progress_(std::move(progress)),
      cursor_(cursor_behind(progress_->position())) {}

std::unique_ptr<log::EventCursor> Reader::cursor_behind(Position position) const {
  const ReadOptions options{.after = position, .visibility = visibility_};
  // Everything is read from the log itself; an index would only be in the way.
  if (query_ == Query{}) return std::make_unique<log::Cursor>(log_.segments, options);
  return log_.read(query_, options);
}

void Reader::replace(std::unique_ptr<log::EventCursor> cursor) {
  const std::lock_guard lock(replacing_);
  cursor_ = std::move(cursor);
  last_ = nullptr;
  unacknowledged_ = 0;
}

const EventView* Reader::next() {
  last_ = nullptr;
  if (closed_) return nullptr;
  do {
    last_ = cursor_->next();
  } while (last_ != nullptr && progress_->is_parked(last_->position));
  if (last_ != nullptr) ++unacknowledged_;
  return last_;
}

std::optional<ResumeToken> Reader::passed() {
  if (query_ == Query{}) return std::nullopt;
  // In this order: what matches up to that end is at hand by the time that the cursor is asked.
  const ResumeToken end = log_.end(visibility_);
  if (end.position <= cursor_->token().position || end.position <= progress_->position()) return std::nullopt;
  if (cursor_->ready()) return std::nullopt;
  return end;
}

bool Reader::wait(std::chrono::nanoseconds timeout) {
  if (closed_) return true;
  if (unacknowledged_ == 0) {
    if (const auto end = passed()) (void)progress_->ack(*end, 0);
  }
  (void)progress_->save();  // what cannot be saved is tried again, and reported, by the next one that can say so
  return cursor_->wait(timeout);
}

void Reader::interrupt() noexcept {
  const std::lock_guard lock(replacing_);
  cursor_->interrupt();
}

Result<void> Reader::ack() {
  const std::uint64_t events = std::exchange(unacknowledged_, 0);
  return progress_->ack(cursor_->token(), events);
}

Result<void> Reader::park(const Error& why) {
  if (last_ == nullptr) return fail(Error{.code = Errc::invalid_argument, .what = "no event to park"});
  return progress_->park(*std::exchange(last_, nullptr), 1, why, std::numeric_limits<std::size_t>::max());
}

Result<void> Reader::save() { return progress_->save(); }

Result<void> Reader::reset(const StartAt& start) {
  const auto at = resolve(log_, start, visibility_);
  if (!at) return fail(at.error());
  DAYBOOK_TRY(progress_->reset(*at));
  replace(cursor_behind(at->position));
  return {};
}

Result<void> Reader::close() {
  if (closed_) return {};
  closed_ = true;
  last_ = nullptr;
  return progress_->close();
}

}  // namespace daybook::consumers
