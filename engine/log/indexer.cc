#include "log/indexer.h"

#include <algorithm>
#include <new>
#include <string>
#include <system_error>

#include "format/layout.h"
#include "io/system.h"
#include "log/sealed_segment.h"

namespace daybook::log {
namespace {

constexpr std::uint64_t kFramesAtOnce = 4'096;   // between looks whether to stop
constexpr std::uint64_t kFramesLocked = 256;     // while queries wait for a thread that has little priority
constexpr std::uint64_t kClosedMax = 16u << 20;  // bytes of log that a close may index, 30 ms or so

// Without memory for an index there is none; queries say so themselves, and the next segment is tried again.
template <typename Work>
void try_to(const Work& work) noexcept {
  try {
    work();
  } catch (const std::bad_alloc&) {
    return;
  }
}

}  // namespace

bool Indexer::start() noexcept {
  try {
    thread_ = std::thread([this] { run(); });
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

void Indexer::stop() noexcept {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
}

void Indexer::want(std::uint64_t segment) {
  {
    const std::lock_guard lock(mutex_);
    wanted_.insert(segment);
  }
  work_.notify_one();
}

bool Indexer::stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void Indexer::run() noexcept {
  io::lower_priority();
  // What others have left: sidecars first, since a checkpoint is made of them.
  try_to([this] {
    if (!find_missing()) make_checkpoint(0);
  });
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [this] { return stopping_ || !wanted_.empty(); });
    if (stopping_) return;
    const std::uint64_t segment = *wanted_.begin();
    wanted_.erase(wanted_.begin());
    lock.unlock();
    try_to([this, segment] {
      (void)write(segment);
      make_checkpoint(segment);
    });
    lock.lock();
  }
}

// An error leaves it to the next one.
void Indexer::make_checkpoint(std::uint64_t written) {
  const auto in_the_way = checkpointer_->run([this] { return stopping(); });
  if (in_the_way && *in_the_way != 0 && *in_the_way != written) want(*in_the_way);
}

bool Indexer::find_missing() {
  SegmentSet& segments = *index_->segments();
  const auto names = segments.directory().list();
  const auto numbers = segments.numbers();
  if (!names || !numbers) return false;
  const std::set<std::string> there(names->begin(), names->end());
  const std::lock_guard lock(mutex_);
  for (const std::uint64_t number : *numbers) {
    // Whether it is sealed is looked at when its turn comes.
    if (!there.contains(format::sidecar_name(number))) wanted_.insert(number);
  }
  return !wanted_.empty();
}

Result<void> Indexer::write(std::uint64_t number) {
  SegmentSet& segments = *index_->segments();
  const auto opened = segments.get(number);
  if (!opened) return fail(opened.error());
  const segment::Segment& segment = *(*opened)->segment;
  const auto sealed = describe_sealed(segment);
  if (!sealed) return {};
  if (const auto part = index_->in_memory(number)) {
    // Nobody may have asked since the segment has grown.
    while (part->end() < sealed->valid_end) {
      if (stopping()) return {};
      const std::uint64_t before = part->end();
      DAYBOOK_TRY(part->catch_up(kFramesLocked));
      if (part->end() == before) break;  // write_sidecar() says so
    }
    DAYBOOK_TRY(part->write_sidecar(segments.directory(), sealed->valid_end));
  } else {
    index::MemoryIndex memory;
    IndexWalk walk(segment, format::kDataStart);
    while (!walk.at_end()) {
      if (stopping()) return {};
      DAYBOOK_TRY(walk.run(memory, kFramesAtOnce));
      if (walk.stopped() && !walk.at_end()) return {};
    }
    DAYBOOK_TRY(log::write_sidecar(segments.directory(), segment, memory, sealed->base_position, sealed->valid_end));
  }
  index_->adopt_sidecar(number);
  return {};
}

void Indexer::write_closed(LogIndex& index, std::uint64_t number) {
  const auto opened = index.segments()->get(number);
  if (!opened) return;
  const segment::Segment& segment = *(*opened)->segment;
  const auto footer = segment.footer();
  if (!footer || footer->events == 0) return;
  io::Directory& directory = index.segments()->directory();
  if (const auto part = index.in_memory(number)) {
    if (footer->valid_end - std::min(part->end(), footer->valid_end) > kClosedMax) return;
    if (part->catch_up()) (void)part->write_sidecar(directory, footer->valid_end);
    return;
  }
  if (footer->valid_end > kClosedMax) return;
  index::MemoryIndex memory;
  IndexWalk walk(segment, format::kDataStart);
  if (!walk.run(memory, ~std::uint64_t{0})) return;
  (void)log::write_sidecar(directory, segment, memory, footer->base_position, footer->valid_end);
}

}  // namespace daybook::log
