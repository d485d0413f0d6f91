#include "support/sim_state.h"

#include <algorithm>
#include <utility>

namespace daybook::test {

void SimNameChange::apply(SimNames& names) const {
  if (kind == Kind::add) {
    names[name] = node;
    return;
  }
  const auto it = names.find(name);
  if (it != names.end() && it->second == node) names.erase(it);
  if (kind == Kind::move) names[to] = node;
}

void SimDirData::change(SimNameChange change) {
  change.apply(newest);
  pending.push_back(std::move(change));
}

void SimDirData::sync() {
  for (auto change = pending.begin(); change != pending.end(); ++change) {
    if (change->abandoned) continue;
    change->apply(durable);
    // What a failed sync left in the air for the same names is overtaken: the directory is written as it is now.
    for (auto before = pending.begin(); before != change; ++before) {
      if (before->touches(change->name) || (!change->to.empty() && before->touches(change->to)))
        before->overtaken = true;
    }
  }
  std::erase_if(pending, [](const SimNameChange& change) { return !change.abandoned || change.overtaken; });
}

void SimDirData::fail_sync() {
  for (SimNameChange& change : pending) change.abandoned = true;
}

void SimState::observe() {
  ++clock;
  std::erase_if(files, [&](const std::weak_ptr<SimFileData>& weak) {
    const auto file = weak.lock();
    if (file) file->observe(clock);
    return !file;
  });
}

std::shared_ptr<SimFileData> SimState::make_file() {
  auto file = std::make_shared<SimFileData>(next_id++);
  adopt(file);
  return file;
}

namespace {

std::uint64_t allocated_below(const SimDirData& directory) {
  std::uint64_t bytes = 0;
  for (const auto& [name, node] : directory.newest) {
    bytes += node.directory ? allocated_below(*node.directory) : node.file->allocated();
  }
  return bytes;
}

}  // namespace

bool SimState::has_room(std::uint64_t bytes) const {
  return !capacity || bytes == 0 || allocated_below(*root) + bytes <= *capacity;
}

SimCall::SimCall(SimState& state, IoCall call) : hit(state.faults->on_call(call)), lock(state.mutex) {
  state.observe();
}

namespace {

class TreeCopier {
 public:
  std::shared_ptr<SimDirData> copy(const SimDirData& from) {
    if (const auto it = directories_.find(&from); it != directories_.end()) return it->second;
    auto to = std::make_shared<SimDirData>();
    directories_.emplace(&from, to);
    for (const auto& [name, node] : from.newest) to->newest.emplace(name, copy(node));
    for (const auto& [name, node] : from.durable) to->durable.emplace(name, copy(node));
    for (const SimNameChange& change : from.pending) {
      to->pending.push_back(change);
      to->pending.back().node = copy(change.node);
    }
    return to;
  }

 private:
  SimNode copy(const SimNode& node) {
    if (node.directory) return {nullptr, copy(*node.directory)};
    auto& file = files_[node.file.get()];
    if (!file) file = node.file->copy();
    return {file, nullptr};
  }

  std::map<const SimDirData*, std::shared_ptr<SimDirData>> directories_;
  std::map<const SimFileData*, std::shared_ptr<SimFileData>> files_;
};

}  // namespace

std::shared_ptr<SimDirData> copy_tree(const SimDirData& root) { return TreeCopier().copy(root); }

}  // namespace daybook::test
