#include "crash/scenario.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "crash/stepped_append.h"
#include "format/layout.h"

namespace daybook::test {
namespace {

constexpr std::size_t kStreams = 6;
constexpr int kCrashesMax = 4;

std::string stream_name(std::uint64_t n) { return "stream-" + std::string(n * 3, 'x') + std::to_string(n); }

}  // namespace

Scenario::Scenario(std::uint64_t seed, Campaign& campaign)
    : seed_(seed), campaign_(campaign), rng_(seed), background_rng_(~seed) {
  options_.segment_size = format::kSegmentSizeMin;
  constexpr std::array kDurabilities{Durability::memory, Durability::interval, Durability::sync};
  options_.durability = kDurabilities[rng_.below(kDurabilities.size())];
  options_.sync_interval = std::chrono::milliseconds(1);
  events_max_ = 20 + rng_.below(80);
}

Scenario::~Scenario() {
  if (disk_) disk_->faults().before_each_call({});
}

void Scenario::run() {
  ++campaign_.scenarios;
  disk_.emplace();
  open();
  int crashes = 0;
  while (!failed() && history_.events().size() < events_max_) {
    act();
    if (failed()) break;
    take_images(doing_, campaign_.images_per_point);
    check_images();
    if (crashes < kCrashesMax && rng_.below(20) == 0) {
      ++crashes;
      crash_and_reopen();
    }
  }
  if (!failed()) close_and_reopen();
  check_images();
  disk_->faults().before_each_call({});
  store_.reset();
}

void Scenario::open() {
  disk_->faults().before_each_call([this](IoCall call) {
    // Lock order: this one, then the disk's.
    const std::scoped_lock lock(images_mutex_);
    if (background_rng_.below(4) != 0) return;
    images_.push_back(take_image(background_rng_, std::string("before ") + name(call)));
  });
  auto directory = disk_->open();
  auto store = StoreAccess::open(
      campaign_.wrap != nullptr ? campaign_.wrap(std::move(directory)) : std::move(directory), options_);
  if (!store) {
    fail_with("open: " + describe(store.error()), &*disk_);
    return;
  }
  store_.emplace(std::move(*store));
}

void Scenario::act() {
  switch (rng_.below(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: append_one(); break;
    case 5:
    case 6: append_batch(); break;
    case 7:
    case 8: append_to_several(); break;
    case 9:
    case 10: append_slowly(); break;
    case 11: append_a_loser(); break;
    case 12: append_refused(); break;
    case 13:
    case 14: sync(); break;
    default: close_and_reopen(); break;
  }
}

std::vector<StoredEvent> Scenario::make_frame(std::size_t streams, std::size_t events) {
  std::vector<StoredEvent> frame;
  const std::uint64_t first = rng_.below(kStreams);
  for (std::size_t i = 0; i < streams; ++i) {
    for (std::size_t n = 0; n < events; ++n) {
      std::size_t size = rng_.below(300);
      if (rng_.below(6) == 0) size = rng_.below(9'000);
      frame.emplace_back(seed_, ++serial_, stream_name((first + i) % kStreams), size);
    }
  }
  return frame;
}

namespace {

// A frame as arguments of an append; keep it where it is.
struct Arguments {
  explicit Arguments(std::vector<StoredEvent>& frame) {
    for (StoredEvent& event : frame) events.push_back(event.as_new());
    for (std::size_t from = 0; from < frame.size();) {
      std::size_t to = from;
      while (to < frame.size() && frame[to].stream == frame[from].stream) ++to;
      streams.push_back({.stream = frame[from].stream, .events = std::span(events).subspan(from, to - from)});
      from = to;
    }
  }
  std::vector<NewEvent> events;
  std::vector<StreamAppend> streams;
};

}  // namespace

void Scenario::append(std::vector<StoredEvent> frame, bool in_steps) {
  Arguments arguments(frame);
  for (StreamAppend& stream : arguments.streams) {
    const Version version = history_.version(stream.stream);
    const std::array<Expect, 3> right{Expect::any(), Expect::exactly(version),
                                      version == 0 ? Expect::no_stream() : Expect::exists()};
    stream.expect = right[rng_.below(right.size())];
  }
  // Some under conditions that hold: of nothing newer, and of something that never is.
  std::vector<AppendCondition> conditions;
  if (rng_.below(3) == 0) conditions.push_back({.after = history_.events().size()});
  if (rng_.below(3) == 0) conditions.push_back({.fail_if = Query::tag(std::string(rng_.below(200), 'x') + "never")});
  if (rng_.below(4) == 0) arguments.streams.push_back({.stream = "never", .expect = Expect::no_stream()});
  campaign_.conditional += conditions.empty() ? 0 : 1;
  constexpr std::array kDurabilities{Durability::memory, Durability::sync};
  const Durability durability = in_steps ? Durability::memory : kDurabilities[rng_.below(2)];
  const std::size_t before = history_.events().size();
  history_.attempt(frame);
  ++campaign_.appends;

  Result<Appended> appended;
  if (in_steps) {
    // Takes an image after each step, too: what a power cut in the middle of an append leaves.
    appended = append_in_steps(*store_, arguments.streams, conditions, [this](log::Step) {
      disk_->observe();
      take_images(doing_, 1);
    });
  } else {
    appended = store_->append(arguments.streams, conditions, {.durability = durability});
  }
  if (!appended) {
    fail_with("append: " + describe(appended.error()), nullptr);
    return;
  }
  if (appended->first_position != before + 1) {
    fail_with("position " + std::to_string(appended->first_position) + " instead of " + std::to_string(before + 1),
              nullptr);
  }
  history_.publish();
  if (durability == Durability::sync) history_.sync();
  campaign_.events += frame.size();
}

void Scenario::append_one() {
  doing_ = "append";
  append(make_frame(1, 1), false);
}

void Scenario::append_batch() {
  doing_ = "append a batch";
  append(make_frame(1, 2 + rng_.below(6)), false);
}

void Scenario::append_to_several() {
  doing_ = "append to several streams";
  append(make_frame(2 + rng_.below(3), 1 + rng_.below(2)), false);
}

void Scenario::append_slowly() {
  doing_ = "append in steps";
  append(make_frame(1 + rng_.below(2), 1 + rng_.below(3)), true);
}

// Loses a race that it had won when it looked: the frame is in the log, rejected.
void Scenario::append_a_loser() {
  doing_ = "append and lose a race";
  std::vector<StoredEvent> frame = make_frame(1, 1);
  Arguments arguments(frame);
  std::vector<AppendCondition> conditions;
  if (rng_.coin()) {
    arguments.streams[0].expect = Expect::exactly(history_.version(frame[0].stream));
  } else {
    conditions.push_back({Query::stream(frame[0].stream), history_.events().size()});
  }
  const Errc expected = conditions.empty() ? Errc::wrong_version : Errc::condition_failed;
  std::vector<StoredEvent> winner;
  winner.emplace_back(seed_, ++serial_, frame[0].stream, rng_.below(100));
  const auto appended = append_in_steps(*store_, arguments.streams, conditions, [&](log::Step step) {
    if (step == log::Step::begun) {
      auto hook = std::exchange(SteppedEnv::hook, nullptr);
      append(std::move(winner), false);
      SteppedEnv::hook = std::move(hook);
    }
    take_images(doing_, 1);
  });
  if (appended || appended.error().code != expected) fail_with("the loser of a race was not refused", nullptr);
  ++campaign_.rejected_frames;
}

void Scenario::append_refused() {
  doing_ = "append and be refused";
  std::vector<StoredEvent> frame = make_frame(2, 1);
  Arguments arguments(frame);
  arguments.streams[1].expect = Expect::exactly(history_.version(frame[1].stream) + 1);
  const auto appended = store_->append(arguments.streams);
  if (appended || appended.error().code != Errc::wrong_version || appended.error().index != 1) {
    fail_with("a wrong version was not refused", nullptr);
  }
}

void Scenario::sync() {
  doing_ = "sync";
  if (const auto synced = store_->sync(); !synced) fail_with("sync: " + describe(synced.error()), nullptr);
  history_.sync();
}

void Scenario::close_and_reopen() {
  doing_ = "close";
  if (const auto closed = store_->close(); !closed) {
    fail_with("close: " + describe(closed.error()), nullptr);
    return;
  }
  history_.sync();
  take_images("closed", campaign_.images_per_point);
  store_.reset();
  ++campaign_.reopened;
  open();
  if (failed()) return;
  if (store_->recovery().unclean) fail_with("a clean close was not seen", &*disk_);
  if (store_->published_position() != history_.events().size()) fail_with("events after a clean close", &*disk_);
}

void Scenario::crash_and_reopen() {
  check_images();
  if (failed()) return;
  ++campaign_.crashes;
  const bool kill = rng_.below(3) == 0;
  const CrashPolicy policy = kCrashPolicies[rng_.below(kCrashPolicies.size())];
  doing_ = std::string("go on after ") + (kill ? "SIGKILL" : name(policy));
  const std::size_t least = kill ? history_.before().published : history_.before().durable;
  SimDisk after = kill ? disk_->kill() : disk_->crash(rng_, policy);
  disk_->faults().before_each_call({});
  store_.reset();   // on the disk that was
  images_.clear();  // taken while the old store was going; its threads are gone
  disk_.emplace(std::move(after));
  const SimDisk kept = disk_->kill();
  // No hook while recovery runs: how much survives is not known yet.
  auto directory = disk_->open();
  auto store = StoreAccess::open(
      campaign_.wrap != nullptr ? campaign_.wrap(std::move(directory)) : std::move(directory), options_);
  if (!store) {
    fail_with("false alarm: " + describe(store.error()), &kept);
    return;
  }
  const std::size_t left = store->published_position();
  if (left < least || left > history_.events().size()) {
    fail_with(std::to_string(left) + " events are left of " + std::to_string(least), &kept);
    return;
  }
  history_.truncate(left);
  campaign_.segments = std::max<std::uint64_t>(campaign_.segments, store->info()->segments.size());
  if (const auto closed = store->close(); !closed) fail_with("close: " + describe(closed.error()), &kept);
  store = fail({});
  open();
}

Scenario::Image Scenario::take_image(Rng& rng, const std::string& how) {
  const bool killed = rng.below(8) == 0;
  const CrashPolicy policy = kCrashPolicies[rng.below(kCrashPolicies.size())];
  const History::Bounds bounds = history_.before();
  SimDisk image = killed ? disk_->kill() : disk_->crash(rng, policy);
  return {std::move(image), history_.after(bounds), killed, how + ", " + (killed ? "SIGKILL" : name(policy))};
}

void Scenario::take_images(const std::string& how, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    Image image = take_image(rng_, how);
    const std::scoped_lock lock(images_mutex_);
    images_.push_back(std::move(image));
  }
}

void Scenario::check_images() {
  std::vector<Image> images;
  {
    const std::scoped_lock lock(images_mutex_);
    images.swap(images_);
  }
  for (const Image& image : images) {
    if (failed()) return;
    check(image);
  }
}

void Scenario::check(const Image& image) {
  const Expected expected{&history_, image.killed ? image.bounds.published : image.bounds.durable,
                          image.bounds.attempted};
  ++campaign_.images;
  if (image.killed) ++campaign_.killed;
  const SimDisk work = image.disk.kill();
  Verdict verdict;
  const std::uint64_t how = rng_.below(64);
  if (how == 0) {
    ++campaign_.opened;
    verdict = open_and_compare(work, expected, options_);
  } else if (how == 1) {
    const std::uint64_t before = campaign_.images;
    // What SIGKILL leaves is not durable; a crash of its recovery may still lose that.
    Expected then = expected;
    then.least = image.bounds.durable;
    verdict = crash_while_recovering(work, then, rng_, campaign_.images);
    campaign_.in_recovery += campaign_.images - before;
  } else if (how % 4 == 3) {
    ++campaign_.tails;
    verdict = recover_tail_and_compare(work, expected);
  } else {
    verdict = recover_and_compare(work, expected);
  }
  if (verdict.events < image.bounds.attempted) ++campaign_.cut;
  if (verdict.violation) fail_with(image.how + ": " + *verdict.violation, &image.disk);
}

void Scenario::fail_with(const std::string& text, const SimDisk* disk) {
  if (failed()) return;
  campaign_.violation = "seed " + std::to_string(seed_) + ", after " + std::to_string(history_.events().size()) +
                        " events, " + doing_ + ": " + text;
  if (disk == nullptr || !campaign_.keep_image) return;
  const char* const temporary = std::getenv("TMPDIR");
  const std::string directory =
      std::string(temporary == nullptr ? "/tmp" : temporary) + "/daybook-crash-" + std::to_string(seed_);
  dump(*disk, directory);
  *campaign_.violation += "; the image is in " + directory;
}

}  // namespace daybook::test
