#include "log/supplier.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "io/futex.h"
#include "segment/zero_check.h"

namespace daybook::log {
namespace {

constexpr std::chrono::milliseconds kTick{1};
constexpr std::chrono::seconds kSleep{1};
constexpr std::uint32_t kQuietTicks = 200;   // then it sleeps until an appender wakes it
constexpr std::uint32_t kRetryTicks = 1000;  // a disk that was full is tried again now and then, and when asked

// Populating ahead follows the pace of the appends: what the last ticks took, eight times over.
constexpr std::uint64_t kAheadMin = 1u << 20;
constexpr std::uint64_t kAheadMax = 32u << 20;
constexpr std::uint64_t kPopulateStep = 1u << 20;

constexpr std::uint64_t kCheckStep = 1u << 20;  // of zeros, before appenders hear of it

}  // namespace

Supplier::Supplier(LogState& state, io::Directory& segments, Plan plan,
                   std::function<segment::ActiveSegment*(std::unique_ptr<segment::ActiveSegment>)> adopt,
                   std::function<void()> rolled)
    : state_(state),
      segments_(segments),
      plan_(std::move(plan)),
      adopt_(std::move(adopt)),
      rolled_(std::move(rolled)) {}

bool Supplier::start() noexcept {
  try {
    thread_ = std::thread([this] { run(); });
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

void Supplier::stop() noexcept {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_seq_cst);
  state_.supply.wanted.fetch_add(1, std::memory_order_seq_cst);
  io::futex_wake_all(state_.supply.wanted);
  thread_.join();
}

void Supplier::run() noexcept {
  check_zeros();
  while (!stopping_.load(std::memory_order_seq_cst)) sleep(tick());
}

// A stray word would be taken for a claim or a decision. Appenders keep behind this: Appender::await_zeros().
void Supplier::check_zeros() noexcept {
  if (plan_.reopened == nullptr) return;
  const segment::ActiveSegment& segment = *state_.active.load(std::memory_order_seq_cst);
  const auto number = static_cast<std::uint32_t>(segment.number());
  const std::uint64_t end = segment.claims().data_end();
  for (std::uint64_t at = plan_.zero_from; at < end && !stopping_.load(std::memory_order_relaxed);) {
    const std::uint64_t to = std::min(at + kCheckStep, end);
    const auto found = segment::find_nonzero(*plan_.reopened, at, to);
    if (!found || *found) {
      Error error = found ? Error{.code = Errc::corrupt, .what = "bytes behind the end of the log", .offset = **found}
                          : found.error();
      error.segment = number;
      state_.failure.set(error);
      state_.supply.stray.store(true, std::memory_order_release);
      return;
    }
    at = to;
    state_.supply.zero_until.store(format::Address{number, static_cast<std::uint32_t>(at)}.packed(),
                                   std::memory_order_release);
  }
  state_.supply.zero_until.store(~std::uint64_t{0}, std::memory_order_release);
  plan_.reopened.reset();
}

// True when appends are going on.
bool Supplier::tick() noexcept {
  segment::ActiveSegment& active = *state_.active.load(std::memory_order_seq_cst);
  const std::uint64_t claimed = std::min(active.claims().claimed(), active.claims().data_end());
  if (&active != last_active_) {
    if (last_active_ != nullptr) rolled_();
    last_active_ = &active;
    last_claimed_ = claimed;
    populated_ = std::exchange(next_populated_, 0);
  }
  const std::uint64_t taken = claimed - last_claimed_;
  last_claimed_ = claimed;
  ahead_ = std::clamp(std::max(taken * 8, ahead_ - ahead_ / 64), kAheadMin, kAheadMax);
  if (!plan_.zero) populate(active, claimed);

  // The next segment is made when a quarter of this one is taken, so that small stores stay small.
  const std::uint32_t wanted = state_.supply.wanted.load(std::memory_order_seq_cst);
  const bool asked = std::exchange(last_wanted_, wanted) != wanted;
  if (active.next.load(std::memory_order_acquire) == nullptr) {
    if (failed_ticks_ > 0) --failed_ticks_;
    const bool full = active.claims().full();
    if ((asked && full) || (claimed > active.claims().data_end() / 4 && failed_ticks_ == 0)) prepare(active);
  }
  state_.heads.grow();
  return taken > 0;
}

void Supplier::prepare(segment::ActiveSegment& active) noexcept {
  auto made = segment::ActiveSegment::create(segments_, {.number = active.number() + 1,
                                                         .log = plan_.log,
                                                         .epoch = plan_.epoch,
                                                         .size = plan_.segment_size,
                                                         .zeroed = plan_.zero ? plan_.segment_size : 0,
                                                         .large_folios = plan_.large_folios});
  Supply& supply = state_.supply;
  if (made) {
    supply.failure.store(0, std::memory_order_release);
    failed_ticks_ = 0;
    (*made)->previous = &active;
    active.next.store(adopt_(std::move(*made)), std::memory_order_release);
  } else {
    const Error& error = made.error();
    supply.failure.store(static_cast<std::uint64_t>(error.code) |
                             static_cast<std::uint64_t>(static_cast<std::uint32_t>(error.sys_errno)) << 8,
                         std::memory_order_release);
    failed_ticks_ = kRetryTicks;
  }
  supply.attempts.fetch_add(1, std::memory_order_seq_cst);
  io::futex_wake_all(supply.attempts);
}

// In the active segment, and when that is nearly full at the beginning of the next.
void Supplier::populate(segment::ActiveSegment& active, std::uint64_t claimed) noexcept {
  const std::uint64_t end = active.claims().data_end();
  populated_ = std::max(populated_, claimed / format::kPage * format::kPage);
  populate_to(active, populated_, std::min(claimed + ahead_, end));
  segment::ActiveSegment* const next = active.next.load(std::memory_order_acquire);
  if (next != nullptr && claimed + ahead_ > end) populate_to(*next, next_populated_, claimed + ahead_ - end);
}

void Supplier::populate_to(segment::ActiveSegment& segment, std::uint64_t& populated, std::uint64_t target) noexcept {
  const std::uint64_t end = segment.claims().data_end();
  while (populated < std::min(target, end)) {
    const std::uint64_t step = std::min(kPopulateStep, end - populated);
    if (auto done = segment.shared()->mapping().populate(populated, step); !done) {
      // The pages cannot be backed: an append that touched them would be a signal.
      state_.failure.set(done.error());
      return;
    }
    populated += step;
  }
}

void Supplier::sleep(bool busy) noexcept {
  quiet_ticks_ = busy ? 0 : quiet_ticks_ + 1;
  Supply& supply = state_.supply;
  if (quiet_ticks_ < kQuietTicks) {
    io::futex_wait(supply.wanted, last_wanted_, kTick);
    return;
  }
  // Announce first, look again, then sleep: an appender that claims after the look sees the announcement.
  supply.asleep.store(1, std::memory_order_seq_cst);
  const segment::ActiveSegment* const active = state_.active.load(std::memory_order_seq_cst);
  if (active == last_active_ && std::min(active->claims().claimed(), active->claims().data_end()) == last_claimed_) {
    io::futex_wait(supply.wanted, last_wanted_, kSleep);
  }
  supply.asleep.store(0, std::memory_order_relaxed);
}

}  // namespace daybook::log
