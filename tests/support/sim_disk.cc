#include "support/sim_disk.h"

#include <algorithm>
#include <compare>
#include <utility>

#include "support/sim_state.h"

namespace daybook::test {
namespace {

using Outcomes = std::vector<std::size_t>;

// One change of one thing.
struct Event {
  SimTime when;
  std::size_t item;
  friend auto operator<=>(const Event&, const Event&) = default;
};

// Changes in the order in which they were made.
std::vector<Event> in_order(const SimUndecided& undecided) {
  std::vector<Event> events;
  for (std::size_t i = 0; i < undecided.size(); ++i) {
    for (const SimTime when : undecided.times(i)) events.push_back({when, i});
  }
  std::ranges::sort(events);
  return events;
}

Outcomes newest_of(const SimUndecided& undecided) {
  Outcomes outcomes;
  for (std::size_t i = 0; i < undecided.size(); ++i) outcomes.push_back(undecided.times(i).size());
  return outcomes;
}

Outcomes up_to_a_moment(const SimUndecided& undecided, Rng& rng) {
  Outcomes outcomes(undecided.size());
  const auto events = in_order(undecided);
  const std::uint64_t cut = rng.below(events.size() + 1);
  for (std::size_t i = 0; i < cut; ++i) ++outcomes[events[i].item];
  return outcomes;
}

Outcomes from_a_moment_on(const SimUndecided& undecided, Rng& rng) {
  Outcomes outcomes(undecided.size());
  const auto events = in_order(undecided);
  for (std::size_t i = rng.below(events.size() + 1); i < events.size(); ++i) {
    outcomes[events[i].item] = undecided.times(events[i].item).size();
  }
  return outcomes;
}

Outcomes choose(const SimUndecided& undecided, Rng& rng, CrashPolicy policy) {
  Outcomes outcomes(undecided.size());
  if (outcomes.empty()) return outcomes;
  switch (policy) {
    case CrashPolicy::all_old: break;
    case CrashPolicy::all_new: return newest_of(undecided);
    case CrashPolicy::prefix: return up_to_a_moment(undecided, rng);
    case CrashPolicy::reversed: return from_a_moment_on(undecided, rng);
    case CrashPolicy::single_lost: {
      outcomes = newest_of(undecided);
      const std::uint64_t item = rng.below(outcomes.size());
      outcomes[item] = rng.below(outcomes[item]);
      break;
    }
    case CrashPolicy::single_kept: {
      const std::uint64_t item = rng.below(outcomes.size());
      outcomes[item] = 1 + rng.below(undecided.times(item).size());
      break;
    }
    case CrashPolicy::uniform:
    case CrashPolicy::garbage_in_flight:
      for (std::size_t i = 0; i < outcomes.size(); ++i) outcomes[i] = rng.below(undecided.times(i).size() + 1);
      break;
  }
  return outcomes;
}

// A sector whose write was under way: noise from the first to the last byte that differ from the durable ones. The bytes
// around them were being written, too, but with what they were; most disks do not harm those.
std::optional<std::pair<std::size_t, SimFileData::Sector>> garbage(const SimUndecided& undecided, Rng& rng) {
  std::vector<std::size_t> sectors;
  for (std::size_t i = 0; i < undecided.size(); ++i) {
    if (undecided.is_sector(i)) sectors.push_back(i);
  }
  if (sectors.empty()) return std::nullopt;
  const std::size_t item = sectors[rng.below(sectors.size())];
  SimFileData::Sector bytes = undecided.sector(item, 0);
  const SimFileData::Sector after = undecided.sector(item, 1 + rng.below(undecided.times(item).size()));
  const auto differs = [&](std::size_t i) { return bytes[i] != after[i]; };
  std::size_t first = 0;
  std::size_t last = bytes.size();
  while (first < last && !differs(first)) ++first;
  while (last > first && !differs(last - 1)) --last;
  for (std::size_t i = first; i < last; ++i) bytes[i] = static_cast<std::byte>(rng.next());
  return std::pair(item, bytes);
}

void adopt_files(SimState& state, const SimDirData& directory) {
  for (const auto& [name, node] : directory.newest) {
    if (node.file) state.adopt(node.file);
    if (node.directory) adopt_files(state, *node.directory);
  }
}

std::shared_ptr<SimState> state_with(const SimState& before, std::shared_ptr<SimDirData> root) {
  auto state = std::make_shared<SimState>();
  state->root = std::move(root);
  state->clock = before.clock;
  state->next_id = before.next_id;
  state->capacity = before.capacity;
  adopt_files(*state, *state->root);
  return state;
}

// The file at `path`, by the names that are in memory or by those on the disk.
std::shared_ptr<SimFileData> find(const SimDirData& root, std::string_view path, SimNames SimDirData::*names) {
  const SimDirData* directory = &root;
  for (;;) {
    const auto slash = path.find('/');
    const auto it = (directory->*names).find(path.substr(0, slash));
    if (it == (directory->*names).end()) return nullptr;
    if (slash == std::string_view::npos) return it->second.file;
    if (!it->second.directory) return nullptr;
    directory = it->second.directory.get();
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

const char* name(CrashPolicy policy) noexcept {
  switch (policy) {
    case CrashPolicy::all_old: return "all_old";
    case CrashPolicy::all_new: return "all_new";
    case CrashPolicy::uniform: return "uniform";
    case CrashPolicy::prefix: return "prefix";
    case CrashPolicy::reversed: return "reversed";
    case CrashPolicy::single_lost: return "single_lost";
    case CrashPolicy::single_kept: return "single_kept";
    case CrashPolicy::garbage_in_flight: return "garbage_in_flight";
  }
  return "?";
}

SimDisk::SimDisk() : state_(std::make_shared<SimState>()) {}
SimDisk::SimDisk(std::shared_ptr<SimState> state) noexcept : state_(std::move(state)) {}
SimDisk::SimDisk(SimDisk&&) noexcept = default;
SimDisk& SimDisk::operator=(SimDisk&&) noexcept = default;
SimDisk::~SimDisk() = default;

std::unique_ptr<io::Directory> SimDisk::open() const { return open_sim_directory(state_, state_->root); }

IoFaults& SimDisk::faults() const noexcept { return *state_->faults; }

void SimDisk::fail_at(std::uint64_t n, int error_number, Repeat repeat) const {
  state_->faults->add({.nth = n, .error_number = error_number, .repeat = repeat});
}

void SimDisk::set_capacity(std::uint64_t bytes) const {
  const std::scoped_lock lock(state_->mutex);
  state_->capacity = bytes;
}

void SimDisk::observe() const {
  const std::scoped_lock lock(state_->mutex);
  state_->observe();
}

SimDisk SimDisk::crash(Rng& rng, CrashPolicy policy) const {
  const std::scoped_lock lock(state_->mutex);
  state_->observe();
  const SimUndecided undecided(*state_->root);
  const Outcomes outcomes = choose(undecided, rng, policy);
  const auto noise = policy == CrashPolicy::garbage_in_flight ? garbage(undecided, rng) : std::nullopt;
  return SimDisk(state_with(*state_, undecided.decide(outcomes, noise)));
}

std::vector<std::size_t> SimDisk::choices() const {
  const std::scoped_lock lock(state_->mutex);
  state_->observe();
  std::vector<std::size_t> choices = newest_of(SimUndecided(*state_->root));
  for (std::size_t& outcomes : choices) ++outcomes;
  return choices;
}

SimDisk SimDisk::crash_with(std::span<const std::size_t> picks) const {
  const std::scoped_lock lock(state_->mutex);
  state_->observe();
  const SimUndecided undecided(*state_->root);
  return SimDisk(state_with(*state_, undecided.decide(picks, std::nullopt)));
}

SimDisk SimDisk::kill() const {
  const std::scoped_lock lock(state_->mutex);
  state_->observe();
  return SimDisk(state_with(*state_, copy_tree(*state_->root)));
}

std::optional<std::vector<std::byte>> SimDisk::newest(std::string_view path) const {
  const std::scoped_lock lock(state_->mutex);
  const auto file = find(*state_->root, path, &SimDirData::newest);
  if (!file) return std::nullopt;
  return file->newest_bytes();
}

std::optional<std::vector<std::byte>> SimDisk::durable(std::string_view path) const {
  const std::scoped_lock lock(state_->mutex);
  const auto file = find(*state_->root, path, &SimDirData::durable);
  if (!file) return std::nullopt;
  return file->durable_bytes();
}

std::vector<std::vector<std::byte>> SimDisk::versions(std::string_view path, std::uint32_t sector) const {
  const std::scoped_lock lock(state_->mutex);
  state_->observe();
  std::vector<std::vector<std::byte>> versions;
  const auto file = find(*state_->root, path, &SimDirData::newest);
  if (!file) return versions;
  const auto durable = file->durable_sector(sector);
  versions.emplace_back(durable.begin(), durable.end());
  const auto it = file->pending().find(sector);
  if (it == file->pending().end()) return versions;
  for (const auto& version : it->second.versions) versions.emplace_back(version.bytes.begin(), version.bytes.end());
  return versions;
}

bool SimDisk::overwrite(std::string_view path, std::uint64_t offset, std::span<const std::byte> bytes) const {
  const std::scoped_lock lock(state_->mutex);
  state_->observe();
  const auto file = find(*state_->root, path, &SimDirData::newest);
  if (!file || offset > file->size() || bytes.size() > file->size() - offset) return false;
  file->overwrite(offset, bytes);
  return true;
}

}  // namespace daybook::test
