#include "log/segment_set.h"

#include <algorithm>
#include <utility>

#include "io/system.h"

namespace daybook::log {

Result<std::unique_ptr<io::Directory>> open_segments(io::Directory& store, bool create) {
  auto segments = store.subdirectory(format::kSegmentsName, create);
  if (segments || create || segments.error().code != Errc::not_found) return segments;
  return fail(Error{.code = Errc::not_found, .what = "no log in the store"});
}

SegmentSet::SegmentSet(std::unique_ptr<io::Directory> segments, std::unique_ptr<LivePage> live, Role role)
    : segments_(std::move(segments)), live_(std::move(live)), role_(role), fork_generation_(io::fork_generation()) {}

Result<void> SegmentSet::check_process() const {
  if (!writing() || io::fork_generation() == fork_generation_) return {};
  return fail(Error{.code = Errc::closed, .what = "store of a parent process"});
}

void SegmentSet::add(std::shared_ptr<segment::Segment> segment, std::uint64_t written_from) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t number = segment->number();
  newest_ = number;
  if (numbers_ && (numbers_->empty() || numbers_->back() < number)) numbers_->push_back(number);
  open_[number] = std::make_shared<ReadSegment>(std::move(segment), written_from);
}

Result<std::shared_ptr<ReadSegment>> SegmentSet::get(std::uint64_t number) {
  DAYBOOK_TRY(check_process());
  const std::lock_guard lock(mutex_);
  if (const auto found = open_.find(number); found != open_.end()) return found->second;
  // Known without asking: a look for a file that is not there would fail for want of a descriptor, too.
  if (writing() && number > newest_) return fail(Error{.code = Errc::not_found, .what = "segment", .segment = number});
  auto opened = segment::Segment::open(*segments_, number);
  if (!opened) return fail(opened.error());
  if (open_.size() >= kMappedMax) {
    // What nobody uses goes; cursors hold on to what they read.
    std::erase_if(open_, [](const auto& entry) { return entry.second.use_count() == 1; });
  }
  auto segment = std::make_shared<ReadSegment>(std::move(*opened));
  // One that publishing has not entered may still be removed and made again, by a clean close or by recovery.
  if (segment->segment->base()) open_[number] = segment;
  return segment;
}

Result<std::vector<std::uint64_t>> SegmentSet::numbers() {
  DAYBOOK_TRY(check_process());
  std::unique_lock lock(mutex_, std::defer_lock);
  if (writing()) lock.lock();  // nothing is added between the list and what is kept of it
  if (numbers_) return *numbers_;
  const auto names = segments_->list();
  if (!names) return fail(names.error());
  std::vector<std::uint64_t> numbers;
  for (const std::string& name : *names) {
    const auto number = format::parse_segment_name(name);
    if (number && (!writing() || *number <= newest_)) numbers.push_back(*number);
  }
  std::ranges::sort(numbers);
  if (writing()) numbers_ = numbers;
  return numbers;
}

std::optional<format::Address> SegmentSet::durable() const noexcept {
  if (writing()) return format::Address::unpack(durable_.load(std::memory_order_acquire));
  if (live_ == nullptr || !live_->this_boot()) return std::nullopt;
  return live_->durable(log_).value_or(format::Address{});
}

void SegmentSet::set_durable(format::Address end) noexcept {
  std::uint64_t now = durable_.load(std::memory_order_relaxed);
  while (now < end.packed() && !durable_.compare_exchange_weak(now, end.packed(), std::memory_order_release)) {
  }
}

}  // namespace daybook::log
