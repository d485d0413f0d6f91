#include "log/sealer.h"

#include <algorithm>
#include <system_error>

namespace daybook::log {
namespace {

// When a full segment still has somebody on the way out.
constexpr std::chrono::milliseconds kRetry{10};

}  // namespace

segment::Prefix summarize(const segment::ActiveSegment& segment) noexcept {
  segment::Prefix prefix = segment.before();
  const segment::Mark end = segment.claims().mark();
  prefix.events = end.events;
  prefix.end = end.offset;
  for (std::uint64_t at = segment.before().end; at < end.offset;) {
    const segment::FrameRef frame = segment.frame(at);
    const format::Word word = format::load_word(segment.bytes() + at);
    at += word.size();
    if (!word.has_events()) continue;
    prefix.frames_end = at;
    if (word.state() != format::FrameState::published) continue;
    prefix.recorded_last = format::load_decided(frame.recorded_at());
    if (prefix.frames++ == 0) prefix.recorded_first = prefix.recorded_last;
  }
  return prefix;
}

bool Sealer::start() noexcept {
  try {
    thread_ = std::thread([this] { run(); });
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

void Sealer::stop() noexcept {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
}

void Sealer::look() {
  {
    const std::lock_guard lock(mutex_);
    looking_ = true;
  }
  work_.notify_one();
}

void Sealer::sync_regularly() {
  {
    const std::lock_guard lock(mutex_);
    regular_ = true;
  }
  work_.notify_one();
}

void Sealer::run() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto woken = [this] { return looking_ || stopping_; };
    const bool pending = state_.active.load(std::memory_order_acquire)->number() > next_to_seal_->number();
    if (regular_ || pending) {
      work_.wait_for(lock, pending ? std::min(interval_, kRetry) : interval_, woken);
    } else {
      work_.wait(lock, [&] { return woken() || regular_; });
    }
    looking_ = false;
    const bool stopping = stopping_;
    const bool regular = regular_;
    lock.unlock();
    seal_ready();
    if (regular && state_.published().address > sync_.durable()) (void)sync_.sync(state_.published().address);
    lock.lock();
    if (stopping) return;
  }
}

// Publishing and claiming have left it, and nobody who was there is still on the way.
bool Sealer::ready(const segment::ActiveSegment& segment) const noexcept {
  return state_.publishing.load(std::memory_order_seq_cst)->number() > segment.number() &&
         state_.active.load(std::memory_order_seq_cst)->number() > segment.number() && segment.claims().quiescent();
}

void Sealer::seal_ready() noexcept {
  while (!state_.failure.is_set() && ready(*next_to_seal_)) {
    segment::ActiveSegment& segment = *next_to_seal_;
    // Before the sync, which is cheaper then: see Mapping::protect().
    if (auto done = segment.shared()->protect(); !done) {
      state_.failure.set(done.error());
      return;
    }
    // To where the next one begins, so that no later sync comes back to this one; and no further: a sync of the segment
    // that is appended to write-protects its pages one by one, and interrupts every thread of the process for each.
    const segment::ActiveSegment& next = *segment.next.load(std::memory_order_acquire);
    const format::Address begin{static_cast<std::uint32_t>(next.number()), format::kDataStart};
    // Relaxed: ready() has seen publishing in `next`, and its base was stored before that.
    if (!sync_.sync_only({begin.packed(), next.base.load(std::memory_order_relaxed)})) return;
    if (auto done = finish(segment, format::SegmentFooter::sealed); !done) {
      state_.failure.set(done.error());
      return;
    }
    sealed_(segment.number());
    next_to_seal_ = segment.next.load(std::memory_order_acquire);
  }
}

Result<void> Sealer::finish(segment::ActiveSegment& segment, format::SegmentFooter::Kind kind) {
  const segment::Prefix prefix = summarize(segment);
  for (std::size_t turn = 0; turn < segment::kSyncFiles; ++turn) {
    while (!sync_.try_take(turn)) std::this_thread::yield();
  }
  auto done =
      write_footer(segment.file(0), *segment.shared(), prefix, segment.base.load(std::memory_order_relaxed), kind);
  for (std::size_t turn = 0; turn < segment::kSyncFiles; ++turn) {
    segment.close_file(turn);
    sync_.give_back(turn);
  }
  return done;
}

}  // namespace daybook::log
