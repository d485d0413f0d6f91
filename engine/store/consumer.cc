#include <daybook/consumer.h>

#include <string>
#include <utility>

#include "log/cursor.h"
#include "store/consumer_file.h"
#include "store/consumer_progress.h"
#include "store/consumer_reader.h"
#include "store/log_view.h"
#include "store/parked_replay.h"
#include "store/store_impl.h"

namespace daybook {

struct Consumer::Impl {
  consumers::Reader reader;
};

Result<Consumer> Store::consumer(std::string_view name, const ConsumerOptions& options) const {
  auto progress = consumers::Progress::open(impl_->view(), *impl_->directory, name, options);
  if (!progress) return fail(progress.error());
  return Consumer(std::unique_ptr<Consumer::Impl>(new Consumer::Impl{
      consumers::Reader(impl_->view(), std::shared_ptr(std::move(*progress)), options.query, options.visibility)}));
}

Result<std::vector<ConsumerInfo>> Store::consumers() const {
  const auto names = consumers::list_names(*impl_->directory);
  if (!names) return fail(names.error());
  std::vector<ConsumerInfo> infos;
  for (const std::string& name : *names) {
    auto state = consumers::read_state(*impl_->directory, name);
    if (!state && state.error().code == Errc::not_found) continue;  // gone since
    if (!state) {
      infos.push_back({.name = name, .error = state.error()});
      continue;
    }
    const auto lag = consumers::lag_behind(impl_->view(), state->query, state->at.position);
    if (!lag) return fail(lag.error());
    infos.push_back({.name = name,
                     .query = std::move(state->query),
                     .position = state->at.position,
                     .lag = *lag,
                     .parked = state->parked.size(),
                     .saved_at = state->saved_at});
  }
  return infos;
}

namespace {

// The file of a consumer that is there, locked.
Result<std::unique_ptr<consumers::ConsumerFile>> open_existing(io::Directory& store, std::string_view name) {
  // First, so that a name which was mistyped leaves nothing behind.
  if (const auto state = consumers::read_state(store, name); !state) return fail(state.error());
  return consumers::ConsumerFile::open(store, name);
}

// The same with its query, to work on what is parked.
Result<std::unique_ptr<consumers::Progress>> open_parked(const LogView& log, io::Directory& store,
                                                         std::string_view name) {
  const auto state = consumers::read_state(store, name);
  if (!state) return fail(state.error());
  return consumers::Progress::open(log, store, name, {.query = state->query, .sync = true});
}

}  // namespace

Result<void> Store::reset_consumer(std::string_view name, const StartAt& start) const {
  const auto at = consumers::resolve(impl_->view(), start, Visibility::published);
  if (!at) return fail(at.error());
  const auto file = open_existing(*impl_->directory, name);
  if (!file) return fail(file.error());
  return (*file)->reset(*at);
}

Result<std::vector<ParkedEvent>> Store::parked(std::string_view name) const {
  auto state = consumers::read_state(*impl_->directory, name);
  if (!state) return fail(state.error());
  std::vector<ParkedEvent> events;
  for (auto& [position, event] : state->parked) events.push_back(std::move(event));
  return events;
}

Result<ReplayReport> Store::replay_parked(std::string_view name, const EventHandler& handler) const {
  const auto progress = open_parked(impl_->view(), *impl_->directory, name);
  if (!progress) return fail(progress.error());
  return consumers::replay_parked(impl_->view(), **progress, handler);
}

Result<void> Store::discard_parked(std::string_view name, Position position) const {
  const auto progress = open_parked(impl_->view(), *impl_->directory, name);
  if (!progress) return fail(progress.error());
  return (*progress)->unpark(position);
}

Consumer::Consumer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Consumer::Consumer(Consumer&&) noexcept = default;
Consumer& Consumer::operator=(Consumer&& other) noexcept {
  if (this == &other) return *this;
  if (impl_ != nullptr) (void)close();
  impl_ = std::move(other.impl_);
  return *this;
}
Consumer::~Consumer() {
  if (impl_ != nullptr) (void)close();
}

const EventView* Consumer::next() { return impl_->reader.next(); }
std::optional<Error> Consumer::error() const { return impl_->reader.error(); }
bool Consumer::wait(std::chrono::nanoseconds timeout) { return impl_->reader.wait(timeout); }
void Consumer::interrupt() noexcept { impl_->reader.interrupt(); }
Result<void> Consumer::ack() { return impl_->reader.ack(); }
Result<void> Consumer::park(const Error& why) { return impl_->reader.park(why); }
Result<void> Consumer::save() { return impl_->reader.save(); }
ResumeToken Consumer::token() const { return impl_->reader.acknowledged(); }
Position Consumer::position() const { return impl_->reader.acknowledged().position; }
Result<std::uint64_t> Consumer::lag() const { return impl_->reader.lag(); }
Result<void> Consumer::reset(const StartAt& start) { return impl_->reader.reset(start); }
Result<void> Consumer::close() { return impl_->reader.close(); }

}  // namespace daybook
